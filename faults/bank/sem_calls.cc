// Faults of semaphores that any single call shows.
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/preload/sems.h"

namespace faults {
namespace {

const Row kFaults[] = {
    {.name = "sem_post_lost",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_post.increments"},
     .what = "sem_post() returns 0 and adds nothing.",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_post>::Nothing<0>(h); }},
    {.name = "sem_post_twice",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_post.increments"},
     .what = "sem_post() adds two.",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             real::sem_post(s);
             return real::sem_post(s);
           };
         }},
    {.name = "sem_trywait_ebusy",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_trywait.err.eagain"},
     .what = "sem_trywait() at zero fails with EBUSY.",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_trywait>::Errno<EAGAIN, EBUSY>(h); }},
    {.name = "sem_trywait_waits",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_trywait.err.eagain"},
     .what = "sem_trywait() at zero waits for a post.",
     .arm =
         [](Hooks& h) {
           h.sem_trywait = [](sem_t* s) {
             int r = real::sem_trywait(s);
             if (r != 0) Stuck(), errno = EAGAIN;
             return r;
           };
         }},
    {.name = "sem_trywait_zero_succeeds",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_trywait.err.eagain"},
     .what = "sem_trywait() succeeds at zero.",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_trywait>::Accept<EAGAIN, 0>(h); }},
    {.name = "sem_trywait_keeps_token",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_trywait.takes_token"},
     .what = "sem_trywait() succeeds and leaves the value.",
     .arm =
         [](Hooks& h) {
           h.sem_trywait = [](sem_t* s) {
             if (Value(s) <= 0) return Fail(EAGAIN);
             return 0;
           };
         }},
    {.name = "sem_trywait_always_fails",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_trywait.takes_token"},
     .what = "sem_trywait() never finds a token.",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_trywait>::Always<EAGAIN>(h); }},
    {.name = "sem_wait_keeps_token",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_wait.takes_token"},
     .what = "sem_wait() returns 0 and leaves the value.",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             int r = real::sem_wait(s);
             if (r == 0) real::sem_post(s);
             return r;
           };
         }},
    {.name = "sem_wait_takes_two",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_wait.takes_token"},
     .what = "sem_wait() takes a second token where there is one.",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             int r = real::sem_wait(s);
             if (r == 0) real::sem_trywait(s);
             return r;
           };
         }},
    {.name = "sem_wait_does_not_wait",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_wait.blocks_at_zero"},
     .what = "sem_wait() at zero returns 0 without waiting.",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             if (real::sem_trywait(s) != 0) errno = 0;
             return 0;
           };
         }},
    {.name = "sem_wait_fails_at_zero",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_wait.blocks_at_zero"},
     .what = "sem_wait() at zero fails with EAGAIN instead of waiting.",
     .arm = [](Hooks& h) { h.sem_wait = [](sem_t* s) { return real::sem_trywait(s); }; }},
    {.name = "sem_getvalue_plus_one",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_getvalue.value"},
     .what = "sem_getvalue() says one more.",
     .arm =
         [](Hooks& h) {
           h.sem_getvalue = [](sem_t* s, int* v) {
             int r = real::sem_getvalue(s, v);
             ++*v;
             return r;
           };
         }},
    {.name = "sem_getvalue_zero",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_getvalue.value"},
     .what = "sem_getvalue() always says zero.",
     .arm =
         [](Hooks& h) {
           h.sem_getvalue = [](sem_t*, int* v) {
             *v = 0;
             return 0;
           };
         }},
    {.name = "sem_getvalue_takes",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_getvalue.no_effect"},
     .what = "sem_getvalue() takes a token.",
     .arm =
         [](Hooks& h) {
           h.sem_getvalue = [](sem_t* s, int* v) {
             int r = real::sem_getvalue(s, v);
             real::sem_trywait(s);
             return r;
           };
         }},
    {.name = "sem_init_value_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_init.value"},
     .what = "sem_init() starts at zero whatever the value.",
     .arm =
         [](Hooks& h) {
           h.sem_init = [](sem_t* s, int p, unsigned v) {
             return real::sem_init(s, p, v > INT_MAX ? v : 0);
           };
         }},
    {.name = "sem_init_plus_one",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_init.value"},
     .what = "sem_init() starts one higher.",
     .arm =
         [](Hooks& h) {
           h.sem_init = [](sem_t* s, int p, unsigned v) {
             return real::sem_init(s, p, v < INT_MAX ? v + 1 : v);
           };
         }},
    {.name = "sem_destroy_fails",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_destroy.ok"},
     .what = "sem_destroy() fails with EBUSY while the value is positive.",
     .arm =
         [](Hooks& h) {
           h.sem_destroy = [](sem_t* s) {
             if (Value(s) > 0) return Fail(EBUSY);
             return real::sem_destroy(s);
           };
         }},
    {.name = "sem_open_value_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_open.creat.value"},
     .what = "A new named semaphore starts at zero.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             return OpenSem(n, f, m, v > INT_MAX ? v : 0);
           };
         }},
    {.name = "sem_open_excl_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_open.err.eexist"},
     .what = "O_EXCL has no effect.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             return OpenSem(n, f & ~O_EXCL, m, v);
           };
         }},
    {.name = "sem_open_missing_einval",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_open.err.enoent"},
     .what = "sem_open() of a missing name fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             sem_t* s = OpenSem(n, f, m, v);
             if (s == SEM_FAILED && errno == ENOENT) errno = EINVAL;
             return s;
           };
         }},
    {.name = "sem_open_missing_creates",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_open.err.enoent"},
     .what = "sem_open() without O_CREAT creates what is missing.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             return OpenSem(n, f | O_CREAT, f & O_CREAT ? m : 0600, v);
           };
         }},
    {.name = "sem_unlink_nothing",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_unlink.removes"},
     .what = "sem_unlink() returns 0 and leaves the name.",
     .arm =
         [](Hooks& h) {
           h.sem_unlink = [](const char* n) { return SemExists(n) ? 0 : Fail(ENOENT); };
         }},
    {.name = "sem_unlink_missing_succeeds",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_unlink.err.enoent"},
     .what = "sem_unlink() of a missing name returns 0.",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_unlink>::Accept<ENOENT, 0>(h); }},
    {.name = "sem_close_fails",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_close.ret_zero"},
     .what = "sem_close() closes and returns -1 with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.sem_close = [](sem_t* s) {
             real::sem_close(s);
             return Fail(EINVAL);
           };
         }},
    {.name = "sem_timedwait_eagain",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_timedwait.past_deadline"},
     .what = "sem_timedwait() reports EAGAIN for a deadline that has passed.",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_timedwait>::Errno<ETIMEDOUT, EAGAIN>(h); }},
    {.name = "sem_clockwait_eagain",
     .family = Family::sem,
     .difficulty = Difficulty::easy,
     .clauses = {"sem_clockwait.err.etimedout"},
     .what = "sem_clockwait() reports EAGAIN for a deadline that has passed.",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_clockwait>::Errno<ETIMEDOUT, EAGAIN>(h); }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
