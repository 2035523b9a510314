// Taking and giving tokens of a semaphore in shared memory.
#pragma once

#include <semaphore.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "spec/clauses/sem.h"
#include "stress/engine/worker.h"

namespace ipcsuite::stress {

// Makes a process-shared semaphore there; "" or what failed.
inline std::string MakeSemaphore(sem_t* sem, unsigned value) {
  return sem_init(sem, 1, value) == 0 ? "" : std::string("sem_init: ") + std::strerror(errno);
}

inline int ValueOf(sem_t* sem) {
  int value = 0;
  sem_getvalue(sem, &value);
  return value;
}

// Takes a token; notes the call and interruptions if kChecked. False, with a finding, when the call
// fails.
template <bool kChecked>
bool Take(Worker& w, sem_t* sem) {
  if (kChecked) w.Enter(CallId::kSemWait);
  while (sem_wait(sem) != 0) {
    if (errno != EINTR) {
      w.Report(Kind::kWrongErrno, clause::sem_wait::blocks_at_zero, "sem_wait", 0, 0, errno);
      return false;
    }
    if (kChecked) w.Interrupted(clause::sem_wait::sa_restart);
  }
  if (kChecked) w.Leave();
  return true;
}

template <bool kChecked>
bool Give(Worker& w, sem_t* sem) {
  if (kChecked) w.Enter(CallId::kSemPost);
  if (sem_post(sem) != 0) {
    w.Report(Kind::kWrongErrno, clause::sem_post::increments, "sem_post", 0, 0, errno);
    return false;
  }
  if (kChecked) w.Leave();
  return true;
}

}  // namespace ipcsuite::stress
