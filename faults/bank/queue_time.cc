// Faults of time-outs: mq_timedsend() and mq_timedreceive().
#include <csignal>

#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kExpired };

using Time = const timespec*;

timespec Plus(timespec t, int64_t ns) {
  int64_t sum = t.tv_nsec + ns;
  t.tv_sec += sum / 1000000000;
  t.tv_nsec = sum % 1000000000;
  if (t.tv_nsec < 0) t.tv_nsec += 1000000000, --t.tv_sec;
  return t;
}
bool Valid(Time t) { return t && t->tv_nsec >= 0 && t->tv_nsec < 1000000000 && t->tv_sec >= 0; }
bool Past(Time t) {
  return Valid(t) && t->tv_sec * 1000000000ll + t->tv_nsec <= NowNs(CLOCK_REALTIME);
}
timespec After(int ms) {
  int64_t n = NowNs(CLOCK_REALTIME) + ms * 1000000ll;
  return {static_cast<time_t>(n / 1000000000), static_cast<long>(n % 1000000000)};
}

// The time of timed calls changed, for sending, receiving or both.
template <timespec (*Change)(timespec)>
void SendTime(Hooks& h) {
  h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
    timespec changed = Valid(t) ? Change(*t) : timespec{};
    return SendTo(o, b, n, p, Valid(t) ? &changed : t);
  };
}
template <timespec (*Change)(timespec)>
void ReceiveTime(Hooks& h) {
  h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
    timespec changed = Valid(t) ? Change(*t) : timespec{};
    return ReceiveFrom(o, b, n, p, Valid(t) ? &changed : t);
  };
}
template <timespec (*Change)(timespec)>
void BothTimes(Hooks& h) {
  SendTime<Change>(h);
  ReceiveTime<Change>(h);
}

timespec Early(timespec t) { return Plus(t, -15000000); }
timespec SlightlyEarly(timespec t) { return Plus(t, -2000000); }
timespec WholeSeconds(timespec t) { return {t.tv_sec, 0}; }
// An absolute time of the monotonic clock is decades away, seen from now: bounded by a hang.
timespec Monotonic(timespec t) {
  timespec end = After(StuckMs());
  return t.tv_sec < end.tv_sec - 100000 ? t : Plus(t, StuckMs() * 1000000ll);
}
timespec Year2038(timespec t) {
  if (t.tv_sec > 0x7fffffff) t.tv_sec = 1;
  return t;
}

// Calls fail with the time-out's errno before anything else.
bool Refused(Time t, int* error) {
  if (!Past(t)) return false;
  *error = ETIMEDOUT;
  return true;
}

const Row kFaults[] = {
    {.name = "mq_timed_early",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.timeout.not_before_deadline",
                 "mq_timedreceive.timeout.not_before_deadline"},
     .what = "Time-outs come 15 ms early.",
     .arm = BothTimes<Early>},
    {.name = "mq_timedsend_slightly_early",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_timedsend.timeout.not_before_deadline"},
     .what = "mq_timedsend() ends 2 ms early.",
     .arm = SendTime<SlightlyEarly>},
    {.name = "mq_timedreceive_slightly_early",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_timedreceive.timeout.not_before_deadline"},
     .what = "mq_timedreceive() ends 2 ms early.",
     .arm = ReceiveTime<SlightlyEarly>},
    {.name = "mq_timed_nsec_ignored",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.timeout.not_before_deadline",
                 "mq_timedreceive.timeout.not_before_deadline"},
     .what = "tv_nsec of the time is not looked at.",
     .arm = BothTimes<WholeSeconds>},
    {.name = "mq_timed_clock_wrong",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.timeout.clock_is_realtime",
                 "mq_timedreceive.timeout.clock_is_realtime"},
     .what = "The time is taken for one of the monotonic clock.",
     .arm = BothTimes<Monotonic>},
    {.name = "mq_timedsend_far_future_expired",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.timeout.far_future"},
     .what = "mq_timedsend() takes times after 2038 for past ones.",
     .arm = SendTime<Year2038>},
    {.name = "mq_timedreceive_far_future_expired",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedreceive.timeout.far_future"},
     .what = "mq_timedreceive() takes times after 2038 for past ones.",
     .arm = ReceiveTime<Year2038>},
    {.name = "mq_timedsend_timeout_eagain",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_timedsend.timeout.etimedout_when_full"},
     .what = "mq_timedsend() that times out fails with EAGAIN.",
     .arm = Edit<&Hooks::mq_send>::Errno<ETIMEDOUT, EAGAIN>},
    {.name = "mq_timedreceive_timeout_eagain",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_timedreceive.timeout.etimedout_when_empty"},
     .what = "mq_timedreceive() that times out fails with EAGAIN.",
     .arm = Edit<&Hooks::mq_receive>::Errno<ETIMEDOUT, EAGAIN>},
    {.name = "mq_timedreceive_timeout_zero",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_timedreceive.timeout.etimedout_when_empty"},
     .what = "mq_timedreceive() that times out returns 0.",
     .arm = Edit<&Hooks::mq_receive>::Accept<ETIMEDOUT, 0>},
    {.name = "mq_timedsend_never_times_out",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_timedsend.timeout.etimedout_when_full"},
     .what = "mq_timedsend() waits like mq_send().",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r == -1 && errno == ETIMEDOUT) Stuck();
             return r;
           };
         }},
    {.name = "mq_timedreceive_past_deadline_waits",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedreceive.timeout.past_deadline"},
     .what = "A time that has passed already means no time-out.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             if (!Past(t)) return ReceiveFrom(o, b, n, p, t);
             timespec later = After(StuckMs());
             return ReceiveFrom(o, b, n, p, &later);
           };
         }},
    {.name = "mq_timedsend_past_deadline_einval",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.timeout.past_deadline"},
     .what = "A time that has passed already is EINVAL.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             bool past = Past(t);
             int r = SendTo(o, b, n, p, t);
             return r == -1 && errno == ETIMEDOUT && past ? Fail(EINVAL) : r;
           };
         }},
    {.name = "mq_timedsend_past_deadline_beats_room",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.timeout.not_evaluated_if_room"},
     .what = "A past time fails with ETIMEDOUT though there is room.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int error;
             return Refused(t, &error) ? Fail(error) : SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_timedreceive_past_deadline_beats_message",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedreceive.timeout.not_evaluated_if_message"},
     .what = "A past time fails with ETIMEDOUT though there is a message.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             int error;
             return Refused(t, &error) ? static_cast<ssize_t>(Fail(error))
                                       : ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_timedsend_invalid_nsec_accepted",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.timeout.invalid_nsec_einval"},
     .what = "tv_nsec of a second or more is added to the seconds.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             timespec fixed{};
             if (t && t->tv_nsec >= 1000000000) fixed = Plus({t->tv_sec, 0}, t->tv_nsec);
             return SendTo(o, b, n, p, fixed.tv_sec ? &fixed : t);
           };
         }},
    {.name = "mq_timedreceive_negative_nsec_accepted",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedreceive.timeout.invalid_nsec_einval"},
     .what = "A negative tv_nsec is not noticed.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             timespec fixed{};
             if (t && t->tv_nsec < 0) fixed = {t->tv_sec, 0};
             return ReceiveFrom(o, b, n, p, t && t->tv_nsec < 0 ? &fixed : t);
           };
         }},
    {.name = "mq_timedreceive_nsec_one_second_accepted",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_timedreceive.timeout.invalid_nsec_einval"},
     .what = "tv_nsec of exactly 1000000000 is accepted; larger and negative ones are refused.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             bool exact = t && t->tv_nsec == 1000000000;
             timespec fixed{exact ? t->tv_sec + 1 : 0, 0};
             return ReceiveFrom(o, b, n, p, exact ? &fixed : t);
           };
         }},
    {.name = "mq_timed_ignores_nonblock",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.timeout.nonblock_like_mq_send",
                 "mq_timedreceive.timeout.nonblock_like_mq_receive"},
     .what = "Timed calls wait in spite of O_NONBLOCK.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r == -1 && errno == EAGAIN && Valid(t)) {
               while (!Past(t)) PauseMs(5);
               errno = ETIMEDOUT;
             }
             return r;
           };
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             if (r == -1 && errno == EAGAIN && Valid(t)) {
               int64_t end = NowNs(CLOCK_MONOTONIC) + StuckMs() * 1000000ll;
               while (!Past(t) && NowNs(CLOCK_MONOTONIC) < end) PauseMs(5);
               errno = ETIMEDOUT;
             }
             return r;
           };
         }},
    {.name = "mq_timedreceive_expiry_loses_message",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_timedreceive.timeout.race_with_arrival"},
     .what = "The first message after a time-out is lost.",
     .source = "modelled on the Linux 5.6-5.12 race (CVE-2021-47069)",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             auto& expired = Cell(o.key(), kExpired);
             if (expired.load() && !QueueEmpty(o)) {
               expired = 0;
               ReceiveFrom(o, b, n, p, t);
             }
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             if (r == -1 && errno == ETIMEDOUT) expired = 1;
             return r;
           };
         }},
    {.name = "mq_timedsend_expiry_queues_message",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_send.error.failure_queues_nothing",
                 "mq_timedsend.timeout.etimedout_when_full"},
     .what = "A message whose mq_timedsend() timed out is sent as soon as there is room.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r == -1 && errno == ETIMEDOUT) Cell(o.key(), kExpired) = 1;
             return r;
           };
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             unsigned prio = 0;
             ssize_t r = ReceiveFrom(o, b, n, &prio, t);
             if (r >= 0 && p) *p = prio;
             if (r >= 0 && Cell(o.key(), kExpired).exchange(0)) {
               int fd = Reopen(o.fd, O_WRONLY | O_NONBLOCK);
               if (fd >= 0) real::mq_send(fd, b, static_cast<size_t>(r), prio), real::mq_close(fd);
             }
             return r;
           };
         }},
    {.name = "mq_timedreceive_never_eintr",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedreceive.eintr.caught_signal"},
     .what = "mq_timedreceive() goes on after every signal handler; mq_receive() is right.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             ssize_t r;
             do r = ReceiveFrom(o, b, n, p, t);
             while (t && r == -1 && errno == EINTR);
             return r;
           };
         }},
    {.name = "mq_timedsend_eintr_as_timeout",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.eintr.caught_signal"},
     .what = "mq_timedsend() interrupted by a signal fails with ETIMEDOUT.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             return t && r == -1 && errno == EINTR ? Fail(ETIMEDOUT) : r;
           };
         }},
    {.name = "mq_timedreceive_restart_extends_deadline",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_timedreceive.eintr.sa_restart_keeps_deadline"},
     .what = "A signal starts the whole time again.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             if (!Valid(t) || Past(t) || !QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
             int64_t length = t->tv_sec * 1000000000ll + t->tv_nsec - NowNs(CLOCK_REALTIME);
             timespec until = *t;
             Disturbed signals(Disturb::restarting);
             for (int again = 0;; ++again) {
               ssize_t r = ReceiveFrom(o, b, n, p, &until);
               if (r != -1 || errno != EINTR || again > 20) return r;
               until = Plus(After(0), length + 2000000000ll);
             }
           };
         }},
    {.name = "mq_timedsend_eintr_despite_sa_restart",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.eintr.sa_restart_keeps_deadline"},
     .what = "mq_timedsend() fails with EINTR though the handler was set with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             if (!t || !SenderWaits(o)) return SendTo(o, b, n, p, t);
             Disturbed signals(Disturb::restarting);
             return SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_timedreceive_positive_length_is_failure",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_timedreceive.basic.like_mq_receive"},
     .what = "mq_timedreceive() of a message that is not empty returns -1.",
     .source = "glibc BZ 29304 (32-bit)",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             return t && r > 0 ? static_cast<ssize_t>(Fail(EINVAL)) : r;
           };
         }},
    {.name = "mq_timedsend_ignores_priority",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedsend.basic.like_mq_send"},
     .what = "mq_timedsend() sends with priority 0; mq_send() is right.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return SendTo(o, b, n, t && p < 32768 ? 0 : p, t);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
