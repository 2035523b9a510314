// What is known of each test without running it: its claims, and where it is defined.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/clause.h"

namespace ipcsuite {

// What a test may claim in its list.
struct Exclusive {};
inline constexpr Exclusive exclusive{};
// Judges whether the platform has what it claims to have: runs even where the suite's probe finds
// the interface absent, which makes the other tests UNSUPPORTED.
struct Promise {};
inline constexpr Promise promise{};
struct timeout_s {
  explicit constexpr timeout_s(int limit) : seconds(limit) {}
  int seconds;
};
struct dangerous {
  explicit constexpr dangerous(const char* reason) : why(reason) {}
  const char* why;
};

struct Claim {
  enum What { kClause, kRegression, kExclusive, kPromise, kTimeout, kDangerous };
  What what;
  int number = 0;         // of seconds
  std::string_view text;  // the id of the clause or regression, or why it is dangerous
  Claim(ClauseRef c) : what(kClause), text(c.id) {}          // NOLINT: implicit on purpose
  Claim(RegressionRef r) : what(kRegression), text(r.id) {}  // NOLINT
  Claim(Exclusive) : what(kExclusive) {}                     // NOLINT
  Claim(Promise) : what(kPromise) {}                         // NOLINT
  Claim(timeout_s t) : what(kTimeout), number(t.seconds) {}  // NOLINT
  Claim(dangerous d) : what(kDangerous), text(d.why) {}      // NOLINT
};
using Claims = std::vector<Claim>;

// What the runner knows of a test without running it.
struct TestMeta {
  std::string name;   // as defined: "Suite.Name"; parameterized instances share it
  std::string suite;  // the folder: suites/pipe/... -> "pipe", props/... -> "props"
  std::string file;   // relative to the source tree
  int line = 0;
  std::vector<ClauseRef> clauses;
  std::vector<RegressionRef> regressions;
  bool exclusive = false;
  bool promise = false;
  int timeout_s = 30;
  std::string dangerous;  // why it runs only with --allow-dangerous; empty: harmless
};

// Notes what a test claims; `name` is as in TestMeta, `file` as in __FILE__. Returns true.
namespace internal {
bool RegisterMeta(const std::string& name, const char* file, int line, const Claims& claims);
}  // namespace internal

// All tests that are linked in, by GoogleTest's full name ("Kinds/PipeIo.Name/fifo"). Valid after
// InitGoogleTest.
struct TestEntry {
  std::string name;
  const TestMeta* meta;
};
std::vector<TestEntry> AllTests();

}  // namespace ipcsuite
