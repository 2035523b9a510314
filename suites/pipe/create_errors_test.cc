// pipe() and pipe2() that fail: EMFILE, the untouched array, nothing leaked; pipe2()'s flags.
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "harness/peers/descriptor_table.h"
#include "harness/peers/file_limit.h"
#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/create.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_BOTH_CREATORS(PipeCreateErrors);

constexpr int kSentinelA = -77, kSentinelB = -78;

// One failing call with `free` numbers left, judged in a child; the result and what was free after.
void FailWithFree(int free, const std::function<CallResult(int (&)[2])>& create,
                  const std::function<void(const CallResult&, int, int)>& judge) {
  struct Seen {
    int a, b, free_after;
  };
  Shared<Seen> seen;
  Peer peer;
  Call call = peer.start([&] {
    const int source = FillDescriptorTable(free, {});
    int ends[2] = {kSentinelA, kSentinelB};
    const CallResult made = create(ends);
    *seen = {ends[0], ends[1], CountFreeDescriptors(source)};
    return made;
  });
  const CallResult made = call.result();
  judge(made, seen->free_after, free);
  EXPECT_EQ(seen->a, kSentinelA) << "with " << free << " free: fildes[0] was changed";
  EXPECT_EQ(seen->b, kSentinelB) << "with " << free << " free: fildes[1] was changed";
}

IPC_TEST_P(PipeCreateErrors, EmfileWhenFewerThanTwoNumbersAreFree, clause::pipe::create_emfile,
           clause::pipe::create_failure_leaves_array, clause::pipe2::flag_alone_decides) {
  for (const int free : {0, 1}) {
    FailWithFree(
        free, [this](int(&ends)[2]) { return TryCreate(ends); },
        [this](const CallResult& made, int after, int before) {
          Scope scope(*this, clause::pipe::create_emfile);
          EXPECT_THAT(made, Fails(EMFILE)) << "with " << before << " free";
          Scope leak(*this, clause::pipe::create_failure_leaves_array);
          NoteChecks();
          EXPECT_EQ(after, before) << "free descriptors before and after the failure";
        });
  }
}

// With two numbers free it works: the limit is not reached too early.
IPC_TEST_P(PipeCreateErrors, SucceedsWithExactlyTwoNumbersFree, clause::pipe::create_emfile,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_emfile);
  Peer peer;
  Call call = peer.start([&] {
    FillDescriptorTable(2, {});
    int ends[2];
    return Create(ends);
  });
  EXPECT_THAT(call.result(), SucceedsWith(0));
}

// Repeated failures use nothing up: the failing call would take both ends of a pipe each time.
IPC_TEST_P(PipeCreateErrors, RepeatedFailuresLeakNothing, clause::pipe::create_failure_leaves_array,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_failure_leaves_array);
  Shared<int> free_after;
  Peer peer;
  Call call = peer.start([&] {
    const int source = FillDescriptorTable(1, {});
    CallResult made;
    for (int i = 0; i < 50; ++i) {
      int ends[2] = {kSentinelA, kSentinelB};
      made = TryCreate(ends);
      if (!made.failed_with(EMFILE) || ends[0] != kSentinelA || ends[1] != kSentinelB) break;
    }
    *free_after = CountFreeDescriptors(source);
    return made;
  });
  EXPECT_THAT(call.result(), Fails(EMFILE));
  EXPECT_EQ(*free_after, 1);
}

IPC_TEST_P(PipeCreateErrors, EnfileWhenTheSystemHasNoMoreFiles, clause::pipe::create_enfile,
           exclusive, dangerous(kOutOfFilesDanger)) {
  const OutOfFiles made = CallOutOfFiles([this] {
    int ends[2];
    return TryCreate(ends);
  });
  EXPECT_THAT(made.during, Fails(ENFILE));
  EXPECT_THAT(made.after, SucceedsWith(0));
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
