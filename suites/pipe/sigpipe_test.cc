// Writing without a reader: EPIPE, and SIGPIPE to the thread that wrote.
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeNoReader);

bool IsPending(int signal) {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

// Takes a pending SIGPIPE without waiting; what sigtimedwait returned.
CallResult TakeSigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  const timespec now{0, 0};
  return CALL(sigtimedwait(&set, nullptr, &now));
}

IPC_TEST_P(PipeNoReader, WriteFailsWithEpipe, clause::pipe::write_epipe) {
  Pipe p = Make();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  const std::string data(1u << 20, 'x');
  p.CloseRd();
  for (const bool nonblocking : {false, true}) {
    SetNonblocking(p.wr(), nonblocking);
    for (const std::size_t size : {std::size_t{1}, PipeBufOf(p.wr()), data.size()}) {
      EXPECT_THAT(Bounded([&] { return CALL(write(p.wr(), data.data(), size)); }), Fails(EPIPE))
          << size << " bytes";
    }
  }
}

// Data that nobody read does not make it wait or succeed.
IPC_TEST_P(PipeNoReader, WriteFailsWithEpipeBehindUnreadData, clause::pipe::write_epipe) {
  Pipe p = Make();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  ASSERT_THAT(CALL(write(p.wr(), "unread", 6)), SucceedsWith(6));
  p.CloseRd();
  EXPECT_THAT(Bounded([&] { return CALL(write(p.wr(), "x", 1)); }), Fails(EPIPE));
}

// A reader that comes later finds nothing of what was refused.
IPC_TEST(PipeNoReaderFifo, RefusedWriteStoresNothing, clause::pipe::write_epipe) {
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  FifoNode node;
  Fd reader(CALL(open(node.path(), O_RDONLY | O_NONBLOCK)));
  Fd writer(CALL(open(node.path(), O_WRONLY | O_NONBLOCK)));
  reader.reset();
  EXPECT_THAT(CALL(write(writer, "lost", 4)), Fails(EPIPE));
  Fd again(CALL(open(node.path(), O_RDONLY | O_NONBLOCK)));
  char byte;
  EXPECT_THAT(CALL(read(again, &byte, 1)), Fails(EAGAIN)) << "a refused byte is there";
  EXPECT_THAT(CALL(write(writer, "k", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(read(again, &byte, 1)), SucceedsWith(1));
  EXPECT_EQ(byte, 'k');
}

std::atomic<int> g_handled{0};
std::atomic<pthread_t> g_handled_by{};
void NoteSigpipe(int) {
  ++g_handled;
  g_handled_by = pthread_self();
}

// The writer blocks SIGPIPE, another thread does not: were the signal for the process, it would go
// to the other one.
IPC_TEST_P(PipeNoReader, SigpipeIsForTheWritingThread, clause::pipe::write_sigpipe_to_thread) {
  Pipe p = Make();
  p.CloseRd();
  g_handled = 0;
  ScopedSignal handler(SIGPIPE, NoteSigpipe);
  ScopedSigmask blocked({SIGPIPE});
  std::atomic<bool> pending_in_writer{false}, pending_in_idle{true};
  ThreadPeer open_for_it([&](ThreadPeer::Self& self) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    self.step([] { return CALL(getpid()); });  // runs and can take signals
    self.step([] { return CALL(getpid()); });
  });
  ThreadPeer idle([&](ThreadPeer::Self& self) {
    self.step([&] {
      pending_in_idle = IsPending(SIGPIPE);
      return CALL(getpid());
    });
  });
  ThreadPeer writer([&](ThreadPeer::Self& self) {
    self.step([&] {
      const CallResult wrote = CALL(write(p.wr(), "x", 1));
      pending_in_writer = IsPending(SIGPIPE);
      return wrote;
    });
    self.step([&] { return TakeSigpipe(); });
  });
  EXPECT_THAT(open_for_it.next().result(), Succeeds());
  EXPECT_THAT(writer.next().result(), Fails(EPIPE));
  EXPECT_THAT(idle.next().result(), Succeeds());
  EXPECT_THAT(open_for_it.next().result(), Succeeds());
  EXPECT_TRUE(pending_in_writer) << "SIGPIPE is not pending for the writing thread";
  EXPECT_FALSE(pending_in_idle)
      << "SIGPIPE is pending for another thread: it was sent to the process";
  EXPECT_FALSE(IsPending(SIGPIPE)) << "SIGPIPE is pending for the main thread";
  EXPECT_EQ(g_handled, 0) << "another thread took the signal";
  EXPECT_THAT(writer.next().result(), SucceedsWith(SIGPIPE));
}

// With the signal open in every thread, the handler runs in the one that wrote.
IPC_TEST_P(PipeNoReader, SigpipeHandlerRunsInTheWritingThread,
           clause::pipe::write_sigpipe_to_thread) {
  Pipe p = Make();
  p.CloseRd();
  g_handled = 0;
  ScopedSignal handler(SIGPIPE, NoteSigpipe);
  ThreadPeer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), "x", 1)); });
  EXPECT_THAT(call.result(), Fails(EPIPE));
  EXPECT_EQ(g_handled, 1);
  EXPECT_TRUE(pthread_equal(g_handled_by, writer.handle())) << "the handler ran in another thread";
}

IPC_TEST_P(PipeNoReader, SigpipeTerminatesByDefault, clause::pipe::write_sigpipe_default) {
  Pipe p = Make();
  p.CloseRd();
  ScopedSignal standard(SIGPIPE, SIG_DFL);
  Peer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), "x", 1)); });
  EXPECT_THAT(call.result(), DiesBy(SIGPIPE));
}

IPC_TEST_P(PipeNoReader, IgnoredSigpipeLeavesEpipe, clause::pipe::write_sigpipe_ignored) {
  Pipe p = Make();
  p.CloseRd();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  Peer writer;
  EXPECT_THAT(writer.start([&] { return CALL(write(p.wr(), "x", 1)); }).result(), Fails(EPIPE));
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), Fails(EPIPE));
}

IPC_ROLE(pipe_write_and_report) {
  const ssize_t wrote = write(std::stoi(args.at(0)), "x", 1);
  const int error = errno;
  self.Say(wrote == -1 ? ErrnoName(error) : "wrote " + std::to_string(wrote));
  return 0;
}

// That a signal is ignored is inherited over exec.
IPC_TEST_P(PipeNoReader, IgnoredSigpipeLeavesEpipeAfterExec, clause::pipe::write_sigpipe_ignored) {
  Pipe p = Make();
  p.CloseRd();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  ExecSelf program("pipe_write_and_report", {std::to_string(p.wr())});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(program.said(), "EPIPE\n");
  NoteChecks();
}

IPC_TEST_P(PipeNoReader, BlockedSigpipeStaysPending, clause::pipe::write_sigpipe_blocked) {
  Pipe p = Make();
  p.CloseRd();
  ScopedSignal standard(SIGPIPE, SIG_DFL);
  ScopedSigmask blocked({SIGPIPE});
  for (int i = 0; i < 2; ++i) {
    ASSERT_FALSE(IsPending(SIGPIPE));
    EXPECT_THAT(CALL(write(p.wr(), "x", 1)), Fails(EPIPE));
    EXPECT_TRUE(IsPending(SIGPIPE));
    EXPECT_THAT(TakeSigpipe(), SucceedsWith(SIGPIPE));
    EXPECT_THAT(TakeSigpipe(), Fails(EAGAIN)) << "more than one signal";
  }
}

IPC_TEST_P(PipeNoReader, EachFailingWriteRunsTheHandlerAndFailsWithEpipe,
           clause::pipe::write_sigpipe_handler_then_epipe) {
  Pipe p = Make();
  p.CloseRd();
  for (const int flags : {0, SA_RESTART}) {
    g_handled = 0;
    ScopedSignal handler(SIGPIPE, NoteSigpipe, flags);
    for (int i = 1; i <= 3; ++i) {
      EXPECT_THAT(CALL(write(p.wr(), "x", 1)), Fails(EPIPE))
          << (flags ? "with SA_RESTART" : "without SA_RESTART");
      EXPECT_EQ(g_handled, i) << "handler runs by the time write() has returned";
    }
  }
}

IPC_TEST_P(PipeNoReader, FullAndNonblocking, clause::pipe::write_epipe_or_eagain_full) {
  Pipe p = Make(O_NONBLOCK);
  ScopedSigmask blocked({SIGPIPE});
  FillPipe(p.wr());
  p.CloseRd();
  const CallResult wrote = CALL(write(p.wr(), "x", 1));
  EXPECT_THAT(wrote, FailsWithAnyOf(EPIPE, EAGAIN));
  EXPECT_EQ(TakeSigpipe().value == SIGPIPE, wrote.error == EPIPE)
      << "SIGPIPE comes exactly with EPIPE";
  Observe(clause::pipe::write_epipe_or_eagain_full, "full_no_reader", wrote);
}

IPC_TEST_P(PipeNoReader, LastCloseReleasesAWaitingWriter,
           clause::pipe::write_reader_close_releases_writer) {
  Pipe p = Make();
  ScopedSignal handler(SIGPIPE, CountSignal);
  const std::string data(PipeBufOf(p.wr()), 'x');
  FillPipe(p.wr());
  const int before = SignalCount();
  Peer writer;
  Call call = writer.start([&] {
    CloseAllExcept({p.wr()});
    return CALL(write(p.wr(), data.data(), data.size()));
  });
  EXPECT_THAT(call, Blocks());
  p.CloseRd();
  EXPECT_THAT(call.result(), Fails(EPIPE));
  EXPECT_EQ(SignalCount() - before, 1) << "SIGPIPE deliveries";
}

IPC_TEST_P(PipeNoReader, LastCloseReleasesEveryWaitingWriter,
           clause::pipe::write_reader_close_releases_writer) {
  Pipe p = Make();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  FillPipe(p.wr());
  std::vector<ThreadPeer> writers(3);
  std::vector<Call> calls;
  for (ThreadPeer& writer : writers)
    calls.push_back(writer.start([&] { return CALL(write(p.wr(), "x", 1)); }));
  for (Call& call : calls) EXPECT_THAT(call, Blocks());
  p.CloseRd();
  for (Call& call : calls) EXPECT_THAT(call.result(), Fails(EPIPE));
}

IPC_TEST_P(PipeNoReader, LastCloseAfterAPartOfALargeWrite,
           clause::pipe::write_partial_then_reader_close) {
  Pipe p = Make();
  ScopedSignal handler(SIGPIPE, CountSignal);
  const std::string data(MoreThanFits(p), 'x');
  const int before = SignalCount();
  ThreadPeer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  ExpectWaitsForRoom(p, call, data);
  p.CloseRd();
  const CallResult wrote = call.result();
  EXPECT_THAT(wrote, SucceedsOrFailsWith(EPIPE));
  const ClauseRef open = clause::pipe::write_partial_then_reader_close;
  Observe(open, "result", wrote.ok() ? std::string("partial count") : Describe(wrote));
  Observe(open, "sigpipe_count", SignalCount() - before);
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), Fails(EPIPE));
}

// Every copy of the read end must go before there is no reader: duplicates and inherited ones.
IPC_TEST_P(PipeNoReader, OnlyTheLastCopyOfTheReadEndCounts, clause::pipe::write_epipe,
           clause::close::pipe_other_duplicates_keep_end_open) {
  Pipe p = Make(O_NONBLOCK);
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  Fd copy(CALL(dup(p.rd())));
  Peer holder([&](Peer::Self& self) {
    CloseAllExcept({p.rd()});
    self.step([&] { return CALL(close(p.rd_fd().release())); });
  });
  const auto expect_reader = [&](const char* what) {
    const ForClause scope(clause::close::pipe_other_duplicates_keep_end_open);
    EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1)) << what;
  };
  expect_reader("all copies open");
  p.CloseRd();
  expect_reader("a duplicate and a child's copy left");
  copy.reset();
  expect_reader("a child's copy left");
  EXPECT_THAT(holder.next().result(), SucceedsWith(0));
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), Fails(EPIPE));
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
