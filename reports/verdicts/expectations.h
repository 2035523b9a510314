// Expectations: known deviations of a platform, each with its reason, so that a gate can be green
// while the deviation stays a visible FAIL of the platform (XFAIL in the report).
//
// A file is JSON with // and /* */ comments allowed:
//
//     {"expectations": [{
//       "id": "linux-mq-invalid-abstime-before-eagain",    // unique
//       "tests": ["MqTimedAndNonblockingWithInvalidNsec.*"],  // patterns with * and ?; and/or
//       "clauses": ["mq_timedsend.timeout.nonblock_like_mq_send"],
//       "condition": {                                // all must hold; leave out what matters not
//         "os": "Linux", "kernel": ">=2.6.6 <7", "libc": "glibc", "libc_version": "<2.40",
//         "arch": "x86_64|aarch64", "bits": "32", "container": "none|docker|gvisor", "emulator":
//         "none|qemu-user", "privilege": "!CAP_SYS_ADMIN"
//       },
//       "expected": "FAIL",      // or "FLAKY": may fail or pass; "UNRESOLVED": may stay undecided
//       "reason": "the kernel judges tv_nsec before it checks whether the call must wait",
//       "link": "https://...", "review_by": "2027-12-31"
//     }]}
//
// An entry with only `tests` covers whatever fails in them, crashes and hangs included. With
// `clauses`, it covers only failures that are charged to those clauses: another failure of the same
// test stays FAIL, unless it is of an open question (Clause::open_question). An entry whose
// review_by date has passed covers nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "reports/results/model.h"

namespace ipcsuite::report {

// What conditions are tried against.
struct Facts {
  std::string os;            // uname sysname: "Linux"; "gVisor" inside of gVisor, whatever it says
  std::string kernel;        // uname release: "6.1.0-31-amd64"
  std::string arch;          // uname machine: "x86_64"
  std::string libc;          // "glibc", "musl"
  std::string libc_version;  // "2.36"; empty: unknown, and no version condition holds
  std::string container;     // "none", "docker", "podman", "lxc", "gvisor", "unknown", ...
  std::string bits;          // of a pointer in the program: "64", "32"
  std::string emulator = "none";          // of another machine's system calls: "qemu-user"
  std::vector<std::string> capabilities;  // effective ones: "CAP_SYS_ADMIN"
};

// From the facts of an environment card (keys "os", "kernel", "arch", "libc", "libc_version",
// "bits", "container", "emulator", "capabilities", in any section), as environment.h collects them.
Facts FactsOf(const std::vector<EnvironmentSection>& environment);

struct Expectation {
  std::string id;
  std::vector<std::string> tests, clauses;
  std::map<std::string, std::string> condition;
  std::string expected;  // "FAIL", "FLAKY" or "UNRESOLVED"
  std::string reason, link, review_by;
  std::string origin;  // file it was read from
  int line = 0;        // of its id in that file
};

// Parses one file and appends to *out; an id that is there already replaces the older entry, so
// that --expect FILE overrides a default. The error begins with `origin`.
Result<void> ParseExpectations(std::string_view text, const std::string& origin,
                               std::vector<Expectation>* out);

// Appends the entries of reports/verdicts/expectations/*.json, which are compiled in.
Result<void> DefaultExpectations(std::vector<Expectation>* out);

// Reads a file given by the user and appends it.
Result<void> ReadExpectations(const std::string& path, std::vector<Expectation>* out);

// The first part of the condition that does not hold, in words: "kernel is 6.1.0-31-amd64, not
// <6.1"; empty if all hold.
std::string UnmetCondition(const std::map<std::string, std::string>& condition, const Facts& facts);

struct ApplyOptions {
  std::string today;  // "2026-11-30"; empty: the clock's date, UTC
  bool whole = true;  // false: the run was filtered, see Apply()
};

// Marks tests: FAIL that is covered becomes XFAIL; UNRESOLVED that is expected stays UNRESOLVED,
// but is no longer red; PASS or OBSERVED where FAIL was expected becomes XPASS. An exact test name
// is judged alone. Entries that name tests by pattern or only by clause are judged as a group,
// since seldom does every test of a clause show the deviation: XPASS only if `whole` and none of
// the group failed. A FAIL that only an expired entry covers stays FAIL and says so in its
// evidence; likewise one that an entry of this system would cover, if its condition held. Each
// touched test gets its `expectation`.
void Apply(const std::vector<Expectation>& expectations, const Facts& facts,
           const ApplyOptions& options, std::vector<TestRecord>* tests);

// Undoes Apply(), so that other expectations can be applied.
void Unapply(std::vector<TestRecord>* tests);

// What is wrong with entries that ParseExpectations() takes: tests and clauses that do not exist,
// expired dates, placeholders for reasons. One line for each; empty: nothing. `tests`, `clauses`:
// all names that exist; empty `tests`: not known, and not looked at.
std::vector<std::string> Doubts(const std::vector<Expectation>& expectations,
                                const std::vector<std::string>& tests,
                                const std::vector<std::string>& clauses, const std::string& today);

// The date of the clock, UTC: "2026-11-30".
std::string Today();

// Stands in the reason of an entry that `expectations update` proposes.
inline constexpr const char* kNoReasonYet = "SAY WHY HERE";

// Glob with * and ?, anchored at both ends.
bool GlobMatches(std::string_view pattern, std::string_view text);

// <0, 0, >0 by the leading dotted numbers: "6.10-rc1" > "6.9", "6.1.0-31-amd64" == "6.1".
int CompareVersions(std::string_view a, std::string_view b);

}  // namespace ipcsuite::report
