// close() of pipe ends, and what keeps an end open.
#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeClose);

IPC_TEST_P(PipeClose, FreesTheNumber, clause::close::pipe_frees_number) {
  Pipe p = Make();
  for (Fd* end : {&p.rd_fd(), &p.wr_fd()}) {
    const int number = end->get();
    const int lowest = std::min(number, LowestFreeFd());
    EXPECT_THAT(CALL(close(end->release())), SucceedsWith(0));
    EXPECT_THAT(CALL(fcntl(number, F_GETFD)), Fails(EBADF));
    EXPECT_THAT(CALL(close(number)), Fails(EBADF));
    char byte;
    EXPECT_THAT(CALL(read(number, &byte, 1)), Fails(EBADF));
    EXPECT_THAT(CALL(write(number, "x", 1)), Fails(EBADF));
    Pipe other(PipeKind::kPipe);  // the next allocations begin at the lowest
    EXPECT_EQ(std::min(other.rd(), other.wr()), lowest);
  }
}

IPC_TEST_P(PipeClose, OtherDuplicatesKeepTheWriteEndOpen,
           clause::close::pipe_other_duplicates_keep_end_open) {
  Pipe p = Make(O_NONBLOCK);
  Fd copy(CALL(dup(p.wr()))), third(CALL(fcntl(p.wr(), F_DUPFD, 0)));
  char byte;
  p.CloseWr();
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), Fails(EAGAIN)) << "two duplicates are open";
  copy.reset();
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), Fails(EAGAIN)) << "a duplicate is open";
  EXPECT_THAT(CALL(write(third, "x", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(1));
  third.reset();
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(0)) << "all are closed";
}

IPC_TEST_P(PipeClose, OtherDuplicatesKeepTheReadEndOpen,
           clause::close::pipe_other_duplicates_keep_end_open) {
  Pipe p = Make(O_NONBLOCK);
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  Fd copy(CALL(dup(p.rd()))), third(CALL(fcntl(p.rd(), F_DUPFD, 0)));
  p.CloseRd();
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1)) << "two duplicates are open";
  copy.reset();
  EXPECT_THAT(CALL(write(p.wr(), "y", 1)), SucceedsWith(1)) << "a duplicate is open";
  EXPECT_EQ(DrainPipe(third), "xy");
  third.reset();
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), Fails(EPIPE)) << "all are closed";
}

// close() under a storm of caught signals; every outcome that the issue allows is counted.
struct Outcomes {
  int success, eintr_open, eintr_closed, einprogress, eio, other;
};

// Closes and counts. After EINTR nothing but close() and posix_close() need to take the number
// (Issue 8), so a second close() shows whether it is open; it fails with EBADF when it is not.
CallResult CloseAndCount(int number, Outcomes& outcomes) {
  CallResult closed;
  bool again = false;
  for (int attempt = 0; attempt < 1000; ++attempt, again = true) {
    closed = CALL(close(number));
    if (again) ++(closed.failed_with(EBADF) ? outcomes.eintr_closed : outcomes.eintr_open);
    if (!closed.failed_with(EINTR)) break;
  }
  if (closed.ok()) {
    ++outcomes.success;
  } else if (closed.failed_with(EINPROGRESS)) {
    ++outcomes.einprogress;
  } else if (closed.failed_with(EIO)) {
    ++outcomes.eio;  // may fail so; what is left open then is unspecified
    close(number);
  } else if (!(again && closed.failed_with(EBADF))) {
    ++outcomes.other;
  }
  return closed;
}

Outcomes CloseUnderSignals(PipeKind kind) {
  ScopedSignal handler(SIGUSR1, CountSignal);
  Shared<Outcomes> outcomes;
  Peer closer;
  Call call = closer.start([&] {
    CallResult result;
    for (int i = 0; i < 150; ++i) {
      Pipe p(kind, O_NONBLOCK);
      [[maybe_unused]] const ssize_t put = write(p.wr(), "unread", 6);
      for (Fd* end : {&p.rd_fd(), &p.wr_fd()}) {
        result = CloseAndCount(end->release(), *outcomes);
      }
    }
    return result;
  });
  SignalUntilReturned(closer, call, SIGUSR1);
  EXPECT_TRUE(call.result().returned());
  return *outcomes;
}

std::string Seen(const Outcomes& o) {
  std::string text;
  const auto add = [&](int count, const char* what) {
    if (count > 0) text += (text.empty() ? "" : ", ") + std::string(what);
  };
  add(o.success, "success");
  add(o.eintr_open, "EINTR with the descriptor open");
  add(o.eintr_closed, "EINTR with the descriptor closed");
  add(o.einprogress, "EINPROGRESS");
  add(o.eio, "EIO");
  return text;
}

IPC_TEST_P(PipeClose, InterruptedIssue7, clause::close::eintr_issue7) {
  const Outcomes seen = CloseUnderSignals(GetParam());
  EXPECT_EQ(seen.other, 0) << "another error than EINTR and EIO";
  Observe(clause::close::eintr_issue7, "close_under_signals", Seen(seen));
}

IPC_TEST_P(PipeClose, InterruptedIssue8, clause::close::eintr_issue8) {
  const Outcomes seen = CloseUnderSignals(GetParam());
  EXPECT_EQ(seen.other, 0)
      << "an error other than EINTR, EINPROGRESS and EIO (EAGAIN is never right)";
  EXPECT_EQ(seen.eintr_closed, 0) << "EINTR says that the descriptor is open";
#if defined(POSIX_CLOSE_RESTART) && POSIX_CLOSE_RESTART == 0
  EXPECT_EQ(seen.eintr_open, 0) << "POSIX_CLOSE_RESTART is 0: close() is never interrupted";
#endif
  Observe(clause::close::eintr_issue8, "close_under_signals", Seen(seen));
}

IPC_TEST_P(PipeClose, PosixCloseWithFlagZero, clause::posix_close::flag_zero) {
#ifdef POSIX_CLOSE_RESTART
  Pipe p = Make(O_NONBLOCK);
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  char byte;
  ASSERT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  const int number = p.wr();
  EXPECT_THAT(CALL(posix_close(p.wr_fd().release(), 0)), SucceedsWith(0));
  EXPECT_THAT(CALL(fcntl(number, F_GETFD)), Fails(EBADF));
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(0));
  Pipe q = Make();
  EXPECT_THAT(CALL(posix_close(q.rd_fd().release(), 0)), SucceedsWith(0));
  EXPECT_THAT(CALL(write(q.wr(), "x", 1)), Fails(EPIPE));
#else
  Unsupported("posix_close() is not declared");
#endif
}

// What becomes of a call of another thread when its descriptor is closed is open: nothing is
// judged. Data that comes later releases it where it goes on.
std::string Ending(const CallResult& result) {
  if (!result.returned()) return "does not return";
  return result.failed ? ErrnoName(result.error) : "returns " + std::to_string(result.value);
}

IPC_TEST_P(PipeClose, WhileAThreadIsBlockedInRead, clause::close::pipe_while_thread_blocked) {
  Pipe p = Make();
  SharedBuffer byte(1);
  ThreadPeer reader;
  Fd number(CALL(dup(p.rd())));
  Call call = reader.start([&, fd = number.get()] { return CALL(read(fd, byte.data(), 1)); });
  const bool waits = call.probe().what == Blocking::kShown;
  Observe(clause::close::pipe_while_thread_blocked, "close_of_read_end",
          CALL(close(number.release())));
  const bool ended = call.probe().what == Blocking::kReturned;
  if (!ended) Setup(CALL(write(p.wr(), "x", 1)));
  Observe(clause::close::pipe_while_thread_blocked, "read",
          !waits  ? "was not shown to wait"
          : ended ? Ending(call.result())
                  : "goes on, " + Ending(call.result()));
}

IPC_TEST_P(PipeClose, WhileAThreadIsBlockedInWrite, clause::close::pipe_while_thread_blocked) {
  Pipe p = Make();
  FillPipe(p.wr());
  ThreadPeer writer;
  Fd number(CALL(dup(p.wr())));
  Call call = writer.start([&, fd = number.get()] { return CALL(write(fd, "x", 1)); });
  const bool waits = call.probe().what == Blocking::kShown;
  Observe(clause::close::pipe_while_thread_blocked, "close_of_write_end",
          CALL(close(number.release())));
  const bool ended = call.probe().what == Blocking::kReturned;
  if (!ended) DrainPipe(p.rd());
  Observe(clause::close::pipe_while_thread_blocked, "write",
          !waits  ? "was not shown to wait"
          : ended ? Ending(call.result())
                  : "goes on, " + Ending(call.result()));
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
