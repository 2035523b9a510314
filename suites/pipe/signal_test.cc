// Signals, stop and continue while read() or write() waits.
#include <cerrno>
#include <csignal>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeSignals);

IPC_TEST_P(PipeSignals, BlockedReadFailsWithEintr, clause::pipe::read_eintr) {
  Pipe p = Make();
  ScopedSignal handler(SIGUSR1, CountSignal);
  SharedBuffer buffer(5);
  Peer reader;
  const int before = SignalCount();
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 5)); });
  EXPECT_THAT(call, Blocks());
  SignalUntilReturned(reader, call, SIGUSR1);
  EXPECT_THAT(call.result(), Fails(EINTR));
  EXPECT_GE(SignalCount() - before, 1);
  // Nothing was consumed, nothing is stuck.
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  EXPECT_EQ(DrainPipe(p.rd()), "hello");
}

// A signal directed at the thread interrupts that thread's read only. (Each reads a pipe of its
// own: concurrent reads of one are unspecified.)
IPC_TEST_P(PipeSignals, BlockedReadOfAThreadFailsWithEintr, clause::pipe::read_eintr) {
  Pipe p = Make(), q = Make();
  ScopedSignal handler(SIGUSR1, CountSignal);
  char mine = 0, others = 0;
  ThreadPeer reader, other;
  Call call = reader.start([&] { return CALL(read(p.rd(), &mine, 1)); });
  Call waiting = other.start([&] { return CALL(read(q.rd(), &others, 1)); });
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(waiting, Blocks());
  SignalUntilReturned(reader, call, SIGUSR1);
  EXPECT_THAT(call.result(), Fails(EINTR));
  EXPECT_THAT(waiting, StaysBlocked());
  EXPECT_THAT(CALL(write(q.wr(), "x", 1)), SucceedsWith(1));
  EXPECT_THAT(waiting.result(), SucceedsWith(1));
  EXPECT_EQ(others, 'x');
}

IPC_TEST_P(PipeSignals, ReadGoesOnWithSaRestart, clause::pipe::read_sa_restart) {
  Pipe p = Make();
  ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  SharedBuffer buffer(5);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 5)); });
  EXPECT_THAT(call, Blocks());
  for (int i = 0; i < 3; ++i) {
    const int before = SignalCount();
    reader.Signal(SIGUSR1);
    EXPECT_TRUE(AwaitSignals(before, 1)) << "the handler did not run";
    EXPECT_THAT(call, StaysBlocked());
  }
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  EXPECT_THAT(call.result(), SucceedsWith(5));
  EXPECT_EQ(buffer.str(5), "hello");
}

// Sends the waiting peer a signal that it ignores and one that it blocks; neither disturbs the
// call.
void SendHarmlessSignals(Peer& peer, Call& call) {
  for (int i = 0; i < 3; ++i) {
    peer.Signal(SIGUSR1);
    peer.Signal(SIGUSR2);
    EXPECT_THAT(call, StaysBlocked());
  }
}

IPC_TEST_P(PipeSignals, IgnoredAndBlockedSignalsDoNotDisturbRead,
           clause::pipe::rw_ignored_and_blocked_signals) {
  Pipe p = Make();
  ScopedSignal ignored(SIGUSR1, SIG_IGN), handler(SIGUSR2, CountSignal);
  ScopedSigmask blocked({SIGUSR2});
  SharedBuffer buffer(5);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 5)); });
  EXPECT_THAT(call, Blocks());
  SendHarmlessSignals(reader, call);
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  EXPECT_THAT(call.result(), SucceedsWith(5));
  EXPECT_EQ(buffer.str(5), "hello");
}

IPC_TEST_P(PipeSignals, IgnoredAndBlockedSignalsDoNotDisturbWrite,
           clause::pipe::rw_ignored_and_blocked_signals) {
  Pipe p = Make();
  ScopedSignal ignored(SIGUSR1, SIG_IGN), handler(SIGUSR2, CountSignal);
  ScopedSigmask blocked({SIGUSR2});
  const std::size_t filled = FillPipe(p.wr());
  Peer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), "hello", 5)); });
  EXPECT_THAT(call, Blocks());
  SendHarmlessSignals(writer, call);
  const std::string drained = ReadUpTo(p.rd(), filled + 5);
  EXPECT_THAT(call.result(), SucceedsWith(5));
  EXPECT_EQ(FirstDifference(drained, FillBytes(filled) + "hello"), "");
}

IPC_TEST_P(PipeSignals, ReadGoesOnAfterStopAndContinue, clause::pipe::rw_stop_and_continue) {
  Pipe p = Make();
  SharedBuffer buffer(5);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 5)); });
  EXPECT_THAT(call, Blocks());
  for (int i = 0; i < 2; ++i) {
    reader.Stop();
    reader.Continue();
    EXPECT_THAT(call, StaysBlocked());
  }
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  EXPECT_THAT(call.result(), SucceedsWith(5));
  EXPECT_EQ(buffer.str(5), "hello");
}

// What comes while the reader is stopped is there when it goes on.
IPC_TEST_P(PipeSignals, DataThatComesDuringAStopIsRead, clause::pipe::rw_stop_and_continue) {
  Pipe p = Make();
  SharedBuffer buffer(5);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 5)); });
  EXPECT_THAT(call, Blocks());
  reader.Stop();
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  reader.Continue();
  EXPECT_THAT(call.result(), SucceedsWith(5));
  EXPECT_EQ(buffer.str(5), "hello");
}

// Stops and continues the writer twice, then reads all; the call must give the full count.
void StopAndContinueWriter(const Pipe& p, std::size_t filled, const std::string& data) {
  Peer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  ExpectWaitsForRoom(p, call, data, FillBytes(filled));
  for (int i = 0; i < 2 && !call.returned(); ++i) {
    writer.Stop();
    writer.Continue();
    EXPECT_THAT(call, StaysBlocked());
  }
  if (call.returned()) return;
  const std::string got = ReadUpTo(p.rd(), filled + data.size());
  EXPECT_THAT(call.result(), SucceedsWith(data.size()));
  EXPECT_EQ(FirstDifference(got, FillBytes(filled) + data), "");
}

IPC_TEST_P(PipeSignals, WriteGoesOnAfterStopAndContinue, clause::pipe::rw_stop_and_continue) {
  Pipe p = Make();
  const std::size_t filled = FillPipe(p.wr());
  StopAndContinueWriter(p, filled, Noise(PipeBufOf(p.wr()), TestSeed()));
}

// Here a part of the data is in the pipe when the writer is stopped.
IPC_TEST_P(PipeSignals, PartialWriteGoesOnAfterStopAndContinue,
           clause::pipe::rw_stop_and_continue) {
  Pipe p = Make();
  StopAndContinueWriter(p, 0, Noise(MoreThanFits(p), TestSeed()));
}

IPC_TEST_P(PipeSignals, BlockedWriteFailsWithEintrAndWritesNothing,
           clause::pipe::write_eintr_nothing_written) {
  Pipe p = Make();
  ScopedSignal handler(SIGUSR1, CountSignal);
  const std::size_t filled = FillPipe(p.wr());
  for (const std::size_t size : {std::size_t{1}, PipeBufOf(p.wr())}) {
    const std::string data(size, '!');
    Peer writer;
    Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
    EXPECT_THAT(call, Blocks());
    SignalUntilReturned(writer, call, SIGUSR1);
    EXPECT_THAT(call.result(), Fails(EINTR)) << size << " bytes";
  }
  EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), FillBytes(filled)), "");
}

// There is room for some bytes, but not for all of an atomic write: still all or nothing.
IPC_TEST_P(PipeSignals, InterruptedAtomicWriteWritesNothingThoughThereIsSomeRoom,
           clause::pipe::write_eintr_nothing_written) {
  Pipe p = Make();
  const std::size_t atomic = PipeBufOf(p.wr());
  ScopedSignal handler(SIGUSR1, CountSignal);
  const std::size_t filled = FillPipe(p.wr());
  // How much room it makes when less than that is read is the system's choice: none, some, enough.
  const std::string freed = ReadUpTo(p.rd(), atomic / 2);
  const std::string data(atomic, '!');
  Peer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  const ProbeResult probe = call.probe();
  if (probe.what == Blocking::kReturned) {
    // It fitted: then all of it must be there.
    EXPECT_THAT(call.result(), SucceedsWith(atomic));
    EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), FillBytes(filled).substr(freed.size()) + data),
              "");
    return;
  }
  SignalUntilReturned(writer, call, SIGUSR1);
  EXPECT_THAT(call.result(), Fails(EINTR));
  EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), FillBytes(filled).substr(freed.size())), "");
}

IPC_TEST_P(PipeSignals, InterruptedLargeWriteReturnsItsPartialCount,
           clause::pipe::write_eintr_partial_count) {
  Pipe p = Make();
  ScopedSignal handler(SIGUSR1, CountSignal);
  const std::string data = Noise(MoreThanFits(p), TestSeed());
  Peer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  ExpectWaitsForRoom(p, call, data);
  SignalUntilReturned(writer, call, SIGUSR1);
  const CallResult wrote = call.result();
  ASSERT_THAT(wrote, Succeeds());
  EXPECT_GE(wrote.value, 1);
  EXPECT_LT(wrote.value, static_cast<std::int64_t>(data.size()));
  EXPECT_EQ(
      FirstDifference(DrainPipe(p.rd()), data.substr(0, static_cast<std::size_t>(wrote.value))),
      "");
}

IPC_TEST_P(PipeSignals, WriteGoesOnWithSaRestart, clause::pipe::write_sa_restart) {
  Pipe p = Make();
  ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  const std::size_t filled = FillPipe(p.wr());
  const std::string data = Noise(PipeBufOf(p.wr()), TestSeed());
  Peer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  EXPECT_THAT(call, Blocks());
  for (int i = 0; i < 3; ++i) {
    const int before = SignalCount();
    writer.Signal(SIGUSR1);
    EXPECT_TRUE(AwaitSignals(before, 1)) << "the handler did not run";
    EXPECT_THAT(call, StaysBlocked());
  }
  const std::string drained = ReadUpTo(p.rd(), filled + data.size());
  EXPECT_THAT(call.result(), SucceedsWith(data.size()));
  EXPECT_EQ(FirstDifference(drained, FillBytes(filled) + data), "");
}

// Part of the data is in: returning the count and going on are both right, EINTR is not.
IPC_TEST_P(PipeSignals, PartialWriteWithSaRestart, clause::pipe::write_sa_restart_after_partial) {
  Pipe p = Make();
  ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  const std::string data = Noise(MoreThanFits(p), TestSeed());
  Peer writer;
  Call call = writer.start([&] {
    CloseAllExcept({p.wr()});
    return CALL(write(p.wr(), data.data(), data.size()));
  });
  p.CloseWr();
  ExpectWaitsForRoom(p, call, data);
  const int before = SignalCount();
  writer.Signal(SIGUSR1);
  EXPECT_TRUE(AwaitSignals(before, 1)) << "the handler did not run";
  const std::string got = ReadUpTo(p.rd(), data.size());
  const CallResult wrote = call.result();
  ASSERT_THAT(wrote, Succeeds());
  EXPECT_GE(wrote.value, 1);
  EXPECT_EQ(FirstDifference(got, data.substr(0, static_cast<std::size_t>(wrote.value))), "");
  Observe(clause::pipe::write_sa_restart_after_partial, "after_the_handler",
          wrote.value == static_cast<std::int64_t>(data.size()) ? "goes on to nbyte"
                                                                : "returns the partial count");
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
