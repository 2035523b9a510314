// The order of messages where the numbers at one consumer don't decide it: several producers,
// several consumers, priorities.
//
// Each process logs its own operations: which message, and the interval in which the call was made.
// When all have ended the logs are joined, and three rules are applied. Each of them names two
// messages whose four calls no queue can explain, whatever else was going on:
//
//   producer  a before b by one producer, at one priority; b's receive ended before a's began.
//   queue     the same of any two producers, where a's send ended before b's began.
//   priority  a of the higher priority; b's receive began after a's send had ended, and ended
//   before
//             a's receive began: a was there all the while.
//
// An interval may be logged longer than the call was: then a rule sees less, and never too much. A
// call begins in the log when the process's call before it ended, so that one reading of the clock
// serves two calls. Equal times count as overlapping. What is missing in the logs decides nothing:
// the rules compare messages whose receive was logged, and (queue, priority) whose send was. A
// message that was received twice counts once; that it was is for the account to say.
//
// Logs are bounded samples. Time is divided into windows, the same ones for all processes, and each
// second one is logged. A log that is full keeps each second window of those it has, and from then
// on logs no other ones, so that what it holds is spread over the whole run. Between windows a
// process looks at the clock at each sixteenth call only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "stress/engine/state.h"
#include "stress/engine/ticks.h"

namespace ipcsuite::stress {

// One call on a message that was made within [invoke, end], in ticks.
struct LoggedCall {
  std::uint64_t packed;  // Stamp::Pack()
  std::int64_t invoke, end;
};

// The calls of one process (and of its successors, after it was killed). In shared memory; written
// by that process alone. A log made by default logs nothing.
class OrderLog {
 public:
  OrderLog() = default;
  OrderLog(SharedRegion& region, std::uint32_t calls_max);
  static std::size_t Bytes(std::uint32_t calls_max);

  bool on() const { return calls_ != nullptr; }
  // The process's next call begins now or later.
  void Begin() { last_ = OrderedTicks(); }
  // Its call returned just now.
  void Returned() {
    looks_ = idle_calls_ == 0;
    if (!looks_) {
      --idle_calls_;
      return;
    }
    now_ = OrderedTicks();
    if (!Kept(now_)) idle_calls_ = 15;
  }
  // The call that returned sent or received this message.
  void Note(std::uint64_t packed) {
    if (!looks_) return;
    Add({packed, last_, now_});
    last_ = now_;
  }
  void Add(const LoggedCall& call) {
    std::uint32_t count = head_->count.load(std::memory_order_relaxed);
    if (!Kept(call.end) || (count == calls_max_ && !Thin(call, &count))) return;
    calls_[count] = call;
    head_->count.store(count + 1, std::memory_order_release);
  }

  const LoggedCall* begin() const { return calls_; }
  const LoggedCall* end() const { return calls_ + size(); }
  std::size_t size() const { return on() ? head_->count.load(std::memory_order_acquire) : 0; }

 private:
  struct Head {
    std::atomic<std::uint32_t> count;
    std::uint64_t thinned;  // one bit for each time
  };
  // Whether the window of that moment is logged.
  bool Kept(std::int64_t end) const {
    const std::uint64_t skipped = head_->thinned * 2 + 1;
    return (static_cast<std::uint64_t>(end) >> window_shift_ & skipped) == 0;
  }
  // Makes room. False when there is none for this call.
  bool Thin(const LoggedCall& call, std::uint32_t* count);

  Head* head_ = nullptr;
  LoggedCall* calls_ = nullptr;
  std::uint32_t calls_max_ = 0;
  int window_shift_ = 0;
  // Of this process alone: when its call before and its last call ended.
  std::int64_t last_ = 0, now_ = 0;
  int idle_calls_ = 0;  // before it looks at the clock again
  bool looks_ = false;  // it did so when its last call ended
};

enum class OrderRule { kProducer, kQueue, kPriority };
constexpr int kOrderRules = 3;
const char* ToString(OrderRule rule);

// A message as the logs have it.
struct LoggedMessage {
  Stamp stamp;
  bool sent = false;  // its send was logged
  LoggedCall send{}, receive{};
  int consumer = 0;
};

// `first` should have come out before `second`.
struct OrderFinding {
  OrderRule rule;
  LoggedMessage first, second;
};

struct OrderResult {
  std::uint64_t received = 0;  // messages whose receive was logged
  // Of them: compared with another one by that rule.
  std::array<std::uint64_t, kOrderRules> decided{};
  std::uint64_t decided_by_any = 0;
  std::uint64_t findings_total = 0;    // messages that were overtaken, for each rule
  std::vector<OrderFinding> findings;  // the first kOrderFindingsKept of each rule
  // A message was received before its send began: the clocks of the processors differ, and nothing
  // is decided.
  bool clocks_differ = false;
};
constexpr std::size_t kOrderFindingsKept = 4;

// Joins the logs and applies the rules; log-linear in the number of calls.
OrderResult DecideOrder(const std::vector<OrderLog>& sends, const std::vector<OrderLog>& receives);

// The calls of a finding as lines of text, one lane for each. The axis is the order of events,
// which is all that the rules depend on; the times are in microseconds from the first event.
std::string DrawOrder(const OrderFinding& finding);

// The four calls of a finding in the format of `check-history`, as a queue of two messages: the
// checker of histories refuses it, and draws it. "" where a send was not logged.
std::string HistoryOfOrder(const OrderFinding& finding);

}  // namespace ipcsuite::stress
