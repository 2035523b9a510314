// How steps of a program become operations on a message queue.
#pragma once

#include <cstdint>
#include <vector>

#include "props/engine/trace.h"
#include "props/model/queue.h"

namespace ipcsuite::props {

class QueueDomain : public Domain<QueueModel> {
 public:
  struct Shape {
    bool notification = false;  // mq_notify is among the calls
    bool kills = false;
    bool signals = false;
    bool ignored = false;   // the signals are ignored ones, which interrupt nothing
    bool may_block = true;  // false: calls that would wait are not made at all
  };
  QueueDomain(const QueueModel& model, const Shape& shape) : Domain(model), shape_(shape) {}

  Op Decode(const RawStep& step, int process, const std::vector<State>& states) override;
  bool MayKill(const std::vector<State>&, int) const override { return shape_.kills; }
  bool MaySignal() const override { return shape_.signals; }
  int Signal() const override { return shape_.ignored ? SIGUSR2 : SIGUSR1; }

 private:
  Op Send(const RawStep& step);
  Op Receive(const RawStep& step);
  Op Notification(const RawStep& step, int process, const std::vector<State>& states);

  Shape shape_;
  std::uint64_t next_value_ = 0;
};

// A queue model for this platform: which waiter is served is only specified under the Priority
// Scheduling option.
QueueModel PlatformQueueModel(std::size_t max_messages, bool signals);

}  // namespace ipcsuite::props
