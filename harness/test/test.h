// Defining tests. A test says, where it is defined, which clauses it judges:
//
//   IPC_TEST(MqSend, FailsWithEagainWhenFullAndNonblocking, clause::mq_send::err_eagain) { ... }
//
// and, in the same list, what else the runner must know: exclusive (runs alone), timeout_s(60),
// dangerous("reason"), regression::..., Claims are known without running the test.
// A table of cases is one body and one test per row:
//
//   struct Row { const char* name; Claims claims; int flags; int error; };
//   const Row kRows[] = {{"EmptyName", {clause::mq_open::err_einval}, ...}, ...};
//   IPC_TABLE_TEST(MqOpenErrors, Row, kRows) { EXPECT_THAT(CALL(...row.flags...),
//   Fails(row.error)); }
//
// One body over several kinds of object is IPC_TEST_P with GoogleTest's INSTANTIATE_TEST_SUITE_P.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/call.h"
#include "harness/core/context.h"
#include "harness/core/matchers.h"
#include "harness/peers/peer.h"
#include "spec/clause.h"
#include "spec/clauses.h"

namespace ipcsuite {

// What a test may claim in its list.
struct Exclusive {};
inline constexpr Exclusive exclusive{};
struct timeout_s {
  int seconds;
};
struct dangerous {
  const char* why;
};

struct Claim {
  enum What { kClause, kRegression, kExclusive, kTimeout, kDangerous };
  What what;
  int number = 0;
  const char* text = "";
  Claim(ClauseRef c) : what(kClause), number(c.index) {}          // NOLINT: implicit on purpose
  Claim(RegressionRef r) : what(kRegression), number(r.index) {}  // NOLINT
  Claim(Exclusive) : what(kExclusive) {}                          // NOLINT
  Claim(timeout_s t) : what(kTimeout), number(t.seconds) {}       // NOLINT
  Claim(dangerous d) : what(kDangerous), text(d.why) {}           // NOLINT
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
  int timeout_s = 30;
  std::string dangerous;  // why it runs only with --allow-dangerous; empty: harmless
};

// All tests that are linked in, by GoogleTest's full name ("Kinds/PipeIo.Name/fifo"). Valid after
// InitGoogleTest.
struct TestEntry {
  std::string name;
  const TestMeta* meta;
};
std::vector<TestEntry> AllTests();

// The fixture of every test of the suite.
class Test : public testing::Test {
 protected:
  // Hides testing::Test::Setup(), a trap for a misspelt SetUp(), so that bodies may call ours.
  static const CallResult& Setup(const CallResult& result) { return ::ipcsuite::Setup(result); }
};
template <typename T>
class TestWithParam : public Test, public testing::WithParamInterface<T> {};

namespace internal {

bool RegisterMeta(const std::string& name, const char* file, int line, const Claims& claims);

template <typename Row>
class TableTest : public Test {
 public:
  TableTest(const Row& row, void (*body)(const Row&)) : row_(row), body_(body) {}
  void TestBody() override { body_(row_); }

 private:
  const Row& row_;
  void (*body_)(const Row&);
};

template <typename Row, typename Rows>
bool RegisterTable(const char* suite, const char* file, int line, const Rows& rows,
                   void (*body)(const Row&)) {
  for (const Row& row : rows) {
    const std::string name = std::string(suite) + "." + row.name;
    RegisterMeta(name, file, line, row.claims);
    testing::RegisterTest(suite, std::string(row.name).c_str(), nullptr, nullptr, file, line,
                          [&row, body]() -> Test* { return new TableTest<Row>(row, body); });
  }
  return std::begin(rows) != std::end(rows);
}

}  // namespace internal

#define IPC_REGISTER_(suite, name, ...)                                   \
  [[maybe_unused]] static const bool ipc_registered_##suite##_##name##_ = \
      ::ipcsuite::internal::RegisterMeta(#suite "." #name, __FILE__, __LINE__, {__VA_ARGS__})

#define IPC_TEST(suite, name, ...)         \
  IPC_REGISTER_(suite, name, __VA_ARGS__); \
  GTEST_TEST_(suite, name, ::ipcsuite::Test, ::testing::internal::GetTypeId<::ipcsuite::Test>())

// With a fixture, derived from ipcsuite::Test.
#define IPC_TEST_F(fixture, name, ...)       \
  IPC_REGISTER_(fixture, name, __VA_ARGS__); \
  TEST_F(fixture, name)

// With a fixture derived from ipcsuite::TestWithParam<T>.
#define IPC_TEST_P(fixture, name, ...)       \
  IPC_REGISTER_(fixture, name, __VA_ARGS__); \
  TEST_P(fixture, name)

// One test per row of `rows` (a static array or vector of `Row`, defined before in the same file).
#define IPC_TABLE_TEST(suite, Row, rows)                                         \
  static void ipc_table_##suite##_(const Row& row);                              \
  [[maybe_unused]] static const bool ipc_registered_table_##suite##_ =           \
      ::ipcsuite::internal::RegisterTable<Row>(#suite, __FILE__, __LINE__, rows, \
                                               &ipc_table_##suite##_);           \
  static void ipc_table_##suite##_([[maybe_unused]] const Row& row)

}  // namespace ipcsuite
