// A robust mutex whose owner ends: who learns of it, and by which call.
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

// Locks that way, makes the state consistent if the owner died, and unlocks; the result is that of
// the lock.
CallResult Recover(Way way, pthread_mutex_t* mutex) {
  const CallResult locked = LockBy(way, mutex);
  if (locked.error == EOWNERDEAD) Setup(CALL_ERRNO(pthread_mutex_consistent(mutex)));
  if (locked.ok() || locked.error == EOWNERDEAD) Unlock(mutex);
  return locked;
}

// After a recovery everybody can use it.
void ExpectUsable(pthread_mutex_t* mutex) {
  EXPECT_THAT(LockBy(Way::kTimed, mutex), SucceedsWith(0)) << "after the recovery";
  Unlock(mutex);
}

IPC_FOR_ROBUST_MUTEXES(RobustDeath);

IPC_TEST_P(RobustDeath, NextLockerIsTold, clause::robust::exit_eownerdead,
           clause::robust::timedlock, clause::robust::clocklock, clause::robust::consistent_ok) {
  for (const Way way : AllWays()) {
    const ForClause scope(way == Way::kPlain   ? clause::robust::exit_eownerdead
                          : way == Way::kTimed ? clause::robust::timedlock
                                               : clause::robust::clocklock);
    const Mutex mutex(GetParam());
    LetOwnerDie(mutex);
    Peer next([&](Peer::Self& self) {
      self.step([&] { return LockBy(way, mutex); });
      self.step([&] { return CALL_ERRNO(pthread_mutex_consistent(mutex)); });
      self.step([&] { return CALL_ERRNO(pthread_mutex_unlock(mutex)); });
    });
    const CallResult told = ResultOf(next.next(), mutex);
    EXPECT_THAT(told, Fails(EOWNERDEAD)) << ToString(way);
    if (told.error != EOWNERDEAD) continue;  // nothing that it could make consistent
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(EBUSY)) << "the next one owns it";
    const ForClause recovery(clause::robust::consistent_ok);
    EXPECT_THAT(next.next().result(), SucceedsWith(0));
    EXPECT_THAT(next.next().result(), SucceedsWith(0));
    ExpectUsable(mutex);
  }
}

IPC_TEST_P(RobustDeath, TrylockIsTold, clause::robust::trylock) {
  const Mutex mutex(GetParam());
  LetOwnerDie(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(EOWNERDEAD));
  Peer other;
  EXPECT_THAT(other.start([&] { return CALL_ERRNO(pthread_mutex_trylock(mutex)); }).result(),
              Fails(EBUSY))
      << "it was acquired";
  Setup(CALL_ERRNO(pthread_mutex_consistent(mutex)));
  Unlock(mutex);
  ExpectUsable(mutex);
}

// It can be locked immediately, so the deadline does not matter.
IPC_TEST_P(RobustDeath, PastDeadlineIsTold, clause::robust::timedlock, clause::robust::clocklock) {
  for (const Way way : TimedWays()) {
    const ForClause scope(OfIssue8(way) ? clause::robust::clocklock : clause::robust::timedlock);
    const Mutex mutex(GetParam());
    LetOwnerDie(mutex);
    EXPECT_THAT(LockUntil(way, mutex, {1, 0}), Fails(EOWNERDEAD)) << ToString(way);
    Setup(CALL_ERRNO(pthread_mutex_consistent(mutex)));
    Unlock(mutex);
    ExpectUsable(mutex);
  }
}

IPC_TEST_P(RobustDeath, BlockedWaiterIsWoken, clause::robust::waiter_woken,
           clause::robust::timedlock, clause::robust::clocklock) {
  for (const Way way : AllWays()) {
    const Mutex mutex(GetParam());
    Owner owner(mutex);
    const Worker waiter(true, [&] { return Recover(way, mutex); });
    EXPECT_THAT(waiter.call(), Blocks()) << ToString(way);
    owner.Kill();
    EXPECT_THAT(ResultOf(waiter.call(), mutex), Fails(EOWNERDEAD)) << ToString(way);
    if (way != Way::kPlain)
      NoteChecksOf(OfIssue8(way) ? clause::robust::clocklock : clause::robust::timedlock);
    ExpectUsable(mutex);
  }
}

IPC_TEST_P(RobustDeath, OneOfSeveralWaitersIsTold, clause::robust::one_waiter_notified,
           clause::robust::waiter_woken) {
  const Mutex mutex(GetParam());
  Owner owner(mutex);
  std::vector<std::unique_ptr<Worker>> waiters;
  for (int i = 0; i < 4; ++i) {
    const Way way = AllWays()[static_cast<std::size_t>(i) % AllWays().size()];
    waiters.push_back(std::make_unique<Worker>(true, [&, way] { return Recover(way, mutex); }));
    EXPECT_THAT(waiters.back()->call(), Blocks());
  }
  owner.Kill();
  int told = 0;
  for (const auto& waiter : waiters) {
    const CallResult result = ResultOf(waiter->call(), mutex);
    EXPECT_THAT(result, SucceedsOrFailsWith(EOWNERDEAD));
    told += result.failed_with(EOWNERDEAD);
  }
  EXPECT_EQ(told, 1) << "of four waiters";
  NoteChecksOf(clause::robust::waiter_woken);
  ExpectUsable(mutex);
}

IPC_TEST_P(RobustDeath, WhoDoesNotHoldItCausesNothing, clause::robust::not_holding) {
  const Mutex mutex(GetParam());
  Peer done;
  Setup(done.start([&] {
              Lock(mutex);
              return CALL_ERRNO(pthread_mutex_unlock(mutex));
            })
            .result());
  EXPECT_THAT(LockBy(Way::kTimed, mutex), SucceedsWith(0)) << "it had unlocked before its end";
  {
    Peer waiter;
    const Call call = waiter.start([&] { return CALL_ERRNO(pthread_mutex_lock(mutex)); });
    EXPECT_THAT(call, Blocks());
    waiter.Kill();
  }
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  EXPECT_THAT(LockBy(Way::kTimed, mutex), SucceedsWith(0)) << "a waiter was killed";
  Unlock(mutex);
}

// Killed waiters take the mutex from nobody: another that waits gets it.
IPC_TEST_P(RobustDeath, KilledWaiterIsSkipped, clause::robust::not_holding,
           clause::mutex::pshared_blocks_and_wakes) {
  const Mutex mutex(GetParam());
  Lock(mutex);
  Peer first;
  const Call dying = first.start([&] { return CALL_ERRNO(pthread_mutex_lock(mutex)); });
  EXPECT_THAT(dying, Blocks());
  const Worker second(true, [&] { return Recover(Way::kPlain, mutex); });
  EXPECT_THAT(second.call(), Blocks());
  first.Kill();
  EXPECT_THAT(second.call(), StaysBlocked());
  Unlock(mutex);
  EXPECT_THAT(ResultOf(second.call(), mutex), SucceedsWith(0));
  NoteChecksOf(clause::mutex::pshared_blocks_and_wakes);
}

IPC_TEST_P(RobustDeath, AgainBeforeTheRecovery, clause::robust::owner_dies_again,
           clause::robust::owner_dies_after_consistent) {
  const Mutex mutex(GetParam());
  LetOwnerDie(mutex);
  for (int i = 0; i < 3; ++i) {
    Peer next;
    EXPECT_THAT(next.start([&] { return LockBy(Way::kTimed, mutex); }).result(), Fails(EOWNERDEAD))
        << "owner " << i + 2 << " in a row that dies";
  }
  {
    Peer next;
    EXPECT_THAT(next.start([&] {
                      const CallResult locked = LockBy(Way::kTimed, mutex);
                      Setup(CALL_ERRNO(pthread_mutex_consistent(mutex)));
                      return locked;
                    })
                    .result(),
                Fails(EOWNERDEAD));
  }
  const ForClause scope(clause::robust::owner_dies_after_consistent);
  EXPECT_THAT(Recover(Way::kTimed, mutex), Fails(EOWNERDEAD)) << "consistent, but held at the end";
  ExpectUsable(mutex);
}

// ---- How a process ends

[[noreturn]] void RaiseDefault(int signal_number) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
  _exit(99);
}

// Locks it in a thread that stays.
void LockInASecondThread(pthread_mutex_t* mutex) {
  struct Taken {
    pthread_mutex_t* mutex;
    std::atomic<int> done;
  };
  static Taken taken;
  taken.mutex = mutex;
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        pthread_mutex_lock(taken.mutex);
        taken.done.store(1);
        for (;;) pause();
      },
      nullptr);
  Backoff backoff;
  while (taken.done.load() == 0) backoff.Pause();
}

struct EndRow {
  const char* name;
  Claims claims;
  void (*end)();
  void (*lock)(pthread_mutex_t*) = &Lock;
};
const EndRow kEnds[] = {
    {"UnderscoreExit", {clause::robust::exit_eownerdead}, [] { _exit(0); }},
    {"Kill", {clause::robust::kill_eownerdead}, [] { RaiseDefault(SIGKILL); }},
    {"Segv", {clause::robust::kill_eownerdead}, [] { RaiseDefault(SIGSEGV); }},
    {"Abort", {clause::robust::kill_eownerdead}, [] { RaiseDefault(SIGABRT); }},
    {"Term", {clause::robust::kill_eownerdead}, [] { RaiseDefault(SIGTERM); }},
    {"ExitOfAnotherThread",
     {clause::robust::kill_eownerdead},
     [] {
       pthread_t thread;
       pthread_create(
           &thread, nullptr, [](void*) -> void* { _exit(0); }, nullptr);
       for (;;) pause();
     }},
    {"OwnerIsASecondThread",
     {clause::robust::kill_eownerdead},
     [] { _exit(0); },
     &LockInASecondThread},
};
IPC_TABLE_TEST(RobustEnd, EndRow, kEnds) {
  for (const bool waits : {false, true}) {
    const Mutex mutex({.robust = true});
    Peer owner([&](Peer::Self& self) {
      self.step([&] {
        row.lock(mutex);
        return CALL(0);
      });
      self.step([&] { row.end(); });
    });
    Setup(owner.next().result());
    std::optional<Worker> waiter;
    if (waits) {
      waiter.emplace(true, [&] { return Recover(Way::kPlain, mutex); });
      EXPECT_THAT(waiter->call(), Blocks());
    }
    owner.next();
    owner.Join();
    const CallResult told = waits ? ResultOf(waiter->call(), mutex) : Recover(Way::kTimed, mutex);
    EXPECT_THAT(told, Fails(EOWNERDEAD)) << (waits ? "a waiter" : "the next one");
    ExpectUsable(mutex);
  }
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
