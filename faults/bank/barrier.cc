// Faults of process-shared barriers and spin locks.
#include "faults/preload/threads.h"

namespace faults {
namespace {

enum Use : uint32_t { kCycles };

const Row kFaults[] = {
    {.name = "barrier_one_too_few",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"barrier.pshared.blocks_until_count"},
     .what = "A barrier opens when one is still missing.",
     .arm =
         [](Hooks& h) {
           h.pthread_barrier_init = [](pthread_barrier_t* b, const pthread_barrierattr_t* a,
                                       unsigned n) {
             return real::pthread_barrier_init(b, a, n > 2 ? n - 1 : n);
           };
         }},
    {.name = "barrier_all_serial",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"barrier.pshared.one_serial"},
     .what = "Every thread is told to be the serial one.",
     .source = "musl in 2011",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_barrier_wait>::Error<0, PTHREAD_BARRIER_SERIAL_THREAD>(h);
         }},
    {.name = "barrier_none_serial",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"barrier.pshared.one_serial", "barrier.pshared.count_one"},
     .what = "No thread is told to be the serial one.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_barrier_wait>::Error<PTHREAD_BARRIER_SERIAL_THREAD, 0>(h);
         }},
    {.name = "barrier_serial_seldom_twice",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"barrier.pshared.one_serial"},
     .what = "In every 64th call a second thread is told to be the serial one.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_barrier_wait>::With<[](pthread_barrier_t* b) {
             static std::atomic<unsigned> calls{0};
             const int result = real::pthread_barrier_wait(b);
             return calls.fetch_add(1) % 64 == 63 ? PTHREAD_BARRIER_SERIAL_THREAD : result;
           }>(h);
         }},
    {.name = "barrier_not_reset",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"barrier.pshared.reset"},
     .what = "A barrier stays open after its first cycle.",
     .arm =
         [](Hooks& h) {
           h.pthread_barrier_init = [](pthread_barrier_t* b, const pthread_barrierattr_t* a,
                                       unsigned n) {
             Cell(KeyIn(b), kCycles) = 0;
             return real::pthread_barrier_init(b, a, n);
           };
           OnShared<&Hooks::pthread_barrier_wait>::With<[](pthread_barrier_t* b) {
             if (Cell(KeyIn(b), kCycles)) return 0;
             const int result = real::pthread_barrier_wait(b);
             if (result == PTHREAD_BARRIER_SERIAL_THREAD) Cell(KeyIn(b), kCycles) = 1;
             return result;
           }>(h);
         }},
    {.name = "barrier_pshared_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"barrier.pshared.blocks_until_count", "pshared.other_address"},
     .what = "Every barrier is private to its process.",
     .arm =
         [](Hooks& h) {
           h.pthread_barrier_init = [](pthread_barrier_t* b, const pthread_barrierattr_t* a,
                                       unsigned n) {
             const int error = real::pthread_barrier_init(b, a, n);
             if (error == 0 && Shared(b)) MakePrivate(b);
             return error;
           };
         }},
    {.name = "barrier_count_zero",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"barrier_init.err.einval_zero"},
     .what = "pthread_barrier_init() takes a count of zero as one.",
     .arm =
         [](Hooks& h) {
           h.pthread_barrier_init = [](pthread_barrier_t* b, const pthread_barrierattr_t* a,
                                       unsigned n) {
             return real::pthread_barrier_init(b, a, n == 0 ? 1 : n);
           };
         }},
    {.name = "barrier_cancellation_point",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"pshared.not_cancellation_points"},
     .what = "pthread_barrier_wait() acts on cancellation requests.",
     .arm =
         [](Hooks& h) {
           h.pthread_barrier_wait = [](pthread_barrier_t* b) {
             pthread_testcancel();
             return real::pthread_barrier_wait(b);
           };
         }},
    {.name = "barrier_destroy_ebusy",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"barrier.pshared.destroy_by_serial"},
     .what = "Destroying a barrier that has been used fails with EBUSY.",
     .arm =
         [](Hooks& h) {
           h.pthread_barrier_init = [](pthread_barrier_t* b, const pthread_barrierattr_t* a,
                                       unsigned n) {
             Cell(KeyIn(b), kCycles) = 0;
             return real::pthread_barrier_init(b, a, n);
           };
           OnShared<&Hooks::pthread_barrier_wait>::With<[](pthread_barrier_t* b) {
             Cell(KeyIn(b), kCycles) = 1;
             return real::pthread_barrier_wait(b);
           }>(h);
           OnShared<&Hooks::pthread_barrier_destroy>::With<[](pthread_barrier_t* b) {
             const bool used = Cell(KeyIn(b), kCycles) != 0;
             const int error = real::pthread_barrier_destroy(b);
             return used ? EBUSY : error;
           }>(h);
         }},
    {.name = "barrierattr_setpshared_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"barrierattr.pshared.default"},
     .what = "pthread_barrierattr_setpshared() changes nothing.",
     .arm = [](Hooks& h) { OnAny<&Hooks::pthread_barrierattr_setpshared>::Nothing<0>(h); }},
    {.name = "spin_init_keeps_word",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"spin.init_unlocked"},
     .what = "pthread_spin_init() leaves the lock as the memory had it.",
     .arm =
         [](Hooks& h) {
           h.pthread_spin_init = [](pthread_spinlock_t* s, int shared) {
             const pthread_spinlock_t word = *s;
             const int error = real::pthread_spin_init(s, shared);
             *s = word == 0 ? *s : word;
             return error;
           };
         }},
    {.name = "spin_trylock_two_owners",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"spin.pshared.trylock_ebusy"},
     .what = "pthread_spin_trylock() always succeeds.",
     .arm =
         [](Hooks& h) {
           h.pthread_spin_trylock = [](pthread_spinlock_t* s) {
             real::pthread_spin_trylock(s);
             return 0;
           };
         }},
    {.name = "spin_trylock_eagain",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"spin.pshared.trylock_ebusy"},
     .what = "pthread_spin_trylock() fails with EAGAIN.",
     .arm = [](Hooks& h) { OnAny<&Hooks::pthread_spin_trylock>::Error<EBUSY, EAGAIN>(h); }},
    {.name = "spin_lock_does_not_spin",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"spin.pshared.spins_until_free", "spin.pshared.usable"},
     .what = "pthread_spin_lock() gives up after a while and returns 0.",
     .arm =
         [](Hooks& h) {
           h.pthread_spin_lock = [](pthread_spinlock_t* s) {
             for (int i = 0; i < 100; ++i) {
               if (real::pthread_spin_trylock(s) == 0) return 0;
             }
             return 0;
           };
         }},
    {.name = "spin_lock_seldom_forgotten",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"spin.pshared.usable"},
     .what = "Every 16th pthread_spin_lock() does not take the lock.",
     .arm =
         [](Hooks& h) {
           h.pthread_spin_lock = [](pthread_spinlock_t* s) {
             static std::atomic<unsigned> locks{0};
             return locks.fetch_add(1) % 16 == 15 ? 0 : real::pthread_spin_lock(s);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
