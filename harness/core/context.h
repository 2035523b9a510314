// The running test as code of the harness sees it: its slot of the arena, and what may be recorded.
// All functions work in peers (forked children and threads) too, since they write to the arena.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/random.h"
#include "harness/core/arena.h"
#include "reports/results/model.h"
#include "spec/clause.h"

namespace ipcsuite {

// The slot of the test that this process belongs to; null outside of a test.
Slot* CurrentSlot();
// The calling thread's actor; null when nobody observes this thread.
Actor* CurrentActor();
// The run's header; null outside of a run.
RunHeader* CurrentRun();

void SetCurrentRun(RunHeader* header);
void SetCurrentSlot(Slot* slot);
void SetCurrentActor(Actor* actor);

// Which issue of POSIX.1 the run judges for: 7 (2017) or 8 (2024).
int JudgedIssue();
// The test's seed: a hash of the run's seed and the test's name, so that filters don't shift it.
std::uint64_t TestSeed();

// Ends the test (or the peer) without a failure of the platform. Thrown after the outcome is noted.
struct TestAbort : std::exception {
  const char* what() const noexcept override { return "ipcsuite: test ended early"; }
};
// An option, privilege or interface is absent: the reason is shown to the user.
[[noreturn]] void Unsupported(const std::string& reason);
// Set-up failed; no verdict could be earned. Say what the user can do about it.
[[noreturn]] void Unresolved(const std::string& reason);
// Ends the test as UNRESOLVED unless the set-up call succeeded; returns its result.
const CallResult& Setup(const CallResult& result);

// The condition of the clause never came about, so that nothing was decided: no one interrupted the
// call, no limit was met. Ends the test as UNTESTED unless a check failed before.
[[noreturn]] void Untested(const std::string& reason);

// Checks inside the life of this object are made for one clause; others for the first that the test
// claims, its subject. A test passes only the clauses for which it made a check. Failures inside
// are charged to this clause alone, others to all that the test claims.
class ForClause {
 public:
  explicit ForClause(ClauseRef clause);
  ~ForClause();
  ForClause(const ForClause&) = delete;
  ForClause& operator=(const ForClause&) = delete;

 private:
  std::string_view outer_;
};
// Id of the clause in whose scope the calling thread is; empty outside.
std::string_view ScopedClause();

// Records a value seen where the clause leaves the outcome open. Of a requirement it is a note only
// and not a check.
void Observe(ClauseRef clause, std::string_view key, std::string_view value);
void Observe(ClauseRef clause, std::string_view key, std::int64_t value);
template <typename T>
requires std::is_integral_v<T>
void Observe(ClauseRef clause, std::string_view key, T value) {
  Observe(clause, key, static_cast<std::int64_t>(value));
}
// Records how a call ended (success or errno name) as the observed outcome.
void Observe(ClauseRef clause, std::string_view key, const CallResult& result);
// A fact worth comparing that belongs to no clause.
void ObserveFact(std::string_view key, std::string_view value);

// A measured figure; the unit is the last part of the name (latency_ns_max).
void RecordMetric(std::string_view name, double value, const std::vector<double>& samples = {});
// A line of evidence for the drill-down.
void Evidence(std::string_view text);
// kind: "text", "svg", "json".
void Attach(std::string_view kind, std::string_view title, std::string_view content);
// Says that something was checked without a matcher of the harness (a property's model, a loop of
// comparisons); a test that never checked anything is UNTESTED.
void NoteChecks(unsigned count = 1);
// The same for checks that each decide one more clause, or everything that the test claims (a model
// that holds every outcome against all of its rules).
void NoteChecksOf(ClauseRef clause, unsigned count = 1);
void NoteChecksOfAll(unsigned count = 1);
// Records a violated check (what EXPECT_THAT does through GoogleTest) from code that must not use
// GoogleTest: properties, stress.
void RecordFailure(std::string_view clause, std::string_view file, int line,
                   std::string_view expected, std::string_view observed, std::string_view message);

}  // namespace ipcsuite
