// POSIX message queues as a transport of stream.h. Priorities of the run are sent as 1..n; 0 is
// left to the messages of no bytes that tell a consumer to stop: they come after everything else.
#pragma once

#include <mqueue.h>

#include <string>

#include "spec/clauses/mqueue.h"
#include "stress/engine/registry.h"
#include "stress/traffic/stream.h"

namespace ipcsuite::stress {

inline constexpr StreamClauses kMqClauses = {
    .content = clause::mq_send::content_bytes_preserved,
    .order = clause::mq_receive::order_oldest_within_priority,
    .priority = clause::mq_receive::prio_stored_unless_null,
    .loss = clause::threads::safety_no_loss_no_duplication,
    .length = clause::mq_receive::basic_length_and_removal,
    .send_error = clause::mq_send::full_blocks_until_space,
    .receive_error = clause::mq_receive::empty_blocks_until_message,
    .send_restart = clause::mq_send::eintr_sa_restart_resumes,
    .receive_restart = clause::mq_receive::eintr_sa_restart_resumes,
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

}  // namespace ipcsuite::stress
