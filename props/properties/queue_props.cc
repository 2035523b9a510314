// Properties of message queues: sequential traffic, and lockstep over several processes.
#include <sys/mman.h>

#include <memory>
#include <vector>

#include "harness/test/test.h"
#include "props/engine/lockstep.h"
#include "props/engine/property.h"
#include "props/engine/queue_target.h"
#include "props/engine/sequential.h"
#include "props/properties/queue_domain.h"
#include "spec/clauses/mqueue.h"

namespace ipcsuite::props {
namespace {

constexpr long kMaxLength = 64;

// How full the queue can get: varied by the program, within the default limits of systems.
long MaxMessages(const Program& program) {
  static constexpr long kChoices[] = {10, 3, 2, 1, 5};
  return program.empty() ? 10 : kChoices[(program[0].a >> 8) % 5];
}

// What the program was run on, as its first line.
CaseOutcome On(long max_messages, CaseOutcome outcome) {
  outcome.lines.insert(outcome.lines.begin(),
                       "     a queue of " + std::to_string(max_messages) + " messages");
  return outcome;
}

CaseOutcome Sequentially(const Program& program, bool notification) {
  const long max_messages = MaxMessages(program);
  QueueTarget target(1, max_messages, kMaxLength);
  target.Enter(0);
  QueueDomain::Shape shape;
  shape.notification = notification;
  QueueDomain domain(PlatformQueueModel(static_cast<std::size_t>(max_messages), false), shape);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(kMaxLength));
  return On(max_messages, RunSequential(domain, target, program, bytes.data()));
}

CaseOutcome InLockstep(const Program& program, int processes, const QueueDomain::Shape& shape) {
  const long max_messages = MaxMessages(program);
  QueueTarget target(processes, max_messages, kMaxLength);
  Crew crew(processes, target);
  const bool interrupts = shape.signals && !shape.ignored;
  QueueDomain domain(PlatformQueueModel(static_cast<std::size_t>(max_messages), interrupts), shape);
  return On(max_messages, Lockstep<QueueModel>(domain, crew).Run(program));
}

IPC_TEST(PropSequential, QueueTraffic, clause::mq_receive::order_highest_priority_first,
         clause::mq_receive::order_oldest_within_priority, clause::mq_send::prio_placement,
         clause::mq_send::content_bytes_preserved, clause::mq_receive::basic_length_and_removal,
         clause::mq_send::full_eagain, clause::mq_receive::empty_eagain,
         clause::mq_send::error_failure_queues_nothing,
         clause::mq_timedreceive::basic_like_mq_receive, clause::mq_timedsend::basic_like_mq_send,
         clause::mq_getattr::curmsgs_exact_count, timeout_s(300)) {
  PropertySpec spec{"PropSequential.QueueTraffic",
                    __FILE__,
                    __LINE__,
                    600,
                    [](const Program& p) { return Sequentially(p, false); },
                    {{Call::kMqSend, 100},
                     {Call::kMqReceive, 100},
                     {Call::kMqTimedSend, 10},
                     {Call::kMqTimedReceive, 10},
                     {Call::kMqCount, 10}},
                    0,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropSequential, QueueNotification,
         clause::mq_notify::register_notified_on_arrival_at_empty,
         clause::mq_notify::register_no_notification_on_nonempty_arrival,
         clause::mq_notify::register_nonempty_queue_waits_for_transition,
         clause::mq_notify::oneshot_removed_after_notification, clause::mq_notify::oneshot_rearm,
         clause::mq_notify::unregister_null_removes, clause::mq_notify::ebusy_same_process,
         clause::mq_notify::register_failed_send_no_notification, timeout_s(300)) {
  PropertySpec spec{"PropSequential.QueueNotification",
                    __FILE__,
                    __LINE__,
                    400,
                    [](const Program& p) { return Sequentially(p, true); },
                    {{Call::kMqSend, 100},
                     {Call::kMqReceive, 100},
                     {Call::kMqNotify, 50},
                     {Call::kMqUnnotify, 20},
                     {Call::kMqSignals, 20}},
                    0,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, QueueTraffic, clause::mq_send::full_blocks_until_space,
         clause::mq_receive::empty_blocks_until_message,
         clause::mq_send::waiters_one_slot_one_sender,
         clause::mq_receive::waiters_one_message_one_receiver,
         clause::mq_receive::waiters_highest_priority_longest_waiting,
         clause::mq_send::waiters_highest_priority_longest_waiting,
         clause::mq_receive::order_highest_priority_first,
         clause::mq_receive::order_oldest_within_priority, timeout_s(300)) {
  QueueDomain::Shape shape;
  shape.signals = true;
  shape.ignored = true;
  PropertySpec spec{"PropLockstep.QueueTraffic",
                    __FILE__,
                    __LINE__,
                    120,
                    [shape](Program p) {
                      for (RawStep& step : p) {
                        if (step.b % 32 == 31) step.what = 254;
                      }
                      return InLockstep(p, 4, shape);
                    },
                    {{Call::kMqSend, 50}, {Call::kMqReceive, 50}},
                    20,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, QueueWaitersKilledAndInterrupted,
         clause::mq_receive::waiters_gone_waiter_takes_nothing,
         clause::mq_receive::eintr_caught_signal, clause::mq_receive::eintr_nothing_removed,
         clause::mq_send::eintr_caught_signal, clause::mq_notify::exit_registration_released,
         timeout_s(300)) {
  QueueDomain::Shape shape;
  shape.kills = true;
  shape.signals = true;
  PropertySpec spec{"PropLockstep.QueueWaitersKilledAndInterrupted",
                    __FILE__,
                    __LINE__,
                    120,
                    [shape](Program p) {
                      // More of what this property is about than chance gives.
                      for (RawStep& step : p) {
                        if (step.b % 32 == 31) step.what = 254;
                        if (step.b % 64 == 30) step.what = 255;
                      }
                      return InLockstep(p, 5, shape);
                    },
                    {{Call::kMqSend, 50}, {Call::kMqReceive, 50}},
                    20,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, QueueNotification, clause::mq_notify::receiver_blocked_mq_receive_wins,
         clause::mq_notify::receiver_blocked_mq_timedreceive_wins,
         clause::mq_notify::receiver_registration_kept, clause::mq_notify::ebusy_other_process,
         clause::mq_notify::unregister_cannot_remove_others,
         clause::mq_notify::register_notified_on_arrival_at_empty, timeout_s(300)) {
  QueueDomain::Shape shape;
  shape.notification = true;
  PropertySpec spec{
      "PropLockstep.QueueNotification",
      __FILE__,
      __LINE__,
      120,
      [shape](const Program& p) { return InLockstep(p, 4, shape); },
      {{Call::kMqSend, 50}, {Call::kMqReceive, 20}, {Call::kMqNotify, 20}, {Call::kMqSignals, 10}},
      20,
      false};
  CheckProperty(spec);
}

// The engine's own promise, on which every shrunk program and every replay depends.
IPC_TEST(PropLockstep, SameProgramSameTrace, clause::mq_receive::waiters_one_message_one_receiver,
         timeout_s(300)) {
  PropertySpec spec{"PropLockstep.SameProgramSameTrace",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) {
                      CaseOutcome first = InLockstep(p, 4, {});
                      const CaseOutcome second = InLockstep(p, 4, {});
                      if (!first.failed && first.trace_hash != second.trace_hash) {
                        first.failed = true;
                        first.reason = "two runs, two traces";
                        first.message = "the second run:\n";
                        for (const std::string& line : second.lines) {
                          first.message += "  " + line + "\n";
                        }
                      }
                      return first;
                    },
                    {{Call::kMqSend, 20}, {Call::kMqReceive, 20}},
                    10,
                    false};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
