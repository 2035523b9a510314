// Free-running properties: processes race, the checker decides what they did.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "harness/test.h"
#include "props/engine/free_run.h"
#include "props/engine/pipe_target.h"
#include "props/engine/property.h"
#include "props/engine/queue_target.h"
#include "props/model/record.h"
#include "props/suite/pipe_domain.h"
#include "props/suite/stream.h"

namespace ipcsuite::props {
namespace {

constexpr long kMaxLength = 64;

std::uint64_t ValueOf(int lane, std::uint64_t index) {
  return (static_cast<std::uint64_t>(lane) + 1) << 32 | index;
}

Op DecodeQueue(const RawStep& step, int lane, std::uint64_t index) {
  static constexpr std::uint32_t kPriorities[] = {0, 0, 0, 0, 1, 1, 2, 31};
  static constexpr std::uint16_t kWays[] = {0, 0, 0, 0, kNonblock, kNonblock, kNearDeadline,
                                            kPastDeadline};
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

CaseOutcome RaceOnQueue(const Program& program, int processes, bool kills) {
  static constexpr long kRoom[] = {10, 4, 2, 1};
  const long max_messages = program.empty() ? 10 : kRoom[(program[0].a >> 8) % 4];
  QueueTarget target(processes + 1, max_messages, kMaxLength);
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

// Process 0 reads to the end of file, the others write records of at most {PIPE_BUF} bytes.
CaseOutcome RaceOnPipe(const Program& program, int processes, bool kills) {
  const std::size_t pipe_buf = PipeBuf();
  const std::uint64_t writers = (std::uint64_t{1} << processes) - 2;
  PipeTarget target(PipeTarget::Ends{1, writers});
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
    op.amount = std::clamp<std::uint64_t>(step.a % 4 == 0 ? pipe_buf - step.b % 3 : step.b % pipe_buf,
                                          kStreamHeader, pipe_buf);
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

// Kills that steps 255 ask for come too seldom by chance.
Program WithKills(Program program) {
  for (RawStep& step : program) {
    if (step.b % 64 == 30) step.what = 255;
  }
  return program;
}

IPC_TEST(PropFree, QueueLinearizable, clause::mq_receive::order_highest_priority_first,
         clause::mq_receive::order_oldest_within_priority, clause::mq_send::prio_placement,
         clause::mq_receive::waiters_one_message_one_receiver,
         clause::mq_send::waiters_one_slot_one_sender, clause::mq_send::full_blocks_until_space,
         clause::mq_receive::empty_blocks_until_message,
         clause::mq_timedreceive::timeout_race_with_arrival,
         clause::mq_timedreceive::timeout_not_before_deadline,
         clause::mq_timedsend::timeout_not_before_deadline,
         clause::mq_send::error_failure_queues_nothing, timeout_s(300)) {
  PropertySpec spec{"PropFree.QueueLinearizable", __FILE__, __LINE__, 800,
                    [](const Program& p) { return RaceOnQueue(p, 4, false); },
                    {{Call::kMqSend, 100}, {Call::kMqReceive, 100}, {Call::kMqTimedSend, 10},
                     {Call::kMqTimedReceive, 10}},
                    1, true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, QueueProcessesKilled, clause::mq_receive::waiters_gone_waiter_takes_nothing,
         clause::mq_receive::order_highest_priority_first,
         clause::mq_receive::waiters_one_message_one_receiver, timeout_s(300)) {
  PropertySpec spec{"PropFree.QueueProcessesKilled", __FILE__, __LINE__, 400,
                    [](const Program& p) { return RaceOnQueue(WithKills(p), 6, true); },
                    {{Call::kMqSend, 100}, {Call::kMqReceive, 100}}, 0, true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, PipeRecordsStayTogether, clause::pipe::write_atomic_le_pipe_buf,
         clause::pipe::read_fifo_order, clause::pipe::write_appends,
         clause::pipe::write_le_pipe_buf_never_partial, clause::pipe::read_eof_no_writer,
         clause::pipe::read_data_before_eof, timeout_s(300)) {
  PropertySpec spec{"PropFree.PipeRecordsStayTogether", __FILE__, __LINE__, 400,
                    [](const Program& p) { return RaceOnPipe(p, 4, false); },
                    {{Call::kWrite, 100}, {Call::kRead, 100}}, 0, true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, PipeWritersKilled, clause::pipe::write_atomic_le_pipe_buf,
         clause::pipe::read_eof_no_writer, clause::pipe::read_blocks_until_all_writers_close,
         timeout_s(300)) {
  PropertySpec spec{"PropFree.PipeWritersKilled", __FILE__, __LINE__, 400,
                    [](const Program& p) { return RaceOnPipe(WithKills(p), 6, true); },
                    {{Call::kWrite, 100}, {Call::kRead, 50}}, 0, true};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
