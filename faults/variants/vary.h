// What conforming variants share: ready-made hooks that count where they decide differently, and
// what a variant needs to know to stay within the standard.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include "faults/preload/state.h"

namespace faults {

// Fails where the system below succeeds or fails with something else.
inline int Refuse(int error) {
  Differ();
  return Fail(error);
}
// Returns the value instead of what the system below does.
template <class T>
T Instead(T value) {
  Differ();
  return value;
}

template <auto Member>
struct Vary;  // Vary<&Hooks::lseek>::Errno<EINVAL, ESPIPE> and the like

template <class R, class... A, R (*Hooks::*Member)(A...)>
struct Vary<Member> {
  // The call fails with To where the system below fails with From.
  template <int From, int To>
  static void Errno(Hooks& table) {
    table.*Member = [](A... a) -> R {
      R r = (DefaultHooks().*Member)(a...);
      if (r == ResultOf<R>(-1) && errno == From) Refuse(To);
      return r;
    };
  }
  // The call fails with Error when the arguments are such, without being made.
  template <int Error, bool (*When)(A...)>
  static void Fails(Hooks& table) {
    table.*Member = [](A... a) -> R {
      if (When(a...)) return ResultOf<R>(Refuse(Error));
      return (DefaultHooks().*Member)(a...);
    };
  }
  // The call returns Value when the arguments are such, without being made.
  template <int Value, bool (*When)(A...)>
  static void Returns(Hooks& table) {
    table.*Member = [](A... a) -> R {
      if (When(a...)) return ResultOf<R>(Instead(Value));
      return (DefaultHooks().*Member)(a...);
    };
  }
};

// Whether reading the byte at this address would fault: a system call looks for us.
inline bool Unreadable(const void* p) {
  int saved = errno;
  bool bad = access(static_cast<const char*>(p), F_OK) == -1 && errno == EFAULT;
  errno = saved;
  return bad;
}

// Whether a signal handler runs within a moment: what a call that can be interrupted would notice.
inline bool SignalNow() { return SignalWithin(200'000); }

// Whether every signal that this process catches restarts calls.
inline bool AllHandlersRestart() {
  int saved = errno;
  bool all = true;
  for (int s = 1; s <= 64; ++s) {
    struct sigaction action;
    if (sigaction(s, nullptr, &action) != 0) continue;
    bool caught = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
    if (caught && !(action.sa_flags & SA_RESTART)) all = false;
  }
  errno = saved;
  return all;
}

}  // namespace faults
