// Faults of mutex attributes.
#include "faults/preload/threads.h"

namespace faults {
namespace {

const Row kFaults[] = {
    {.name = "mutexattr_setpshared_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.pshared.roundtrip"},
     .what = "pthread_mutexattr_setpshared() changes nothing.",
     .arm = [](Hooks& h) { OnAny<&Hooks::pthread_mutexattr_setpshared>::Nothing<0>(h); }},
    {.name = "mutexattr_default_shared",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.pshared.default"},
     .what = "Mutex attributes are process-shared by default.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutexattr_init = [](pthread_mutexattr_t* a) {
             const int error = real::pthread_mutexattr_init(a);
             real::pthread_mutexattr_setpshared(a, PTHREAD_PROCESS_SHARED);
             return error;
           };
         }},
    {.name = "mutexattr_default_robust",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.robust.default"},
     .what = "Mutex attributes are robust by default.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutexattr_init = [](pthread_mutexattr_t* a) {
             const int error = real::pthread_mutexattr_init(a);
             real::pthread_mutexattr_setrobust(a, PTHREAD_MUTEX_ROBUST);
             return error;
           };
         }},
    {.name = "mutexattr_robust_any_value",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.robust.err.einval"},
     .what = "pthread_mutexattr_setrobust() takes any value.",
     .arm = [](Hooks& h) { OnAny<&Hooks::pthread_mutexattr_setrobust>::Error<EINVAL, 0>(h); }},
    {.name = "mutexattr_robust_needs_shared",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutexattr.robust.roundtrip"},
     .what = "Setting the process-shared attribute resets the robust attribute.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutexattr_setpshared = [](pthread_mutexattr_t* a, int v) {
             real::pthread_mutexattr_setrobust(a, PTHREAD_MUTEX_STALLED);
             return real::pthread_mutexattr_setpshared(a, v);
           };
         }},
    {.name = "mutexattr_default_errorcheck",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.type.default"},
     .what = "The default type reads as PTHREAD_MUTEX_ERRORCHECK.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutexattr_init = [](pthread_mutexattr_t* a) {
             const int error = real::pthread_mutexattr_init(a);
             real::pthread_mutexattr_settype(a, PTHREAD_MUTEX_ERRORCHECK);
             return error;
           };
         }},
    {.name = "mutexattr_type_any_value",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.type.err.einval"},
     .what = "pthread_mutexattr_settype() takes any value.",
     .arm = [](Hooks& h) { OnAny<&Hooks::pthread_mutexattr_settype>::Error<EINVAL, 0>(h); }},
    {.name = "mutexattr_type_resets_robust",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutexattr.type.roundtrip"},
     .what = "Setting the type resets the robust attribute.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutexattr_settype = [](pthread_mutexattr_t* a, int v) {
             real::pthread_mutexattr_setrobust(a, PTHREAD_MUTEX_STALLED);
             return real::pthread_mutexattr_settype(a, v);
           };
         }},
    {.name = "mutexattr_protocol_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.protocol.roundtrip"},
     .what = "pthread_mutexattr_setprotocol() changes nothing.",
     .arm = [](Hooks& h) { OnAny<&Hooks::pthread_mutexattr_setprotocol>::Nothing<0>(h); }},
    {.name = "mutexattr_default_inherit",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.protocol.default"},
     .what = "Mutexes inherit priorities by default.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutexattr_init = [](pthread_mutexattr_t* a) {
             const int error = real::pthread_mutexattr_init(a);
             real::pthread_mutexattr_setprotocol(a, PTHREAD_PRIO_INHERIT);
             return error;
           };
         }},
    {.name = "mutexattr_prioceiling_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutexattr.prioceiling.roundtrip"},
     .what = "pthread_mutexattr_setprioceiling() changes nothing.",
     .arm = [](Hooks& h) { OnAny<&Hooks::pthread_mutexattr_setprioceiling>::Nothing<0>(h); }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
