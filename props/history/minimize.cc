#include "props/history/minimize.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

namespace ipcsuite::props {
namespace {

bool Puts(const Op& op) { return IsSend(op.call) || op.call == Call::kWrite; }
bool Takes(const Op& op) { return IsReceive(op.call) || op.call == Call::kRead; }

// An operation that changed nothing, whose absence no other outcome notices.
bool HasNoEffect(const Op& op) {
  if (op.fate == Fate::kBlocked) return !IsCondWait(op.call);  // that one gave up its mutex
  if (op.Returned() && !op.Ok()) return Puts(op) || Takes(op);
  return op.call == Call::kMqCount || op.call == Call::kToyGet || op.call == Call::kPollIn ||
         op.call == Call::kPollOut;
}

// An outcome that depends on how much is in the object.
bool DependsOnFill(const Op& op) {
  if (op.call == Call::kMqCount) return true;
  return Puts(op) && (op.fate == Fate::kBlocked || (op.Returned() && !op.Ok()));
}

// What can be left out as one: an operation without effect, or all that concerns a value.
struct Unit {
  std::uint16_t process = 0;
  std::vector<std::size_t> ops;  // to be left out
  std::set<std::uint64_t> values;
};

class Minimizer {
 public:
  Minimizer(const History& history, const CheckOptions& options)
      : history_(history), options_(options), reason_(CheckHistory(history, options).reason) {}

  History Run() {
    Reduce(UnitsWithoutEffect());
    // The rules look at values alone, so there values may go even where outcomes depend on the
    // fill.
    const bool by_rule = reason_ != "linearizability" && reason_ != "stuck";
    if (by_rule || std::none_of(history_.ops.begin(), history_.ops.end(), DependsOnFill)) {
      Reduce(Values());
    }
    Reduce(UnitsWithoutEffect());
    return std::move(history_);
  }

 private:
  std::vector<Unit> UnitsWithoutEffect() const {
    std::vector<Unit> units;
    for (std::size_t i = 0; i < history_.ops.size(); ++i) {
      const Op& op = history_.ops[i];
      if (HasNoEffect(op)) units.push_back({op.process, {i}, {}});
    }
    return units;
  }

  // Whole values, only where all that concerns one is known: not of toys.
  std::vector<Unit> Values() const {
    std::vector<Unit> units;
    std::map<std::uint64_t, std::size_t> at;
    for (std::size_t i = 0; i < history_.ops.size(); ++i) {
      const Op& op = history_.ops[i];
      const bool names_value = Puts(op) || (IsReceive(op.call) && op.Returned() && op.Ok());
      if (!names_value) continue;
      const auto [slot, added] = at.try_emplace(op.value, units.size());
      if (added) units.push_back({op.process, {}, {op.value}});
      units[slot->second].ops.push_back(i);
    }
    return units;
  }

  // Leaves out chunks of units, halving them, as long as what is left is wrong in the same way.
  void Reduce(std::vector<Unit> units) {
    std::stable_sort(units.begin(), units.end(),
                     [](const Unit& a, const Unit& b) { return a.process < b.process; });
    std::vector<bool> kept(units.size(), true);
    for (std::size_t chunk = units.size(); chunk > 0; chunk /= 2) {
      for (std::size_t at = 0; at < units.size(); at += chunk) {
        std::vector<bool> candidate = kept;
        bool any = false;
        for (std::size_t i = at; i < std::min(at + chunk, units.size()); ++i) {
          any = any || candidate[i];
          candidate[i] = false;
        }
        if (any && StillWrong(Without(units, candidate))) kept = std::move(candidate);
      }
    }
    history_ = Without(units, kept);
  }

  bool StillWrong(const History& candidate) const {
    const CheckResult result = CheckHistory(candidate, options_);
    return result.verdict == HistoryVerdict::kInvalid && result.reason == reason_;
  }

  History Without(const std::vector<Unit>& units, const std::vector<bool>& kept) const {
    std::vector<bool> drop(history_.ops.size());
    std::unordered_set<std::uint64_t> values;
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (kept[i]) continue;
      for (const std::size_t op : units[i].ops) drop[op] = true;
      values.insert(units[i].values.begin(), units[i].values.end());
    }
    History smaller;
    smaller.model = history_.model;
    smaller.origin = history_.origin;
    for (std::size_t i = 0; i < history_.ops.size(); ++i) {
      if (drop[i]) continue;
      Op op = history_.ops[i];
      if (op.call == Call::kRead && op.piece_count > 0 && !KeepPieces(op, values, smaller))
        continue;
      smaller.ops.push_back(op);
    }
    return smaller;
  }

  // A read without the bytes of records that are left out; false when none are left.
  bool KeepPieces(Op& op, const std::unordered_set<std::uint64_t>& values, History& smaller) const {
    const std::uint64_t begin = smaller.pieces.size();
    std::uint64_t gone = 0;
    for (std::uint64_t i = 0; i < op.piece_count; ++i) {
      const Piece& piece = history_.pieces[op.piece_begin + i];
      if (values.contains(piece.record)) {
        gone += piece.length;
      } else {
        smaller.pieces.push_back(piece);
      }
    }
    op.piece_begin = begin;
    op.piece_count = static_cast<std::uint32_t>(smaller.pieces.size() - begin);
    // As if it had asked for that much less: so a full read stays full, a short one short.
    op.result -= static_cast<std::int64_t>(gone);
    op.amount -= gone;
    return op.piece_count > 0;
  }

  History history_;
  const CheckOptions options_;
  const std::string reason_;
};

}  // namespace

History MinimizeHistory(const History& history, const CheckOptions& options) {
  if (CheckHistory(history, options).verdict != HistoryVerdict::kInvalid) return history;
  return Minimizer(history, options).Run();
}

}  // namespace ipcsuite::props
