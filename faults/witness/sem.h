// What the witnesses of faults of semaphores share.
#pragma once

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/time.h>

#include "faults/witness/witness.h"

namespace witness {

// An unnamed process-shared semaphore in memory that children inherit.
struct Sem {
  explicit Sem(unsigned value = 0) {
    sem = static_cast<sem_t*>(
        mmap(nullptr, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    sem_init(sem, 1, value);
  }
  ~Sem() { munmap(sem, sizeof(sem_t)); }
  Sem(const Sem&) = delete;
  Sem& operator=(const Sem&) = delete;
  operator sem_t*() const { return sem; }
  int Value() const {
    int value = -1;
    sem_getvalue(sem, &value);
    return value;
  }
  sem_t* sem;
};

// A named one; the name is removed at the end.
struct NamedSem {
  explicit NamedSem(unsigned value = 0, mode_t mode = 0600)
      : name(NewName("sem")), sem(sem_open(name.c_str(), O_CREAT | O_EXCL, mode, value)) {}
  ~NamedSem() { sem_unlink(name.c_str()); }
  NamedSem(const NamedSem&) = delete;
  NamedSem& operator=(const NamedSem&) = delete;
  operator sem_t*() const { return sem; }
  int Value() const {
    int value = -1;
    sem_getvalue(sem, &value);
    return value;
  }
  std::string name;
  sem_t* sem;
};

// Whether a thread with a pending cancellation request is cancelled in this function.
inline bool Cancelled(void (*function)()) {
  pthread_t thread;
  static void (*static_function)();
  static_function = function;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
        pthread_cancel(pthread_self());
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
        static_function();
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
        return nullptr;
      },
      nullptr);
  void* end = nullptr;
  pthread_join(thread, &end);
  return end == PTHREAD_CANCELED;
}

}  // namespace witness
