// Faults of semaphores in certain states: names, signals, cancellation, ends of processes.
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/preload/sems.h"

namespace faults {
namespace {

enum Use : uint32_t { kWaiters };

// What this process took last.
sem_t* taken_from = nullptr;
pid_t taken_by = 0;

const Row kFaults[] = {
    {.name = "sem_init_too_large_accepted",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_init.err.einval"},
     .what = "sem_init() takes a value above the maximum as the maximum.",
     .arm =
         [](Hooks& h) {
           h.sem_init = [](sem_t* s, int p, unsigned v) {
             return real::sem_init(s, p, v > INT_MAX ? INT_MAX : v);
           };
         }},
    {.name = "sem_open_too_large_accepted",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_open.err.einval_value"},
     .what = "sem_open() takes a value above the maximum as the maximum.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             return OpenSem(n, f, m, v > INT_MAX ? INT_MAX : v);
           };
         }},
    {.name = "sem_init_pshared_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_init.pshared"},
     .what = "Every unnamed semaphore is private to its process.",
     .arm =
         [](Hooks& h) {
           h.sem_init = [](sem_t* s, int, unsigned v) { return real::sem_init(s, 0, v); };
         }},
    {.name = "sem_open_resets_value",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_open.creat.existing_ignored"},
     .what = "O_CREAT sets the value of an existing semaphore.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             sem_t* s = OpenSem(n, f, m, v);
             if (s != SEM_FAILED && (f & O_CREAT) && v <= INT_MAX) SetValue(s, static_cast<int>(v));
             return s;
           };
         }},
    {.name = "sem_close_resets_value",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_close.keeps_state"},
     .what = "sem_close() sets the value to zero.",
     .arm =
         [](Hooks& h) {
           h.sem_close = [](sem_t* s) {
             SetValue(s, 0);
             return real::sem_close(s);
           };
         }},
    {.name = "sem_close_closes_all",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_open.refcount"},
     .what = "The first close of a semaphore that was opened twice closes both.",
     .source = "musl before 1.2.2",
     .arm =
         [](Hooks& h) {
           h.sem_close = [](sem_t* s) {
             int r = real::sem_close(s);
             const int saved = errno;
             real::sem_close(s);
             errno = saved;
             return r;
           };
         }},
    {.name = "sem_unlink_resets_value",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_unlink.users_unaffected", "sem_open.usable_until"},
     .what = "sem_unlink() sets the value to zero.",
     .arm =
         [](Hooks& h) {
           h.sem_unlink = [](const char* n) {
             sem_t* s = OpenSem(n);
             if (s != SEM_FAILED) SetValue(s, 0), real::sem_close(s);
             return real::sem_unlink(n);
           };
         }},
    {.name = "sem_unlink_wakes",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_unlink.users_unaffected"},
     .what = "sem_unlink() wakes those that wait.",
     .arm =
         [](Hooks& h) {
           h.sem_unlink = [](const char* n) {
             sem_t* s = OpenSem(n);
             if (s != SEM_FAILED) real::sem_post(s), real::sem_close(s);
             return real::sem_unlink(n);
           };
         }},
    {.name = "sem_unlink_eperm",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_unlink.err.eacces"},
     .what = "sem_unlink() without permission fails with EPERM.",
     .source = "musl",
     .arm = [](Hooks& h) { Edit<&Hooks::sem_unlink>::Errno<EACCES, EPERM>(h); }},
    {.name = "sem_open_umask_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_open.creat.mode_umask"},
     .what = "sem_open() does not apply the file mode creation mask.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             const mode_t mask = umask(0);
             sem_t* s = OpenSem(n, f, m, v);
             umask(mask);
             return s;
           };
         }},
    {.name = "sem_open_mode_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_open.err.eacces_existing"},
     .what = "Every semaphore is for everybody.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t, unsigned v) {
             const mode_t mask = umask(0);
             sem_t* s = OpenSem(n, f, 0666, v);
             umask(mask);
             return s;
           };
         }},
    {.name = "sem_open_eacces_enoent",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_open.err.eacces_existing"},
     .what = "sem_open() without permission fails with ENOENT.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             sem_t* s = OpenSem(n, f, m, v);
             if (s == SEM_FAILED && errno == EACCES) errno = ENOENT;
             return s;
           };
         }},
    {.name = "sem_open_leaks_descriptor",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_close.frees_resources", "sem_close.closes_fd"},
     .what = "Every sem_open() leaves a descriptor open.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             sem_t* s = OpenSem(n, f, m, v);
             if (s != SEM_FAILED) real::dup(2);
             return s;
           };
         }},
    {.name = "sem_getvalue_positive_waiters",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_getvalue.locked"},
     .what = "sem_getvalue() says the number of waiters as a positive number.",
     .arm =
         [](Hooks& h) {
           EveryWait<[](sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
             Waiting w(KeyOf(s), kWaiters);
             return wait(s, c, t);
           }>(h);
           h.sem_getvalue = [](sem_t* s, int* v) {
             int r = real::sem_getvalue(s, v);
             if (*v == 0) *v = WaiterCount(KeyOf(s), kWaiters);
             return r;
           };
         }},
    {.name = "sem_wait_sa_restart_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_wait.sa_restart"},
     .what = "sem_wait() fails with EINTR for handlers with SA_RESTART too.",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             Disturbed d(Disturb::restarting);
             return real::sem_wait(s);
           };
         }},
    {.name = "sem_wait_ignored_interrupts",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_wait.ignored_signal"},
     .what = "An ignored signal interrupts sem_wait().",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             Disturbed d(Disturb::ignored);
             return real::sem_wait(s);
           };
         }},
    {.name = "sem_wait_continue_interrupts",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_wait.stop_and_continue"},
     .what = "Stop and continue interrupt sem_wait().",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             Disturbed d(Disturb::continued);
             return real::sem_wait(s);
           };
         }},
    {.name = "sem_wait_pending_cancel_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_wait.cancellation_point"},
     .what = "sem_wait() that need not wait ignores a pending cancellation request.",
     .source = "glibc before 2.25 (BZ 18243)",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) { return real::sem_trywait(s) == 0 ? 0 : real::sem_wait(s); };
         }},
    {.name = "sem_timedwait_pending_cancel_ignored",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_timedwait.cancellation_point"},
     .what = "sem_timedwait() that need not wait ignores a pending cancellation request.",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             return real::sem_trywait(s) == 0 ? 0 : real::sem_timedwait(s, t);
           };
         }},
    {.name = "sem_wait_pending_cancel_takes",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_wait.cancel_keeps_token"},
     .what = "A thread that is cancelled in sem_wait() takes a token along.",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             if (real::sem_trywait(s) != 0) return real::sem_wait(s);
             pthread_testcancel();
             return 0;
           };
         }},
    {.name = "sem_post_cancellation_point",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem.not_cancellation_points"},
     .what = "sem_post() acts on cancellation requests.",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             pthread_testcancel();
             return real::sem_post(s);
           };
         }},
    {.name = "sem_trywait_cancellation_point",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem.not_cancellation_points"},
     .what = "sem_trywait() acts on cancellation requests.",
     .arm =
         [](Hooks& h) {
           h.sem_trywait = [](sem_t* s) {
             pthread_testcancel();
             return real::sem_trywait(s);
           };
         }},
    {.name = "sem_trywait_fails_at_one",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem_trywait.takes_token"},
     .what = "sem_trywait() leaves the last token.",
     .arm =
         [](Hooks& h) {
           h.sem_trywait = [](sem_t* s) {
             return Value(s) == 1 ? Fail(EAGAIN) : real::sem_trywait(s);
           };
         }},
    {.name = "sem_exit_gives_back",
     .family = Family::sem,
     .difficulty = Difficulty::medium,
     .clauses = {"sem.exit_does_not_post"},
     .what = "The end of a process gives back what it took.",
     .source = "SEM_UNDO of System V semaphores",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             int r = real::sem_wait(s);
             if (r == 0) taken_from = s, taken_by = getpid();
             return r;
           };
           h.before_exit = [] {
             if (taken_from && taken_by == getpid()) real::sem_post(taken_from);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
