#include "harness/core/trace_words.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

#include "harness/core/call.h"

namespace ipcsuite {
namespace {

struct Named {
  int value;
  const char* name;
};
#define N(x) \
  { static_cast<int>(x), #x }
constexpr Named kOpenFlags[] = {N(O_CREAT),  N(O_EXCL),      N(O_NONBLOCK), N(O_TRUNC),
                                N(O_APPEND), N(O_CLOEXEC),   N(O_NOFOLLOW), N(O_SYNC),
                                N(O_DSYNC),  N(O_DIRECTORY), N(O_NOCTTY)};
constexpr Named kProtections[] = {N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC)};
constexpr Named kMapFlags[] = {N(MAP_SHARED), N(MAP_PRIVATE), N(MAP_FIXED),
#ifdef MAP_ANONYMOUS
                               N(MAP_ANONYMOUS)
#endif
};
constexpr Named kSyncFlags[] = {N(MS_ASYNC), N(MS_SYNC), N(MS_INVALIDATE)};
constexpr Named kPollBits[] = {N(POLLIN),     N(POLLPRI),   N(POLLOUT),    N(POLLERR),
                               N(POLLHUP),    N(POLLNVAL),  N(POLLRDNORM), N(POLLRDBAND),
                               N(POLLWRNORM), N(POLLWRBAND)};
constexpr Named kCommands[] = {N(F_DUPFD),  N(F_DUPFD_CLOEXEC), N(F_GETFD), N(F_SETFD),
                               N(F_GETFL),  N(F_SETFL),         N(F_GETLK), N(F_SETLK),
                               N(F_SETLKW), N(F_GETOWN),        N(F_SETOWN)};
constexpr Named kWhences[] = {N(SEEK_SET), N(SEEK_CUR), N(SEEK_END)};
constexpr Named kHows[] = {N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK)};
constexpr Named kAdvices[] = {N(POSIX_MADV_NORMAL), N(POSIX_MADV_SEQUENTIAL), N(POSIX_MADV_RANDOM),
                              N(POSIX_MADV_WILLNEED), N(POSIX_MADV_DONTNEED)};
constexpr Named kResources[] = {
    N(RLIMIT_FSIZE),    N(RLIMIT_NOFILE), N(RLIMIT_CORE), N(RLIMIT_AS),
#ifdef RLIMIT_MEMLOCK
    N(RLIMIT_MEMLOCK),
#endif
#ifdef RLIMIT_MSGQUEUE
    N(RLIMIT_MSGQUEUE),
#endif
};
constexpr Named kClocks[] = {N(CLOCK_REALTIME), N(CLOCK_MONOTONIC), N(CLOCK_PROCESS_CPUTIME_ID),
                             N(CLOCK_THREAD_CPUTIME_ID)};
constexpr Named kPshared[] = {N(PTHREAD_PROCESS_PRIVATE), N(PTHREAD_PROCESS_SHARED)};
constexpr Named kMutexTypes[] = {N(PTHREAD_MUTEX_NORMAL), N(PTHREAD_MUTEX_ERRORCHECK),
                                 N(PTHREAD_MUTEX_RECURSIVE), N(PTHREAD_MUTEX_DEFAULT)};
constexpr Named kRobustnesses[] = {N(PTHREAD_MUTEX_STALLED), N(PTHREAD_MUTEX_ROBUST)};
constexpr Named kProtocols[] = {N(PTHREAD_PRIO_NONE), N(PTHREAD_PRIO_INHERIT),
                                N(PTHREAD_PRIO_PROTECT)};
#undef N

std::string Hex(int value) {
  char text[24];
  std::snprintf(text, sizeof text, "%#x", static_cast<unsigned>(value));
  return text;
}

template <std::size_t n>
std::string NameOf(const Named (&table)[n], int value) {
  for (const Named& entry : table) {
    if (entry.value == value) return entry.name;
  }
  return std::to_string(value);
}

// `text` names what is in `bits` already; nothing at all is "0".
template <std::size_t n>
std::string BitsOf(const Named (&table)[n], int bits, std::string text = "") {
  const auto add = [&](const std::string& name) { text += (text.empty() ? "" : " | ") + name; };
  for (const Named& entry : table) {
    if (entry.value == 0 || (bits & entry.value) != entry.value) continue;
    add(entry.name);
    bits &= ~entry.value;
  }
  if (bits != 0) add(Hex(bits));
  return text.empty() ? "0" : text;
}

}  // namespace

std::string OpenFlagsInC(int flags) {
  const int access = flags & O_ACCMODE;
  const char* name = access == O_RDONLY ? "O_RDONLY" : access == O_WRONLY ? "O_WRONLY" : "O_RDWR";
  if (access != O_RDONLY && access != O_WRONLY && access != O_RDWR)
    return BitsOf(kOpenFlags, flags);
  return BitsOf(kOpenFlags, flags & ~O_ACCMODE, name);
}
std::string ProtectionInC(int protection) {
  return protection == PROT_NONE ? "PROT_NONE" : BitsOf(kProtections, protection);
}
std::string MapFlagsInC(int flags) { return BitsOf(kMapFlags, flags); }
std::string SyncFlagsInC(int flags) { return BitsOf(kSyncFlags, flags); }
std::string CommandInC(int command) { return NameOf(kCommands, command); }
std::string WhenceInC(int whence) { return NameOf(kWhences, whence); }
std::string HowInC(int how) { return NameOf(kHows, how); }
std::string AdviceInC(int advice) { return NameOf(kAdvices, advice); }
std::string ResourceInC(int resource) { return NameOf(kResources, resource); }
std::string ClockInC(int clock) { return NameOf(kClocks, clock); }
std::string PsharedInC(int value) { return NameOf(kPshared, value); }
std::string MutexTypeInC(int type) { return NameOf(kMutexTypes, type); }
std::string RobustnessInC(int value) { return NameOf(kRobustnesses, value); }
std::string ProtocolInC(int protocol) { return NameOf(kProtocols, protocol); }
std::string PollBitsInC(int bits) { return BitsOf(kPollBits, bits); }

std::string SignalInC(int signal) {
#ifdef SIGRTMIN
  if (signal >= SIGRTMIN && signal <= SIGRTMAX)
    return "SIGRTMIN" + (signal > SIGRTMIN ? " + " + std::to_string(signal - SIGRTMIN) : "");
#endif
  const std::string name = SignalName(signal);
  return name.rfind("SIG", 0) == 0 ? name : std::to_string(signal);
}

std::string LiteralInC(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    if (c == '"' || c == '\\') {
      text += std::string("\\") + c;
    } else if (c >= ' ' && c <= '~') {
      text += c == '?' ? "\\?" : std::string(1, c);
    } else {
      char octal[8];
      std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned char>(c));
      text += octal;
    }
  }
  return text + "\"";
}

std::string OctalInC(unsigned mode) {
  char text[24];
  std::snprintf(text, sizeof text, "%#o", mode);
  return mode == 0 ? "0" : text;
}

}  // namespace ipcsuite
