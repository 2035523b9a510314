// What the notified owner of a robust mutex may do, and what becomes of a mutex that nobody
// recovered.
#include <unistd.h>

#include <string>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

// In a process of its own, since it may hang.
CallResult InAnother(std::function<CallResult()> step, const Mutex& mutex,
                     nanoseconds patience = 2s) {
  const Worker worker(true, std::move(step));
  return ResultOf(worker.call(), mutex, patience);
}

IPC_FOR_ROBUST_MUTEXES(RobustConsistent);

IPC_TEST_P(RobustConsistent, OnceAfterTheDeath, clause::robust::consistent_ok,
           clause::robust::consistent_twice, clause::robust::consistent_err_not_inconsistent) {
  const Mutex mutex(GetParam());
  {
    const ForClause scope(clause::robust::consistent_err_not_inconsistent);
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), Fails(EINVAL)) << "never locked";
    Lock(mutex);
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), Fails(EINVAL)) << "locked normally";
    Unlock(mutex);
  }
  LetOwnerDie(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(mutex)), Fails(EOWNERDEAD));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), SucceedsWith(0));
  {
    const ForClause scope(clause::robust::consistent_twice);
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), Fails(EINVAL));
  }
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  {
    const ForClause scope(clause::robust::consistent_twice);
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), Fails(EINVAL)) << "after the unlock";
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(InAnother(
                    [&] {
                      const CallResult locked = CALL_ERRNO(pthread_mutex_lock(mutex));
                      Unlock(mutex);
                      return locked;
                    },
                    mutex),
                SucceedsWith(0));
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(mutex)), SucceedsWith(0));
    Unlock(mutex);
  }
}

IPC_TEST(RobustConsistentErrors, NotRobust, clause::robust::consistent_err_not_robust) {
  for (const int type : {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE}) {
    const Mutex mutex({.type = type});
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), Fails(EINVAL));
    Lock(mutex);
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), Fails(EINVAL));
    Unlock(mutex);
  }
}

IPC_TEST(RobustConsistentErrors, ByWhoDoesNotOwnIt, clause::robust::consistent_not_owner) {
  const Mutex mutex({.type = PTHREAD_MUTEX_RECURSIVE, .robust = true});
  LetOwnerDie(mutex);
  Owner notified([&] {
    if (CALL_ERRNO(pthread_mutex_lock(mutex)).error != EOWNERDEAD) Unresolved("no EOWNERDEAD");
  });
  const CallResult result = CALL_ERRNO(pthread_mutex_consistent(mutex));
  EXPECT_THAT(result, SucceedsOrFailsWith(EPERM, EINVAL));
  Observe(clause::robust::consistent_not_owner, "pthread_mutex_consistent() by another", result);
}

// ---- Not recovered

IPC_FOR_ROBUST_MUTEXES(RobustUnrecoverable);

IPC_TEST_P(RobustUnrecoverable, EveryLockFails, clause::robust::notrecoverable_lock,
           clause::robust::unlock_without_consistent) {
  const Mutex mutex(GetParam());
  LetOwnerDie(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(mutex)), Fails(EOWNERDEAD));
  {
    const ForClause scope(clause::robust::unlock_without_consistent);
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  }
  const auto locks = [&](Peer::Self& self) {
    for (int i = 0; i < 5; ++i) self.step([&] { return CALL_ERRNO(pthread_mutex_lock(mutex)); });
  };
  Peer first(locks), second(locks);
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(ResultOf(first.next(), mutex), Fails(ENOTRECOVERABLE)) << "time " << i + 1;
    ASSERT_THAT(ResultOf(second.next(), mutex), Fails(ENOTRECOVERABLE)) << "time " << i + 1;
  }
}

IPC_TEST_P(RobustUnrecoverable, TimedLocksFail, clause::robust::notrecoverable_timedlock) {
  const Mutex mutex(GetParam());
  MakeUnrecoverable(mutex);
  for (const Way way : TimedWays()) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(InAnother([&] { return LockBy(way, mutex); }, mutex), Fails(ENOTRECOVERABLE))
          << ToString(way);
    }
    EXPECT_THAT(InAnother(
                    [&] {
                      return LockUntil(way, mutex, {1, 0});
                    },
                    mutex),
                FailsWithAnyOf(ENOTRECOVERABLE, ETIMEDOUT))
        << ToString(way) << ", past deadline";
  }
}

IPC_TEST_P(RobustUnrecoverable, FirstTrylockFails, clause::robust::notrecoverable_trylock) {
  const Mutex mutex(GetParam());
  MakeUnrecoverable(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(ENOTRECOVERABLE));
}

IPC_TEST_P(RobustUnrecoverable, TrylockFails, clause::robust::notrecoverable_trylock) {
  const Mutex mutex(GetParam());
  MakeUnrecoverable(mutex);
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(ENOTRECOVERABLE)) << "by one";
  EXPECT_THAT(InAnother([&] { return CALL_ERRNO(pthread_mutex_trylock(mutex)); }, mutex),
              Fails(ENOTRECOVERABLE))
      << "by another";
}

IPC_TEST_P(RobustUnrecoverable, CanBeDestroyedAndMadeAnew, clause::robust::notrecoverable_destroy) {
  const Mutex mutex(GetParam());
  MakeUnrecoverable(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_destroy(mutex)), SucceedsWith(0));
  InitMutex(mutex, GetParam());
  EXPECT_THAT(InAnother(
                  [&] {
                    const CallResult locked = CALL_ERRNO(pthread_mutex_lock(mutex));
                    if (locked.ok()) Unlock(mutex);
                    return locked;
                  },
                  mutex),
              SucceedsWith(0));
}

// What hangs on some platforms, for fewer kinds.
class RobustUnrecoverableWaiters : public MutexTest {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, RobustUnrecoverableWaiters,
    testing::Values(MutexKind{"Normal", Place::kShm, PTHREAD_MUTEX_NORMAL, true},
                    MutexKind{"Recursive", Place::kFile, PTHREAD_MUTEX_RECURSIVE, true},
                    MutexKind{"PrioInherit", Place::kShm, PTHREAD_MUTEX_NORMAL, true,
                              PTHREAD_PRIO_INHERIT}),
    NameOf);

// A trylock that failed has acquired nothing: others go on failing immediately.
IPC_TEST_P(RobustUnrecoverableWaiters, TrylockAcquiresNothing,
           clause::robust::notrecoverable_trylock) {
  const Mutex mutex(GetParam());
  MakeUnrecoverable(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(ENOTRECOVERABLE));
  EXPECT_THAT(InAnother([&] { return LockBy(Way::kTimed, mutex); }, mutex, kHang),
              Fails(ENOTRECOVERABLE))
      << "timedlock by another, whose deadline is a minute ahead";
}

// Who waits when the notified owner gives up.
void ExpectWaitersFail(const MutexKind& kind, int count) {
  const Mutex mutex(kind);
  LetOwnerDie(mutex);
  ASSERT_THAT(CALL_ERRNO(pthread_mutex_lock(mutex)), Fails(EOWNERDEAD));
  std::vector<std::unique_ptr<Worker>> waiters;
  for (int i = 0; i < count; ++i) {
    const Way way = AllWays()[static_cast<std::size_t>(i) % AllWays().size()];
    waiters.push_back(std::make_unique<Worker>(true, [&, way] { return LockBy(way, mutex); }));
    EXPECT_THAT(waiters.back()->call(), Blocks());
  }
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  for (const auto& waiter : waiters) {
    const CallResult result = ResultOf(waiter->call(), mutex, kHang);
    EXPECT_THAT(result, Fails(ENOTRECOVERABLE)) << "of " << count << " waiters";
    if (result.fate == Fate::kStillBlocked) break;  // each costs its time
  }
}
IPC_TEST_P(RobustUnrecoverableWaiters, OneIsWokenAndFails,
           clause::robust::notrecoverable_blocked_waiters) {
  ExpectWaitersFail(GetParam(), 1);
}
IPC_TEST_P(RobustUnrecoverableWaiters, AllAreWokenAndFail,
           clause::robust::notrecoverable_blocked_waiters) {
  ExpectWaitersFail(GetParam(), 4);
}

// ---- Protocols

// The rules in short, for a protocol.
void ExpectRobustRules(const MutexKind& kind) {
  const Mutex mutex(kind);
  Owner owner(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(EBUSY));
  const Worker waiter(true, [&] { return CALL_ERRNO(pthread_mutex_lock(mutex)); });
  EXPECT_THAT(waiter.call(), Blocks());
  owner.Kill();
  EXPECT_THAT(ResultOf(waiter.call(), mutex), Fails(EOWNERDEAD));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(EOWNERDEAD)) << "it ended as well";
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(mutex)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  MakeUnrecoverable(mutex);
  EXPECT_THAT(InAnother([&] { return CALL_ERRNO(pthread_mutex_lock(mutex)); }, mutex),
              Fails(ENOTRECOVERABLE));
}

IPC_TEST(RobustProtocol, PriorityInheritance, clause::robust::prio_inherit) {
  ExpectRobustRules({.robust = true, .protocol = PTHREAD_PRIO_INHERIT});
}
IPC_TEST(RobustProtocol, PriorityProtection, clause::robust::prio_protect) {
  if (sysconf(_SC_THREAD_ROBUST_PRIO_PROTECT) <= 0)
    Unsupported("the option is absent: sysconf(_SC_THREAD_ROBUST_PRIO_PROTECT) is not positive");
  ExpectRobustRules({.robust = true, .protocol = PTHREAD_PRIO_PROTECT});
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
