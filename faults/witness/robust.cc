// Witnesses for bank/robust.cc and bank/robust_recovery.cc.
#include "faults/witness/threads.h"

namespace witness {
namespace {

constexpr int kNormal = PTHREAD_MUTEX_NORMAL;

WITNESS(robust_death_not_reported) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  return pthread_mutex_lock(m) == 0;
}
WITNESS(robust_trylock_busy) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(robust_timedlock_times_out) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  const timespec past{1, 0};
  return pthread_mutex_timedlock(m, &past) == ETIMEDOUT;
}
WITNESS(robust_told_but_not_locked) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  pthread_mutex_trylock(m);
  return Elsewhere([&] { return pthread_mutex_trylock(m); }) == EOWNERDEAD;
}
WITNESS(robust_waiter_sleeps_on) {
  const Mutex m(kNormal, kRobust);
  Child owner([&] {
    pthread_mutex_lock(m);
    Nap(300);
    return 0;
  });
  Nap(100);
  Child waiter([&] { return pthread_mutex_lock(m); });
  owner.Exit();
  return waiter.Exit() == -1;
}
WITNESS(robust_every_waiter_told) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  Recover(m);
  return Recover(m) == EOWNERDEAD;
}
WITNESS(robust_second_death_forgotten) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  LetOwnerDie(m);
  return pthread_mutex_lock(m) == 0;
}
WITNESS(robust_death_after_consistent_forgotten) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  Elsewhere([&] {
    pthread_mutex_lock(m);
    return pthread_mutex_consistent(m);
  });
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(robust_exit_not_noticed) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(robust_other_threads_not_noticed) {
  static const Mutex m(kNormal, kRobust);
  Elsewhere([] {
    pthread_t thread;
    pthread_create(
        &thread, nullptr,
        [](void*) -> void* {
          pthread_mutex_lock(m);
          _exit(0);
        },
        nullptr);
    pthread_join(thread, nullptr);
    return 0;
  });
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(robust_killed_waiter_counts) {
  const Mutex m(kNormal, kRobust);
  pthread_mutex_lock(m);
  {
    Child waiter([&] { return pthread_mutex_lock(m); });
    Nap(200);
  }
  pthread_mutex_unlock(m);
  return pthread_mutex_lock(m) == EOWNERDEAD;
}
WITNESS(robust_past_owner_counts) {
  const Mutex m(kNormal, kRobust);
  Elsewhere([&] { return pthread_mutex_lock(m) + pthread_mutex_unlock(m); });
  return pthread_mutex_lock(m) == EOWNERDEAD;
}
WITNESS(robust_last_lock_alone_marked) {
  const Mutex first(kNormal, kRobust), second(kNormal, kRobust);
  Elsewhere([&] { return pthread_mutex_lock(first) + pthread_mutex_lock(second); });
  return pthread_mutex_trylock(second) == EOWNERDEAD && pthread_mutex_trylock(first) == EBUSY;
}
WITNESS(robust_recursive_count_kept) {
  const Mutex m(PTHREAD_MUTEX_RECURSIVE, kRobust);
  LetOwnerDie(m, 3);
  pthread_mutex_lock(m);
  pthread_mutex_consistent(m);
  pthread_mutex_unlock(m);
  return Elsewhere([&] { return pthread_mutex_trylock(m); }) == EBUSY;
}
WITNESS(robust_stalled_reports_death) {
  const Mutex m;
  LetOwnerDie(m);
  return pthread_mutex_trylock(m) == EOWNERDEAD;
}
WITNESS(robust_inherit_forgets_death) {
  const Mutex m(kNormal, kRobust, PTHREAD_PRIO_INHERIT);
  LetOwnerDie(m);
  return pthread_mutex_lock(m) == 0;
}

// ---- Recovery

WITNESS(robust_consistent_does_nothing) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  Recover(m);
  return pthread_mutex_lock(m) == ENOTRECOVERABLE;
}
WITNESS(robust_consistent_twice_succeeds) {
  const Mutex m(kNormal, kRobust);
  return pthread_mutex_consistent(m) == 0;
}
WITNESS(robust_consistent_for_stalled) {
  const Mutex m;
  return pthread_mutex_consistent(m) == 0;
}
WITNESS(robust_consistent_eperm) {
  const Mutex m(kNormal, kRobust);
  return pthread_mutex_consistent(m) == EPERM;
}
WITNESS(robust_unlock_recovers) {
  const Mutex m(kNormal, kRobust);
  MakeUnrecoverable(m);
  return pthread_mutex_lock(m) == 0;
}
WITNESS(robust_unlock_without_consistent_fails) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  pthread_mutex_lock(m);
  return pthread_mutex_unlock(m) == ENOTRECOVERABLE;
}
WITNESS(robust_notrecoverable_once) {
  const Mutex m(kNormal, kRobust);
  MakeUnrecoverable(m);
  pthread_mutex_lock(m);
  return pthread_mutex_lock(m) == 0;
}
WITNESS(robust_notrecoverable_einval) {
  const Mutex m(kNormal, kRobust);
  MakeUnrecoverable(m);
  return pthread_mutex_lock(m) == EINVAL;
}
WITNESS(robust_notrecoverable_times_out) {
  const Mutex m(kNormal, kRobust);
  MakeUnrecoverable(m);
  const timespec t = InMs(60000);
  return pthread_mutex_timedlock(m, &t) == ETIMEDOUT;
}
WITNESS(robust_notrecoverable_trylock_busy) {
  const Mutex m(kNormal, kRobust);
  MakeUnrecoverable(m);
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(robust_notrecoverable_waiter_sleeps) {
  const Mutex m(kNormal, kRobust);
  LetOwnerDie(m);
  pthread_mutex_lock(m);
  Child waiter([&] { return pthread_mutex_lock(m) == ENOTRECOVERABLE; });
  Nap(200);
  pthread_mutex_unlock(m);
  return waiter.Exit() == -1;
}
WITNESS(robust_notrecoverable_not_destroyed) {
  const Mutex m(kNormal, kRobust);
  MakeUnrecoverable(m);
  return pthread_mutex_destroy(m) == EBUSY;
}

// What a wait returns whose mutex another has locked and left at its end; `given_up` says whether
// one more has made it unrecoverable.
int WaitAfterDeath(bool given_up) {
  const Cond c(kNormal, kRobust);
  Child waiter([&] {
    pthread_mutex_lock(&c->mutex);
    return pthread_cond_wait(&c->cond, &c->mutex);
  });
  Nap(200);
  Elsewhere([&] {
    pthread_mutex_lock(&c->mutex);
    if (!given_up) pthread_cond_signal(&c->cond);
    return 0;
  });
  if (given_up) {
    pthread_mutex_lock(&c->mutex);
    pthread_mutex_unlock(&c->mutex);
    pthread_cond_signal(&c->cond);
  }
  return waiter.Exit();
}
WITNESS(robust_cond_wait_hides_death) { return WaitAfterDeath(false) == 0; }
WITNESS(robust_cond_wait_hides_unrecoverable) { return WaitAfterDeath(true) == 0; }

}  // namespace
}  // namespace witness
