// open() of a FIFO whose wait ends without a peer: signals, cancellation, death; nothing stays
// behind.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "harness/core/patience.h"
#include "harness/objects/cancel.h"
#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/sides.h"

namespace ipcsuite::fifo_suite {
namespace {

struct SideCase {
  const char* name;
  Side side;
  Claims claims;
};

const SideCase kInterrupted[] = {
    {"Reader", kReading, {clause::fifo::open_eintr}},
    {"Writer", kWriting, {clause::fifo::open_eintr}},
};
// The process lives on after the interruption: what it left behind would still be there.
IPC_TABLE_TEST(FifoOpenInterrupted, SideCase, kInterrupted) {
  FifoNode fifo;
  ScopedSignal handler(SIGUSR1, CountSignal);
  Shared<int> lowest_before, lowest_after;
  Peer peer([&](Peer::Self& self) {
    *lowest_before = LowestFreeFd();
    self.step([&] { return CALL(open(fifo.path(), row.side.flags | O_CLOEXEC)); });
    *lowest_after = LowestFreeFd();
    self.step([&] { return CALL(getpid()); });  // tells that the number is there
    self.step([&] { return CALL(getpid()); });  // never released: keeps the process alive
  });
  const Call call = peer.next();
  EXPECT_THAT(call, Blocks());
  const int before = SignalCount();
  EXPECT_THAT(Interrupt(peer, call, SIGUSR1), Fails(EINTR));
  EXPECT_GT(SignalCount(), before);
  EXPECT_THAT(peer.next().result(), Succeeds());
  EXPECT_EQ(*lowest_after, *lowest_before) << "a descriptor was left behind";
  ExpectNobodyThere(fifo.path(), row.side);
  EXPECT_TRUE(peer.alive());
}

// A peer that comes after an interrupted opener must wait as if that had never been.
const SideCase kAfterInterrupted[] = {
    {"WriterAfterReader",
     kReading,
     {clause::fifo::open_eintr, clause::fifo::open_wronly_waits_for_reader}},
    {"ReaderAfterWriter",
     kWriting,
     {clause::fifo::open_eintr, clause::fifo::open_rdonly_waits_for_writer}},
};
IPC_TABLE_TEST(FifoOpenAfterInterrupted, SideCase, kAfterInterrupted) {
  FifoNode fifo;
  ScopedSignal handler(SIGUSR1, CountSignal);
  Peer first, second;
  const Call interrupted = first.start([&] { return CALL(open(fifo.path(), row.side.flags)); });
  EXPECT_THAT(interrupted, Blocks());
  EXPECT_THAT(Interrupt(first, interrupted, SIGUSR1), Fails(EINTR));
  const ForClause scope(Side{row.side.other_flags()}.waits_clause());
  const Call call = second.start([&] { return CALL(open(fifo.path(), row.side.other_flags())); });
  EXPECT_THAT(call, Blocks());
  const Fd other(CALL(open(fifo.path(), row.side.flags | O_CLOEXEC)));
  EXPECT_THAT(call.result(), Succeeds());
}

// A storm of signals over openers that meet: an open that was interrupted has met nobody, and one
// that has met somebody succeeds. Each round carries one number from the writer to the reader.
struct Storm {
  std::atomic<int> rounds_read, interrupted;
};
constexpr int kRounds = 100;

CallResult OpenInStorm(const char* path, int flags, Storm& storm) {
  for (;;) {
    const CallResult opened = CALL(open(path, flags | O_CLOEXEC));
    if (!opened.failed_with(EINTR)) return opened;
    storm.interrupted.fetch_add(1);
  }
}

CallResult ReadInStorm(int fd, int& number) {
  for (;;) {
    const CallResult got = CALL(read(fd, &number, sizeof number));
    if (!got.failed_with(EINTR)) return got;
  }
}

// The last call; kRounds when all rounds were right.
CallResult ReadRounds(const char* path, Storm& storm) {
  for (int round = 0; round < kRounds; ++round) {
    {
      const CallResult opened = OpenInStorm(path, O_RDONLY, storm);
      if (!opened.ok()) return opened;
      const Fd rd(opened.fd());
      int number = -1, beyond = -1;
      const CallResult got = ReadInStorm(rd, number);
      EXPECT_THAT(got, SucceedsWith(sizeof number)) << "round " << round;
      EXPECT_EQ(number, round);
      EXPECT_THAT(ReadInStorm(rd, beyond), SucceedsWith(0)) << "round " << round;
      if (number != round) return got;
    }
    storm.rounds_read.store(round + 1);
  }
  return CALL(kRounds);
}

CallResult WriteRounds(const char* path, Storm& storm) {
  for (int round = 0; round < kRounds; ++round) {
    for (Backoff backoff; storm.rounds_read.load() < round;) backoff.Pause();
    const CallResult opened = OpenInStorm(path, O_WRONLY, storm);
    if (!opened.ok()) return opened;
    const Fd wr(opened.fd());
    const CallResult wrote = CALL(write(wr, &round, sizeof round));
    EXPECT_THAT(wrote, SucceedsWith(sizeof round)) << "round " << round;
    if (!wrote.ok()) return wrote;
  }
  return CALL(kRounds);
}

IPC_TEST(FifoOpenUnderSignals, OpenersMeetOrLeaveNoTrace, clause::fifo::open_eintr) {
  FifoNode fifo;
  ScopedSignal handler(SIGUSR1, CountSignal), no_reader(SIGPIPE, SIG_IGN);
  Shared<Storm> storm;
  Peer reader, writer;
  const Call reading = reader.start([&] { return ReadRounds(fifo.path(), *storm); });
  const Call writing = writer.start([&] { return WriteRounds(fifo.path(), *storm); });
  int read = 0;
  Patience patience(2s);
  for (Backoff backoff; !reading.returned() && !writing.returned(); backoff.Pause()) {
    reader.Signal(SIGUSR1);
    writer.Signal(SIGUSR1);
    if (storm->rounds_read != read) {
      read = storm->rounds_read;
      patience = Patience(2s);
    } else if (patience.over()) {
      break;  // no progress: the rest without signals
    }
  }
  EXPECT_THAT(reading.result(), SucceedsWith(kRounds));
  EXPECT_THAT(writing.result(), SucceedsWith(kRounds));
  Evidence(std::to_string(storm->interrupted.load()) + " opens were interrupted");
}

const SideCase kRestarted[] = {
    {"Reader", kReading, {clause::fifo::open_sa_restart}},
    {"Writer", kWriting, {clause::fifo::open_sa_restart}},
};
IPC_TABLE_TEST(FifoOpenRestarts, SideCase, kRestarted) {
  FifoNode fifo;
  ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  Peer peer;
  const Call call = peer.start([&] { return CALL(open(fifo.path(), row.side.flags)); });
  EXPECT_THAT(call, Blocks());
  const int before = SignalCount();
  for (int i = 1; i <= 3; ++i) {
    peer.Signal(SIGUSR1);
    ASSERT_TRUE(AwaitSignalCount(before + i)) << "the handler did not run";
    EXPECT_THAT(call, Blocks());
  }
  if (call.returned()) return;  // has failed already; nobody would meet the open below
  const Fd other(CALL(open(fifo.path(), row.side.other_flags() | O_CLOEXEC)));
  EXPECT_THAT(call.result(), Succeeds());
}

const SideCase kUndisturbed[] = {
    {"Reader", kReading, {clause::fifo::open_ignored_and_blocked_signals}},
    {"Writer", kWriting, {clause::fifo::open_ignored_and_blocked_signals}},
};
IPC_TABLE_TEST(FifoOpenUndisturbed, SideCase, kUndisturbed) {
  FifoNode fifo;
  ScopedSignal ignored(SIGUSR1, SIG_IGN), handler(SIGUSR2, CountSignal);
  ScopedSigmask blocked({SIGUSR2});
  Peer peer;
  const Call call = peer.start([&] { return CALL(open(fifo.path(), row.side.flags)); });
  EXPECT_THAT(call, Blocks());
  const int before = SignalCount();
  for (int i = 0; i < 3; ++i) {
    peer.Signal(SIGUSR1);
    peer.Signal(SIGUSR2);
    EXPECT_THAT(call, StaysBlocked());
  }
  if (call.returned()) return;  // nobody would meet the open below
  const Fd other(CALL(open(fifo.path(), row.side.other_flags() | O_CLOEXEC)));
  EXPECT_THAT(call.result(), Succeeds());
  EXPECT_EQ(SignalCount(), before);
}

// Stopped and continued, the opener goes on waiting (XSH 2.4.4).
const SideCase kStopped[] = {
    {"Reader", kReading, {clause::fifo::open_stop_and_continue}},
    {"Writer", kWriting, {clause::fifo::open_stop_and_continue}},
};
IPC_TABLE_TEST(FifoOpenStopped, SideCase, kStopped) {
  FifoNode fifo;
  Peer peer;
  const Call call = peer.start([&] { return CALL(open(fifo.path(), row.side.flags)); });
  EXPECT_THAT(call, Blocks());
  for (int i = 0; i < 2; ++i) {
    peer.Stop();
    peer.Continue();
    EXPECT_THAT(call, StaysBlocked());
  }
  if (call.returned()) return;  // nobody would meet the open below
  const Fd other(CALL(open(fifo.path(), row.side.other_flags() | O_CLOEXEC)));
  EXPECT_THAT(call.result(), Succeeds());
}

// The other side comes while the opener is stopped, and stays.
IPC_TABLE_TEST(FifoOpenMetWhileStopped, SideCase, kStopped) {
  FifoNode fifo;
  Peer peer, other;
  const Call call = peer.start([&] { return CALL(open(fifo.path(), row.side.flags)); });
  EXPECT_THAT(call, Blocks());
  peer.Stop();
  const Call meets = other.start([&] {
    const CallResult opened = CALL(open(fifo.path(), row.side.other_flags()));
    return opened;
  });
  meets.probe();  // it has met the stopped opener, or waits until that goes on
  peer.Continue();
  EXPECT_THAT(call.result(), Succeeds());
  EXPECT_THAT(meets.result(), Succeeds());
}

const SideCase kCancelled[] = {
    {"Reader", kReading, {clause::fifo::open_cancellation}},
    {"Writer", kWriting, {clause::fifo::open_cancellation}},
};
IPC_TABLE_TEST(FifoOpenCancelled, SideCase, kCancelled) {
  FifoNode fifo;
  const int lowest = LowestFreeFd();
  ThreadPeer peer;
  const Call call = peer.start([&] { return CALL(open(fifo.path(), row.side.flags | O_CLOEXEC)); });
  EXPECT_THAT(call, Blocks());
  RequestCancellation(peer.handle());
  EXPECT_THAT(call.result(), IsCancelled());
  if (!peer.alive()) peer.Join();
  EXPECT_EQ(LowestFreeFd(), lowest) << "a descriptor was left behind";
  ExpectNobodyThere(fifo.path(), row.side);
}

// A request that is pending already acts on the open itself.
IPC_TEST(FifoOpenCancelled, PendingRequestActsAtTheOpen, clause::fifo::open_cancellation) {
  FifoNode fifo;
  const int lowest = LowestFreeFd();
  ThreadPeer peer([&](ThreadPeer::Self& self) {
    self.step([&] {
      pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
      pthread_cancel(pthread_self());
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
      return CALL(open(fifo.path(), O_RDONLY | O_CLOEXEC));
    });
  });
  EXPECT_THAT(peer.next().result(), IsCancelled());
  if (!peer.alive()) peer.Join();
  EXPECT_EQ(LowestFreeFd(), lowest) << "a descriptor was left behind";
  ExpectNobodyThere(fifo.path(), kReading);
}

// The end of a waiting process takes its place as reader or writer with it.
const SideCase kKilled[] = {
    {"Reader", kReading, {clause::fifo::open_wronly_nonblock_enxio}},
    {"Writer", kWriting, {clause::fifo::open_rdonly_nonblock}},
};
IPC_TABLE_TEST(FifoOpenKilled, SideCase, kKilled) {
  FifoNode fifo;
  Peer peer;
  const Call call = peer.start([&] { return CALL(open(fifo.path(), row.side.flags)); });
  EXPECT_THAT(call, Blocks());
  peer.Kill();
  EXPECT_THAT(call.result(), DiesBy(SIGKILL));
  ExpectNobodyThere(fifo.path(), row.side);
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
