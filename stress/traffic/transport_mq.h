// POSIX message queues as a transport of stream.h. Priorities of the run are sent as 1..n; 0 is
// left to the messages of no bytes that tell a consumer to stop: they come after everything else.
#pragma once

#include <mqueue.h>

#include <string>

#include "stress/engine/registry.h"
#include "stress/traffic/stream.h"

namespace ipcsuite::stress {

inline constexpr StreamClauses kMqClauses = {
    "mq_send.content.bytes_preserved",       "mq_receive.order.oldest_within_priority",
    "mq_receive.prio.stored_unless_null",    "threads.safety.no_loss_no_duplication",
    "mq_receive.basic.length_and_removal",   "mq_send.full.blocks_until_space",
    "mq_receive.empty.blocks_until_message", "mq_send.eintr.sa_restart_resumes",
    "mq_receive.eintr.sa_restart_resumes",
};

struct MqTransport {
  static constexpr StreamClauses kClauses = kMqClauses;
  mqd_t queue;
  std::size_t message_bytes;  // mq_msgsize: what a receive buffer must hold

  std::size_t BufferBytes(std::size_t) const { return message_bytes; }

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned priority) {
    for (;;) {
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kMqSend);
      const int rc = mq_send(queue, reinterpret_cast<const char*>(bytes), size, priority + 1);
      if constexpr (M != Mode::kRaw) w.Leave();
      if (rc == 0) return static_cast<ssize_t>(size);
      if (errno != EINTR) return -1;
      if constexpr (M != Mode::kRaw) w.Interrupted(kClauses.send_restart);
    }
  }

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned* priority) {
    for (;;) {
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kMqReceive);
      const ssize_t n = mq_receive(queue, reinterpret_cast<char*>(bytes), size, priority);
      if constexpr (M != Mode::kRaw) w.Leave();
      if (n >= 0) {
        *priority -= 1;
        return n;
      }
      if (errno != EINTR) return -1;
      if constexpr (M != Mode::kRaw) w.Interrupted(kClauses.receive_restart);
    }
  }
};

// Makes a queue of up to `depth` messages (as deep as the limits allow), mode 0600. Returns -1 and
// says why in `error`. The name stays registered.
mqd_t MakeQueue(Registry& registry, long depth, std::size_t message_bytes, int flags,
                std::string* name, std::string* error);

}  // namespace ipcsuite::stress
