// Private to harness/core and repro/: the values of arguments as C writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ipcsuite {

// "O_WRONLY | O_CREAT"; what has no name in hexadecimal. The same for PROT_, MAP_ and MS_.
std::string OpenFlagsInC(int flags);
std::string ProtectionInC(int protection);
std::string MapFlagsInC(int flags);
std::string SyncFlagsInC(int flags);
// "F_SETFL", "SEEK_CUR", "SIG_BLOCK", "POSIX_MADV_RANDOM", "RLIMIT_FSIZE"; the number where it has
// no name.
std::string CommandInC(int command);
std::string WhenceInC(int whence);
std::string HowInC(int how);
std::string AdviceInC(int advice);
std::string ResourceInC(int resource);
// "CLOCK_MONOTONIC", "PTHREAD_PROCESS_SHARED", "PTHREAD_MUTEX_RECURSIVE", "PTHREAD_MUTEX_ROBUST",
// "PTHREAD_PRIO_INHERIT"; the number where it has no name.
std::string ClockInC(int clock);
std::string PsharedInC(int value);
std::string MutexTypeInC(int type);
std::string RobustnessInC(int value);
std::string ProtocolInC(int protocol);
// "SIGUSR1", "SIGRTMIN + 1"; the number where it has no name.
std::string SignalInC(int signal);
// "POLLIN | POLLHUP", or "0".
std::string PollBitsInC(int bits);
// A string literal with what is not printable as octal escapes.
std::string LiteralInC(std::string_view bytes);
// "0644".
std::string OctalInC(unsigned mode);

}  // namespace ipcsuite
