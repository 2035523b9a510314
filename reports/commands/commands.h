// The subcommands of ipcsuite that work from result files alone. Each takes its arguments without
// program and command name, prints errors as one line on standard error, and returns the exit
// status (docs/verdicts.md).
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace ipcsuite::report {

// ipcsuite report RESULTS.json|RESULTS.jsonl|- [--format F,...] [--out PATH] [--expect FILE]
//     [--baseline OLD.json] [--require NAME,...] [--fail-on NAME,...]
int ReportMain(int argc, char** argv);

// ipcsuite compare A.json B.json [...] [--format F] [--html FILE] [--out PATH]
//     [--fail-on regressions,lost-coverage,findings,any-difference,nothing]
int CompareMain(int argc, char** argv);

// ipcsuite merge A.json B.json [...] --out MERGED.json
int MergeMain(int argc, char** argv);

// Which tests exist, for `expectations check`: this folder knows only results.
void SetTestNames(std::function<std::vector<std::string>()> names);

// ipcsuite expectations update RESULTS.json [--expect FILE]
// ipcsuite expectations check FILE...
// ipcsuite expectations list [--expect FILE]
int ExpectationsMain(int argc, char** argv);

}  // namespace ipcsuite::report
