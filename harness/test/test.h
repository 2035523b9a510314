// All that an author of tests includes, besides the constants of the clauses (spec/clauses/pipe.h
// and the like): calls and matchers, objects, peers, and the definition of tests.
//
// A test says, where it is defined, which clauses it judges:
//
// ```cpp test
// IPC_TEST(PipeCreate, MakesTwoEnds, clause::pipe::create_two_ends) {
//   int ends[2];
//   ASSERT_THAT(CALL(pipe(ends)), SucceedsWith(0));
//   const Fd reader(ends[0]), writer(ends[1]);
//   EXPECT_THAT(CALL(write(writer, "x", 1)), SucceedsWith(1));
// }
// ```
//
// and, in the same list, what else the runner must know: exclusive (runs alone), timeout_s(60),
// dangerous("reason"), promise (runs where the interface is absent too), regression::... Claims are
// known without running the test. It passes those clauses for which it made a check: in the scope
// of a ForClause, or outside of all scopes for the first clause of the list.
//
// A table of cases is one body and one test for each row:
//
// ```cpp test
// struct Row {
//   const char* name;
//   Claims claims;
//   int fd;
//   int error;
// };
// const Row kRows[] = {
//     {.name = "NeverOpen", .claims = {clause::pipe::write_ebadf}, .fd = -1, .error = EBADF},
// };
// IPC_TABLE_TEST(PipeWriteErrors, Row, kRows) {
//   EXPECT_THAT(CALL(write(row.fd, "x", 1)), Fails(row.error));
// }
// ```
//
// One body over several kinds of object is IPC_TEST_P with GoogleTest's INSTANTIATE_TEST_SUITE_P.
#pragma once

#include <gtest/gtest.h>

#include <iterator>
#include <string>

#include "harness/core/call.h"
#include "harness/core/context.h"
#include "harness/core/matchers.h"
#include "harness/core/names.h"
#include "harness/objects/privilege.h"
#include "harness/objects/queue_room.h"
#include "harness/objects/resources.h"
#include "harness/peers/exec.h"
#include "harness/peers/interrupt.h"
#include "harness/peers/peer.h"
#include "harness/peers/step.h"
#include "harness/test/registry.h"
#include "harness/test/suite_probe.h"

namespace ipcsuite {

// What tests call outside of CALL is in their trace too.
using namespace calls;  // NOLINT

// The fixture of every test of the suite.
class Test : public testing::Test {
 protected:
  // Hides testing::Test::Setup(), a trap for a misspelt SetUp(), so that bodies may call ours.
  static const CallResult& Setup(const CallResult& result) { return ::ipcsuite::Setup(result); }
};
template <typename T>
class TestWithParam : public Test, public testing::WithParamInterface<T> {};

namespace internal {

template <typename T>
bool Register(const char* suite, const char* name, const char* file, int line,
              const Claims& claims) {
  RegisterMeta(std::string(suite) + "." + name, file, line, claims);
  testing::RegisterTest(suite, name, nullptr, nullptr, file, line, []() -> Test* { return new T; });
  return true;
}

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

#define IPC_TEST(suite, name, ...)                                                             \
  class suite##_##name##_Test : public ::ipcsuite::Test {                                      \
    void TestBody() override;                                                                  \
  };                                                                                           \
  [[maybe_unused]] static const bool ipc_registered_##suite##_##name##_ =                      \
      ::ipcsuite::internal::Register<suite##_##name##_Test>(#suite, #name, __FILE__, __LINE__, \
                                                            {__VA_ARGS__});                    \
  void suite##_##name##_Test::TestBody()

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
