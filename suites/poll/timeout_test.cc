// Time-outs of poll(), ppoll(), select() and pselect(): never early, zero, huge, none.
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"
#include "suites/poll/waiters.h"

namespace ipcsuite::poll_suite {
namespace {

ClauseRef FiniteClause(const Waiter& waiter) {
  return std::string_view(waiter.name) == "Poll" ? clause::poll::timeout_finite : waiter.waits;
}

struct Row {
  std::string name;
  const Waiter* waiter;
  long ns;   // of the time-out
  For what;  // reading from an empty pipe, or writing to a full one
  Claims claims;
};

std::vector<Row> MakeRows() {
  std::vector<Row> rows;
  struct {
    const char* name;
    long ns;
  } const times[] = {{"SecondsAndNanoseconds", 1'000'100'000},
                     {"Zero", 0},
                     {"OneNanosecond", 1},
                     {"OneMillisecond", 1'000'000},
                     {"TwentyMilliseconds", 20'000'000}};
  for (const Waiter& waiter : Waiters()) {
    Claims claims = {FiniteClause(waiter)};
    if (waiter.selects) claims.push_back(clause::select::result_sets);
    if (!waiter.selects) claims.push_back(clause::poll::fd_events_unmodified);
    for (const auto& time : times) {
      rows.push_back(
          {std::string(waiter.name) + "For" + time.name, &waiter, time.ns, For::kReading, claims});
    }
    rows.push_back(
        {std::string(waiter.name) + "OfFullPipe", &waiter, 5'000'000, For::kWriting, claims});
  }
  return rows;
}
const std::vector<Row> kRows = MakeRows();

void ExpectArgumentsKept(const Answer& answer) {
  EXPECT_TRUE(answer.timeout_kept);
  ForClause charged(clause::poll::fd_events_unmodified);
  NoteChecks();
  EXPECT_TRUE(answer.entry_kept);
}

IPC_TABLE_TEST(PollTimesOut, Row, kRows) {
  ForClause charged(FiniteClause(*row.waiter));
  Pipe pipe;
  if (row.what == For::kWriting) FillPipe(pipe.wr());
  const timespec timeout{row.ns / 1'000'000'000, row.ns % 1'000'000'000};
  std::int64_t late_ns = 0;
  for (const bool nonblocking : {false, true}) {
    if (nonblocking && timeout.tv_sec > 0) continue;  // once is slow enough
    const int fd = row.what == For::kReading ? pipe.rd() : pipe.wr();
    SetNonblocking(fd, nonblocking);
    const Answer answer = row.waiter->wait(fd, row.what, &timeout, nullptr);
    EXPECT_THAT(answer.result, SucceedsWith(0));
    EXPECT_GE(answer.result.elapsed_ns(), row.ns) << "returned early";
    late_ns = std::max(late_ns, answer.result.elapsed_ns() - row.ns);
    ExpectArgumentsKept(answer);
    EXPECT_EQ(BitNames(answer.bits), "-");
  }
  // However late, it is not a violation: for a reader who compares.
  RecordMetric("timeout_lateness_ns_max", static_cast<double>(late_ns));
}

struct WaiterRow {
  std::string name;
  const Waiter* waiter;
  Claims claims;
};
std::vector<WaiterRow> EachWaiter(ClauseRef (*claim)(const Waiter&)) {
  std::vector<WaiterRow> rows;
  for (const Waiter& waiter : Waiters()) rows.push_back({waiter.name, &waiter, {claim(waiter)}});
  return rows;
}

// A zero time-out tells what is, ready or not.
const std::vector<WaiterRow> kZero = EachWaiter(FiniteClause);
IPC_TABLE_TEST(PollZeroTimeout, WaiterRow, kZero) {
  Pipe pipe;
  const timespec none{};
  EXPECT_THAT(row.waiter->wait(pipe.rd(), For::kReading, &none, nullptr).result, SucceedsWith(0));
  EXPECT_THAT(CALL(write(pipe.wr(), "x", 1)), SucceedsWith(1));
  const Answer ready = row.waiter->wait(pipe.rd(), For::kReading, &none, nullptr);
  EXPECT_THAT(ready.result, SucceedsWith(1));
  EXPECT_EQ(BitNames(ready.bits), "POLLIN");
  DrainPipe(pipe.rd());  // how much room makes it writable is the system's choice
  EXPECT_THAT(row.waiter->wait(pipe.wr(), For::kWriting, &none, nullptr).result, SucceedsWith(1));
}

// The largest time-outs wait too; they neither fail nor overflow into a short one.
const std::vector<WaiterRow> kHuge = EachWaiter(FiniteClause);
IPC_TABLE_TEST(PollHugeTimeout, WaiterRow, kHuge) {
  // 31 days must be supported; longer ones may be cut to the longest supported. poll() takes up to
  // INT_MAX milliseconds.
  for (const std::int64_t seconds :
       {std::int64_t{31} * 86'400, std::int64_t{INT_MAX} / 1000, std::int64_t{INT_MAX}}) {
    SCOPED_TRACE(std::to_string(seconds) + " s");
    const timespec timeout{static_cast<time_t>(seconds), 0};
    Pipe pipe;
    Answer answer;
    ThreadPeer peer;
    const Call call = peer.start([&] {
      answer = row.waiter->wait(pipe.rd(), For::kReading, &timeout, nullptr);
      return answer.result;
    });
    EXPECT_THAT(call, Blocks());
    EXPECT_THAT(CALL(write(pipe.wr(), "x", 1)), SucceedsWith(1));
    EXPECT_THAT(call.result(), SucceedsWith(1));
    ExpectArgumentsKept(answer);
  }
}

// With no descriptor at all the functions are timers.
IPC_TEST(PollTimesOut, WithoutDescriptors, clause::poll::timeout_finite, clause::select::timeouts,
         clause::ppoll::timespec) {
  constexpr long kNs = 5'000'000;
  const timespec timeout{0, kNs};
  timeval time{0, kNs / 1000};
  std::vector<std::pair<ClauseRef, CallResult>> results = {
      {clause::poll::timeout_finite, CALL(poll(nullptr, 0, kNs / 1'000'000))},
      {clause::select::timeouts, CALL(select(0, nullptr, nullptr, nullptr, &time))},
      {clause::select::timeouts, CALL(pselect(0, nullptr, nullptr, nullptr, &timeout, nullptr))},
  };
#ifdef IPC_HAVE_PPOLL
  if (JudgedIssue() >= 8)
    results.emplace_back(clause::ppoll::timespec, CALL(ppoll(nullptr, 0, &timeout, nullptr)));
#endif
  for (const auto& [clause, result] : results) {
    ForClause charged(clause);
    EXPECT_THAT(result, SucceedsWith(0));
    EXPECT_GE(result.elapsed_ns(), kNs) << Describe(result) << " returned early";
  }
}

// Neither descriptors nor an end: only a signal ends the wait.
struct EndlessCase {
  const char* name;
  CallResult (*wait)();
  ClauseRef clause;
  Claims claims = {clause};
};
const EndlessCase kEndless[] = {
    {"Poll", [] { return CALL(poll(nullptr, 0, -1)); }, clause::poll::timeout_infinite},
    {"Select", [] { return CALL(select(0, nullptr, nullptr, nullptr, nullptr)); },
     clause::select::timeouts},
    {"Pselect", [] { return CALL(pselect(0, nullptr, nullptr, nullptr, nullptr, nullptr)); },
     clause::select::timeouts},
#ifdef IPC_HAVE_PPOLL
    {"Ppoll", [] { return CALL(ppoll(nullptr, 0, nullptr, nullptr)); }, clause::ppoll::timespec},
#endif
};
IPC_TABLE_TEST(PollEndless, EndlessCase, kEndless) {
  ScopedSignal handler(SIGUSR1, CountSignal);
  Peer peer;
  const Call call = peer.start([&] { return row.wait(); });
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(call, StaysBlocked());
  EXPECT_THAT(Interrupt(peer, call, SIGUSR1), Fails(EINTR));
}

// In a peer, which has no other use for timers. They are far from their ends.
IPC_TEST(SelectTimeout, LeavesAlarmAlone, clause::select::timers) {
  Peer peer([](Peer::Self& self) {
    alarm(1000);
    for (const bool with_pselect : {false, true}) {
      timeval time{0, 1000};
      const timespec time_either{0, 1'000'000};
      self.step([&] {
        return with_pselect ? CALL(pselect(0, nullptr, nullptr, nullptr, &time_either, nullptr))
                            : CALL(select(0, nullptr, nullptr, nullptr, &time));
      });
    }
    self.step([] { return CALL(alarm(0)); });
  });
  EXPECT_THAT(peer.next().result(), SucceedsWith(0));
  EXPECT_THAT(peer.next().result(), SucceedsWith(0));
  const CallResult left = peer.next().result();
  EXPECT_THAT(left, Succeeds());
  EXPECT_GE(left.value, 500) << "seconds left of 1000";
  EXPECT_LE(left.value, 1000);
}

// Issue 8 has no setitimer().
IPC_TEST(SelectTimeout, LeavesIntervalTimersAlone, clause::select::timers) {
  if (JudgedIssue() >= 8) Unsupported("setitimer() is not of Issue 8");
  struct Left {
    itimerval of[3];
  };
  Shared<Left> left;
  Peer peer([&](Peer::Self& self) {
    const int timers[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    const itimerval far{{7, 0}, {1000, 0}};
    for (const int timer : timers) Setup(CALL(setitimer(timer, &far, nullptr)));
    timeval time{0, 1000};
    self.step([&] { return CALL(select(0, nullptr, nullptr, nullptr, &time)); });
    for (std::size_t i = 0; i < 3; ++i) getitimer(timers[i], &left->of[i]);
    self.step([] { return CALL(getpid()); });
  });
  EXPECT_THAT(peer.next().result(), SucceedsWith(0));
  EXPECT_THAT(peer.next().result(), Succeeds());
  for (const itimerval& timer : left->of) {
    EXPECT_GE(timer.it_value.tv_sec, 500) << "seconds left of 1000";
    EXPECT_EQ(timer.it_interval.tv_sec, 7);
  }
}

IPC_TEST(SelectTimeout, MayShowTheTimeLeft, clause::select::timeout_object) {
  Pipe pipe;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipe.wr(), &set);
  timeval time{1000, 0};
  EXPECT_THAT(CALL(select(pipe.wr() + 1, nullptr, &set, nullptr, &time)), SucceedsWith(1));
  const bool changed = time.tv_sec != 1000 || time.tv_usec != 0;
  Observe(clause::select::timeout_object, "select_changes_timeval_when_ready",
          std::string_view(changed ? "yes" : "no"));
  FD_ZERO(&set);
  FD_SET(pipe.rd(), &set);
  time = {0, 1000};
  EXPECT_THAT(CALL(select(pipe.rd() + 1, &set, nullptr, nullptr, &time)), SucceedsWith(0));
  Observe(clause::select::timeout_object, "select_timeval_after_time_out",
          std::string_view(time.tv_sec == 0 && time.tv_usec == 0 ? "zero" : "other"));
}

}  // namespace
}  // namespace ipcsuite::poll_suite
