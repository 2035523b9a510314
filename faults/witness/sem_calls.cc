// Witnesses for bank/sem_calls.cc.
#include "faults/witness/sem.h"

namespace witness {
namespace {

WITNESS(sem_post_lost) {
  Sem s;
  sem_post(s);
  return s.Value() == 0;
}

WITNESS(sem_post_twice) {
  Sem s;
  sem_post(s);
  return s.Value() == 2;
}

WITNESS(sem_trywait_ebusy) {
  Sem s;
  return Fails(sem_trywait(s), EBUSY);
}

WITNESS(sem_trywait_waits) {
  Sem s;
  return Hangs([&] { sem_trywait(s); });
}

WITNESS(sem_trywait_zero_succeeds) {
  Sem s;
  return sem_trywait(s) == 0;
}

WITNESS(sem_trywait_keeps_token) {
  Sem s(1);
  sem_trywait(s);
  return s.Value() == 1;
}

WITNESS(sem_trywait_always_fails) {
  Sem s(1);
  return Fails(sem_trywait(s), EAGAIN);
}

WITNESS(sem_wait_keeps_token) {
  Sem s(1);
  sem_wait(s);
  return s.Value() == 1;
}

WITNESS(sem_wait_takes_two) {
  Sem s(3);
  sem_wait(s);
  return s.Value() == 1;
}

WITNESS(sem_wait_does_not_wait) {
  Sem s;
  return !Hangs([&] { sem_wait(s); });
}

WITNESS(sem_wait_fails_at_zero) {
  Sem s;
  return !Hangs([&] { sem_wait(s); });
}

WITNESS(sem_getvalue_plus_one) {
  Sem s(3);
  return s.Value() == 4;
}

WITNESS(sem_getvalue_zero) {
  Sem s(3);
  return s.Value() == 0;
}

WITNESS(sem_getvalue_takes) {
  Sem s(3);
  s.Value();
  return s.Value() == 2;
}

WITNESS(sem_init_value_ignored) {
  Sem s(3);
  return s.Value() == 0;
}

WITNESS(sem_init_plus_one) {
  Sem s(3);
  return s.Value() == 4;
}

WITNESS(sem_destroy_fails) {
  Sem s(3);
  return Fails(sem_destroy(s), EBUSY);
}

WITNESS(sem_open_value_ignored) {
  NamedSem s(3);
  return s.Value() == 0;
}

WITNESS(sem_open_excl_ignored) {
  NamedSem s(3);
  return sem_open(s.name.c_str(), O_CREAT | O_EXCL, 0600, 1) != SEM_FAILED;
}

WITNESS(sem_open_missing_einval) {
  return sem_open(NewName("sem").c_str(), 0) == SEM_FAILED && errno == EINVAL;
}

WITNESS(sem_open_missing_creates) {
  const std::string name = NewName("sem");
  sem_t* s = sem_open(name.c_str(), 0);
  sem_unlink(name.c_str());
  return s != SEM_FAILED;
}

WITNESS(sem_unlink_nothing) {
  NamedSem s;
  sem_unlink(s.name.c_str());
  return sem_open(s.name.c_str(), 0) != SEM_FAILED;
}

WITNESS(sem_unlink_missing_succeeds) { return sem_unlink(NewName("sem").c_str()) == 0; }

WITNESS(sem_close_fails) {
  NamedSem s;
  return Fails(sem_close(s), EINVAL);
}

WITNESS(sem_timedwait_eagain) {
  Sem s;
  timespec t{1, 0};
  return Fails(sem_timedwait(s, &t), EAGAIN);
}

WITNESS(sem_clockwait_eagain) {
  Sem s;
  timespec t{1, 0};
  return Fails(sem_clockwait(s, CLOCK_MONOTONIC, &t), EAGAIN);
}

}  // namespace
}  // namespace witness
