#include "props/history/search_order.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "props/history/sweep.h"

namespace ipcsuite::props {
namespace {

// Keys are twice the ticket of a moment, with room below to order what has the same moment.
constexpr unsigned kTieBits = 16;
constexpr std::uint64_t kTies = (std::uint64_t{1} << kTieBits) - 1;
constexpr std::uint64_t kLatestKey = (std::uint64_t{1} << 62) - 1;

std::uint64_t JustBefore(std::uint64_t ticket) { return (ticket * 2) << kTieBits; }
std::uint64_t At(std::uint64_t ticket) { return (ticket * 2 + 1) << kTieBits; }

bool Puts(const Op& op) { return IsSend(op.call) || op.call == Call::kWrite; }
bool Takes(const Op& op) { return IsReceive(op.call) || op.call == Call::kRead; }

Effect EffectOf(const Op& op) {
  const bool failed = op.Returned() && !op.Ok();
  if (Puts(op)) {
    // EPIPE and the like need no room; they are rare.
    return failed ? Effect::kNoneWhenFull : Effect::kPut;
  }
  if (Takes(op)) return failed ? Effect::kNone : Effect::kTake;
  const bool count =
      op.call == Call::kMqCount || op.call == Call::kPollIn || op.call == Call::kPollOut;
  return count ? Effect::kNone : Effect::kAny;
}

class Order {
 public:
  Order(const std::vector<Op>& ops, const std::vector<Piece>& pieces)
      : ops_(ops), pieces_(pieces) {}

  LinearizeOptions Run() {
    FindPuts();
    options_.keys.reserve(ops_.size());
    for (const Op& op : ops_) {
      options_.effects.push_back(EffectOf(op));
      std::uint64_t key = op.Returned() ? At(op.ret) : kLatestKey;
      if (op.Optional() && !Puts(op)) key = 0;  // a killed taker comes as soon as it can
      options_.keys.push_back(key);
    }
    FollowTakes();
    KeepOrderInClasses();
    return std::move(options_);
  }

 private:
  void FindPuts() {
    options_.effects.reserve(ops_.size());
    std::size_t puts = 0;
    for (const Op& op : ops_) puts += Puts(op);
    puts_ = ValueIndex(puts);
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      if (!Puts(ops_[i])) continue;
      puts_.Insert(ops_[i].value, i);
      if (classes_.empty() || classes_.back() != ClassOf(ops_[i]))
        classes_.push_back(ClassOf(ops_[i]));
      if (classes_.size() > 4096) Compact();
    }
    Compact();
  }
  void Compact() {
    std::sort(classes_.begin(), classes_.end());
    classes_.erase(std::unique(classes_.begin(), classes_.end()), classes_.end());
  }
  static std::uint32_t ClassOf(const Op& op) { return op.call == Call::kWrite ? 0 : op.priority; }
  // From the highest priority down, so that the lower ones are a suffix.
  std::size_t FromTop(const Op& op) const {
    return static_cast<std::size_t>(
        classes_.end() - std::upper_bound(classes_.begin(), classes_.end(), ClassOf(op)));
  }

  // In the order of time: which put each take belongs to.
  void FollowTakes() {
    SuffixMax lower(classes_.size());  // ends of takes, by class
    taken_.assign(ops_.size(), false);
    for (const std::uint32_t event : EventsInOrder(ops_)) {
      const Op& op = ops_[event / 2];
      if (!Takes(op) || !op.Returned() || !op.Ok()) continue;
      const bool ends = event % 2 != 0;
      if (op.call == Call::kRead) {
        if (ends) TakePieces(op);
        continue;
      }
      const std::uint32_t put = puts_.At(op.value);
      if (put == kNone) continue;
      const std::size_t at = FromTop(ops_[put]);
      if (ends) {
        lower.Note(at, op.ret, event / 2);
        Take(put, op);
      } else if (const SuffixMax::Best last = lower.From(at + 1); last.op != kNone) {
        after_lower_.push_back({put, At(last.ticket) + 1});
      }
    }
    for (const auto& [put, key] : after_lower_) {
      options_.keys[put] = std::max(options_.keys[put], key);
    }
  }
  void TakePieces(const Op& op) {
    for (std::uint64_t i = 0; i < op.piece_count; ++i) {
      const std::uint32_t put = puts_.At(pieces_[op.piece_begin + i].record);
      if (put != kNone) Take(put, op);
    }
  }
  void Take(std::uint32_t put, const Op& by) {
    if (taken_[put]) return;
    taken_[put] = true;
    order_.push_back(put);
    options_.keys[put] = std::min(options_.keys[put], JustBefore(by.ret));
  }

  // Of one priority, what came out earlier was put in earlier; what never came out, last.
  void KeepOrderInClasses() {
    struct Class {
      std::uint64_t least = kLatestKey;
      std::uint64_t place = kTies;
    };
    std::vector<Class> classes(classes_.size() + 1);
    const auto visit = [&](std::uint32_t put) {
      Class& of = classes[FromTop(ops_[put])];
      std::uint64_t& key = options_.keys[put];
      if (key < of.least) {
        of.least = key;
        of.place = kTies;
      } else if (of.place > 0) {
        --of.place;
      }
      if (of.least != kLatestKey) key = std::min(of.least + of.place, kLatestKey);
    };
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      if (Puts(ops_[i]) && ops_[i].Returned() && ops_[i].Ok() && !taken_[i]) visit(i);
    }
    for (auto put = order_.rbegin(); put != order_.rend(); ++put) visit(*put);
  }

  const std::vector<Op>& ops_;
  const std::vector<Piece>& pieces_;
  LinearizeOptions options_;
  ValueIndex puts_{0};
  std::vector<std::uint32_t> classes_;  // the priorities that occur, ascending
  std::vector<bool> taken_;
  std::vector<std::uint32_t> order_;  // puts, in the order in which their values came out
  std::vector<std::pair<std::uint32_t, std::uint64_t>> after_lower_;
};

}  // namespace

LinearizeOptions OrderOfSearch(const std::vector<Op>& ops, const std::vector<Piece>& pieces) {
  return Order(ops, pieces).Run();
}

}  // namespace ipcsuite::props
