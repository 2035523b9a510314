#include "props/history/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "props/history/linearize.h"
#include "props/model/pipe.h"
#include "props/model/queue.h"
#include "props/model/toy.h"

namespace ipcsuite::props {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

// The operations of one object and where they stand in the history.
struct Part {
  std::vector<Op> ops;
  std::vector<std::size_t> index;
};

std::vector<Part> SplitByObject(const History& history) {
  std::unordered_map<std::uint32_t, std::size_t> at;
  std::vector<Part> parts;
  for (std::size_t i = 0; i < history.ops.size(); ++i) {
    const auto [slot, added] = at.try_emplace(history.ops[i].object, parts.size());
    if (added) parts.emplace_back();
    Part& part = parts[slot->second];
    part.ops.push_back(history.ops[i]);
    part.index.push_back(i);
  }
  return parts;
}

// When and in which order values came out: the place of each among those of its priority.
struct Removal {
  std::uint64_t end = kNever;       // of the call that took it
  std::uint64_t position = kNever;  // ascending in the order in which values came out
};

std::unordered_map<std::uint64_t, Removal> Removals(const std::vector<Op>& ops,
                                                    const std::vector<Piece>& pieces) {
  std::unordered_map<std::uint64_t, Removal> removals;
  removals.reserve(ops.size());
  std::uint64_t position = 0;
  for (const Op& op : ops) {
    if (!op.Returned() || !op.Ok()) continue;
    if (IsReceive(op.call)) removals.try_emplace(op.value, Removal{op.ret, op.ret});
    if (op.call != Call::kRead) continue;
    for (std::uint64_t i = 0; i < op.piece_count; ++i) {
      removals.try_emplace(pieces[op.piece_begin + i].record, Removal{op.ret, ++position});
    }
  }
  return removals;
}

// Candidates are tried in the order of their ends, except that what puts a value in comes before what
// takes it out and before what puts in a value of the same priority that came out later, and that a
// killed receiver comes as soon as it can. With that the first order tried is nearly always right.
std::vector<std::uint64_t> SearchKeys(const std::vector<Op>& ops, const std::vector<Piece>& pieces) {
  constexpr unsigned kTieBits = 20;  // room to order what has the same end
  const std::unordered_map<std::uint64_t, Removal> removals = Removals(ops, pieces);
  struct Put {
    std::uint64_t key, position;
    std::size_t op;
  };
  std::map<std::uint32_t, std::vector<Put>> classes;
  std::vector<std::uint64_t> keys;
  keys.reserve(ops.size());
  for (const Op& op : ops) {
    std::uint64_t key = op.Returned() ? (op.ret * 2 + 1) << kTieBits : kNever;
    if (IsSend(op.call) || op.call == Call::kWrite) {
      Removal removal;
      if (const auto at = removals.find(op.value); at != removals.end()) removal = at->second;
      if (removal.end != kNever) key = std::min(key, (removal.end * 2) << kTieBits);
      if (op.Ok()) {
        const std::uint32_t priority = op.call == Call::kWrite ? 0 : op.priority;
        classes[priority].push_back({key, removal.position, keys.size()});
      }
    } else if (op.Optional()) {
      key = 0;
    }
    keys.push_back(key);
  }
  for (auto& [priority, puts] : classes) {
    std::stable_sort(puts.begin(), puts.end(),
                     [](const Put& a, const Put& b) { return a.position < b.position; });
    std::uint64_t least = kNever;
    std::uint64_t place = (std::uint64_t{1} << kTieBits) - 1;
    for (auto put = puts.rbegin(); put != puts.rend(); ++put) {
      if (put->key < least) {
        least = put->key;
        place = (std::uint64_t{1} << kTieBits) - 1;
      } else if (place > 0) {
        --place;
      }
      if (least != kNever) keys[put->op] = least + place;
    }
  }
  return keys;
}

std::unordered_set<std::uint64_t> Unreceived(const std::vector<Op>& ops) {
  std::unordered_set<std::uint64_t> values;
  const bool killed = std::any_of(ops.begin(), ops.end(), [](const Op& op) {
    return IsReceive(op.call) && op.Optional();
  });
  if (!killed) return values;
  for (const Op& op : ops) {
    if (IsSend(op.call)) values.insert(op.value);
  }
  for (const Op& op : ops) {
    if (IsReceive(op.call) && op.Returned() && op.Ok()) values.erase(op.value);
  }
  return values;
}

Linearization Search(const History& history, const Part& part, const CheckOptions& options) {
  LinearizeOptions search{options.max_steps, SearchKeys(part.ops, history.pieces)};
  const HistoryModel& m = history.model;
  if (m.name == "register") return Linearizer(RegisterModel(), part.ops, search).Run();
  if (m.name == "stack") return Linearizer(StackModel(), part.ops, search).Run();
  if (m.name == "coin") return Linearizer(CoinModel(), part.ops, search).Run();
  if (m.name == "pipe") {
    PipeModel::Config config;
    config.pipe_buf = m.pipe_buf;
    config.fifo = m.fifo;
    config.signals = m.signals;
    config.short_reads = m.short_reads;
    config.readers = m.readers;
    config.writers = m.writers;
    config.pieces = &history.pieces;
    return Linearizer(PipeModel(config), part.ops, search).Run();
  }
  QueueModel::Config config;
  config.max_messages = m.max_messages;
  config.signals = m.signals;
  const std::unordered_set<std::uint64_t> unreceived = Unreceived(part.ops);
  config.unreceived = &unreceived;
  return Linearizer(QueueModel(config), part.ops, search).Run();
}

std::vector<Violation> Rules(const History& history, const Part& part) {
  const HistoryModel& m = history.model;
  if (m.name == "queue") return CheckQueueRules(part.ops, m.drained);
  if (m.name == "pipe") return CheckPipeRules(part.ops, history.pieces, m.pipe_buf, m.drained);
  return {};
}

bool KnownModel(const std::string& name) {
  static const std::unordered_set<std::string> kNames = {"queue", "pipe", "register", "stack", "coin"};
  return kNames.contains(name);
}

// A large write is not atomic: the search, which gives each operation one moment, does not apply.
bool NeedsOnlyRules(const History& history, const Part& part) {
  return history.model.name == "pipe" &&
         std::any_of(part.ops.begin(), part.ops.end(), [&](const Op& op) {
           return op.call == Call::kWrite && op.amount > history.model.pipe_buf;
         });
}

void Blame(CheckResult& result, const Part& part, const Linearization& search) {
  result.verdict = HistoryVerdict::kInvalid;
  result.reason = search.stuck ? "stuck" : "linearizability";
  result.explanation =
      search.stuck
          ? "every order of the operations that returned leaves a blocked operation enabled:\n"
          : fmt::format("no order of the operations is allowed; after the {} that can be placed none "
                        "of these can come next:\n", search.deepest > 0 ? search.deepest - 1 : 0);
  for (const std::size_t i : search.blamed) {
    result.explanation += "  " + Describe(part.ops[i]) + "\n";
    result.offending.push_back(part.index[i]);
  }
}

void CheckPart(const History& history, const Part& part, const CheckOptions& options,
               CheckResult& result) {
  std::vector<Violation> violations = Rules(history, part);
  if (!violations.empty()) {
    result.verdict = HistoryVerdict::kInvalid;
    if (result.reason.empty()) result.reason = Name(violations.front().rule);
    for (Violation& violation : violations) {
      for (std::size_t& i : violation.ops) i = part.index[i];
      result.explanation += fmt::format("{}: {}\n", Name(violation.rule), violation.text);
      result.offending.insert(result.offending.end(), violation.ops.begin(), violation.ops.end());
      result.violations.push_back(std::move(violation));
    }
    return;
  }
  result.windows += CutAtQuiescence(part.ops).size();
  if (options.rules_only || NeedsOnlyRules(history, part)) return;
  const Linearization search = Search(history, part, options);
  result.steps += search.steps;
  if (search.decision == Decision::kNotLinearizable) {
    Blame(result, part, search);
  } else if (search.decision == Decision::kOutOfBudget &&
             result.verdict == HistoryVerdict::kValid) {
    result.verdict = HistoryVerdict::kUnresolved;
    result.reason = "out of budget";
    result.explanation = fmt::format("the search gave up after {} steps, with at most {} of {} "
                                     "operations placed\n", search.steps, search.deepest,
                                     part.ops.size());
  }
}

}  // namespace

std::string_view Name(HistoryVerdict verdict) {
  switch (verdict) {
    case HistoryVerdict::kValid:
      return "valid";
    case HistoryVerdict::kInvalid:
      return "invalid";
    default:
      return "unresolved";
  }
}

CheckResult CheckHistory(const History& history, const CheckOptions& options) {
  CheckResult result;
  result.ops = history.ops.size();
  std::string defect = FindDefect(history);
  if (defect.empty() && !KnownModel(history.model.name)) {
    defect = "unknown model \"" + history.model.name + "\"";
  }
  if (!defect.empty()) {
    result.verdict = HistoryVerdict::kUnresolved;
    result.reason = "not a history";
    result.explanation = defect + "\n";
    return result;
  }
  const std::vector<Part> parts = SplitByObject(history);
  result.objects = parts.size();
  for (const Part& part : parts) CheckPart(history, part, options, result);
  return result;
}

}  // namespace ipcsuite::props
