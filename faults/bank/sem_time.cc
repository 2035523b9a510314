// Faults of semaphores at boundaries: deadlines and the largest value.
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/preload/sems.h"

namespace faults {
namespace {

const Row kFaults[] = {
    {.name = "sem_timedwait_deadline_first",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_timedwait.immediate"},
     .what = "sem_timedwait() reports a passed deadline though there is a token.",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             if (Valid(*t) && Passed(*t, CLOCK_REALTIME)) return Fail(ETIMEDOUT);
             return real::sem_timedwait(s, t);
           };
         }},
    {.name = "sem_clockwait_deadline_first",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_clockwait.immediate"},
     .what = "sem_clockwait() reports a passed deadline though there is a token.",
     .arm =
         [](Hooks& h) {
           h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
             if (Valid(*t) && Passed(*t, c)) return Fail(ETIMEDOUT);
             return real::sem_clockwait(s, c, t);
           };
         }},
    {.name = "sem_timedwait_past_waits",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_timedwait.past_deadline"},
     .what = "sem_timedwait() waits long for a deadline that has passed.",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             if (Valid(*t) && Passed(*t, CLOCK_REALTIME) && Value(s) <= 0) Stuck();
             return real::sem_timedwait(s, t);
           };
         }},
    {.name = "sem_timedwait_nsec_unchecked",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_timedwait.err.einval_nsec"},
     .what = "Invalid nanoseconds count as a deadline that has passed.",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             if (Valid(*t) || Value(s) > 0) return real::sem_timedwait(s, t);
             return Fail(ETIMEDOUT);
           };
         }},
    {.name = "sem_timedwait_nsec_limit",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_timedwait.err.einval_nsec"},
     .what = "1,000,000,000 nanoseconds are accepted.",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             if (t->tv_nsec != 1000000000 || Value(s) > 0) return real::sem_timedwait(s, t);
             return Fail(ETIMEDOUT);
           };
         }},
    {.name = "sem_clockwait_nsec_limit",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_clockwait.err.einval_nsec"},
     .what = "sem_clockwait() accepts 1,000,000,000 nanoseconds.",
     .arm =
         [](Hooks& h) {
           h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
             if (t->tv_nsec != 1000000000 || Value(s) > 0) return real::sem_clockwait(s, c, t);
             return Fail(ETIMEDOUT);
           };
         }},
    {.name = "sem_timedwait_early",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_timedwait.not_early"},
     .what = "sem_timedwait() times out 2 ms early.",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             if (!Valid(*t) || t->tv_sec < 1000) return real::sem_timedwait(s, t);
             timespec early = Earlier(*t, 2000000);
             return real::sem_timedwait(s, &early);
           };
         }},
    {.name = "sem_clockwait_early",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_clockwait.clocks"},
     .what = "sem_clockwait() times out 2 ms early.",
     .arm =
         [](Hooks& h) {
           h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
             if (!Valid(*t) || t->tv_sec < 100) return real::sem_clockwait(s, c, t);
             timespec early = Earlier(*t, 2000000);
             return real::sem_clockwait(s, c, &early);
           };
         }},
    {.name = "sem_clockwait_wrong_clock",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_clockwait.clocks"},
     .what = "sem_clockwait() measures every deadline on CLOCK_REALTIME.",
     .arm =
         [](Hooks& h) {
           h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
             return real::sem_clockwait(s, c == CLOCK_MONOTONIC ? CLOCK_REALTIME : c, t);
           };
         }},
    {.name = "sem_clockwait_any_clock",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_clockwait.err.einval_clock"},
     .what = "sem_clockwait() accepts a clock that does not exist.",
     .arm =
         [](Hooks& h) {
           h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
             if (c == CLOCK_REALTIME || c == CLOCK_MONOTONIC) return real::sem_clockwait(s, c, t);
             return Value(s) > 0 ? real::sem_trywait(s) : Fail(ETIMEDOUT);
           };
         }},
    {.name = "sem_timedwait_negative_einval",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_timedwait.negative_seconds"},
     .what = "Negative seconds are an invalid time.",
     .source = "the futex calls of Linux",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             if (t->tv_sec < 0 && Value(s) <= 0) return Fail(EINVAL);
             return real::sem_timedwait(s, t);
           };
         }},
    {.name = "sem_timedwait_far_is_past",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_timedwait.post_wins"},
     .what = "A deadline beyond 2038 has passed.",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             if (t->tv_sec >= INT_MAX - 1 && Valid(*t) && Value(s) <= 0) return Fail(ETIMEDOUT);
             return real::sem_timedwait(s, t);
           };
         }},
    {.name = "sem_post_overflow_accepted",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_post.err.eoverflow"},
     .what = "sem_post() at the maximum returns 0.",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_post>::Accept<EOVERFLOW, 0>(h); }},
    {.name = "sem_post_overflow_takes",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_post.err.eoverflow"},
     .what = "A sem_post() that fails at the maximum takes a token.",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             int r = real::sem_post(s);
             if (r != 0) real::sem_trywait(s), errno = EOVERFLOW;
             return r;
           };
         }},
    {.name = "sem_post_maximum_less_one",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_post.increments", "sem_post.err.eoverflow"},
     .what = "sem_post() fails one below the maximum.",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             return Value(s) >= SEM_VALUE_MAX - 1 ? Fail(EOVERFLOW) : real::sem_post(s);
           };
         }},
    {.name = "sem_value_of_14_bits",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_post.concurrent_exact"},
     .what = "Posts beyond 16,383 are lost.",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             const int v = Value(s);
             return v >= 16383 && v < 100000 ? 0 : real::sem_post(s);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
