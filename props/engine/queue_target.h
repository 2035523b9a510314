// One real message queue, shared by the processes of a property.
#pragma once

#include <mqueue.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "props/engine/target.h"

namespace ipcsuite::props {

// A message is its value in eight bytes (this machine's order), then bytes of record.h; its length
// follows from its value, so that a receiver knows whether it got all of it and nothing else.
std::size_t MessageLength(std::uint64_t value, std::size_t max_length);

class QueueTarget : public Target {
 public:
  // Makes a queue without a name, with a blocking and a non-blocking descriptor for each process.
  // Ends the test as UNSUPPORTED or UNRESOLVED when it cannot be made.
  QueueTarget(int processes, long max_messages, long max_length);
  ~QueueTarget() override;

  void Perform(Op& op, unsigned char* bytes) override;
  void Enter(int process) override;

  long max_length() const { return max_length_; }

 private:
  void Send(Op& op, mqd_t queue, unsigned char* bytes);
  void Receive(Op& op, mqd_t queue, unsigned char* bytes);
  void Notify(Op& op, mqd_t queue);
  void CountSignals(Op& op);

  struct Descriptors {
    mqd_t blocking;
    mqd_t nonblocking;
  };
  std::vector<Descriptors> queues_;  // by process
  int process_ = 0;
  long max_length_;
};

}  // namespace ipcsuite::props
