// Pipe calls in signal handlers, and which calls are no cancellation points.
#include <poll.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

// What the handler does, and how far it came: async-signal-safe calls only.
char g_fifo[512];
std::atomic<int> g_runs{0}, g_failed_at{0};

// 0 if everything behaved as documented, else the number of the first step that did not.
int UsePipesInHandler() {
  int ends[2];
  char byte = 0;
  struct stat status;
  if (pipe(ends) != 0) return 1;
  if (write(ends[1], "h", 1) != 1) return 2;
  if (fstat(ends[0], &status) != 0 || !S_ISFIFO(status.st_mode)) return 3;
  pollfd waiting{ends[0], POLLIN, 0};
  if (poll(&waiting, 1, 0) != 1 || !(waiting.revents & POLLIN)) return 4;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  timeval at_once{0, 0};
  if (select(ends[0] + 1, &set, nullptr, nullptr, &at_once) != 1) return 5;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  const timespec now{0, 0};
  if (pselect(ends[0] + 1, &set, nullptr, nullptr, &now, nullptr) != 1) return 6;
  if (read(ends[0], &byte, 1) != 1 || byte != 'h') return 7;
  if (lseek(ends[0], 0, SEEK_CUR) != -1 || errno != ESPIPE) return 8;
  const int copy = dup(ends[1]);
  if (copy < 0 || dup2(ends[1], copy) != copy) return 9;
  if (fcntl(copy, F_GETFD) < 0 || close(copy) != 0) return 10;
  if (close(ends[0]) != 0 || close(ends[1]) != 0) return 11;
  if (mkfifo(g_fifo, 0600) != 0) return 12;
  const int fifo = open(g_fifo, O_RDONLY | O_NONBLOCK);
  if (fifo < 0 || close(fifo) != 0 || unlink(g_fifo) != 0) return 13;
#ifdef IPC_HAVE_PIPE2
  if (JudgedIssue() >= 8) {  // Issue 8 adds these
    if (pipe2(ends, O_NONBLOCK) != 0) return 14;
    pollfd empty{ends[0], POLLIN, 0};
    if (ppoll(&empty, 1, &now, nullptr) != 0) return 15;
    if (dup3(ends[0], ends[1], 0) != ends[1]) return 16;
    if (close(ends[0]) != 0 || close(ends[1]) != 0) return 17;
  }
#endif
  return 0;
}

void Handler(int) {
  const int saved = errno;
  const int failed = UsePipesInHandler();
  if (failed != 0) g_failed_at = failed;
  ++g_runs;
  errno = saved;
}

void StartRound(const UniqueName& name) {
  std::snprintf(g_fifo, sizeof g_fifo, "%s", name.c_str());
  g_runs = 0, g_failed_at = 0;
}

IPC_TEST(PipeInHandler, CallsWorkInAHandlerEnteredByRaise, clause::pipe::async_signal_safe) {
  const UniqueName name = UniqueName::Path(".fifo");
  StartRound(name);
  ScopedSignal handler(SIGUSR1, Handler);
  EXPECT_THAT(CALL(raise(SIGUSR1)), SucceedsWith(0));
  EXPECT_EQ(g_runs, 1);
  EXPECT_EQ(g_failed_at, 0) << "the step of the handler that failed";
}

// The signal comes while the main program is in malloc() or free(): a call that used them in the
// handler would deadlock or corrupt the heap.
IPC_TEST(PipeInHandler, CallsWorkInAHandlerThatInterruptsMalloc, clause::pipe::async_signal_safe) {
  const UniqueName name = UniqueName::Path(".fifo");
  StartRound(name);
  ScopedSignal handler(SIGUSR1, Handler, SA_RESTART);
  std::atomic<bool> stop{false};
  const pthread_t main_thread = pthread_self();
  ThreadPeer signaller;
  Call done = signaller.start([&] {
    Backoff backoff;
    while (!stop) {
      pthread_kill(main_thread, SIGUSR1);
      backoff.Pause();
    }
    return CALL(getpid());
  });
  const Deadline end(2s);  // on a busy machine fewer signals must do
  std::uint64_t checksum = 0;
  while (g_runs < 60 && g_failed_at == 0 && !end.passed()) {
    std::vector<void*> blocks;
    for (std::size_t i = 1; i < 64; ++i) blocks.push_back(std::malloc(i * 40));
    for (void* block : blocks) checksum += block != nullptr, std::free(block);
  }
  stop = true;
  EXPECT_THAT(done.result(), Succeeds());
  EXPECT_GT(checksum, 0u);
  if (g_runs == 0) Unresolved("no signal reached the test in 2 s: the machine is too busy");
  EXPECT_EQ(g_failed_at, 0) << "the step of the handler that failed";
}

// A pending request for cancellation is not acted upon in pipe(), dup() and dup2().
IPC_TEST(PipeCancellationPoint, PipeAndDupAreNone, clause::pipe::not_cancellation_point) {
  struct Seen {
    std::atomic<int> after_pipe, after_dup, after_dup2;
    int fds[3];
  };
  Shared<Seen> seen;
  ThreadPeer peer;
  Call call = peer.start([&] {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    int ends[2] = {-1, -1};
    CallResult result = CALL(pipe(ends));
    seen->fds[0] = ends[0], seen->fds[1] = ends[1];
    seen->after_pipe = result.ok() ? 1 : 2;
    result = CALL(dup(ends[0]));
    seen->fds[2] = result.fd();
    seen->after_dup = result.ok() ? 1 : 2;
    result = CALL(dup2(ends[1], seen->fds[2]));
    seen->after_dup2 = result.ok() ? 1 : 2;
    pthread_testcancel();
    return result;
  });
  EXPECT_THAT(call.result(), IsCancelled()) << "at the latest in pthread_testcancel()";
  EXPECT_EQ(seen->after_pipe, 1) << "pipe() returned, and succeeded";
  EXPECT_EQ(seen->after_dup, 1) << "dup() returned, and succeeded";
  EXPECT_EQ(seen->after_dup2, 1) << "dup2() returned, and succeeded";
  for (const int fd : seen->fds) {
    if (fd > 0) {
      EXPECT_THAT(CALL(close(fd)), SucceedsWith(0));
    }
  }
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
