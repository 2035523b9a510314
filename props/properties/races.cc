#include "props/properties/races.h"

#include <algorithm>
#include <cstdint>

#include "base/pipe_buf.h"
#include "props/properties/pipe_domain.h"
#include "props/properties/stream.h"

namespace ipcsuite::props {
namespace {

std::uint64_t ValueOf(int lane, std::uint64_t index) {
  return (static_cast<std::uint64_t>(lane) + 1) << 32 | index;
}

Op DecodeQueue(const RawStep& step, int lane, std::uint64_t index) {
  static constexpr std::uint32_t kPriorities[] = {0, 0, 0, 0, 1, 1, 2, 31};
  static constexpr std::uint16_t kWays[] = {
      0, 0, 0, 0, kNonblock, kNonblock, kNearDeadline, kPastDeadline};
  Op op;
  op.flags = kWays[step.b % 8U];
  const bool timed = (op.flags & (kNearDeadline | kPastDeadline)) != 0 || step.b % 16 == 3;
  if (step.what % 2 == 0) {
    op.call = timed ? Call::kMqTimedSend : Call::kMqSend;
    op.value = ValueOf(lane, index);
    op.priority = kPriorities[step.a % 8U];
  } else {
    op.call = timed ? Call::kMqTimedReceive : Call::kMqReceive;
  }
  return op;
}

// One non-blocking receive after the other, until the queue says that it is empty.
bool DrainQueue(Op& op) {
  if (op.call == Call::kMqReceive && !op.Ok()) return false;
  op = Op{};
  op.call = Call::kMqReceive;
  op.flags = kNonblock;
  return true;
}

}  // namespace

long RoomOf(const Program& program) {
  static constexpr long kRoom[] = {10, 4, 2, 1};
  return program.empty() ? 10 : kRoom[(program[0].a >> 8) % 4];
}

CaseOutcome RaceOnQueue(Target& target, const Program& program, int processes, long max_messages,
                        bool kills) {
  FreeRun run;
  run.processes = processes;
  run.model.name = "queue";
  run.model.max_messages = static_cast<std::uint64_t>(max_messages);
  run.origin = "race on a message queue";
  run.decode = DecodeQueue;
  run.drain = DrainQueue;
  run.kills = kills;
  return RunFree(run, target, program);
}

CaseOutcome RaceOnPipe(Target& target, const Program& program, int processes, bool kills) {
  const std::size_t pipe_buf = PipeBufAt();
  const std::uint64_t writers = (std::uint64_t{1} << processes) - 2;
  FreeRun run;
  run.processes = processes;
  run.model.name = "pipe";
  run.model.pipe_buf = pipe_buf;
  run.model.short_reads = true;
  run.model.readers = 1;
  run.model.writers = writers;
  run.model.drained = true;  // the reader goes on to the end of file
  run.origin = "race on a pipe";
  run.kills = kills;
  run.immortal = 0;
  run.stream = program.size() * pipe_buf + 8 * pipe_buf;
  run.decode = [pipe_buf](const RawStep& step, int lane, std::uint64_t index) {
    Op op;
    if (lane == 0) {
      op.call = Call::kRead;
      op.amount = 1 + step.a % (2 * pipe_buf);
      return op;
    }
    op.call = Call::kWrite;
    op.value = ValueOf(lane, index);
    op.amount = std::clamp<std::uint64_t>(
        step.a % 4 == 0 ? pipe_buf - step.b % 3 : step.b % pipe_buf, kStreamHeader, pipe_buf);
    op.flags = kStamped;
    return op;
  };
  run.finish = [pipe_buf](int lane, Op& op) {
    if (lane != 0 || (op.call == Call::kRead && op.result == 0)) return false;
    op = Op{};
    op.call = Call::kRead;
    op.amount = 2 * pipe_buf;
    return true;
  };
  run.complete = CompleteStream;
  return RunFree(run, target, program);
}

}  // namespace ipcsuite::props
