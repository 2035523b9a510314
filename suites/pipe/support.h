// What several topics of this suite share.
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>

#include "base/pipe_buf.h"
#include "harness/test/test.h"

// pipe2() and dup3() are of Issue 8; systems had them long before.
#if defined(__linux__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    _POSIX_VERSION >= 202405L
#define IPC_HAVE_PIPE2 1
#endif

namespace ipcsuite::pipe_suite {

// `length` bytes that differ by position and seed: a lost, repeated or moved byte is seen.
std::string Noise(std::size_t length, std::uint64_t seed);
// The bytes that FillPipe wrote.
std::string FillBytes(std::size_t length);
// Says where two byte strings differ, shortly; empty when they are equal.
std::string FirstDifference(const std::string& got, const std::string& expected);

// Bytes that fit in this pipe, which must be empty and is so afterwards. Asked of the very pipe,
// since systems give less to some when memory or a limit gets short.
std::size_t CapacityOf(const Pipe& pipe);
// More bytes than this pipe is likely to take, however it grows; it must be empty and is so
// afterwards. No number is certain: how much a pipe takes may change at any time (write(),
// RATIONALE).
std::size_t MoreThanFits(const Pipe& pipe);
// The write is shown to wait, or else it has left all of its data in the pipe, after `inside`: then
// nothing is earned and the test ends as UNRESOLVED.
void ExpectWaitsForRoom(const Pipe& pipe, const Call& call, const std::string& data,
                        const std::string& inside = "");
// {SSIZE_MAX} + 1 and the like, hidden from the compiler's own checks of buffer sizes.
std::size_t Opaque(std::size_t value);

// True when the end can be used in one direction only, as F_GETFL tells.
bool IsReadOnly(int fd);
bool IsWriteOnly(int fd);
bool IsNonblocking(int fd);

// Performs a call that must return although it might wrongly block: in a thread, with the patience
// of Call::result().
template <typename F>
CallResult Bounded(F call) {
  ThreadPeer helper;
  return helper.start(std::move(call)).result();
}

// Performs a call that the system may answer by a fault in a child: "success", the errno's name, or
// what ended the child ("SIGSEGV").
std::string OutcomeInChild(const std::function<CallResult()>& call);

// Signals the peer (a process: kill, a thread: pthread_kill) again and again until its call has
// returned, which closes the race between issuing the call and blocking in it. Gives up after 3 s.
void SignalUntilReturned(Peer& peer, const Call& call, int signal);
void SignalUntilReturned(ThreadPeer& peer, const Call& call, int signal);
// Waits until CountSignal has run `count` times since the count was `since`; false after 3 s.
bool AwaitSignals(int since, int count);

// Reads exactly `length` bytes with reads of at most `piece`; less at end-of-file or on an error.
std::string ReadUpTo(int fd, std::size_t length, std::size_t piece = 65536);
// Writes all, in a peer; the number of bytes that went in.
std::size_t WriteAll(int fd, const std::string& data);

using Random = std::mt19937_64;
inline std::size_t Between(Random& random, std::size_t low, std::size_t high) {
  return std::uniform_int_distribution<std::size_t>(low, high)(random);
}

}  // namespace ipcsuite::pipe_suite
