#include "props/history/semaphore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>

#include "props/history/sweep.h"

namespace ipcsuite::props {
namespace {

bool Posts(const Op& op) { return op.call == Call::kSemPost; }
bool Succeeded(const Op& op) { return op.Returned() && op.Ok(); }
// Ended because there was no token.
bool FoundNone(const Op& op) { return IsSemWait(op.call) && op.Returned() && !op.Ok(); }
bool Looks(const Op& op) { return FoundNone(op) || (op.call == Call::kSemValue && Succeeded(op)); }

// One sweep over the operations of one semaphore.
class SemaphoreSweep {
 public:
  SemaphoreSweep(const std::vector<Op>& ops, std::uint64_t initial, std::size_t max_violations)
      : ops_(ops), max_(max_violations) {
    least_ = most_ = static_cast<std::int64_t>(initial);
  }

  std::vector<Violation> Run(bool drained) {
    for (const std::uint32_t event : EventsInOrder(ops_)) {
      if (event % 2 == 0) {
        Begin(event / 2);
      } else {
        End(event / 2);
      }
    }
    if (drained) CheckBalance();
    return std::move(found_);
  }

 private:
  // A call that reports on the value, and the bounds of the value since it began.
  struct Look {
    std::size_t op;
    std::int64_t least, most;
  };

  void Add(Rule rule, std::string text, std::size_t op) {
    if (found_.size() < max_) found_.push_back({rule, std::move(text), {op}});
  }

  void Begin(std::size_t i) {
    const Op& op = ops_[i];
    const bool may_count = Succeeded(op) || op.Optional();
    if (Posts(op) && may_count) ++most_;
    if (IsSemWait(op.call) && may_count) --least_;
    killed_waits_ += IsSemWait(op.call) && op.Optional();
    Widen();
    if (Looks(op)) looks_.push_back({i, least_, most_});
  }

  void End(std::size_t i) {
    const Op& op = ops_[i];
    if (Posts(op) && Succeeded(op)) ++least_;
    if (IsSemWait(op.call) && Succeeded(op) && --most_ < 0) {
      Add(Rule::kThinAir, Describe(op) + ": more tokens were taken than were there or posted", i);
      most_ = 0;
    }
    if (op.Returned() && op.error == ETIMEDOUT && op.early_ns > 0) {
      Add(Rule::kEarlyTimeout,
          fmt::format("{}: it returned {} ns before its deadline", Describe(op), op.early_ns), i);
    }
    if (Looks(op)) Judge(i);
    Widen();
  }

  // The bounds of the calls under way; there are as many as processes at most.
  void Widen() {
    for (Look& look : looks_) {
      look.least = std::min(look.least, least_);
      look.most = std::max(look.most, most_);
    }
  }

  void Judge(std::size_t i) {
    const auto at =
        std::find_if(looks_.begin(), looks_.end(), [&](const Look& look) { return look.op == i; });
    const Look look = *at;
    looks_.erase(at);
    const Op& op = ops_[i];
    if (FoundNone(op)) {
      if (look.least > 0) {
        Add(Rule::kFalseEmpty,
            fmt::format("{}: at least {} tokens were there all the time", Describe(op), look.least),
            i);
      }
      return;
    }
    const std::int64_t value = std::max<std::int64_t>(0, Stored(op));
    if (value < look.least || value > look.most) {
      Add(Rule::kWrongCount,
          fmt::format("{}: the value was {} to {} meanwhile", Describe(op),
                      std::max<std::int64_t>(0, look.least), look.most),
          i);
    }
  }

  // All is at rest and the last trywait found nothing: what was posted was taken.
  void CheckBalance() {
    std::int64_t left = least_ + killed_waits_;  // posts that succeeded less waits that did
    if (left <= killed_waits_) return;
    std::size_t last = 0;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (Posts(ops_[i]) && Succeeded(ops_[i])) last = i;
    }
    Add(Rule::kLost,
        fmt::format("{} tokens are gone, {} waiters were killed; the last post: {}", left,
                    killed_waits_, Describe(ops_[last])),
        last);
  }

  const std::vector<Op>& ops_;
  const std::size_t max_;
  std::int64_t least_, most_;  // bounds of the value now
  std::int64_t killed_waits_ = 0;
  std::vector<Look> looks_;
  std::vector<Violation> found_;
};

}  // namespace

std::vector<Violation> CheckSemaphoreRules(const std::vector<Op>& ops, std::uint64_t initial,
                                           bool drained, std::size_t max_violations) {
  return SemaphoreSweep(ops, initial, max_violations).Run(drained);
}

LinearizeOptions OrderOfTokens(const std::vector<Op>& ops) {
  constexpr std::uint64_t kLast = std::uint64_t{1} << 61;
  LinearizeOptions options;
  for (const Op& op : ops) {
    const bool counts = !op.Returned() || op.Ok();
    options.effects.push_back(Posts(op) && counts            ? Effect::kPut
                              : IsSemWait(op.call) && counts ? Effect::kTake
                                                             : Effect::kNone);
    options.keys.push_back(op.Returned() ? op.ret : kLast);
  }
  return options;
}

}  // namespace ipcsuite::props
