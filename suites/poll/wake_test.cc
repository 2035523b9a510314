// What must end the wait of poll(), ppoll(), select() and pselect(), and what must not.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"
#include "suites/poll/states.h"
#include "suites/poll/waiters.h"

namespace ipcsuite::poll_suite {
namespace {

// A state in which the wait blocks, and the event that must end it.
struct Event {
  const char* name;
  State::Kinds kinds;
  For what;
  void (*before)(Scene& scene);
  void (*act)(Scene& scene);
  int must, may;          // bits of the answer: these; these too
  ClauseRef poll_clause;  // what poll() is charged with
  bool waits_of_select;   // false: poll() and ppoll() only
};

const Event kEventsThatWake[] = {
    {"Data", State::kBoth, For::kReading,
     [](Scene& s) {
       s.OpenBoth();
       s.fd = s.rd;
     },
     [](Scene& s) { EXPECT_THAT(CALL(write(s.wr, "x", 1)), SucceedsWith(1)); }, POLLIN, 0,
     clause::poll::timeout_infinite, true},
    {"HangUp", State::kBoth, For::kReading,
     [](Scene& s) {
       s.OpenBoth();
       s.fd = s.rd;
     },
     [](Scene& s) { EXPECT_THAT(CALL(close(s.wr.release())), SucceedsWith(0)); }, POLLHUP, POLLIN,
     clause::poll::timeout_infinite, true},
    {"HangUpWithNothingRequested", State::kBoth, For::kHangUp,
     [](Scene& s) {
       s.OpenBoth();
       s.fd = s.rd;
     },
     [](Scene& s) { EXPECT_THAT(CALL(close(s.wr.release())), SucceedsWith(0)); }, POLLHUP, 0,
     clause::poll::pipe_hup_after_last_writer, false},
    {"SecondWriterGone", State::kBoth, For::kReading,
     [](Scene& s) {
       s.OpenBoth();
       s.wr2 = s.kind == PipeKind::kFifo ? s.OpenWriter() : Fd(CALL(dup(s.wr)));
       s.wr.reset();
       s.fd = s.rd;
     },
     [](Scene& s) { EXPECT_THAT(CALL(close(s.wr2.release())), SucceedsWith(0)); }, POLLHUP, POLLIN,
     clause::poll::timeout_infinite, true},
    {"FirstWriterCameAndWent", State::kFifoOnly, For::kHangUp,
     [](Scene& s) {
       s.MakeNode();
       s.rd = s.OpenReader();
       s.fd = s.rd;
     },
     [](Scene& s) {
       s.wr = s.OpenWriter();
       s.wr.reset();
     },
     POLLHUP, 0, clause::poll::pipe_hup_after_last_writer, false},
    {"NewWriterWrote", State::kFifoOnly, For::kReading,
     [](Scene& s) {
       s.OpenBoth();
       s.wr.reset();
       s.wr = s.OpenWriter();
       s.fd = s.rd;
     },
     [](Scene& s) { EXPECT_THAT(CALL(write(s.wr, "x", 1)), SucceedsWith(1)); }, POLLIN, 0,
     clause::poll::fifo_hup_ends_with_new_writer, true},
    {"Room", State::kBoth, For::kWriting,
     [](Scene& s) {
       s.OpenBoth();
       FillPipe(s.wr);
       s.fd = s.wr;
     },
     [](Scene& s) { DrainPipe(s.rd); }, POLLOUT, 0, clause::poll::wakes_on_room, true},
    {"ReaderGone", State::kBoth, For::kWriting,
     [](Scene& s) {
       s.OpenBoth();
       FillPipe(s.wr);
       s.fd = s.wr;
     },
     [](Scene& s) { EXPECT_THAT(CALL(close(s.rd.release())), SucceedsWith(0)); }, POLLERR, POLLOUT,
     clause::poll::pipe_err_without_reader, true},
    {"ReaderGoneWithNothingRequested", State::kBoth, For::kHangUp,
     [](Scene& s) {
       s.OpenBoth();
       s.fd = s.wr;
     },
     [](Scene& s) { EXPECT_THAT(CALL(close(s.rd.release())), SucceedsWith(0)); }, POLLERR, 0,
     clause::poll::pipe_err_without_reader, false},
};

struct Row {
  std::string name;
  const Waiter* waiter;
  const Event* event;
  PipeKind kind;
  Claims claims;
};

// The clause that says that this function must wake by this event.
ClauseRef Charged(const Waiter& waiter, const Event& event) {
  return std::string_view(waiter.name) == "Poll" ? event.poll_clause : waiter.waits;
}

std::vector<Row> MakeRows() {
  std::vector<Row> rows;
  for (const Event& event : kEventsThatWake) {
    for (const Waiter& waiter : Waiters()) {
      if (waiter.selects && !event.waits_of_select) continue;
      for (const PipeKind kind : {PipeKind::kPipe, PipeKind::kFifo}) {
        if (kind == PipeKind::kPipe && event.kinds == State::kFifoOnly) continue;
        const std::string of = kind == PipeKind::kFifo ? "OnFifo" : "OnPipe";
        Claims claims = {Charged(waiter, event)};
        // A test of Issue 8 alone claims nothing else, so that it is not in use under Issue 7.
        if (Get(Charged(waiter, event)).issues & kIssue7)
          claims.push_back(clause::poll::o_nonblock_irrelevant);
        rows.push_back(
            {std::string(waiter.name) + of + "By" + event.name, &waiter, &event, kind, claims});
      }
    }
  }
  return rows;
}
const std::vector<Row> kRows = MakeRows();

void WakesOnce(const Row& row, bool nonblocking) {
  const Event& event = *row.event;
  Scene scene(row.kind);
  event.before(scene);
  if (nonblocking) SetNonblocking(scene.fd, true);
  Answer answer;
  // A thread, so that no second process holds the ends open.
  ThreadPeer peer;
  const Call call = peer.start([&] {
    answer = row.waiter->wait(scene.fd, event.what, nullptr, nullptr);
    return answer.result;
  });
  EXPECT_THAT(call, Blocks());
  event.act(scene);
  const CallResult result = call.result();
  EXPECT_THAT(result, SucceedsWith(1));
  if (!result.returned()) return;
  if (row.waiter->selects) {
    EXPECT_EQ(BitNames(answer.bits), BitNames(event.what == For::kReading ? POLLIN : POLLOUT));
  } else {
    EXPECT_EQ(BitNames(answer.bits & ~event.may), BitNames(event.must))
        << "revents " << BitNames(answer.bits);
  }
}

IPC_TABLE_TEST(PollWakes, Row, kRows) {
  {
    ForClause charged(Charged(*row.waiter, *row.event));
    WakesOnce(row, false);
  }
  ForClause charged(clause::poll::o_nonblock_irrelevant);
  WakesOnce(row, true);
}

// Whatever happens here leaves a waiting reader waiting; then data ends the wait.
struct StayCase {
  const char* name;
  State::Kinds kinds;
  void (*before)(Scene& scene);
  void (*act)(Scene& scene);
  ClauseRef clause;  // of poll()
  Claims claims = {clause, clause::select::pipe_read_ready};
};
const StayCase kStays[] = {
    {"OneOfTwoWritersGone", State::kBoth,
     [](Scene& s) {
       s.OpenBoth();
       s.wr2 = s.kind == PipeKind::kFifo ? s.OpenWriter() : Fd(CALL(dup(s.wr)));
     },
     [](Scene& s) { s.wr2.reset(); }, clause::poll::pipe_no_hup_while_writer},
    {"SecondWriterOpened", State::kFifoOnly, [](Scene& s) { s.OpenBoth(); },
     [](Scene& s) { s.wr2 = s.OpenWriter(); }, clause::poll::pipe_no_pollin_when_empty},
    {"SecondReaderCameAndWent", State::kFifoOnly, [](Scene& s) { s.OpenBoth(); },
     [](Scene& s) {
       s.rd2 = s.OpenReader();
       s.rd2.reset();
     },
     clause::poll::pipe_no_pollin_when_empty},
};
IPC_TABLE_TEST(PollStays, StayCase, kStays) {
  for (const Waiter& waiter : Waiters()) {
    if (waiter.first_issue > JudgedIssue()) continue;
    for (const PipeKind kind : {PipeKind::kPipe, PipeKind::kFifo}) {
      if (kind == PipeKind::kPipe && row.kinds == State::kFifoOnly) continue;
      SCOPED_TRACE(std::string(waiter.name) + " on " + ToString(kind));
      ForClause charged(waiter.selects ? clause::select::pipe_read_ready : row.clause);
      Scene scene(kind);
      row.before(scene);
      ThreadPeer peer;
      const Call call =
          peer.start([&] { return waiter.wait(scene.rd, For::kReading, nullptr, nullptr).result; });
      EXPECT_THAT(call, Blocks());
      row.act(scene);
      EXPECT_THAT(call, StaysBlocked());
      scene.Write("x");
      EXPECT_THAT(call.result(), SucceedsWith(1));
    }
  }
}

// Nobody takes the data: all that wait for it are told.
IPC_TEST(PollWakes, AllOfSeveralWaiters, clause::poll::timeout_infinite, clause::select::timeouts,
         clause::ppoll::timespec) {
  for (const PipeKind kind : {PipeKind::kPipe, PipeKind::kFifo}) {
    SCOPED_TRACE(ToString(kind));
    Scene scene(kind);
    scene.OpenBoth();
    std::vector<Peer> processes(Waiters().size());
    std::vector<ThreadPeer> threads(Waiters().size());
    std::vector<Call> calls;
    std::vector<const Waiter*> of;
    for (std::size_t i = 0; i < Waiters().size(); ++i) {
      const Waiter& waiter = Waiters()[i];
      if (waiter.first_issue > JudgedIssue()) continue;
      const auto wait = [&scene, &waiter] {
        return waiter.wait(scene.rd, For::kReading, nullptr, nullptr).result;
      };
      calls.push_back(processes[i].start(wait));
      of.push_back(&waiter);
    }
    for (std::size_t i = 0; i < Waiters().size(); ++i) {
      const Waiter& waiter = Waiters()[i];
      if (waiter.first_issue > JudgedIssue()) continue;
      calls.push_back(threads[i].start([&scene, &waiter] {
        return waiter.wait(scene.rd, For::kReading, nullptr, nullptr).result;
      }));
      of.push_back(&waiter);
    }
    for (const Call& call : calls) EXPECT_THAT(call, Blocks());
    EXPECT_THAT(CALL(write(scene.wr, "x", 1)), SucceedsWith(1));
    for (std::size_t i = 0; i < calls.size(); ++i) {
      ForClause charged(of[i]->waits);
      EXPECT_THAT(calls[i].result(), SucceedsWith(1)) << of[i]->name;
    }
  }
}

IPC_TEST(PollWakes, DeathOfTheLastWriter, clause::poll::pipe_hup_after_last_writer) {
  Pipe pipe;
  Peer writer([&](Peer::Self& self) {
    self.step([&] { return CALL(getpid()); });
    self.step([&] { return CALL(getpid()); });
  });
  EXPECT_THAT(writer.next().result(), Succeeds());
  pipe.CloseWr();
  pollfd entry{pipe.rd(), POLLIN, 0};
  ThreadPeer peer;
  const Call call = peer.start([&] { return CALL(poll(&entry, 1, -1)); });
  EXPECT_THAT(call, Blocks());
  writer.Kill();
  EXPECT_THAT(call.result(), SucceedsWith(1));
  EXPECT_TRUE(entry.revents & POLLHUP) << BitNames(entry.revents);
}

// Of two descriptors in one call, the one that becomes ready is told, the other is not.
IPC_TEST(PollWakes, TellsWhichDescriptorIsReady, clause::poll::timeout_infinite,
         clause::poll::return_value, clause::poll::pipe_no_pollin_when_empty) {
  for (const int ready : {0, 1}) {
    Pipe pipes[2];
    pollfd entries[2] = {{pipes[0].rd(), POLLIN, -1}, {pipes[1].rd(), POLLIN, -1}};
    ThreadPeer peer;
    const Call call = peer.start([&] { return CALL(poll(entries, 2, -1)); });
    EXPECT_THAT(call, Blocks());
    EXPECT_THAT(CALL(write(pipes[ready].wr(), "x", 1)), SucceedsWith(1));
    {
      const ForClause scope(clause::poll::return_value);
      EXPECT_THAT(call.result(), SucceedsWith(1));
    }
    EXPECT_EQ(BitNames(entries[ready].revents), "POLLIN");
    const ForClause scope(clause::poll::pipe_no_pollin_when_empty);
    NoteChecks();
    EXPECT_EQ(BitNames(entries[1 - ready].revents), "-");
  }
}

}  // namespace
}  // namespace ipcsuite::poll_suite
