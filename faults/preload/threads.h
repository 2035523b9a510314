// What faults of mutexes, condition variables, barriers and read-write locks share. Only objects
// with PTHREAD_PROCESS_SHARED are under test: the harness and libraries use others. Whether one is,
// and what is inside, is what glibc keeps in it; elsewhere none is. An object is known by its place
// in its page, which is the same through every mapping, and by the process group, which each test
// has for itself.
#pragma once

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstring>

#include "faults/preload/state.h"

namespace faults {

template <class T>
uint64_t KeyIn(const T* object) {
  return (uint64_t{7} << 60) + (static_cast<uint64_t>(getpgrp()) << 12) +
         (reinterpret_cast<uintptr_t>(object) & 0xfff);
}

#ifdef __GLIBC__
inline bool Shared(const pthread_mutex_t* m) { return (m->__data.__kind & 128) != 0; }
inline bool Shared(const pthread_cond_t* c) { return (c->__data.__wrefs & 1) != 0; }
inline bool Shared(const pthread_rwlock_t* l) { return l->__data.__shared != 0; }
inline bool Shared(const pthread_barrier_t* b) {
  int shared;
  std::memcpy(&shared, reinterpret_cast<const char*>(b) + 12, sizeof shared);
  return shared != 0;
}
inline int TypeOf(const pthread_mutex_t* m) { return m->__data.__kind & 3; }
inline bool IsRobust(const pthread_mutex_t* m) { return (m->__data.__kind & 16) != 0; }
inline bool IsInherit(const pthread_mutex_t* m) { return (m->__data.__kind & 32) != 0; }
inline int& WordOf(pthread_mutex_t* m) { return m->__data.__lock; }
inline unsigned& CountOf(pthread_mutex_t* m) { return m->__data.__count; }
// A thread id; of a robust mutex INT_MAX (inconsistent) or INT_MAX - 1 (not recoverable).
inline int& OwnerOf(pthread_mutex_t* m) { return m->__data.__owner; }
// Makes it private, after its initialization.
inline void MakePrivate(pthread_mutex_t* m) { m->__data.__kind &= ~128; }
inline void MakePrivate(pthread_cond_t* c) { c->__data.__wrefs &= ~1u; }
inline void MakePrivate(pthread_rwlock_t* l) { l->__data.__shared = 0; }
inline void MakePrivate(pthread_barrier_t* b) {
  std::memset(reinterpret_cast<char*>(b) + 12, 0, sizeof(int));
}
inline void ForgetClock(pthread_cond_t* c) { c->__data.__wrefs &= ~2u; }
inline unsigned WaitersOf(const pthread_cond_t* c) { return c->__data.__wrefs >> 3; }
inline bool WriterHolds(const pthread_rwlock_t* l) { return l->__data.__cur_writer != 0; }
inline void PreferWriters(pthread_rwlock_t* l) {
  l->__data.__flags = PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
}
#else
inline bool Shared(const void*) { return false; }
inline int TypeOf(const pthread_mutex_t*) { return 0; }
inline bool IsRobust(const pthread_mutex_t*) { return false; }
inline bool IsInherit(const pthread_mutex_t*) { return false; }
inline int& WordOf(pthread_mutex_t* m) { return *reinterpret_cast<int*>(m); }
inline unsigned& CountOf(pthread_mutex_t* m) { return *reinterpret_cast<unsigned*>(m); }
inline int& OwnerOf(pthread_mutex_t* m) { return *reinterpret_cast<int*>(m); }
inline void MakePrivate(void*) {}
inline void ForgetClock(pthread_cond_t*) {}
inline unsigned WaitersOf(const pthread_cond_t*) { return 0; }
inline bool WriterHolds(const pthread_rwlock_t*) { return false; }
inline void PreferWriters(pthread_rwlock_t*) {}
#endif

inline pid_t ThisThread() { return static_cast<pid_t>(syscall(SYS_gettid)); }
inline bool Held(pthread_mutex_t* m) { return (WordOf(m) & 0x3fff'ffff) != 0; }
inline bool Mine(pthread_mutex_t* m) { return OwnerOf(m) == ThisThread(); }
inline bool OwnerDied(pthread_mutex_t* m) { return (WordOf(m) & 0x4000'0000) != 0; }
inline bool Gone(pid_t pid) { return pid != 0 && kill(pid, 0) != 0 && errno == ESRCH; }

inline bool KnownClock(clockid_t k) { return k == CLOCK_REALTIME || k == CLOCK_MONOTONIC; }
inline timespec Later(timespec t, long ns) {
  t.tv_nsec += ns;
  if (t.tv_nsec >= 1'000'000'000) t.tv_nsec -= 1'000'000'000, ++t.tv_sec;
  return t;
}
inline timespec StuckUntil() {
  timespec now;
  real::clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += StuckMs() / 1000;
  return Later(now, StuckMs() % 1000 * 1'000'000L);
}

// Sleeps where a thread that waits for such an object sleeps, for the length of a "hang".
inline void SleepOn() {
  const int64_t end = NowNs(CLOCK_MONOTONIC) + StuckMs() * int64_t{1'000'000};
  for (int64_t left; (left = end - NowNs(CLOCK_MONOTONIC)) > 0;) {
    int word = 0;
    long time[2] = {static_cast<long>(left / 1'000'000'000),
                    static_cast<long>(left % 1'000'000'000)};
    syscall(SYS_futex, &word, 0, 0, time, nullptr, 0);
  }
}

// Whether a signal waits that this mask lets through.
inline bool AnyPending(const sigset_t& mask) {
  sigset_t pending;
  sigpending(&pending);
  for (int s = 1; s < 65; ++s) {
    if (sigismember(&pending, s) == 1 && sigismember(&mask, s) == 0) return true;
  }
  return false;
}

// Waits in slices, each until a time on CLOCK_MONOTONIC that `wait` is given, without signals;
// `between` is called after each and may end the wait with an error. `t`: the caller's deadline.
template <class Wait, class Between>
int InSlices(clockid_t k, const timespec* t, Wait wait, Between between) {
  for (;;) {
    sigset_t all, before;
    sigfillset(&all);
    timespec slice;
    real::clock_gettime(CLOCK_MONOTONIC, &slice);
    slice = Later(slice, 2'000'000);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const int error = wait(&slice);
    const int ends = error == ETIMEDOUT ? between(before) : 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != ETIMEDOUT || (t && Passed(*t, k))) return error;
    if (ends != 0) return ends;
  }
}

// Ready-made hooks for calls about a shared object that return an error number.
template <auto Member>
struct OnShared;  // OnShared<&Hooks::pthread_mutex_trylock>::Error<EBUSY, EAGAIN> and the like

template <class T, class... A, int (*Hooks::*Member)(T*, A...)>
struct OnShared<Member> {
  // The call is made by F instead.
  template <auto F>
  static void With(Hooks& table) {
    table.*Member = [](T* object, A... a) {
      return Shared(object) ? F(object, a...) : (DefaultHooks().*Member)(object, a...);
    };
  }
  // The call reports To where it should report From.
  template <int From, int To>
  static void Error(Hooks& table) {
    With<[](T* object, A... a) {
      const int error = (DefaultHooks().*Member)(object, a...);
      return error == From ? To : error;
    }>(table);
  }
  // The call does nothing and reports Value.
  template <int Value>
  static void Nothing(Hooks& table) {
    With<[](T*, A...) { return Value; }>(table);
  }
};

// For calls about attributes, which belong to nobody.
template <auto Member>
struct OnAny;
template <class... A, int (*Hooks::*Member)(A...)>
struct OnAny<Member> {
  template <int From, int To>
  static void Error(Hooks& table) {
    table.*Member = [](A... a) {
      const int error = (DefaultHooks().*Member)(a...);
      return error == From ? To : error;
    };
  }
  template <int Value>
  static void Nothing(Hooks& table) {
    table.*Member = [](A...) { return Value; };
  }
};

// The same change to every way of locking a shared mutex that may wait: F is given the mutex and
// the real call with its clock and deadline (no meaning for pthread_mutex_lock()).
using RealLock = int (*)(pthread_mutex_t*, clockid_t, const timespec*);
template <auto F>
void EveryLock(Hooks& h) {
  OnShared<&Hooks::pthread_mutex_lock>::With<[](pthread_mutex_t* m) {
    const RealLock call = [](pthread_mutex_t* of, clockid_t, const timespec*) {
      return real::pthread_mutex_lock(of);
    };
    return F(m, call, 0, nullptr);
  }>(h);
  OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m, const timespec* t) {
    const RealLock call = [](pthread_mutex_t* of, clockid_t, const timespec* until) {
      return real::pthread_mutex_timedlock(of, until);
    };
    return F(m, call, CLOCK_REALTIME, t);
  }>(h);
  OnShared<&Hooks::pthread_mutex_clocklock>::With<[](pthread_mutex_t* m, clockid_t k,
                                                     const timespec* t) {
    const RealLock call = [](pthread_mutex_t* of, clockid_t clock, const timespec* until) {
      return real::pthread_mutex_clocklock(of, clock, until);
    };
    return F(m, call, k, t);
  }>(h);
}
// Those that may wait, and pthread_mutex_trylock().
template <auto F>
void EveryAcquire(Hooks& h) {
  EveryLock<F>(h);
  OnShared<&Hooks::pthread_mutex_trylock>::With<[](pthread_mutex_t* m) {
    const RealLock call = [](pthread_mutex_t* of, clockid_t, const timespec*) {
      return real::pthread_mutex_trylock(of);
    };
    return F(m, call, 0, nullptr);
  }>(h);
}

// The same for waits on a shared condition variable.
using RealCondWait = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
template <auto F>
void EveryCondWait(Hooks& h) {
  OnShared<&Hooks::pthread_cond_wait>::With<[](pthread_cond_t* c, pthread_mutex_t* m) {
    const RealCondWait call = [](pthread_cond_t* of, pthread_mutex_t* with, clockid_t,
                                 const timespec*) { return real::pthread_cond_wait(of, with); };
    return F(c, m, call, 0, nullptr);
  }>(h);
  OnShared<&Hooks::pthread_cond_timedwait>::With<[](pthread_cond_t* c, pthread_mutex_t* m,
                                                    const timespec* t) {
    const RealCondWait call = [](pthread_cond_t* of, pthread_mutex_t* with, clockid_t,
                                 const timespec* until) {
      return real::pthread_cond_timedwait(of, with, until);
    };
    return F(c, m, call, CLOCK_REALTIME, t);
  }>(h);
  OnShared<&Hooks::pthread_cond_clockwait>::With<[](pthread_cond_t* c, pthread_mutex_t* m,
                                                    clockid_t k, const timespec* t) {
    const RealCondWait call = [](pthread_cond_t* of, pthread_mutex_t* with, clockid_t clock,
                                 const timespec* until) {
      return real::pthread_cond_clockwait(of, with, clock, until);
    };
    return F(c, m, call, k, t);
  }>(h);
}

}  // namespace faults
