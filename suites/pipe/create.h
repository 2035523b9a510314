// Fixture of the tests of creation: what pipe() promises, pipe2() with flag 0 promises too.
#pragma once

#include <optional>

#include <cerrno>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {

class CreatorTest : public PipeKindTest {
 protected:
  void SetUp() override {
    if (GetParam() == PipeKind::kPipe2 && JudgedIssue() < 8)
      Unsupported("pipe2() is not of Issue 7");
  }

  // The call under test.
  CallResult TryCreate(int (&ends)[2]) const {
    return GetParam() == PipeKind::kPipe ? CALL(pipe(ends)) : ByPipe2(ends);
  }
  // The same where it must succeed: no verdict on it when others have used up what all share.
  CallResult Create(int (&ends)[2]) const {
    const CallResult made = TryCreate(ends);
    if (made.failed_with(ENFILE) || made.failed_with(ENOMEM)) {
      Unresolved(Describe(made) +
                 ": raise the system's limits on open files and on memory for pipes");
    }
    return made;
  }
  static CallResult ByPipe2([[maybe_unused]] int (&ends)[2]) {
#ifdef IPC_HAVE_PIPE2
    return CALL(pipe2(ends, 0));
#else
    Unsupported("pipe2() is not declared");
#endif
  }

  // Lets the next two descriptor numbers have been used with all flags set.
  static void UsedSlots() {
    Pipe old(PipeKind::kPipe, O_NONBLOCK | O_CLOEXEC);
#ifdef FD_CLOFORK
    fcntl(old.rd(), F_SETFD, FD_CLOEXEC | FD_CLOFORK);
    fcntl(old.wr(), F_SETFD, FD_CLOEXEC | FD_CLOFORK);
#endif
  }

  // A failure of pipe2() is charged to its own clause, one of pipe() to the given one.
  class Scope {
   public:
    Scope(const CreatorTest& test, ClauseRef of_pipe)
        : scope_(test.GetParam() == PipeKind::kPipe2 ? clause::pipe2::flag_alone_decides
                                                     : of_pipe) {}

   private:
    ForClause scope_;
  };
};

#define IPC_FOR_BOTH_CREATORS(fixture)                                                         \
  class fixture : public CreatorTest {};                                                       \
  INSTANTIATE_TEST_SUITE_P(Kinds, fixture, testing::Values(PipeKind::kPipe, PipeKind::kPipe2), \
                           KindName)

}  // namespace ipcsuite::pipe_suite
