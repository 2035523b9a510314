// Witnesses for bank/sem_time.cc and bank/sem_state.cc.
#include "faults/witness/sem.h"

namespace witness {
namespace {

WITNESS(sem_timedwait_deadline_first) {
  Sem s(1);
  timespec t{1, 0};
  return Fails(sem_timedwait(s, &t), ETIMEDOUT);
}

WITNESS(sem_clockwait_deadline_first) {
  Sem s(1);
  timespec t{1, 0};
  return Fails(sem_clockwait(s, CLOCK_MONOTONIC, &t), ETIMEDOUT);
}

WITNESS(sem_timedwait_past_waits) {
  Sem s;
  return Hangs([&] {
    timespec t{1, 0};
    sem_timedwait(s, &t);
  });
}

WITNESS(sem_timedwait_nsec_unchecked) {
  Sem s;
  timespec t = InMs(60000);
  t.tv_nsec = -1;
  return Fails(sem_timedwait(s, &t), ETIMEDOUT);
}

WITNESS(sem_timedwait_nsec_limit) {
  Sem s;
  timespec t = InMs(60000);
  t.tv_nsec = 1000000000;
  return Fails(sem_timedwait(s, &t), ETIMEDOUT);
}

WITNESS(sem_clockwait_nsec_limit) {
  Sem s;
  timespec t = InMs(60000, CLOCK_MONOTONIC);
  t.tv_nsec = 1000000000;
  return Fails(sem_clockwait(s, CLOCK_MONOTONIC, &t), ETIMEDOUT);
}

WITNESS(sem_timedwait_early) {
  for (int i = 0; i < 20; ++i) {
    Sem s;
    timespec t = InMs(10);
    sem_timedwait(s, &t);
    if (NowNs(CLOCK_REALTIME) < t.tv_sec * 1000000000LL + t.tv_nsec) return true;
  }
  return false;
}

WITNESS(sem_clockwait_early) {
  for (int i = 0; i < 20; ++i) {
    Sem s;
    timespec t = InMs(10);
    sem_clockwait(s, CLOCK_REALTIME, &t);
    if (NowNs(CLOCK_REALTIME) < t.tv_sec * 1000000000LL + t.tv_nsec) return true;
  }
  return false;
}

WITNESS(sem_clockwait_wrong_clock) {
  Sem s;
  timespec t = InMs(5000, CLOCK_MONOTONIC);
  return !Hangs([&] { sem_clockwait(s, CLOCK_MONOTONIC, &t); });
}

WITNESS(sem_clockwait_any_clock) {
  Sem s;
  timespec t = InMs(60000);
  return Fails(sem_clockwait(s, 123456, &t), ETIMEDOUT);
}

WITNESS(sem_timedwait_negative_einval) {
  Sem s;
  timespec t{-1, 0};
  return Fails(sem_timedwait(s, &t), EINVAL);
}

WITNESS(sem_timedwait_far_is_past) {
  Sem s;
  timespec t{2147483647, 0};
  return !Hangs([&] { sem_timedwait(s, &t); });
}

WITNESS(sem_post_overflow_accepted) {
  Sem s(SEM_VALUE_MAX);
  return sem_post(s) == 0;
}

WITNESS(sem_post_overflow_takes) {
  Sem s(SEM_VALUE_MAX);
  sem_post(s);
  return s.Value() == SEM_VALUE_MAX - 1;
}

WITNESS(sem_post_maximum_less_one) {
  Sem s(SEM_VALUE_MAX - 1);
  return Fails(sem_post(s), EOVERFLOW);
}

WITNESS(sem_value_of_14_bits) {
  Sem s(16383);
  sem_post(s);
  return s.Value() == 16383;
}

WITNESS(sem_init_too_large_accepted) {
  sem_t s;
  return sem_init(&s, 0, UINT_MAX) == 0;
}

WITNESS(sem_open_too_large_accepted) {
  const std::string name = NewName("sem");
  sem_t* s = sem_open(name.c_str(), O_CREAT, 0600, UINT_MAX);
  sem_unlink(name.c_str());
  return s != SEM_FAILED;
}

WITNESS(sem_init_pshared_ignored) {
  Sem s;
  Child c([&] { return sem_wait(s); });
  Nap(100);
  sem_post(s);
  return c.Exit() == -1;
}

WITNESS(sem_open_resets_value) {
  NamedSem s(3);
  sem_open(s.name.c_str(), O_CREAT, 0600, 9);
  return s.Value() == 9;
}

WITNESS(sem_close_resets_value) {
  NamedSem s(3);
  sem_t* t = sem_open(s.name.c_str(), 0);
  sem_close(t);
  return s.Value() == 0;
}

WITNESS(sem_close_closes_all) {
  return DiesBy([] {
           NamedSem s(3);
           sem_t* t = sem_open(s.name.c_str(), 0);
           sem_close(t);
           s.Value();
         }) != 0;
}

WITNESS(sem_unlink_resets_value) {
  NamedSem s(3);
  sem_unlink(s.name.c_str());
  return s.Value() == 0;
}

WITNESS(sem_unlink_wakes) {
  NamedSem s(0);
  sem_unlink(s.name.c_str());
  return s.Value() == 1;
}

WITNESS(sem_unlink_eperm) {
  NamedSem s;
  return Unprivileged([&] { return Fails(sem_unlink(s.name.c_str()), EPERM); }) == 1;
}

WITNESS(sem_open_umask_ignored) {
  umask(077);
  NamedSem s(1, 0666);
  return Unprivileged([&] { return sem_open(s.name.c_str(), 0) != SEM_FAILED; }) == 1;
}

WITNESS(sem_open_mode_ignored) {
  NamedSem s(1, 0600);
  return Unprivileged([&] { return sem_open(s.name.c_str(), 0) != SEM_FAILED; }) == 1;
}

WITNESS(sem_open_eacces_enoent) {
  NamedSem s(1, 0600);
  return Unprivileged(
             [&] { return sem_open(s.name.c_str(), 0) == SEM_FAILED && errno == ENOENT; }) == 1;
}

WITNESS(sem_open_leaks_descriptor) {
  NamedSem s;
  const int a = dup(2);
  close(a);
  sem_close(sem_open(s.name.c_str(), 0));
  const int b = dup(2);
  close(b);
  return a != b;
}

WITNESS(sem_getvalue_positive_waiters) {
  Sem s;
  Child c([&] { return sem_wait(s); });
  Nap(100);
  return s.Value() == 1;
}

WITNESS(sem_wait_sa_restart_ignored) {
  Handle(SIGUSR1, SA_RESTART);
  Sem s;
  Child c([&] { return Fails(sem_wait(s), EINTR); });
  return c.Pester(SIGUSR1) == 1;
}

WITNESS(sem_wait_ignored_interrupts) {
  signal(SIGUSR1, SIG_IGN);
  Sem s;
  Child c([&] { return Fails(sem_wait(s), EINTR); });
  return c.Pester(SIGUSR1) == 1;
}

WITNESS(sem_wait_continue_interrupts) {
  Sem s;
  Child c([&] { return Fails(sem_wait(s), EINTR); });
  Nap(50);
  kill(c.pid(), SIGSTOP);
  Nap(20);
  return c.Pester(SIGCONT) == 1;
}

WITNESS(sem_wait_pending_cancel_ignored) {
  return !Cancelled([] {
    Sem s(1);
    sem_wait(s);
  });
}

WITNESS(sem_timedwait_pending_cancel_ignored) {
  return !Cancelled([] {
    Sem s(1);
    timespec t = InMs(1000);
    sem_timedwait(s, &t);
  });
}

WITNESS(sem_wait_pending_cancel_takes) {
  static Sem s(1);
  return Cancelled([] { sem_wait(s); }) && s.Value() == 0;
}

WITNESS(sem_post_cancellation_point) {
  return Cancelled([] {
    Sem s(1);
    sem_post(s);
  });
}

WITNESS(sem_trywait_cancellation_point) {
  return Cancelled([] {
    Sem s(1);
    sem_trywait(s);
  });
}

WITNESS(sem_trywait_fails_at_one) {
  Sem s(1);
  return Fails(sem_trywait(s), EAGAIN);
}

WITNESS(sem_exit_gives_back) {
  Sem s(1);
  Child c([&] { return sem_wait(s); });
  c.Exit();
  return s.Value() == 1;
}

}  // namespace
}  // namespace witness
