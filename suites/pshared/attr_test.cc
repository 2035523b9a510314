// Attributes: their defaults, what can be set, and what is refused. Options and constants.
#include <sched.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "harness/objects/privilege.h"
#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

// musl declares both, defines neither, and does not claim priority protection.
#if defined(__linux__) && !defined(__GLIBC__)
#pragma weak pthread_mutexattr_setprioceiling
#pragma weak pthread_mutexattr_getprioceiling
#endif

namespace ipcsuite::pshared_suite {
namespace {

constexpr int kInvalid = 77;

// One kind of attributes object with its process-shared attribute.
template <typename A, const auto& Init, const auto& Destroy, const auto& Get, const auto& Set>
void CheckPshared(ClauseRef defaults, ClauseRef roundtrip, ClauseRef refused) {
  A attributes;
  Setup(CALL_ERRNO(Init(&attributes)));
  int value = kInvalid;
  {
    const ForClause scope(defaults);
    EXPECT_THAT(CALL_ERRNO(Get(&attributes, &value)), SucceedsWith(0));
    EXPECT_EQ(value, PTHREAD_PROCESS_PRIVATE) << "the default";
  }
  {
    const ForClause scope(roundtrip);
    for (const int set :
         {PTHREAD_PROCESS_SHARED, PTHREAD_PROCESS_PRIVATE, PTHREAD_PROCESS_SHARED}) {
      EXPECT_THAT(CALL_ERRNO(Set(&attributes, set)), SucceedsWith(0));
      EXPECT_THAT(CALL_ERRNO(Get(&attributes, &value)), SucceedsWith(0));
      EXPECT_EQ(value, set);
    }
  }
  const ForClause scope(refused);
  const CallResult set = CALL_ERRNO(Set(&attributes, kInvalid));
  EXPECT_THAT(set, SucceedsOrFailsWith(EINVAL));
  if (!set.ok()) {
    EXPECT_THAT(CALL_ERRNO(Get(&attributes, &value)), SucceedsWith(0));
    EXPECT_EQ(value, PTHREAD_PROCESS_SHARED) << "after the refusal";
  }
  Observe(refused, "an invalid value", set);
  Setup(CALL_ERRNO(Destroy(&attributes)));
}

IPC_TEST(PsharedAttribute, OfMutexes, clause::mutexattr::pshared_default,
         clause::mutexattr::pshared_roundtrip, clause::mutexattr::pshared_err_einval) {
  CheckPshared<pthread_mutexattr_t, pthread_mutexattr_init, pthread_mutexattr_destroy,
               pthread_mutexattr_getpshared, pthread_mutexattr_setpshared>(
      clause::mutexattr::pshared_default, clause::mutexattr::pshared_roundtrip,
      clause::mutexattr::pshared_err_einval);
}
IPC_TEST(PsharedAttribute, OfConditionVariables, clause::condattr::pshared_default,
         clause::condattr::pshared_err_einval) {
  CheckPshared<pthread_condattr_t, pthread_condattr_init, pthread_condattr_destroy,
               pthread_condattr_getpshared, pthread_condattr_setpshared>(
      clause::condattr::pshared_default, clause::condattr::pshared_default,
      clause::condattr::pshared_err_einval);
}
IPC_TEST(PsharedAttribute, OfBarriers, clause::barrierattr::pshared_default,
         clause::barrierattr::pshared_err_einval) {
  CheckPshared<pthread_barrierattr_t, pthread_barrierattr_init, pthread_barrierattr_destroy,
               pthread_barrierattr_getpshared, pthread_barrierattr_setpshared>(
      clause::barrierattr::pshared_default, clause::barrierattr::pshared_default,
      clause::barrierattr::pshared_err_einval);
}
IPC_TEST(PsharedAttribute, OfReadWriteLocks, clause::rwlockattr::pshared_default,
         clause::rwlockattr::pshared_err_einval) {
  CheckPshared<pthread_rwlockattr_t, pthread_rwlockattr_init, pthread_rwlockattr_destroy,
               pthread_rwlockattr_getpshared, pthread_rwlockattr_setpshared>(
      clause::rwlockattr::pshared_default, clause::rwlockattr::pshared_default,
      clause::rwlockattr::pshared_err_einval);
}

// ---- Mutexes

class MutexAttributes : public Test {
 protected:
  void SetUp() override { Setup(CALL_ERRNO(pthread_mutexattr_init(&attributes_))); }
  void TearDown() override { pthread_mutexattr_destroy(&attributes_); }
  int Robust() const {
    int value = kInvalid;
    Setup(CALL_ERRNO(pthread_mutexattr_getrobust(&attributes_, &value)));
    return value;
  }
  int Shared() const {
    int value = kInvalid;
    Setup(CALL_ERRNO(pthread_mutexattr_getpshared(&attributes_, &value)));
    return value;
  }
  int Type() const {
    int value = kInvalid;
    Setup(CALL_ERRNO(pthread_mutexattr_gettype(&attributes_, &value)));
    return value;
  }
  int Protocol() const {
    int value = kInvalid;
    Setup(CALL_ERRNO(pthread_mutexattr_getprotocol(&attributes_, &value)));
    return value;
  }
  pthread_mutexattr_t attributes_;
};

IPC_TEST_F(MutexAttributes, StalledByDefault, clause::mutexattr::robust_default) {
  NoteChecks();
  EXPECT_EQ(Robust(), PTHREAD_MUTEX_STALLED);
}

IPC_TEST_F(MutexAttributes, RobustAndSharedIndependently, clause::mutexattr::robust_roundtrip) {
  for (const int shared : {PTHREAD_PROCESS_PRIVATE, PTHREAD_PROCESS_SHARED}) {
    for (const int robust : {PTHREAD_MUTEX_ROBUST, PTHREAD_MUTEX_STALLED, PTHREAD_MUTEX_ROBUST}) {
      EXPECT_THAT(CALL_ERRNO(pthread_mutexattr_setpshared(&attributes_, shared)), SucceedsWith(0));
      EXPECT_THAT(CALL_ERRNO(pthread_mutexattr_setrobust(&attributes_, robust)), SucceedsWith(0));
      EXPECT_EQ(Robust(), robust);
      EXPECT_EQ(Shared(), shared);
      EXPECT_THAT(CALL_ERRNO(pthread_mutexattr_setpshared(&attributes_, shared)), SucceedsWith(0));
      EXPECT_EQ(Robust(), robust) << "it is another attribute";
    }
  }
}

IPC_TEST_F(MutexAttributes, InvalidRobustness, clause::mutexattr::robust_err_einval) {
  Setup(CALL_ERRNO(pthread_mutexattr_setrobust(&attributes_, PTHREAD_MUTEX_ROBUST)));
  for (const int value : {kInvalid, -1})
    EXPECT_THAT(CALL_ERRNO(pthread_mutexattr_setrobust(&attributes_, value)), Fails(EINVAL));
  EXPECT_EQ(Robust(), PTHREAD_MUTEX_ROBUST) << "after the refusal";
}

IPC_TEST_F(MutexAttributes, TypeByDefault, clause::mutexattr::type_default) {
  NoteChecks();
  EXPECT_EQ(Type(), PTHREAD_MUTEX_DEFAULT);
}

IPC_TEST_F(MutexAttributes, EveryType, clause::mutexattr::type_roundtrip) {
  for (const int robust : {PTHREAD_MUTEX_STALLED, PTHREAD_MUTEX_ROBUST}) {
    Setup(CALL_ERRNO(pthread_mutexattr_setrobust(&attributes_, robust)));
    for (const int type : {PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_NORMAL,
                           PTHREAD_MUTEX_DEFAULT}) {
      EXPECT_THAT(CALL_ERRNO(pthread_mutexattr_settype(&attributes_, type)), SucceedsWith(0));
      EXPECT_EQ(Type(), type);
      EXPECT_EQ(Robust(), robust) << "it is another attribute";
      EXPECT_EQ(Shared(), PTHREAD_PROCESS_PRIVATE) << "it is another attribute";
    }
  }
}

IPC_TEST_F(MutexAttributes, InvalidType, clause::mutexattr::type_err_einval) {
  Setup(CALL_ERRNO(pthread_mutexattr_settype(&attributes_, PTHREAD_MUTEX_RECURSIVE)));
  for (const int value : {kInvalid, -1})
    EXPECT_THAT(CALL_ERRNO(pthread_mutexattr_settype(&attributes_, value)), Fails(EINVAL));
  EXPECT_EQ(Type(), PTHREAD_MUTEX_RECURSIVE) << "after the refusal";
}

bool Has(int name) { return sysconf(name) > 0; }

IPC_TEST_F(MutexAttributes, NoProtocolByDefault, clause::mutexattr::protocol_default) {
  if (!Has(_SC_THREAD_PRIO_INHERIT) && !Has(_SC_THREAD_PRIO_PROTECT))
    Unsupported("priority protocols are absent");
  NoteChecks();
  EXPECT_EQ(Protocol(), PTHREAD_PRIO_NONE);
}

IPC_TEST_F(MutexAttributes, EveryProtocol, clause::mutexattr::protocol_roundtrip) {
  struct {
    int protocol;
    bool promised;
  } const kProtocols[] = {{PTHREAD_PRIO_INHERIT, Has(_SC_THREAD_PRIO_INHERIT)},
                          {PTHREAD_PRIO_PROTECT, Has(_SC_THREAD_PRIO_PROTECT)},
                          {PTHREAD_PRIO_NONE, true}};
  for (const auto& row : kProtocols) {
    const int protocol = row.protocol;
    const int before = Protocol();
    const CallResult set = CALL_ERRNO(pthread_mutexattr_setprotocol(&attributes_, protocol));
    if (row.promised) {
      EXPECT_THAT(set, SucceedsWith(0));
    } else {
      EXPECT_THAT(set, SucceedsOrFailsWith(ENOTSUP));
    }
    EXPECT_EQ(Protocol(), set.ok() ? protocol : before);
  }
}

IPC_TEST_F(MutexAttributes, EveryCeiling, clause::mutexattr::prioceiling_roundtrip,
           clause::mutexattr::prioceiling_err_einval) {
  if (!Has(_SC_THREAD_PRIO_PROTECT)) Unsupported("priority protection is absent");
  int last = -1;
  for (const int ceiling :
       {sched_get_priority_min(SCHED_FIFO), sched_get_priority_max(SCHED_FIFO)}) {
    const CallResult set = CALL_ERRNO(pthread_mutexattr_setprioceiling(&attributes_, ceiling));
    EXPECT_THAT(set, SucceedsOrFailsWith(EPERM));
    if (!set.ok()) continue;
    EXPECT_THAT(CALL_ERRNO(pthread_mutexattr_getprioceiling(&attributes_, &last)), SucceedsWith(0));
    EXPECT_EQ(last, ceiling);
  }
  const CallResult above = CALL_ERRNO(
      pthread_mutexattr_setprioceiling(&attributes_, sched_get_priority_max(SCHED_FIFO) + 1000));
  EXPECT_THAT(above, SucceedsOrFailsWith(EINVAL, EPERM));
  Observe(clause::mutexattr::prioceiling_err_einval, "a ceiling above the highest priority", above);
}

// What locking an unlocked mutex with that priority ceiling reports, in each way.
std::vector<CallResult> LockWithCeiling(int ceiling) {
  pthread_mutexattr_t attributes;
  Setup(CALL_ERRNO(pthread_mutexattr_init(&attributes)));
  Setup(CALL_ERRNO(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_PROTECT)));
  Setup(CALL_ERRNO(pthread_mutexattr_setprioceiling(&attributes, ceiling)));
  pthread_mutex_t mutex;
  Setup(CALL_ERRNO(pthread_mutex_init(&mutex, &attributes)));
  std::vector<CallResult> results = {CALL_ERRNO(pthread_mutex_trylock(&mutex))};
  if (results.back().ok()) Unlock(&mutex);
  for (const Way way : AllWays()) {
    results.push_back(LockBy(way, &mutex));
    if (results.back().ok()) Unlock(&mutex);
  }
  return results;
}

// A thread of SCHED_FIFO, one above the lowest priority.
IPC_TEST(MutexProtect, CallerAboveTheCeilingIsRefused, clause::mutex::protect_err_einval) {
  if (!Has(_SC_THREAD_PRIO_PROTECT)) Unsupported("priority protection is absent");
  if (!CanUseRealtime())
    Unsupported("SCHED_FIFO is not available: needs CAP_SYS_NICE or a nonzero RLIMIT_RTPRIO");
  sched_param param{};
  param.sched_priority = sched_get_priority_min(SCHED_FIFO) + 1;
  Setup(CALL_ERRNO(pthread_setschedparam(pthread_self(), SCHED_FIFO, &param)));
  for (const int above : {0, 1}) {
    for (const CallResult& lock : LockWithCeiling(param.sched_priority + above))
      EXPECT_THAT(lock, SucceedsWith(0)) << "ceiling of the caller's priority plus " << above;
  }
  for (const CallResult& lock : LockWithCeiling(param.sched_priority - 1))
    EXPECT_THAT(lock, Fails(EINVAL)) << "ceiling below the caller's priority";
}

IPC_TEST(MutexProtect, CallerOfAnotherPolicy, clause::mutex::protect_other_policy) {
  if (!Has(_SC_THREAD_PRIO_PROTECT)) Unsupported("priority protection is absent");
  if (sched_getscheduler(0) != SCHED_OTHER) Unsupported("the test does not run as SCHED_OTHER");
  for (const CallResult& lock : LockWithCeiling(sched_get_priority_max(SCHED_FIFO))) {
    EXPECT_THAT(lock, SucceedsOrFailsWith(EINVAL, EPERM));
    Observe(clause::mutex::protect_other_policy, "lock by a thread of SCHED_OTHER", lock);
  }
}

IPC_TEST(PrivateRobustMutex, IsRefusedOrWorks, clause::mutex_init::err_robust_private) {
  pthread_mutexattr_t attributes;
  Setup(CALL_ERRNO(pthread_mutexattr_init(&attributes)));
  Setup(CALL_ERRNO(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST)));
  pthread_mutex_t mutex;
  const CallResult made = CALL_ERRNO(pthread_mutex_init(&mutex, &attributes));
  EXPECT_THAT(made, SucceedsOrFailsWith(EINVAL));
  Observe(clause::mutex_init::err_robust_private, "robust without process-shared", made);
  if (!made.ok()) return;
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(&mutex)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(&mutex)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(&mutex)), Fails(EPERM));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_destroy(&mutex)), SucceedsWith(0));
}

// ---- Clocks of condition variables

class CondClock : public Test {
 protected:
  void SetUp() override { Setup(CALL_ERRNO(pthread_condattr_init(&attributes_))); }
  void TearDown() override { pthread_condattr_destroy(&attributes_); }
  clockid_t Clock() const {
    clockid_t clock = 12345;
    Setup(CALL_ERRNO(pthread_condattr_getclock(&attributes_, &clock)));
    return clock;
  }
  pthread_condattr_t attributes_;
};

IPC_TEST_F(CondClock, RealtimeByDefault, clause::condattr::clock_default) {
  NoteChecks();
  EXPECT_EQ(Clock(), CLOCK_REALTIME);
}

IPC_TEST_F(CondClock, CanBeSet, clause::condattr::clock_roundtrip) {
  for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_MONOTONIC}) {
    EXPECT_THAT(CALL_ERRNO(pthread_condattr_setclock(&attributes_, clock)), SucceedsWith(0));
    EXPECT_EQ(Clock(), clock);
    Setup(CALL_ERRNO(pthread_condattr_setpshared(&attributes_, PTHREAD_PROCESS_SHARED)));
    EXPECT_EQ(Clock(), clock) << "it is another attribute";
  }
}

IPC_TEST_F(CondClock, CpuTimeIsRefused, clause::condattr::clock_err_cputime) {
  clockid_t of_process = CLOCK_PROCESS_CPUTIME_ID;
  clock_getcpuclockid(0, &of_process);
  for (const clockid_t clock : {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, of_process})
    EXPECT_THAT(CALL_ERRNO(pthread_condattr_setclock(&attributes_, clock)), Fails(EINVAL)) << clock;
  EXPECT_EQ(Clock(), CLOCK_REALTIME) << "after the refusal";
}

IPC_TEST_F(CondClock, UnknownClock, clause::condattr::clock_err_unknown) {
  const CallResult set = CALL_ERRNO(pthread_condattr_setclock(&attributes_, 12345));
  EXPECT_THAT(set, SucceedsOrFailsWith(EINVAL));
  Observe(clause::condattr::clock_err_unknown, "an unknown clock", set);
}

// ---- Constants and options

IPC_TEST(PthreadHeader, ConstantsDiffer, clause::tsh::pthread_h_constants) {
  NoteChecks();
  EXPECT_NE(PTHREAD_PROCESS_PRIVATE, PTHREAD_PROCESS_SHARED);
  EXPECT_NE(PTHREAD_MUTEX_STALLED, PTHREAD_MUTEX_ROBUST);
  EXPECT_NE(PTHREAD_BARRIER_SERIAL_THREAD, 0);
  for (const int error : {EINVAL, EAGAIN, ENOMEM, EINTR, EBUSY, ETIMEDOUT, EDEADLK, EPERM})
    EXPECT_NE(PTHREAD_BARRIER_SERIAL_THREAD, error);
  EXPECT_NE(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ERRORCHECK);
  EXPECT_NE(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE);
  EXPECT_NE(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE);
}

// A constant of <unistd.h> (0: not defined) and what sysconf() says of the same option.
void ExpectAgree(long constant, int name, const char* text) {
  NoteChecks();
  const long asked = sysconf(name);
  EXPECT_TRUE(asked == -1 || asked >= 200809) << text << ": sysconf() returns " << asked;
  if (constant > 0) {
    EXPECT_GT(asked, 0) << text << " is " << constant
                        << " in <unistd.h>: the option is always there";
  }
  if (constant == -1) {
    EXPECT_EQ(asked, -1) << text << " is -1 in <unistd.h>: the option is never there";
  }
}

#ifdef _POSIX_THREAD_PROCESS_SHARED
constexpr long kShared = _POSIX_THREAD_PROCESS_SHARED + 0;
#else
constexpr long kShared = 0;
#endif
#ifdef _POSIX_THREAD_ROBUST_PRIO_INHERIT
constexpr long kRobustInherit = _POSIX_THREAD_ROBUST_PRIO_INHERIT + 0;
#else
constexpr long kRobustInherit = 0;
#endif
#ifdef _POSIX_THREAD_ROBUST_PRIO_PROTECT
constexpr long kRobustProtect = _POSIX_THREAD_ROBUST_PRIO_PROTECT + 0;
#else
constexpr long kRobustProtect = 0;
#endif

IPC_TEST(PthreadOptions, ProcessShared, clause::tsh::option_constant, promise) {
  ExpectAgree(kShared, _SC_THREAD_PROCESS_SHARED, "_POSIX_THREAD_PROCESS_SHARED");
}
#if defined(_SC_THREAD_ROBUST_PRIO_INHERIT) && defined(_SC_THREAD_ROBUST_PRIO_PROTECT)
IPC_TEST(PthreadOptions, RobustPriorityProtocols, clause::rpi::option_constant) {
  ExpectAgree(kRobustInherit, _SC_THREAD_ROBUST_PRIO_INHERIT, "_POSIX_THREAD_ROBUST_PRIO_INHERIT");
  ExpectAgree(kRobustProtect, _SC_THREAD_ROBUST_PRIO_PROTECT, "_POSIX_THREAD_ROBUST_PRIO_PROTECT");
}
#endif

}  // namespace
}  // namespace ipcsuite::pshared_suite
