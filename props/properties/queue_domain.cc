#include "props/properties/queue_domain.h"

#include <unistd.h>

#include <algorithm>

namespace ipcsuite::props {
namespace {

// Few priorities, so that ties are frequent; the greatest that every system has among them.
constexpr std::uint32_t kPriorities[] = {0, 0, 0, 1, 1, 2, 3, 31};

}  // namespace

QueueModel PlatformQueueModel(std::size_t max_messages, bool signals) {
  QueueModel::Config config;
  config.max_messages = max_messages;
  config.signals = signals;
  config.waiters_in_order = sysconf(_SC_PRIORITY_SCHEDULING) > 0;
  return QueueModel(config);
}

Op QueueDomain::Decode(const RawStep& step, int process, const std::vector<State>& states) {
  const unsigned kind = step.what % 16U;
  if (shape_.notification && kind >= 11) return Notification(step, process, states);
  if (kind < 7) return Send(step);
  if (kind < 14) return Receive(step);
  Op op;
  op.call = Call::kMqCount;
  return op;
}

Op QueueDomain::Send(const RawStep& step) {
  Op op;
  op.call = step.b % 4 == 0 ? Call::kMqTimedSend : Call::kMqSend;
  op.value = ++next_value_;
  op.priority = kPriorities[step.a % 8U];
  if (op.call == Call::kMqTimedSend && step.b % 16 == 4) op.flags = kPastDeadline;
  if (step.b % 16 == 1) op.flags = kNonblock;
  return op;
}

// The calls that must agree: mq_receive, mq_timedreceive with a far and with a past deadline, and
// both without blocking.
Op QueueDomain::Receive(const RawStep& step) {
  Op op;
  op.call = step.b % 4 == 0 ? Call::kMqTimedReceive : Call::kMqReceive;
  if (op.call == Call::kMqTimedReceive && step.b % 16 == 4) op.flags = kPastDeadline;
  if (step.b % 16 == 1 || step.b % 16 == 8) op.flags = kNonblock;
  return op;
}

Op QueueDomain::Notification(const RawStep& step, int process, const std::vector<State>& states) {
  Op op;
  const unsigned kind = step.what % 16U;
  if (kind <= 12) {
    op.call = Call::kMqNotify;
  } else if (kind == 13) {
    op.call = Call::kMqUnnotify;
  } else {
    op.call = Call::kMqSignals;
    // As many as are there for certain are waited for.
    std::uint64_t least = ~std::uint64_t{0};
    for (const State& state : states) {
      least = std::min<std::uint64_t>(
          least, static_cast<std::uint64_t>(std::count(state.notified.begin(), state.notified.end(),
                                                       static_cast<std::uint16_t>(process))));
    }
    op.amount = least;
  }
  return op;
}

}  // namespace ipcsuite::props
