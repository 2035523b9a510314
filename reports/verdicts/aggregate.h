// From the results of tests to the verdicts of clauses, and to the verdict of the run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "reports/results/model.h"

namespace ipcsuite::report {

// Kinds whose outcome POSIX leaves open (may-error, should, unspecified, implementation-defined):
// what was seen is recorded, and nothing that was seen can be a violation of them by itself.
bool IsOpenKind(std::string_view kind);

// Fills verdict, reason, tests, observations and confidence of each clause from the tests.
//
// catalogue: clauses with the fields of the spec table set (id ... issues, untestable); see
//     CatalogueClauses() in reports/catalogue.h.
// issue: 7 or 8; clauses of the other one become NOTINUSE.
//
// A test that claims several clauses passes those for which it made a check (TestRecord::checks);
// the others are not decided by it. A violated clause that is an open question of the standard
// (other readings, or unread) is DISPUTED.
//
// A FAIL is charged to the clause that each failure names. The other claims of that test were not
// decided by it (it may have stopped early), so they are UNTESTED unless another test judges them.
// Disposition becomes "tested" or "observed" if a test claims the clause, else "untestable" (a
// reason is given) or "untested". Claims that name no clause of the catalogue are ignored.
std::vector<ClauseRecord> AggregateClauses(std::vector<ClauseRecord> catalogue,
                                           const std::vector<TestRecord>& tests, int issue);

// Counts, the verdict in one sentence, and the exit status that findings alone ask for: 1 for FAIL,
// XPASS or FLAKY of a test; 3 if verdicts are missing: UNRESOLVED that neither the surroundings nor
// an expectation explain, an interrupted run, or nothing judged; 0 otherwise. judge.h does the
// rest.
Summary Summarize(const Run& run);

// run.clauses from `catalogue`, then run.summary: what a caller does after the last test.
void Finish(std::vector<ClauseRecord> catalogue, Run& run);

// A shard with no test of a suite that has fewer tests than shards: nothing is wrong with it.
bool IsEmptyShard(const Run& run);

// A clause of a judged run becomes one of the catalogue again.
void WithoutVerdict(ClauseRecord& clause);

// Shards or suites of one run, made on one platform: tests and environment sections joined, clauses
// merged by Merge(), summary made anew. An error on clashing test names or different issues. Shards
// that are missing make the whole INCOMPLETE and are named. `runs` must not be empty.
Result<Run> MergeRuns(const std::vector<Run>& runs);

// "POSIX.1-2024 (Issue 8)" or "POSIX.1-2017 (Issue 7)".
std::string IssueName(int issue);

}  // namespace ipcsuite::report
