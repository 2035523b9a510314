// Deadlines of mq_timedsend() and mq_timedreceive(). Both have the same rules: one table of the two
// directions, "closed" being the state in which a call must wait (full, or empty).
#include <fcntl.h>
#include <limits.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <type_traits>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

enum class Direction { kSend, kReceive };

// A queue of one message and the timed call of one direction on it.
class Side {
 public:
  explicit Side(Direction direction, int oflag = 0)
      : direction_(direction), queue_(1, 64, O_RDWR | oflag) {}
  // Makes the state in which the call must wait.
  void Shut() {
    if (direction_ == Direction::kSend) Put(queue_, "filler");
  }
  // Makes the state in which it need not: of a new queue, or after Shut().
  void Open() {
    if (direction_ == Direction::kReceive) {
      Put(queue_, "message");
    } else if (CountOf(queue_) > 0) {
      ReceiveOne(queue_);
    }
  }
  CallResult Do(const timespec& deadline, mqd_t q) const {
    if (direction_ == Direction::kSend) return CALL(mq_timedsend(q, "late", 4, 9, &deadline));
    char buffer[64];
    return CALL(mq_timedreceive(q, buffer, sizeof buffer, nullptr, &deadline));
  }
  CallResult Do(const timespec& deadline) const { return Do(deadline, queue_); }
  // What a call that waited and found nothing must have left behind.
  void ExpectUntouched() {
    const bool send = direction_ == Direction::kSend;
    const Messages of_sender{{"filler", 0}}, of_receiver;
    EXPECT_EQ(Drain(queue_), send ? of_sender : of_receiver);
  }
  long value() const { return direction_ == Direction::kSend ? 0 : 7; }  // of a successful call
  long count() const { return CountOf(queue_); }
  Queue& queue() { return queue_; }

 private:
  Direction direction_;
  Queue queue_;
};

struct Row {
  const char* name;
  Claims claims;
  Direction direction;
};
#define IPC_BOTH(send_clause, receive_clause, ...)                                           \
  {                                                                                          \
    {"OfMqTimedsend", {clause::mq_timedsend::send_clause, ##__VA_ARGS__}, Direction::kSend}, \
        {"OfMqTimedreceive",                                                                 \
         {clause::mq_timedreceive::receive_clause, ##__VA_ARGS__},                           \
         Direction::kReceive},                                                               \
  }

const Row kTimedOut[] = IPC_BOTH(timeout_etimedout_when_full, timeout_etimedout_when_empty);
IPC_TABLE_TEST(MqDeadlineEndsTheWait, Row, kTimedOut) {
  Side side(row.direction);
  side.Shut();
  EXPECT_THAT(side.Do(RealtimeIn(15)), Fails(ETIMEDOUT));
  // Neither then nor later: a call that gave up must not be served.
  side.ExpectUntouched();
  side.Open();
  EXPECT_EQ(side.count(), row.direction == Direction::kSend ? 0 : 1);
}

// Never early. A step of the clock would spoil the comparison: CLOCK_MONOTONIC tells.
const Row kNotBefore[] = IPC_BOTH(timeout_not_before_deadline, timeout_not_before_deadline);
IPC_TABLE_TEST(MqDeadlineIsNeverEarly, Row, kNotBefore) {
  Side side(row.direction);
  side.Shut();
  std::int64_t late_ns = 0;
  for (int ms : {1, 2, 3, 5, 8, 13, 20}) {
    timespec deadline = RealtimeIn(ms);
    deadline.tv_nsec -=
        deadline.tv_nsec % 1000 ? deadline.tv_nsec % 1000 - 1 : 0;  // an odd nanosecond
    const timespec real_before = RealtimeIn(0);
    const std::int64_t mono_before = NowNs();
    ASSERT_THAT(side.Do(deadline), Fails(ETIMEDOUT));
    const timespec real_after = RealtimeIn(0);
    const std::int64_t real = (real_after.tv_sec - real_before.tv_sec) * 1'000'000'000LL +
                              real_after.tv_nsec - real_before.tv_nsec;
    // Any step backwards may make the deadline look early.
    if (real < 0 || std::abs(real - (NowNs() - mono_before)) > 50'000'000)
      Unresolved("the clock was set during the test: run it again");
    const std::int64_t late = (real_after.tv_sec - deadline.tv_sec) * 1'000'000'000LL +
                              real_after.tv_nsec - deadline.tv_nsec;
    ASSERT_GE(late, 0) << "a deadline in " << ms << " ms was reported early by " << -late << " ns";
    late_ns = std::max(late_ns, late);
  }
  // However late, it is not a violation: for a reader who compares.
  RecordMetric("timeout_lateness_ns_max", static_cast<double>(late_ns));
}

const Row kPast[] = IPC_BOTH(timeout_past_deadline, timeout_past_deadline);
IPC_TABLE_TEST(MqDeadlineInThePast, Row, kPast) {
  Side side(row.direction);
  side.Shut();
  for (const timespec& deadline :
       {timespec{0, 0}, timespec{1, 0}, timespec{0, 999999999}, RealtimeIn(-1000), RealtimeIn(0)}) {
    EXPECT_THAT(side.Do(deadline), Fails(ETIMEDOUT)) << deadline.tv_sec << " s";
  }
  side.ExpectUntouched();
}

const Row kNotEvaluated[] =
    IPC_BOTH(timeout_not_evaluated_if_room, timeout_not_evaluated_if_message);
IPC_TABLE_TEST(MqDeadlineDoesNotMatterWithoutAWait, Row, kNotEvaluated) {
  Side side(row.direction);
  for (const timespec& deadline : {timespec{0, 0}, timespec{1, 5}, RealtimeIn(-1000)}) {
    side.Open();
    EXPECT_THAT(side.Do(deadline), SucceedsWith(side.value()));
  }
}

constexpr long kBadNsec[] = {-1, 1'000'000'000, LONG_MAX, LONG_MIN};
timespec WithNsec(long nsec) {
  timespec deadline = RealtimeIn(3'600'000);
  deadline.tv_nsec = nsec;
  return deadline;
}

const Row kInvalidNoWait[] =
    IPC_BOTH(timeout_invalid_nsec_with_room, timeout_invalid_nsec_with_message);
IPC_TABLE_TEST(MqInvalidNsecWithoutAWait, Row, kInvalidNoWait) {
  const ClauseRef clause = row.direction == Direction::kSend
                               ? clause::mq_timedsend::timeout_invalid_nsec_with_room
                               : clause::mq_timedreceive::timeout_invalid_nsec_with_message;
  for (long nsec : kBadNsec) {
    Side side(row.direction);
    side.Open();
    const long before = side.count();
    const CallResult got = side.Do(WithNsec(nsec));
    Observe(clause, "tv_nsec " + std::to_string(nsec), got);
    EXPECT_THAT(got, SucceedsOrFailsWith(EINVAL));
    const long change = !got.ok() ? 0 : row.direction == Direction::kSend ? 1 : -1;
    EXPECT_EQ(side.count(), before + change) << "after " << Describe(got);
  }
}

const Row kInvalid[] = IPC_BOTH(timeout_invalid_nsec_einval, timeout_invalid_nsec_einval,
                                regression::freebsd_reference_leaks);
IPC_TABLE_TEST(MqInvalidNsecWithAWait, Row, kInvalid) {
  Side side(row.direction);
  side.Shut();
  for (long nsec : kBadNsec)
    EXPECT_THAT(side.Do(WithNsec(nsec)), Fails(EINVAL)) << "tv_nsec " << nsec;
  side.ExpectUntouched();
}

const Row kNegativeOpen[] = IPC_BOTH(timeout_negative_seconds, timeout_negative_seconds,
                                     regression::linux_negative_tv_sec_einval);
IPC_TABLE_TEST(MqNegativeSecondsWithoutAWait, Row, kNegativeOpen) {
  Side side(row.direction);
  side.Open();
  EXPECT_THAT(side.Do(timespec{-1, 0}), SucceedsWith(side.value()))
      << "a time long past is a valid time";
}
IPC_TABLE_TEST(MqNegativeSecondsWithAWait, Row, kNegativeOpen) {
  Side side(row.direction);
  side.Shut();
  EXPECT_THAT(side.Do(timespec{-1, 0}), Fails(ETIMEDOUT)) << "a time long past is a valid time";
  side.ExpectUntouched();
}

const Row kNonblock[] = IPC_BOTH(timeout_nonblock_like_mq_send, timeout_nonblock_like_mq_receive);
IPC_TABLE_TEST(MqTimedAndNonblocking, Row, kNonblock) {
  Side side(row.direction, O_NONBLOCK);
  side.Shut();
  for (const timespec& deadline : {RealtimeIn(3'600'000), RealtimeIn(-1000), timespec{0, 0}}) {
    EXPECT_THAT(side.Do(deadline), Fails(EAGAIN)) << deadline.tv_sec << " s";
  }
  side.ExpectUntouched();
}

const Row kNonblockInvalid[] =
    IPC_BOTH(timeout_nonblock_like_mq_send, timeout_nonblock_like_mq_receive,
             regression::linux_invalid_abstime_beats_eagain);
IPC_TABLE_TEST(MqTimedAndNonblockingWithInvalidNsec, Row, kNonblockInvalid) {
  Side side(row.direction, O_NONBLOCK);
  side.Shut();
  for (long nsec : {-1L, 1'000'000'000L})
    EXPECT_THAT(side.Do(WithNsec(nsec)), Fails(EAGAIN)) << "tv_nsec " << nsec;
  side.ExpectUntouched();
}

IPC_TEST(MqTimedreceive, WaitsOnceNonblockIsCleared,
         clause::mq_timedreceive::timeout_nonblock_cleared_later) {
  Side side(Direction::kReceive, O_NONBLOCK);
  EXPECT_THAT(side.Do(RealtimeIn(-1000)), Fails(EAGAIN));
  SetQueueNonblocking(side.queue(), false);
  EXPECT_THAT(side.Do(RealtimeIn(-1000)), Fails(ETIMEDOUT));
  Receiver waiting(side.queue(), Way::kTimed);
  EXPECT_THAT(waiting.call(), Blocks());
  Put(side.queue(), "m");
  EXPECT_THAT(waiting.call().result(), SucceedsWith(1));
}

// The same number of seconds is far in the past on CLOCK_REALTIME if it was read from
// CLOCK_MONOTONIC, and the other way round.
const Row kClock[] = IPC_BOTH(timeout_clock_is_realtime, timeout_clock_is_realtime);
IPC_TABLE_TEST(MqDeadlineIsOnClockRealtime, Row, kClock) {
  const timespec monotonic = ClockIn(CLOCK_MONOTONIC, 3'600'000);
  if (!Before(monotonic, RealtimeIn(-1000)))
    Unsupported("CLOCK_REALTIME is not ahead of CLOCK_MONOTONIC here: they can't be told apart");
  Side side(row.direction);
  side.Shut();
  const mqd_t q = side.queue();
  Peer past, future;
  EXPECT_THAT(past.start([&] { return side.Do(monotonic, q); }).result(), Fails(ETIMEDOUT))
      << "an hour ahead on CLOCK_MONOTONIC only";
  EXPECT_THAT(future.start([&] { return side.Do(RealtimeIn(30), q); }).result(), Fails(ETIMEDOUT))
      << "30 ms ahead on CLOCK_REALTIME";
}

// How late a wait for 1 ms ended, by `wait`.
double Lateness(const std::function<void(const timespec&)>& wait) {
  const timespec deadline = RealtimeIn(1);
  wait(deadline);
  const timespec now = RealtimeIn(0);
  return static_cast<double>(now.tv_sec - deadline.tv_sec) * 1e9 +
         static_cast<double>(now.tv_nsec - deadline.tv_nsec);
}

// Statistical, so it is reported, and judged only against a rounding far coarser than any clock's:
// half a second later, at best, than other waits on the same clock at the same time.
const Row kResolution[] = {
    {"OfMqTimedsend",
     {clause::mq_timedsend::timeout_resolution, regression::linux_relative_timeouts},
     Direction::kSend},
    {"OfMqTimedreceive",
     {clause::mq_timedsend::timeout_resolution, regression::linux_relative_timeouts},
     Direction::kReceive},
};
IPC_TABLE_TEST(MqDeadlineHasTheClocksResolution, Row, kResolution) {
  Side side(row.direction);
  side.Shut();
  std::vector<double> lateness, others;
  for (int i = 0; i < 10; ++i) {
    lateness.push_back(Lateness(
        [&](const timespec& deadline) { EXPECT_THAT(side.Do(deadline), Fails(ETIMEDOUT)); }));
    others.push_back(Lateness([](const timespec& deadline) {
      constexpr int kAbsolute = TIMER_ABSTIME;
      clock_nanosleep(CLOCK_REALTIME, kAbsolute, &deadline, nullptr);  // sleep-ok: to compare with
    }));
  }
  const double least = *std::min_element(lateness.begin(), lateness.end());
  RecordMetric(row.direction == Direction::kSend ? "mq_timedsend_lateness_ns_min"
                                                 : "mq_timedreceive_lateness_ns_min",
               least, lateness);
  EXPECT_LT(least, *std::min_element(others.begin(), others.end()) + 5e8);
}

// Deadlines far ahead: the largest that 32 bits hold, the next one, and the largest of all.
std::vector<timespec> FarFuture() {
  std::vector<timespec> all{{static_cast<time_t>(INT_MAX), 0}};
  if constexpr (sizeof(time_t) > 4) all.push_back({static_cast<time_t>(INT_MAX) + 1, 0});
  all.push_back({std::numeric_limits<time_t>::max(), 999'999'999});
  return all;
}

const Row kFar[] = {
    {"OfMqTimedsend", {clause::mq_timedsend::timeout_far_future}, Direction::kSend},
    {"OfMqTimedreceive",
     {clause::mq_timedreceive::timeout_far_future, regression::glibc_bz29304},
     Direction::kReceive},
};
IPC_TABLE_TEST(MqDeadlineFarAhead, Row, kFar) {
  for (const timespec& deadline : FarFuture()) {
    Side side(row.direction);
    side.Open();
    EXPECT_THAT(side.Do(deadline), SucceedsWith(side.value()))
        << deadline.tv_sec << " s, without a wait";
    if (row.direction == Direction::kSend) Drain(side.queue());
    side.Shut();
    const mqd_t q = side.queue();
    Peer peer;
    const Call waiting = peer.start([&side, q, deadline] { return side.Do(deadline, q); });
    EXPECT_THAT(waiting, Blocks()) << deadline.tv_sec << " s";
    side.Open();
    EXPECT_THAT(waiting.result(), SucceedsWith(side.value())) << deadline.tv_sec << " s";
  }
}

// Messages that arrive about when the deadline does: returned, or still queued.
IPC_TEST(MqTimedreceive, RaceWithTheDeadlineLosesNothing,
         clause::mq_timedreceive::timeout_race_with_arrival,
         regression::linux_timed_wait_wakeup_race) {
  constexpr int kMessages = 200;
  Queue q(4, 16);
  const char* name = q.name();
  struct Tally {
    std::atomic<int> seen[kMessages];
    std::atomic<int> timeouts, done;
  };
  Shared<Tally> tally;
  std::vector<Peer> receivers(2);
  std::vector<Call> calls;
  for (Peer& receiver : receivers) {
    calls.push_back(receiver.start([&] {
      const Mqd own(CALL(mq_open(name, O_RDONLY)));
      char buffer[16];
      for (unsigned round = 0; tally->done.load() == 0; ++round) {
        timespec deadline = RealtimeIn(0);
        deadline.tv_nsec += 1000 * static_cast<long>(20 + round % 97);
        if (deadline.tv_nsec >= 1'000'000'000) deadline.tv_nsec -= 1'000'000'000, ++deadline.tv_sec;
        const CallResult got =
            CALL(mq_timedreceive(own, buffer, sizeof buffer, nullptr, &deadline));
        if (got.ok()) {
          ++tally
                ->seen[std::atoi(std::string(buffer, static_cast<std::size_t>(got.value)).c_str())];
        } else if (got.failed_with(ETIMEDOUT)) {
          ++tally->timeouts;
        } else {
          EXPECT_THAT(got, Fails(ETIMEDOUT));
          break;
        }
      }
    }));
  }
  for (int i = 0; i < kMessages; ++i) {
    const std::string text = std::to_string(i);
    const timespec patience = RealtimeIn(10'000);
    ASSERT_THAT(CALL(mq_timedsend(q, text.data(), text.size(), 0, &patience)), SucceedsWith(0));
    // Spread the sends over the deadlines; nothing is waited for.
    for (const std::int64_t end = NowNs() + 1000 * (i * 37 % 120); NowNs() < end;) {
    }
  }
  tally->done.store(1);
  for (const Call& call : calls) EXPECT_EQ(call.result(10s).fate, Fate::kReturned);
  for (const Message& left : Drain(q)) ++tally->seen[std::atoi(left.text.c_str())];
  int lost = 0, twice = 0;
  for (const auto& seen : tally->seen) lost += seen == 0, twice += seen > 1;
  EXPECT_EQ(lost, 0) << "of " << kMessages << " messages, with " << tally->timeouts << " time-outs";
  EXPECT_EQ(twice, 0);
  NoteChecks();
}

// Steps the clock of the whole machine and sets it right again by CLOCK_MONOTONIC.
class SteppedClock {
 public:
  SteppedClock() : real_(RealtimeIn(0)), mono_(NowNs()) {
    timespec now = RealtimeIn(0);
    if (clock_settime(CLOCK_REALTIME, &now) != 0)
      Unsupported("setting the clock is not permitted (" + ErrnoName(errno) + ")");
  }
  ~SteppedClock() { Step(0); }
  // To `ms` away from the right time.
  void Step(std::int64_t ms) {
    const std::int64_t ns = real_.tv_nsec + (NowNs() - mono_) + ms * 1'000'000;
    std::int64_t seconds = ns / 1'000'000'000, rest = ns % 1'000'000'000;
    if (rest < 0) rest += 1'000'000'000, --seconds;
    timespec time{};
    time.tv_sec = real_.tv_sec + static_cast<time_t>(seconds);
    time.tv_nsec = static_cast<long>(rest);
    clock_settime(CLOCK_REALTIME, &time);
  }

 private:
  timespec real_;
  std::int64_t mono_;
};

const Row kStepped[] = IPC_BOTH(
    timeout_clock_stepped, timeout_clock_stepped, regression::linux_relative_timeouts, exclusive,
    dangerous("it sets the clock of the machine forward and back by some seconds, for moments"));
IPC_TABLE_TEST(MqDeadlineFollowsASteppedClock, Row, kStepped) {
  Side side(row.direction);
  side.Shut();
  const mqd_t q = side.queue();
  SteppedClock clock;
  Peer forward, back;
  const Call far = forward.start([&] { return side.Do(RealtimeIn(20'000), q); });
  EXPECT_THAT(far, Blocks());
  clock.Step(21'000);
  const CallResult ended = far.result();
  clock.Step(0);
  EXPECT_THAT(ended, Fails(ETIMEDOUT)) << "the clock was set past the deadline";
  const Call near = back.start([&] { return side.Do(RealtimeIn(2'000), q); });
  EXPECT_THAT(near, Blocks());
  clock.Step(-20'000);
  const CallResult later = near.result(2500ms);
  clock.Step(0);
  EXPECT_EQ(later.fate, Fate::kStillBlocked)
      << "the clock was set back: the deadline is 20 s further away";
  EXPECT_THAT(near.result(5s), Fails(ETIMEDOUT));
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
