#include "base/os/mutex_word.h"

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
#include <linux/futex.h>
#include <signal.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#endif

namespace ipcsuite::os {

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
std::string DescribeMutexWord(const pthread_mutex_t& mutex) {
#ifdef __GLIBC__
  constexpr std::size_t kAt = 0;  // __data.__lock
#else
  constexpr std::size_t kAt = sizeof(int);  // musl's _m_lock, after _m_type
#endif
  std::uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&mutex) + kAt, sizeof word);
  char head[32];
  std::snprintf(head, sizeof head, "lock word 0x%08x: ", static_cast<unsigned>(word));
  std::string text = head;
  const auto owner = static_cast<pid_t>(word & FUTEX_TID_MASK);
  if (owner == 0) {
    text += "free";
  } else {
    const bool alive = kill(owner, 0) == 0 || errno == EPERM;
    text += "owner " + std::to_string(owner) + (alive ? " (alive)" : " (dead)");
  }
  if ((word & FUTEX_OWNER_DIED) != 0) text += ", an owner died";
  return text +
         ((word & FUTEX_WAITERS) != 0 ? ", somebody may sleep" : ", nobody marked as waiting");
}
#else
std::string DescribeMutexWord(const pthread_mutex_t&) { return ""; }
#endif

}  // namespace ipcsuite::os
