#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <utility>
#include <vector>

#include "props/history/generate.h"

namespace ipcsuite::props {
namespace {

constexpr std::array<const char*, static_cast<std::size_t>(Mutation::kCount)> kNames = {
    "duplicate",      "drop",         "swap",        "thin air",       "tie swap", "priority swap",
    "early time-out", "lost wake-up", "false empty", "wrong priority", "split"};

constexpr std::uint64_t kSpread = 4;  // tickets are spread, so that operations fit between

struct Pair {
  const Op* send;
  std::size_t receive;
};

class Mutator {
 public:
  Mutator(const History& history, std::uint64_t seed) : history_(history), random_(seed) {
    for (Op& op : history_.ops) {
      op.invoke *= kSpread;
      op.ret *= kSpread;
    }
    for (std::size_t i = 0; i < history_.ops.size(); ++i) {
      const Op& op = history_.ops[i];
      if (!op.Returned() && IsReceive(op.call)) unknown_receivers_ = true;
      if (!IsReceive(op.call) || !op.Returned() || !op.Ok()) continue;
      for (const Op& send : history_.ops) {
        if (IsSend(send.call) && send.Returned() && send.value == op.value) {
          pairs_.push_back({&send, i});
        }
      }
    }
    std::shuffle(pairs_.begin(), pairs_.end(), random_);
  }

  std::optional<History> Run(Mutation mutation) {
    if (Apply(mutation)) {
      SortByInvoke(history_.ops);
      return std::move(history_);
    }
    return std::nullopt;
  }

 private:
  Op& At(const Pair& pair) { return history_.ops[pair.receive]; }

  bool Apply(Mutation mutation) {
    switch (mutation) {
      case Mutation::kDuplicate:
        if (pairs_.size() < 2) return false;
        At(pairs_[0]).value = At(pairs_[1]).value;
        At(pairs_[0]).priority = At(pairs_[1]).priority;
        return true;
      case Mutation::kDrop:
        if (pairs_.empty() || !history_.model.drained || unknown_receivers_) return false;
        history_.ops.erase(history_.ops.begin() + static_cast<std::ptrdiff_t>(pairs_[0].receive));
        return true;
      case Mutation::kThinAir:
        if (pairs_.empty()) return false;
        At(pairs_[0]).value = 0x7fff'0000'0000'0001ULL;
        return true;
      case Mutation::kSwap:
      case Mutation::kTieSwap:
      case Mutation::kPrioritySwap: return Swap(mutation);
      case Mutation::kEarlyTimeout:
        for (Op& op : history_.ops) {
          if (op.Returned() && op.error == ETIMEDOUT) {
            op.early_ns = 1000;
            return true;
          }
        }
        return false;
      case Mutation::kLostWakeup: return LoseWakeup();
      case Mutation::kFalseEmpty: return FalseEmpty();
      case Mutation::kWrongPriority:
        if (pairs_.empty()) return false;
        At(pairs_[0]).priority += 1;
        return true;
      case Mutation::kSplit: return Split();
      default: return false;
    }
  }

  // Exchanges what two receives returned, where that is surely wrong: the receives do not overlap,
  // and the message that now comes second had to be first.
  bool Swap(Mutation mutation) {
    for (const Pair& a : pairs_) {
      for (const Pair& b : pairs_) {
        Op& first = At(a);
        Op& second = At(b);
        if (first.ret >= second.invoke) continue;
        const bool same_sender = a.send->process == b.send->process;
        const bool tie = a.send->priority == b.send->priority;
        const bool sent_in_order = a.send->ret < b.send->invoke;
        bool fits = false;
        if (mutation == Mutation::kSwap) fits = tie && sent_in_order && same_sender;
        if (mutation == Mutation::kTieSwap) fits = tie && sent_in_order && !same_sender;
        if (mutation == Mutation::kPrioritySwap) {
          fits = a.send->priority > b.send->priority && a.send->ret < first.invoke &&
                 b.send->ret < first.invoke;
        }
        if (!fits) continue;
        std::swap(first.value, second.value);
        std::swap(first.priority, second.priority);
        return true;
      }
    }
    return false;
  }

  // Takes back the last receive of the drain: its message is still there, and a new process is
  // shown blocked in a receive.
  bool LoseWakeup() {
    if (!history_.model.drained || unknown_receivers_) return false;
    const Pair* last = nullptr;
    for (const Pair& pair : pairs_) {
      if (last == nullptr || At(*last).invoke < At(pair).invoke) last = &pair;
    }
    if (last == nullptr) return false;
    const std::uint64_t cut = At(*last).invoke;
    for (const Op& op : history_.ops) {
      if (op.ret > cut && op.process != At(*last).process) return false;  // not in the drain
    }
    std::uint64_t end = 0;
    std::uint16_t process = 0;
    std::erase_if(history_.ops, [&](const Op& op) { return op.invoke >= cut; });
    for (const Op& op : history_.ops) {
      end = std::max(end, op.ret);
      process = std::max(process, op.process);
    }
    Op blocked;
    blocked.call = Call::kMqReceive;
    blocked.fate = Fate::kBlocked;
    blocked.process = static_cast<std::uint16_t>(process + 1);
    blocked.invoke = end + 1;
    history_.ops.push_back(blocked);
    history_.model.drained = false;
    return true;
  }

  bool FalseEmpty() {
    for (const Pair& pair : pairs_) {
      if (pair.send->ret >= At(pair).invoke) continue;
      Op op;
      op.call = Call::kMqReceive;
      op.flags = kNonblock;
      op.error = EAGAIN;
      op.result = -1;
      op.process = 1000;
      op.invoke = pair.send->ret + 1;
      op.ret = pair.send->ret + 2;
      history_.ops.push_back(op);
      return true;
    }
    return false;
  }

  // In one read: A whole, B whole becomes A but its last byte, B, the last byte of A.
  bool Split() {
    for (Op& op : history_.ops) {
      for (std::uint64_t i = 0; op.call == Call::kRead && i + 1 < op.piece_count; ++i) {
        Piece& a = history_.pieces[op.piece_begin + i];
        const Piece b = history_.pieces[op.piece_begin + i + 1];
        if (a.offset != 0 || a.length < 2) continue;
        std::vector<Piece> pieces(
            history_.pieces.begin() + static_cast<std::ptrdiff_t>(op.piece_begin),
            history_.pieces.begin() + static_cast<std::ptrdiff_t>(op.piece_begin + op.piece_count));
        pieces[i].length -= 1;
        pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 2,
                      Piece{a.record, pieces[i].length, 1});
        pieces[i + 1] = b;
        op.piece_begin = history_.pieces.size();
        op.piece_count = static_cast<std::uint32_t>(pieces.size());
        history_.pieces.insert(history_.pieces.end(), pieces.begin(), pieces.end());
        return true;
      }
    }
    return false;
  }

  History history_;
  std::mt19937_64 random_;
  std::vector<Pair> pairs_;
  bool unknown_receivers_ = false;
};

}  // namespace

std::string_view Name(Mutation mutation) { return kNames[static_cast<std::size_t>(mutation)]; }

std::optional<History> Mutate(const History& history, Mutation mutation, std::uint64_t seed) {
  return Mutator(history, seed).Run(mutation);
}

}  // namespace ipcsuite::props
