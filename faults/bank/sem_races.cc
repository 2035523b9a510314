// Faults of semaphores that show in races, after failures and once in many calls.
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/preload/sems.h"

namespace faults {
namespace {

enum Use : uint32_t { kOwed, kCount, kWaiters, kWaitingPid };

thread_local sem_t* waiting_on = nullptr;
thread_local bool in_post = false;

// One post is lost where a wait left it owed.
void SwallowOwedPost(Hooks& h) {
  h.sem_post = [](sem_t* s) { return Cell(KeyOf(s), kOwed).exchange(0) ? 0 : real::sem_post(s); };
}

// ... by ending with that error.
template <int kError>
void SwallowPostAfter(Hooks& h) {
  EveryWait<[](sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
    int r = wait(s, c, t);
    if (r != 0 && errno == kError) Cell(KeyOf(s), kOwed) = 1;
    return r;
  }>(h);
  SwallowOwedPost(h);
}

const Row kFaults[] = {
    {.name = "sem_eintr_swallows_post",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_wait.failure_state"},
     .what = "The post that follows an interrupted wait is lost.",
     .arm = SwallowPostAfter<EINTR>},
    {.name = "sem_timeout_swallows_post",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_timedwait.timeout_state"},
     .what = "The post that follows a time-out is lost.",
     .arm = SwallowPostAfter<ETIMEDOUT>},
    {.name = "sem_cancel_swallows_post",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_wait.cancel_keeps_token"},
     .what = "The post that follows a cancelled wait is lost.",
     .arm =
         [](Hooks& h) {
           EveryWait<[](sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
             struct Left {
               sem_t* of;
               bool returned = false;
               ~Left() {
                 if (!returned) Cell(KeyOf(of), kOwed) = 1;
               }
             } left{s};
             int r = wait(s, c, t);
             left.returned = true;
             return r;
           }>(h);
           SwallowOwedPost(h);
         }},
    {.name = "sem_killed_waiter_swallows_post",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem.killed_waiter_takes_nothing"},
     .what = "The post that follows the death of a waiting process is lost.",
     .arm =
         [](Hooks& h) {
           EveryWait<[](sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
             Cell(KeyOf(s), kWaitingPid + static_cast<uint32_t>(getpid()) % 64) =
                 static_cast<uint64_t>(getpid());
             int r = wait(s, c, t);
             Cell(KeyOf(s), kWaitingPid + static_cast<uint32_t>(getpid()) % 64) = 0;
             return r;
           }>(h);
           h.sem_post = [](sem_t* s) {
             for (uint32_t i = 0; i < 64; ++i) {
               auto& cell = Cell(KeyOf(s), kWaitingPid + i);
               const uint64_t pid = cell.load();
               if (pid && kill(static_cast<pid_t>(pid), 0) != 0) {
                 cell = 0;
                 errno = 0;
                 return 0;
               }
             }
             return real::sem_post(s);
           };
         }},
    {.name = "sem_post_lost_seldom",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_post.concurrent_exact"},
     .what = "Every 701st post is lost.",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             return ++Cell(KeyOf(s), kCount) % 701 == 0 ? 0 : real::sem_post(s);
           };
         }},
    {.name = "sem_post_doubled_seldom",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_post.concurrent_exact"},
     .what = "Every 701st post counts twice.",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             if (++Cell(KeyOf(s), kCount) % 701 == 0) real::sem_post(s);
             return real::sem_post(s);
           };
         }},
    {.name = "sem_trywait_fails_seldom",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_trywait.takes_token"},
     .what = "Every 301st sem_trywait() fails though there is a token.",
     .arm =
         [](Hooks& h) {
           h.sem_trywait = [](sem_t* s) {
             return ++Cell(KeyOf(s), kCount) % 301 == 0 ? Fail(EAGAIN) : real::sem_trywait(s);
           };
         }},
    {.name = "sem_wait_without_token_seldom",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_wait.one_release_per_post"},
     .what = "Every 101st sem_wait() returns without a token.",
     .arm =
         [](Hooks& h) {
           h.sem_wait = [](sem_t* s) {
             return ++Cell(KeyOf(s), kCount) % 101 == 0 ? 0 : real::sem_wait(s);
           };
         }},
    {.name = "sem_post_wakes_two",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_wait.one_release_per_post"},
     .what = "A post with several waiters releases two.",
     .arm =
         [](Hooks& h) {
           EveryWait<[](sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
             Waiting w(KeyOf(s), kWaiters);
             return wait(s, c, t);
           }>(h);
           h.sem_post = [](sem_t* s) {
             if (WaiterCount(KeyOf(s), kWaiters) >= 2) real::sem_post(s);
             return real::sem_post(s);
           };
         }},
    {.name = "sem_wakeup_lost_among_waiters",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_wait.one_release_per_post", "sem_post.wakes_waiter"},
     .what = "A post with several waiters releases none.",
     .source = "musl before 1.2.4",
     .arm =
         [](Hooks& h) {
           EveryWait<[](sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
             Waiting w(KeyOf(s), kWaiters);
             return wait(s, c, t);
           }>(h);
           h.sem_post = [](sem_t* s) {
             return WaiterCount(KeyOf(s), kWaiters) >= 3 ? 0 : real::sem_post(s);
           };
         }},
    {.name = "sem_handlers_post_lost_in_wait",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_post.handler_wakes_own_wait"},
     .what = "A post by a handler that interrupted a wait is lost.",
     .arm =
         [](Hooks& h) {
           EveryWait<[](sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
             waiting_on = s;
             int r = wait(s, c, t);
             waiting_on = nullptr;
             return r;
           }>(h);
           h.sem_post = [](sem_t* s) { return waiting_on == s ? 0 : real::sem_post(s); };
         }},
    {.name = "sem_post_not_reentrant",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_post.async_signal_safe"},
     .what = "A post by a handler that interrupted a post is lost.",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             if (in_post) return 0;
             in_post = true;
             for (const int64_t end = NowNs(CLOCK_MONOTONIC) + 20000;
                  NowNs(CLOCK_MONOTONIC) < end;) {
             }
             int r = real::sem_post(s);
             in_post = false;
             return r;
           };
         }},
    {.name = "sem_post_touches_after",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_destroy.after_last_wait"},
     .what = "sem_post() writes to the semaphore after the waiter may have returned.",
     .source = "glibc before 2.21 (BZ 12674)",
     .arm =
         [](Hooks& h) {
           h.sem_post = [](sem_t* s) {
             int r = real::sem_post(s);
             PauseMs(1);
             auto* at = reinterpret_cast<volatile char*>(s) + sizeof(sem_t) - 1;
             *at = *at;
             return r;
           };
         }},
    {.name = "sem_getvalue_goes_back",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_getvalue.linearizable"},
     .what = "Every 50th sem_getvalue() says one less.",
     .arm =
         [](Hooks& h) {
           h.sem_getvalue = [](sem_t* s, int* v) {
             int r = real::sem_getvalue(s, v);
             if (*v > 0 && ++Cell(KeyOf(s), kCount) % 50 == 0) --*v;
             return r;
           };
         }},
    {.name = "sem_open_excl_not_atomic",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_open.excl.atomic"},
     .what = "O_EXCL looks first and creates later.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             if (!(f & O_CREAT) || !(f & O_EXCL)) return OpenSem(n, f, m, v);
             if (SemExists(n)) {
               errno = EEXIST;
               return static_cast<sem_t*>(SEM_FAILED);
             }
             PauseMs(1);
             return OpenSem(n, O_CREAT, m, v);
           };
         }},
    {.name = "sem_open_creat_race_eexist",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_open.creat.concurrent_no_excl"},
     .what = "O_CREAT fails with EEXIST when another creates at that moment.",
     .source = "glibc 2.38 (BZ 30789)",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             if (!(f & O_CREAT) || (f & O_EXCL)) return OpenSem(n, f, m, v);
             if (SemExists(n)) return OpenSem(n, f, m, v);
             PauseMs(1);
             return OpenSem(n, f | O_EXCL, m, v);
           };
         }},
    {.name = "sem_open_half_made",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_open.excl.atomic"},
     .what = "A new semaphore is seen with value zero before it has its own.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             if (!(f & O_CREAT) || v == 0 || v > 1000 || SemExists(n)) return OpenSem(n, f, m, v);
             sem_t* s = OpenSem(n, f, m, 0);
             if (s == SEM_FAILED) return s;
             PauseMs(2);
             for (unsigned i = 0; i < v; ++i) real::sem_post(s);
             return s;
           };
         }},
    {.name = "sem_unlink_two_winners",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_unlink.err.enoent"},
     .what = "sem_unlink() of a name that was there a moment ago returns 0.",
     .arm =
         [](Hooks& h) {
           h.sem_unlink = [](const char* n) {
             uint64_t key = 0;
             for (const char* c = n; *c; ++c) key = key * 31 + static_cast<unsigned char>(*c);
             auto& last = Cell(key, kCount);
             const uint64_t now = static_cast<uint64_t>(NowNs(CLOCK_MONOTONIC));
             const int r = real::sem_unlink(n);
             if (r == 0) {
               last = now;
               return 0;
             }
             if (errno == ENOENT && last.load() && now - last.load() < 2000000) return 0;
             return r;
           };
         }},
    {.name = "sem_close_keeps_reference",
     .family = Family::sem,
     .difficulty = Difficulty::hard,
     .clauses = {"sem_close.after_unlink", "sem_unlink.deferred"},
     .what = "sem_close() keeps the semaphore until the process ends.",
     .arm = [](Hooks& h) { h.sem_close = [](sem_t*) { return 0; }; }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
