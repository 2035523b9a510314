// The subcommands of ipcsuite that work from result files alone. Each takes its arguments without
// program and command name, prints errors as one line on standard error, and returns the exit
// status: 0, 1 (a gate is red), 2 (usage, unreadable input, unwritable output).
#pragma once

namespace ipcsuite::report {

// ipcsuite report RESULTS.json [--format F,...] [--out PATH]
int ReportMain(int argc, char** argv);

// ipcsuite compare A.json B.json [...] [--format F] [--html FILE] [--out PATH]
//     [--fail-on regressions|any-difference|nothing]
int CompareMain(int argc, char** argv);

// ipcsuite merge A.json B.json [...] --out MERGED.json
int MergeMain(int argc, char** argv);

// ipcsuite expectations update RESULTS.json [--expect FILE]
// ipcsuite expectations check FILE...
// ipcsuite expectations list [--expect FILE]
int ExpectationsMain(int argc, char** argv);

}  // namespace ipcsuite::report
