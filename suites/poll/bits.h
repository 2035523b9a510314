// The bits of poll(): groups, names, and the sets of events that tables ask for.
#pragma once

#include <poll.h>

#include <string>

#include "spec/clause.h"

// ppoll() is of Issue 8; these systems had it before.
#if defined(__linux__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    (defined(_POSIX_VERSION) && _POSIX_VERSION >= 202405L)
#define IPC_HAVE_PPOLL 1
#endif

namespace ipcsuite::poll_suite {

inline constexpr int kInBits = POLLIN | POLLRDNORM;
inline constexpr int kOutBits = POLLOUT | POLLWRNORM;
inline constexpr int kBandBits = POLLPRI | POLLRDBAND | POLLWRBAND;
// Reported whether requested or not.
inline constexpr int kAlwaysBits = POLLERR | POLLHUP | POLLNVAL;

struct Events {
  const char* name;
  int bits;
};
inline constexpr Events kEvents[] = {
    {"nothing", 0},
    {"POLLIN", POLLIN},
    {"POLLRDNORM", POLLRDNORM},
    {"POLLIN|POLLRDNORM", kInBits},
    {"POLLOUT", POLLOUT},
    {"POLLWRNORM", POLLWRNORM},
    {"POLLIN|POLLOUT", POLLIN | POLLOUT},
    {"all", kInBits | kOutBits | kBandBits},
};

// "POLLIN|POLLHUP"; "-" for none; unknown bits as a number. Bits of one value have one name.
inline std::string BitNames(int bits) {
  struct Name {
    int bit;
    const char* name;
  };
  const Name names[] = {{POLLIN, "POLLIN"},         {POLLRDNORM, "POLLRDNORM"},
                        {POLLRDBAND, "POLLRDBAND"}, {POLLPRI, "POLLPRI"},
                        {POLLOUT, "POLLOUT"},       {POLLWRNORM, "POLLWRNORM"},
                        {POLLWRBAND, "POLLWRBAND"}, {POLLERR, "POLLERR"},
                        {POLLHUP, "POLLHUP"},       {POLLNVAL, "POLLNVAL"}};
  std::string text;
  for (const Name& name : names) {
    if ((bits & name.bit) == 0) continue;
    text += (text.empty() ? "" : "|") + std::string(name.name);
    bits &= ~name.bit;
  }
  if (bits != 0) text += (text.empty() ? "" : "|") + std::to_string(bits);
  return text.empty() ? "-" : text;
}

}  // namespace ipcsuite::poll_suite
