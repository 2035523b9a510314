// Which tests and clauses a command is about: the same options mean the same for `run` and `list`,
// and the clauses that a run is measured by are those of its selection.
#pragma once

#include <CLI/CLI.hpp>

#include <vector>

#include "harness/runner/runner.h"
#include "spec/clause.h"

namespace ipcsuite::cli {

// --suite, --about, --clause, --filter, --issue.
void AddSelection(CLI::App& app, RunnerOptions& options);

// Names that select nothing are mistakes: a gate that judged nothing would be green. -1 to go on,
// or the exit status after one line.
int CheckSelection(const RunnerOptions& options);

// Whether the options leave out tests (shards are another matter).
bool IsPartial(const RunnerOptions& options);

// The clauses that the selection is about: those that the patterns and words name; of suites, all
// clauses; of selected tests, the clauses that they claim. All if nothing is left out.
std::vector<ClauseRef> SelectedClauses(const RunnerOptions& options);

// "8 tests of props also judge these clauses: ..." of a selection by suite; "" if there are none.
std::string LeftOut(const RunnerOptions& options);

}  // namespace ipcsuite::cli
