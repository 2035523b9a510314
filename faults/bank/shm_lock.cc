// Faults of memory locks, and of cancellation in calls on shared memory.
#include <pthread.h>

#include "faults/preload/shm.h"

namespace faults {
namespace {

const Row kFaults[] = {
    {.name = "mlock_does_nothing",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mlock.shm.success"},
     .what = "mlock() of shared memory returns 0 and brings nothing into memory.",
     .source = "sandboxes that pretend",
     .arm = Edit<&Hooks::mlock>::Nothing<0>},
    {.name = "mlockall_ignores_current",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mlockall.shm_current"},
     .what = "mlockall(MCL_CURRENT) returns 0 and locks nothing.",
     .arm =
         [](Hooks& h) {
           h.mlockall = [](int flags) {
             return flags == MCL_CURRENT ? 0 : real::mlockall(flags & ~MCL_CURRENT);
           };
         }},
    {.name = "mlockall_ignores_future",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mlockall.shm_future"},
     .what = "mlockall(MCL_FUTURE) returns 0 and leaves later mappings unlocked.",
     .arm =
         [](Hooks& h) {
           h.mlockall = [](int flags) {
             return flags == MCL_FUTURE ? 0 : real::mlockall(flags & ~MCL_FUTURE);
           };
         }},
    {.name = "munlockall_does_nothing",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"munlockall.shm"},
     .what = "munlockall() returns 0 and unlocks nothing.",
     .arm = [](Hooks& h) { h.munlockall = [] { return 0; }; }},
    {.name = "msync_not_cancellation_point",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"msync.cancellation_point"},
     .what = "msync() does not act on a pending cancellation request.",
     .arm =
         [](Hooks& h) {
           h.msync = [](void* a, size_t n, int flags) {
             int before;
             pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
             int r = real::msync(a, n, flags);
             pthread_setcancelstate(before, nullptr);
             return r;
           };
         }},
    {.name = "shm_open_is_cancellation_point",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm.not_cancellation_points"},
     .what = "shm_open() acts on a pending cancellation request.",
     .source = "C libraries that make it of open()",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             pthread_testcancel();
             return real::shm_open(n, f, m);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
