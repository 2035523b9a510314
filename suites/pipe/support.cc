#include "suites/pipe/support.h"

#include <algorithm>

#include "harness/test/test.h"

namespace ipcsuite::pipe_suite {

std::string Noise(std::size_t length, std::uint64_t seed) {
  std::string bytes(length, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (std::size_t i = 0; i < length; i += 8) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    const std::uint64_t word = state * 0x2545f4914f6cdd1du;
    for (std::size_t k = 0; k < 8 && i + k < length; ++k)
      bytes[i + k] = static_cast<char>(word >> (8 * k));
  }
  return bytes;
}

std::string FillBytes(std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

std::string FirstDifference(const std::string& got, const std::string& expected) {
  if (got == expected) return "";
  const auto at =
      std::mismatch(got.begin(), got.end(), expected.begin(), expected.end()).first - got.begin();
  return "differs from byte " + std::to_string(at) + " on; " + std::to_string(got.size()) +
         " bytes, " + std::to_string(expected.size()) + " expected";
}

std::size_t CapacityOf(const Pipe& pipe) {
  const std::size_t capacity = FillPipe(pipe.wr());
  DrainPipe(pipe.rd());
  return capacity;
}

std::size_t MoreThanFits(const Pipe& pipe) {
  return 8 * std::max<std::size_t>(CapacityOf(pipe), 65536) + PipeBufOf(pipe.wr()) + 777;
}

void ExpectWaitsForRoom(const Pipe& pipe, const Call& call, const std::string& data,
                        const std::string& inside) {
  const ProbeResult probe = call.probe();
  if (probe.what == Blocking::kReturned && call.result().ok() &&
      call.result().value == static_cast<std::int64_t>(data.size()) &&
      DrainPipe(pipe.rd()) == inside + data) {
    Unresolved("the pipe took " + std::to_string(inside.size() + data.size()) +
               " bytes without a wait: its capacity has grown");
  }
  EXPECT_THAT(call, Blocks());
}

std::size_t Opaque(std::size_t value) {
  volatile std::size_t hidden = value;
  return hidden;
}

bool IsReadOnly(int fd) { return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY; }
bool IsWriteOnly(int fd) { return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY; }
bool IsNonblocking(int fd) { return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

namespace {

constexpr nanoseconds kPatience = 10s;

constexpr SignalPace kOften = {kPatience, 8};

}  // namespace

void SignalUntilReturned(Peer& peer, const Call& call, int signal) {
  Interrupt(peer, call, signal, kOften);
}
void SignalUntilReturned(ThreadPeer& peer, const Call& call, int signal) {
  Interrupt(peer, call, signal, kOften);
}

bool AwaitSignals(int since, int count) {
  const Deadline end(kPatience);
  Backoff backoff;
  while (SignalCount() - since < count) {
    if (end.passed()) return false;
    backoff.Pause();
  }
  return true;
}

std::string OutcomeInChild(const std::function<CallResult()>& call) {
  Shared<CallResult> result;
  const StepOutcome end = RunStep([&] {
    *result = call();
    return std::int64_t{0};
  });
  if (end.end == StepOutcome::kFaulted || end.end == StepOutcome::kKilled)
    return SignalName(end.signal);
  if (end.end != StepOutcome::kCompleted) return Describe(end);
  return result->failed ? ErrnoName(result->error) : "success";
}

std::string ReadUpTo(int fd, std::size_t length, std::size_t piece) {
  std::string all;
  std::string buffer(std::min(piece, length), '\0');
  while (all.size() < length) {
    const CallResult got =
        CALL(read(fd, buffer.data(), std::min(buffer.size(), length - all.size())));
    if (!got.ok() || got.value == 0) break;
    all.append(buffer, 0, static_cast<std::size_t>(got.value));
  }
  return all;
}

std::size_t WriteAll(int fd, const std::string& data) {
  std::size_t put = 0;
  while (put < data.size()) {
    const CallResult wrote = CALL(write(fd, data.data() + put, data.size() - put));
    if (!wrote.ok() || wrote.value == 0) break;
    put += static_cast<std::size_t>(wrote.value);
  }
  return put;
}

}  // namespace ipcsuite::pipe_suite
