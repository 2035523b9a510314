// Witnesses for bank/barrier.cc, bank/rwlock.cc and the read-write locks of bank/mutex_time.cc.
#include "faults/witness/threads.h"

namespace witness {
namespace {

WITNESS(barrier_one_too_few) {
  const Barrier b(3);
  Child other([&] { return b.Pass(); });
  return !Hangs([&] { b.Pass(); });
}
// How many of two are told to be the serial one.
int SerialOfTwo() {
  const Barrier b(2);
  Child other([&] { return b.Pass(); });
  const int mine = b.Pass();
  return mine + (other.Exit() == 1);
}
WITNESS(barrier_all_serial) { return SerialOfTwo() == 2; }
WITNESS(barrier_none_serial) { return SerialOfTwo() == 0; }
WITNESS(barrier_serial_seldom_twice) {
  const Barrier b(2);
  Child other([&] {
    int serial = 0;
    for (int i = 0; i < 90; ++i) serial += b.Pass();
    return serial;
  });
  int serial = 0;
  for (int i = 0; i < 90; ++i) serial += b.Pass();
  return serial + other.Exit() > 90;
}
WITNESS(barrier_not_reset) {
  const Barrier b(2);
  Child other([&] { return b.Pass(); });
  b.Pass();
  return !Hangs([&] { b.Pass(); });
}
WITNESS(barrier_pshared_ignored) {
  const Barrier b(2);
  Child other([&] { return b.Pass(); });
  Nap(200);
  b.Pass();
  return other.Exit() == -1;
}
WITNESS(barrier_count_zero) {
  pthread_barrier_t b;
  return pthread_barrier_init(&b, nullptr, 0) == 0;
}
WITNESS(barrier_cancellation_point) {
  static const Barrier b(1);
  return Cancelled([] { b.Pass(); });
}
WITNESS(barrier_destroy_ebusy) {
  const Barrier b(1);
  b.Pass();
  return pthread_barrier_destroy(b) == EBUSY;
}
WITNESS(barrierattr_setpshared_ignored) {
  pthread_barrierattr_t a;
  pthread_barrierattr_init(&a);
  pthread_barrierattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  int value = -1;
  pthread_barrierattr_getpshared(&a, &value);
  return value == PTHREAD_PROCESS_PRIVATE;
}

// ---- Read-write locks

WITNESS(rwlockattr_default_shared) {
  pthread_rwlockattr_t a;
  pthread_rwlockattr_init(&a);
  int value = -1;
  pthread_rwlockattr_getpshared(&a, &value);
  return value == PTHREAD_PROCESS_SHARED;
}
WITNESS(rwlock_pshared_ignored) {
  const Rwlock l;
  pthread_rwlock_wrlock(l);
  Child writer([&] { return pthread_rwlock_wrlock(l); });
  Nap(200);
  pthread_rwlock_unlock(l);
  return writer.Exit() == -1;
}
WITNESS(rwlock_readers_exclude) {
  const Rwlock l;
  pthread_rwlock_rdlock(l);
  return Elsewhere([&] { return pthread_rwlock_rdlock(l); }) == -1;
}
WITNESS(rwlock_writer_beside_reader) {
  const Rwlock l;
  pthread_rwlock_rdlock(l);
  return Elsewhere([&] { return pthread_rwlock_wrlock(l); }) == 0;
}
WITNESS(rwlock_reader_beside_writer) {
  const Rwlock l;
  pthread_rwlock_wrlock(l);
  return Elsewhere([&] { return pthread_rwlock_rdlock(l); }) == 0;
}
WITNESS(rwlock_tryrd_beside_writer) {
  const Rwlock l;
  pthread_rwlock_wrlock(l);
  return Elsewhere([&] { return pthread_rwlock_tryrdlock(l); }) == 0;
}
WITNESS(rwlock_trywr_eagain) {
  const Rwlock l;
  pthread_rwlock_wrlock(l);
  return pthread_rwlock_trywrlock(l) == EAGAIN;
}
WITNESS(rwlock_trywr_own_edeadlk) {
  const Rwlock l;
  pthread_rwlock_rdlock(l);
  return pthread_rwlock_trywrlock(l) == EDEADLK;
}
// Whether one that waits for a writer is not released by its unlock.
bool SleepsOn(int (*lock)(pthread_rwlock_t*)) {
  const Rwlock l;
  pthread_rwlock_wrlock(l);
  Child waiter([&] { return lock(l); });
  Nap(200);
  pthread_rwlock_unlock(l);
  return waiter.Exit() == -1;
}
WITNESS(rwlock_blocked_writer_sleeps) { return SleepsOn(pthread_rwlock_wrlock); }
WITNESS(rwlock_blocked_reader_sleeps) { return SleepsOn(pthread_rwlock_rdlock); }
WITNESS(rwlock_one_unlock_for_all) {
  const Rwlock l;
  pthread_rwlock_rdlock(l);
  pthread_rwlock_rdlock(l);
  pthread_rwlock_unlock(l);
  return Elsewhere([&] { return pthread_rwlock_trywrlock(l); }) == 0;
}
WITNESS(rwlock_timed_writer_leaves_trace) {
  const Rwlock l;
  pthread_rwlock_rdlock(l);
  const timespec past{1, 0};
  Elsewhere([&] { return pthread_rwlock_timedwrlock(l, &past); });
  return pthread_rwlock_tryrdlock(l) == EBUSY;
}
WITNESS(rwlock_rdlock_eintr) {
  const Rwlock l;
  pthread_rwlock_wrlock(l);
  Child reader([&] {
    Handle(SIGUSR1);
    return pthread_rwlock_rdlock(l);
  });
  Nap(100);
  return reader.Pester(SIGUSR1) == EINTR;
}
WITNESS(rwlock_timedwrlock_early) {
  const Rwlock l;
  pthread_rwlock_rdlock(l);
  return Elsewhere([&] {
           for (int i = 0; i < 20; ++i) {
             const timespec t = InMs(10);
             pthread_rwlock_timedwrlock(l, &t);
             if (NowNs(CLOCK_REALTIME) < t.tv_sec * 1000000000LL + t.tv_nsec) return 1;
           }
           return 0;
         }) == 1;
}
WITNESS(rwlock_timedrdlock_deadline_first) {
  const Rwlock l;
  const timespec past{1, 0};
  return pthread_rwlock_timedrdlock(l, &past) == ETIMEDOUT;
}
WITNESS(rwlock_timeout_ebusy) {
  const Rwlock l;
  pthread_rwlock_wrlock(l);
  const timespec past{1, 0};
  return Elsewhere([&] { return pthread_rwlock_timedrdlock(l, &past); }) == EBUSY;
}
WITNESS(rwlock_clock_ignored) {
  const Rwlock l;
  pthread_rwlock_rdlock(l);
  const timespec t = InMs(60000, CLOCK_MONOTONIC);
  return Elsewhere([&] { return pthread_rwlock_clockwrlock(l, CLOCK_MONOTONIC, &t); }) == ETIMEDOUT;
}

// ---- Spin locks

WITNESS(spin_init_keeps_word) {
  const Placed<pthread_spinlock_t> s;
  *s.at = 7;
  pthread_spin_init(s, PTHREAD_PROCESS_SHARED);
  return pthread_spin_trylock(s) == EBUSY;
}
WITNESS(spin_trylock_two_owners) {
  const Spin s;
  pthread_spin_lock(s);
  return pthread_spin_trylock(s) == 0;
}
WITNESS(spin_trylock_eagain) {
  const Spin s;
  pthread_spin_lock(s);
  return pthread_spin_trylock(s) == EAGAIN;
}
WITNESS(spin_lock_does_not_spin) {
  const Spin s;
  pthread_spin_lock(s);
  return Elsewhere([&] { return pthread_spin_lock(s); }) == 0;
}
WITNESS(spin_lock_seldom_forgotten) {
  const Spin s;
  for (int i = 0; i < 400; ++i) {
    pthread_spin_lock(s);
    if (pthread_spin_trylock(s) == 0) return true;
    pthread_spin_unlock(s);
  }
  return false;
}

}  // namespace
}  // namespace witness
