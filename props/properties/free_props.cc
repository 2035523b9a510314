// Free-running properties: processes race, the checker decides what they did.
#include <cstdint>

#include "harness/test/test.h"
#include "props/engine/pipe_target.h"
#include "props/engine/property.h"
#include "props/engine/queue_target.h"
#include "props/properties/races.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe_io.h"

namespace ipcsuite::props {
namespace {

constexpr long kMaxLength = 64;

CaseOutcome QueueRace(const Program& program, int processes, bool kills) {
  const long room = RoomOf(program);
  QueueTarget target(processes + 1, room, kMaxLength);
  return RaceOnQueue(target, program, processes, room, kills);
}

CaseOutcome PipeRace(const Program& program, int processes, bool kills) {
  PipeTarget target(PipeTarget::Ends{1, (std::uint64_t{1} << processes) - 2});
  return RaceOnPipe(target, program, processes, kills);
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
  PropertySpec spec{"PropFree.QueueLinearizable",
                    __FILE__,
                    __LINE__,
                    800,
                    [](const Program& p) { return QueueRace(p, 4, false); },
                    {{Call::kMqSend, 100},
                     {Call::kMqReceive, 100},
                     {Call::kMqTimedSend, 10},
                     {Call::kMqTimedReceive, 10}},
                    1,
                    true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, QueueProcessesKilled, clause::mq_receive::waiters_gone_waiter_takes_nothing,
         clause::mq_receive::order_highest_priority_first,
         clause::mq_receive::waiters_one_message_one_receiver, timeout_s(300)) {
  PropertySpec spec{"PropFree.QueueProcessesKilled",
                    __FILE__,
                    __LINE__,
                    400,
                    [](const Program& p) { return QueueRace(WithKills(p), 6, true); },
                    {{Call::kMqSend, 100}, {Call::kMqReceive, 100}},
                    0,
                    true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, PipeRecordsStayTogether, clause::pipe::write_atomic_le_pipe_buf,
         clause::pipe::read_fifo_order, clause::pipe::write_appends,
         clause::pipe::write_le_pipe_buf_never_partial, clause::pipe::read_eof_no_writer,
         clause::pipe::read_data_before_eof, timeout_s(300)) {
  PropertySpec spec{"PropFree.PipeRecordsStayTogether",
                    __FILE__,
                    __LINE__,
                    400,
                    [](const Program& p) { return PipeRace(p, 4, false); },
                    {{Call::kWrite, 100}, {Call::kRead, 100}},
                    0,
                    true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, PipeWritersKilled, clause::pipe::write_atomic_le_pipe_buf,
         clause::pipe::read_eof_no_writer, clause::pipe::read_blocks_until_all_writers_close,
         timeout_s(300)) {
  PropertySpec spec{"PropFree.PipeWritersKilled",
                    __FILE__,
                    __LINE__,
                    400,
                    [](const Program& p) { return PipeRace(WithKills(p), 6, true); },
                    {{Call::kWrite, 100}, {Call::kRead, 50}},
                    0,
                    true};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
