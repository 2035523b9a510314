// The model of one POSIX message queue: priorities, order within a priority, limits, waiters and
// notification. Source: XSH mq_send, mq_receive, mq_notify, mq_getattr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "props/model/concept.h"

namespace ipcsuite::props {

struct Message {
  std::uint64_t value = 0;
  std::uint32_t priority = 0;
  friend bool operator==(const Message&, const Message&) = default;
};

// A process in a blocked call, with the message it sends (senders) or was given (receivers).
struct Waiter {
  std::uint16_t process = 0;
  Message message;
  friend bool operator==(const Waiter&, const Waiter&) = default;
};

struct QueueState {
  std::vector<Message> messages;  // the next to be received first
  std::vector<Waiter> receivers;  // shown blocked, longest waiting first
  std::vector<Waiter> senders;    // shown blocked, longest waiting first
  std::vector<Waiter> served;     // receivers that were handed a message and have not returned
  std::vector<Waiter> released;   // senders whose message was taken in and have not returned
  std::vector<std::uint16_t> notified;  // one entry for each notification not yet asked for
  int registered = -1;                  // the process registered for notification
  friend bool operator==(const QueueState&, const QueueState&) = default;
};

class QueueModel {
 public:
  using State = QueueState;

  struct Config {
    std::size_t max_messages = 10;
    // With the Priority Scheduling option the longest waiting one of equal priority is served
    // first; without it any waiter may be.
    bool waiters_in_order = true;
    // Signals with handlers are in play: a call that would wait may fail with EINTR.
    bool signals = false;
    // Whether the message of a waiting sender that moves into an emptied queue notifies. The
    // standard says that it does; Linux does not (a finding of the mqueue suite), so properties
    // that are about something else accept both.
    bool refill_may_be_silent = true;
    // When set: the messages that no known call received. Message values being unique, only such a
    // one can have gone to a receiver that was killed. Prunes the search; loses nothing.
    const std::unordered_set<std::uint64_t>* unreceived = nullptr;
  };

  QueueModel() = default;
  explicit QueueModel(const Config& config) : config_(config) {}

  // What takes a step back that Apply() made.
  struct Undo {
    enum class What : std::uint8_t { kNothing, kSent, kReceived, kOther } what = What::kNothing;
    std::size_t at = 0;             // kSent: where the message stands
    Message message;                // kReceived
    std::unique_ptr<State> before;  // kOther
  };

  State Initial() const { return {}; }
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  // Step() in place, for states in which nobody waits: then one state follows at most.
  bool Apply(State& state, const Op& op, Undo& undo) const;
  void Revert(State& state, const Undo& undo) const;
  bool MayBlock(const State& state, const Op& op) const;
  void Begin(State&, const Op&) const {}
  void Block(State& state, const Op& op) const;
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

  const Config& config() const { return config_; }

 private:
  void StepSend(const State& state, const Op& op, std::vector<State>& out) const;
  void StepReceive(const State& state, const Op& op, std::vector<State>& out) const;
  void StepNotify(const State& state, const Op& op, std::vector<State>& out) const;
  void TakeHead(State state, std::vector<State>& out) const;
  void Arrive(State state, Message message, bool refill, std::vector<State>& out) const;
  bool MayReceive(const State& state, const Op& op) const;
  bool EndsWithoutEffect(const Op& op) const;

  Config config_;
};

}  // namespace ipcsuite::props
