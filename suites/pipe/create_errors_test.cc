// pipe() and pipe2() that fail: EMFILE, the untouched array, nothing leaked; pipe2()'s flags.
#include <sys/resource.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/create.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_BOTH_CREATORS(PipeCreateErrors);

constexpr int kSentinelA = -77, kSentinelB = -78;

// In a child: leaves exactly `free` numbers below a lowered limit on open files; the rest of the
// table below it is full. Returns a descriptor to copy.
int FillTable(int free) {
  // Everything below the limit is open, except what is free.
  const int limit = LowestFreeFd() + 16;
  rlimit lowered{};
  getrlimit(RLIMIT_NOFILE, &lowered);
  Fd source(open("/dev/null", O_RDONLY));
  if (source < 0) source = Fd(open("/", O_RDONLY));
  if (source < 0) Unresolved("nothing could be opened to fill the descriptor table");
  std::vector<int> copies;
  for (;;) {
    const int copy = fcntl(source, F_DUPFD, 0);
    if (copy < 0) Unresolved("the descriptor table could not be filled: " + ErrnoName(errno));
    if (copy >= limit) {
      close(copy);
      break;
    }
    copies.push_back(copy);
  }
  lowered.rlim_cur = static_cast<rlim_t>(limit);
  if (setrlimit(RLIMIT_NOFILE, &lowered) != 0)
    Unresolved("the limit on open files could not be lowered");
  for (int i = 0; i < free; ++i) {
    close(copies[copies.size() / 2]);
    copies.erase(copies.begin() + static_cast<std::ptrdiff_t>(copies.size() / 2));
  }
  return source.release();  // stays open; the child ends soon
}

// How many more descriptors can be had.
int CountFree(int source) {
  int count = 0;
  while (fcntl(source, F_DUPFD, 0) >= 0) ++count;
  return count;
}

// One failing call with `free` numbers left, judged in a child; the result and what was free after.
void FailWithFree(int free, const std::function<CallResult(int (&)[2])>& create,
                  const std::function<void(const CallResult&, int, int)>& judge) {
  struct Seen {
    int a, b, free_after;
  };
  Shared<Seen> seen;
  Peer peer;
  Call call = peer.start([&] {
    const int source = FillTable(free);
    int ends[2] = {kSentinelA, kSentinelB};
    const CallResult made = create(ends);
    *seen = {ends[0], ends[1], CountFree(source)};
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
    FillTable(2);
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
    const int source = FillTable(1);
    CallResult made;
    for (int i = 0; i < 50; ++i) {
      int ends[2] = {kSentinelA, kSentinelB};
      made = TryCreate(ends);
      if (!made.failed_with(EMFILE) || ends[0] != kSentinelA || ends[1] != kSentinelB) break;
    }
    *free_after = CountFree(source);
    return made;
  });
  EXPECT_THAT(call.result(), Fails(EMFILE));
  EXPECT_EQ(*free_after, 1);
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
