// Thread cancellation in calls on pipes. A cancelled thread unwinds (glibc) or only runs its
// clean-up handlers (musl): what these tests look at is in shared memory, nothing is freed by it.
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <string>

#include "harness/objects/cancel.h"
#include "harness/test/test.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeCancel);

void NoteCleanup(void* ran) { static_cast<std::atomic<int>*>(ran)->fetch_add(1); }

// Performs `call` in a thread with a clean-up handler, shows it blocked, cancels and joins it.
template <typename F>
void CancelWhileBlocked(F blocking) {
  Shared<std::atomic<int>> cleaned;
  ThreadPeer peer;
  Call call = peer.start([&] {
    CallResult result;
    pthread_cleanup_push(NoteCleanup, cleaned.get());
    result = blocking();
    pthread_cleanup_pop(0);
    return result;
  });
  EXPECT_THAT(call, Blocks());
  RequestCancellation(peer.handle());
  EXPECT_THAT(call.result(), IsCancelled());
  EXPECT_EQ(cleaned->load(), 1) << "clean-up handlers run";
}

IPC_TEST_P(PipeCancel, WakesABlockedRead, clause::pipe::cancel_blocked_call,
           clause::pipe::cancel_no_side_effect) {
  Pipe p = Make();
  char buffer[8];
  iovec area{buffer, sizeof buffer};
  CancelWhileBlocked([&] { return CALL(read(p.rd(), buffer, sizeof buffer)); });
  CancelWhileBlocked([&] { return CALL(readv(p.rd(), &area, 1)); });
  // No byte that comes later is lost to a cancelled call.
  ForClause scope(clause::pipe::cancel_no_side_effect);
  EXPECT_THAT(CALL(write(p.wr(), "token", 5)), SucceedsWith(5));
  EXPECT_EQ(DrainPipe(p.rd()), "token");
}

IPC_TEST_P(PipeCancel, WakesABlockedWrite, clause::pipe::cancel_blocked_call,
           clause::pipe::cancel_no_side_effect) {
  // Where no thread can be cancelled the test ends while one writes.
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  Pipe p = Make();
  const std::size_t filled = FillPipe(p.wr());
  std::string data(PipeBufOf(p.wr()), '!');
  iovec area{data.data(), data.size()};
  CancelWhileBlocked([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  CancelWhileBlocked([&] { return CALL(writev(p.wr(), &area, 1)); });
  CancelWhileBlocked([&] { return CALL(write(p.wr(), data.data(), 1)); });
  ForClause scope(clause::pipe::cancel_no_side_effect);
  NoteChecks();
  EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), FillBytes(filled)), "");
}

// Somebody else waits for the same data, by poll(): concurrent reads are unspecified.
IPC_TEST_P(PipeCancel, ConsumesNothingThatAnotherReaderWaitsFor,
           clause::pipe::cancel_no_side_effect) {
  Pipe p = Make();
  char cancelled_byte, byte = 0;
  ThreadPeer other;
  Call waiting = other.start([&] {
    pollfd entry{p.rd(), POLLIN, 0};
    const CallResult polled = CALL(poll(&entry, 1, -1));
    return polled.ok() ? CALL(read(p.rd(), &byte, 1)) : polled;
  });
  EXPECT_THAT(waiting, Blocks());
  CancelWhileBlocked([&] { return CALL(read(p.rd(), &cancelled_byte, 1)); });
  EXPECT_THAT(waiting, StaysBlocked());
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  EXPECT_THAT(waiting.result(), SucceedsWith(1));
  EXPECT_EQ(byte, 'x');
}

// A request is pending when the call is made: it is acted upon although the call need not wait.
template <typename F>
void ExpectActsOnPendingRequest(const char* what, F immediate) {
  Shared<std::atomic<int>> reached;
  ThreadPeer peer;
  Call call = peer.start([&] {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    const CallResult result = immediate();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    ++*reached;
    return result;
  });
  EXPECT_THAT(call.result(), IsCancelled()) << what;
  EXPECT_EQ(reached->load(), 0) << what << " returned with a cancellation request pending";
}

IPC_TEST_P(PipeCancel, PendingRequestIsActedUponByEveryCall, clause::pipe::cancel_pending_request) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "data", 4)), SucceedsWith(4));
  char byte;
  iovec area{&byte, 1};
  Fd to_close(CALL(dup(p.rd())));
  ExpectActsOnPendingRequest("read", [&] { return CALL(read(p.rd(), &byte, 1)); });
  ExpectActsOnPendingRequest("readv", [&] { return CALL(readv(p.rd(), &area, 1)); });
  ExpectActsOnPendingRequest("write", [&] { return CALL(write(p.wr(), "x", 1)); });
  ExpectActsOnPendingRequest("writev", [&] { return CALL(writev(p.wr(), &area, 1)); });
  ExpectActsOnPendingRequest("pread", [&] { return CALL(pread(p.rd(), &byte, 1, 0)); });
  ExpectActsOnPendingRequest("pwrite", [&] { return CALL(pwrite(p.wr(), "x", 1, 0)); });
  ExpectActsOnPendingRequest("fsync", [&] { return CALL(fsync(p.wr())); });
  // Whether close() has closed is not said; the harness closes the number if it is still open.
  ExpectActsOnPendingRequest("close", [&] { return CALL(close(to_close)); });
  if (fcntl(to_close, F_GETFD) < 0) to_close.release();
}

IPC_TEST(PipeCancelOpen, PendingRequestIsActedUponByOpen, clause::pipe::cancel_pending_request) {
  FifoNode node;
  Fd opened;
  ExpectActsOnPendingRequest("open", [&] {
    const CallResult result = CALL(open(node.path(), O_RDONLY | O_NONBLOCK));
    if (result.ok()) opened.reset(result.fd());
    return result;
  });
}

// The event and the request come together: either may win; data must not vanish with the thread.
IPC_TEST_P(PipeCancel, EventAndRequestRace, clause::pipe::cancel_event_race,
           clause::pipe::cancel_no_side_effect) {
  Pipe p = Make();
  int cancelled = 0, returned = 0, lost = 0;
  for (int round = 0; round < 12; ++round) {
    char byte = 0;
    ThreadPeer peer;
    Call call = peer.start([&] { return CALL(read(p.rd(), &byte, 1)); });
    EXPECT_THAT(call, Blocks());
    EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
    RequestCancellation(peer.handle());
    const CallResult result = call.result();
    const std::size_t left = DrainPipe(p.rd()).size();
    if (result.fate == Fate::kCancelled) {
      ++cancelled;
      lost += left == 0;
    } else {
      EXPECT_THAT(result, SucceedsWith(1));
      EXPECT_EQ(left, 0u);
      ++returned;
    }
  }
  {
    const ForClause scope(clause::pipe::cancel_no_side_effect);
    EXPECT_EQ(lost, 0) << "bytes taken by cancelled reads, of " << cancelled;
    NoteChecks();
  }
  Observe(clause::pipe::cancel_event_race, "outcomes",
          cancelled && returned ? "both"
          : cancelled           ? "cancelled"
                                : "returned");
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
