#include "props/history/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "props/history/sweep.h"

namespace ipcsuite::props {
namespace {

constexpr std::array<const char*, 17> kRuleNames = {
    "thin air",           "duplicate",   "lost",           "received before sent", "order",
    "priority inversion", "false empty", "early time-out", "wrong content",        "torn",
    "wrong count",        "exclusion",   "owner death",    "lost wake-up",         "early release",
    "serial thread",      "refused"};

bool SaysEmpty(const Op& op) {
  return IsReceive(op.call) && op.Returned() && (op.error == EAGAIN || op.error == ETIMEDOUT);
}

// One sweep over the operations of one queue.
class QueueSweep {
 public:
  QueueSweep(const std::vector<Op>& ops, bool drained, std::size_t max_violations)
      : ops_(ops), drained_(drained), max_(max_violations), sends_(ops.size()) {}

  std::vector<Violation> Run() {
    MatchSends();
    MatchReceives();
    CheckLost();
    Sweep();
    return std::move(found_);
  }

 private:
  void Add(Rule rule, std::string text, std::vector<std::size_t> ops) {
    if (found_.size() < max_) found_.push_back({rule, std::move(text), std::move(ops)});
  }

  void MatchSends() {
    partner_.assign(ops_.size(), kNone);
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      const Op& op = ops_[i];
      if (IsSend(op.call)) {
        sends_.Insert(op.value, i);
        if (op.Returned() && op.Ok()) {
          classes_.push_back(op.priority);
          ++unmatched_;
        }
      }
      if (op.Returned() && op.error == ETIMEDOUT && op.early_ns > 0) {
        Add(Rule::kEarlyTimeout,
            fmt::format("{}: it returned {} ns before its deadline", Describe(op), op.early_ns),
            {i});
      }
      if (IsReceive(op.call) && op.Optional()) ++lost_allowed_;
      if (classes_.size() > compact_at_) CompactClasses();
    }
    CompactClasses();
  }

  void CompactClasses() {
    std::sort(classes_.begin(), classes_.end());
    classes_.erase(std::unique(classes_.begin(), classes_.end()), classes_.end());
    compact_at_ = 2 * classes_.size() + 4096;
  }

  std::size_t ClassOf(std::uint32_t priority) const {
    if (classes_.size() <= 16) {  // the usual case: a short walk is faster than a search
      std::size_t at = 0;
      while (at < classes_.size() && classes_[at] < priority) ++at;
      return at;
    }
    return static_cast<std::size_t>(std::lower_bound(classes_.begin(), classes_.end(), priority) -
                                    classes_.begin());
  }

  void MatchReceives() {
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      const Op& op = ops_[i];
      if (!IsReceive(op.call) || !op.Returned() || !op.Ok()) continue;
      const std::uint32_t send = sends_.At(op.value);
      if (send == kNone) {
        Add(Rule::kThinAir, Describe(op) + ": nobody sent that", {i});
        continue;
      }
      const Op& sent = ops_[send];
      if (sent.fate == Fate::kBlocked || (sent.Returned() && !sent.Ok())) {
        Add(Rule::kThinAir, Describe(op) + ": its send had no effect: " + Describe(sent),
            {i, send});
        continue;
      }
      if (partner_[send] != kNone) {
        Add(Rule::kDuplicate, Describe(op) + ": received before: " + Describe(ops_[partner_[send]]),
            {i, partner_[send], send});
        continue;
      }
      partner_[send] = i;
      partner_[i] = send;
      if (sent.Returned()) --unmatched_;
      if (op.ret < sent.invoke) {
        Add(Rule::kBeforeSent, Describe(op) + ": ended before the send began: " + Describe(sent),
            {i, send});
      }
      const bool wrong_length = static_cast<std::uint64_t>(op.result) != sent.amount;
      if (op.priority != sent.priority || wrong_length) {
        Add(Rule::kWrongContent,
            fmt::format("{}: {} bytes, priority {}; sent were {} bytes, priority {}", Describe(op),
                        op.result, op.priority, sent.amount, sent.priority),
            {i, send});
      }
    }
  }

  void CheckLost() {
    if (!drained_ || unmatched_ <= lost_allowed_) return;
    std::vector<std::size_t> lost;
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      const Op& op = ops_[i];
      if (IsSend(op.call) && op.Returned() && op.Ok() && partner_[i] == kNone) lost.push_back(i);
    }
    Add(Rule::kLost,
        fmt::format(
            "{} of the messages sent never came out, {} receivers were killed; the first: {}",
            lost.size(), lost_allowed_, Describe(ops_[lost.front()])),
        lost);
  }

  // When the message of `send` surely left the queue at the earliest: until then it was there.
  std::uint64_t StaysUntil(std::uint32_t send) const {
    if (partner_[send] != kNone) return ops_[partner_[send]].invoke;
    return lost_allowed_ > 0 ? 0 : kNeverTicket;  // a killed receiver may have taken it at any time
  }

  void Sweep() {
    SuffixMax above(classes_.size());
    std::vector<SuffixMax::Best> own(classes_.size());
    for (const std::uint32_t event : EventsInOrder(ops_)) {
      const std::uint32_t i = event / 2;
      const Op& op = ops_[i];
      const bool begins = event % 2 == 0;
      if (IsSend(op.call) && op.Returned() && op.Ok()) {
        const std::size_t priority = ClassOf(op.priority);
        if (begins) {
          CheckOrder(i, own[priority]);
        } else if (const std::uint64_t until = StaysUntil(i); until > 0) {
          above.Note(priority, until, i);
          if (own[priority].op == kNone || own[priority].ticket < until) own[priority] = {until, i};
        }
      } else if (begins && IsReceive(op.call) && op.Returned()) {
        if (op.Ok() && partner_[i] != kNone) {
          CheckInversion(i, above.From(ClassOf(ops_[partner_[i]].priority) + 1));
        } else if (SaysEmpty(op)) {
          CheckFalseEmpty(i, above.From(0));
        }
      }
    }
  }

  // `first`: a message of the same priority whose send ended before `second` began to be sent.
  void CheckOrder(std::uint32_t second, const SuffixMax::Best& first) {
    const std::uint32_t receive = partner_[second];
    if (first.op == kNone || receive == kNone || ops_[receive].ret >= first.ticket) return;
    const bool same = ops_[first.op].process == ops_[second].process;
    Add(Rule::kOrder,
        fmt::format("{}: overtook an earlier message of {} and the same priority: {}",
                    Describe(ops_[receive]), same ? "the same sender" : "another sender",
                    Describe(ops_[first.op])),
        {receive, second, first.op});
  }

  void CheckInversion(std::uint32_t receive, const SuffixMax::Best& witness) {
    if (witness.op == kNone || witness.ticket <= ops_[receive].ret) return;
    Add(Rule::kPriorityInversion,
        fmt::format("{}: a message of higher priority was there all the time: {}",
                    Describe(ops_[receive]), Describe(ops_[witness.op])),
        {receive, witness.op});
  }

  void CheckFalseEmpty(std::uint32_t receive, const SuffixMax::Best& witness) {
    if (witness.op == kNone || witness.ticket <= ops_[receive].ret) return;
    Add(Rule::kFalseEmpty,
        fmt::format("{}: a message was there all the time: {}", Describe(ops_[receive]),
                    Describe(ops_[witness.op])),
        {receive, witness.op});
  }

  const std::vector<Op>& ops_;
  const bool drained_;
  const std::size_t max_;
  ValueIndex sends_;
  std::vector<std::uint32_t> partner_;  // of a send its receive, of a receive its send
  std::vector<std::uint32_t> classes_;  // the priorities that occur, ascending
  std::size_t compact_at_ = 4096;
  std::size_t lost_allowed_ = 0;  // receivers that were killed
  std::size_t unmatched_ = 0;     // messages sent that nobody is known to have received
  std::vector<Violation> found_;
};

}  // namespace

std::string_view Name(Rule rule) { return kRuleNames[static_cast<std::size_t>(rule)]; }

std::vector<Violation> CheckQueueRules(const std::vector<Op>& ops, bool drained,
                                       std::size_t max_violations) {
  return QueueSweep(ops, drained, max_violations).Run();
}

}  // namespace ipcsuite::props
