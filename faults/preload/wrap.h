// How an entry of libc is replaced. The function gets another name in C++ and the libc name as its
// symbol: the headers' declarations (with their exception specifications, macros and redirections
// to 64-bit variants) can't clash with it.
#pragma once

#include "faults/preload/fault.h"
#include "faults/preload/state.h"

#define IPC_WRAP(result, name, ...)                    \
  extern "C" __attribute__((visibility("default")))    \
  result ipcfaults_##name(__VA_ARGS__) __asm__(#name); \
  extern "C" result ipcfaults_##name(__VA_ARGS__)

namespace faults {
// A descriptor that a hook should see: of an object under test, or (`bad_too`) a closed one.
inline bool Hooked(int fd, Obj* o, bool bad_too = false) {
  if (!Active() || (fd >= 0 && fd <= 2)) return false;
  *o = ObjectOf(fd);
  return o->ipc() || (bad_too && o->kind == Kind::bad);
}
inline bool HookedStream(int fd, Obj* o) { return Hooked(fd, o) && o->stream(); }
}  // namespace faults
