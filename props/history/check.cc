#include "props/history/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "props/history/construct.h"
#include "props/history/linearize.h"
#include "props/history/locks.h"
#include "props/history/search_order.h"
#include "props/history/semaphore.h"
#include "props/model/mutex.h"
#include "props/model/pipe.h"
#include "props/model/queue.h"
#include "props/model/rwlock.h"
#include "props/model/semaphore.h"
#include "props/model/toy.h"

namespace ipcsuite::props {
namespace {

// The operations of one object and where they stand in the history.
class Part {
 public:
  explicit Part(const std::vector<Op>* all) : all_(all) {}  // the only object
  Part() = default;
  const std::vector<Op>& ops() const { return all_ != nullptr ? *all_ : own_; }
  std::size_t Index(std::size_t i) const { return all_ != nullptr ? i : index_[i]; }
  void Add(const Op& op, std::size_t index) {
    own_.push_back(op);
    index_.push_back(index);
  }

 private:
  const std::vector<Op>* all_ = nullptr;
  std::vector<Op> own_;
  std::vector<std::size_t> index_;
};

std::vector<Part> SplitByObject(const History& history) {
  std::vector<Part> parts;
  const auto other_object = [&](const Op& op) { return op.object != history.ops.front().object; };
  if (std::none_of(history.ops.begin(), history.ops.end(), other_object)) {
    if (!history.ops.empty()) parts.emplace_back(&history.ops);
    return parts;
  }
  std::unordered_map<std::uint32_t, std::size_t> at;
  for (std::size_t i = 0; i < history.ops.size(); ++i) {
    const auto [slot, added] = at.try_emplace(history.ops[i].object, parts.size());
    if (added) parts.emplace_back();
    parts[slot->second].Add(history.ops[i], i);
  }
  return parts;
}

std::unordered_set<std::uint64_t> Unreceived(const std::vector<Op>& ops) {
  std::unordered_set<std::uint64_t> values;
  const bool killed = std::any_of(ops.begin(), ops.end(),
                                  [](const Op& op) { return IsReceive(op.call) && op.Optional(); });
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
  const HistoryModel& m = history.model;
  if (m.name == "queue") {
    ConstructOptions construct;
    construct.max_messages = m.max_messages;
    construct.signals = m.signals;
    if (ConstructQueue(part.ops(), construct).found) return {};
  }
  LinearizeOptions search =
      m.name == "semaphore" ? OrderOfTokens(part.ops()) : OrderOfSearch(part.ops(), history.pieces);
  search.max_steps = options.max_steps;
  if (m.name == "semaphore") {
    SemModel::Config config;
    config.initial = m.initial_value;
    config.signals = m.signals;
    return Linearizer(SemModel(config), part.ops(), search).Run();
  }
  if (m.name == "mutex") return Linearizer(MutexModel(), part.ops(), search).Run();
  if (m.name == "rwlock") return Linearizer(RwlockModel(), part.ops(), search).Run();
  if (m.name == "register") return Linearizer(RegisterModel(), part.ops(), search).Run();
  if (m.name == "stack") return Linearizer(StackModel(), part.ops(), search).Run();
  if (m.name == "coin") return Linearizer(CoinModel(), part.ops(), search).Run();
  if (m.name == "pipe") {
    PipeModel::Config config;
    config.pipe_buf = m.pipe_buf;
    config.fifo = m.fifo;
    config.signals = m.signals;
    config.short_reads = m.short_reads;
    config.readers = m.readers;
    config.writers = m.writers;
    config.pieces = &history.pieces;
    return Linearizer(PipeModel(config), part.ops(), search).Run();
  }
  QueueModel::Config config;
  config.max_messages = m.max_messages;
  config.signals = m.signals;
  const std::unordered_set<std::uint64_t> unreceived = Unreceived(part.ops());
  config.unreceived = &unreceived;
  return Linearizer(QueueModel(config), part.ops(), search).Run();
}

std::vector<Violation> Rules(const History& history, const Part& part) {
  const HistoryModel& m = history.model;
  if (m.name == "queue") return CheckQueueRules(part.ops(), m.drained);
  if (m.name == "semaphore") return CheckSemaphoreRules(part.ops(), m.initial_value, m.drained);
  if (m.name == "mutex") return CheckMutexRules(part.ops());
  if (m.name == "rwlock") return CheckRwlockRules(part.ops());
  if (m.name == "barrier") return CheckBarrierRules(part.ops(), m.count);
  if (m.name == "pipe") return CheckPipeRules(part.ops(), history.pieces, m.pipe_buf, m.drained);
  return {};
}

bool KnownModel(const std::string& name) {
  static const std::unordered_set<std::string> kNames = {
      "queue", "pipe", "semaphore", "mutex", "rwlock", "barrier", "register", "stack", "coin"};
  return kNames.contains(name);
}

// A large write is not atomic, nor are others of these: the search, which gives each operation one
// moment, does not apply.
bool NeedsOnlyRules(const History& history, const Part& part) {
  const std::string& model = history.model.name;
  if (model == "mutex" || model == "barrier") return OnlyRulesDecide(part.ops());
  return model == "pipe" && std::any_of(part.ops().begin(), part.ops().end(), [&](const Op& op) {
           return op.call == Call::kWrite && op.amount > history.model.pipe_buf;
         });
}

void Blame(CheckResult& result, const Part& part, const Linearization& search) {
  result.verdict = HistoryVerdict::kInvalid;
  result.reason = search.stuck ? "stuck" : "linearizability";
  result.explanation =
      search.stuck
          ? "every order of the operations that returned leaves a blocked operation enabled:\n"
          : fmt::format(
                "no order of the operations is allowed; after the {} that can be placed none "
                "of these can come next:\n",
                search.deepest > 0 ? search.deepest - 1 : 0);
  for (const std::size_t i : search.blamed) {
    result.explanation += "  " + Describe(part.ops()[i]) + "\n";
    result.offending.push_back(part.Index(i));
  }
}

void CheckPart(const History& history, const Part& part, const CheckOptions& options,
               CheckResult& result) {
  std::vector<Violation> violations = Rules(history, part);
  if (!violations.empty()) {
    result.verdict = HistoryVerdict::kInvalid;
    if (result.reason.empty()) result.reason = Name(violations.front().rule);
    for (Violation& violation : violations) {
      for (std::size_t& i : violation.ops) i = part.Index(i);
      result.explanation += fmt::format("{}: {}\n", Name(violation.rule), violation.text);
      result.offending.insert(result.offending.end(), violation.ops.begin(), violation.ops.end());
      result.violations.push_back(std::move(violation));
    }
    return;
  }
  result.windows += CutAtQuiescence(part.ops()).size();
  if (options.rules_only || NeedsOnlyRules(history, part)) return;
  const Linearization search = Search(history, part, options);
  result.steps += search.steps;
  if (search.decision == Decision::kNotLinearizable) {
    Blame(result, part, search);
  } else if (search.decision == Decision::kOutOfBudget &&
             result.verdict == HistoryVerdict::kValid) {
    result.verdict = HistoryVerdict::kUnresolved;
    result.reason = "out of budget";
    result.explanation = fmt::format(
        "the search gave up after {} steps, with at most {} of {} "
        "operations placed\n",
        search.steps, search.deepest, part.ops().size());
  }
}

}  // namespace

std::string_view Name(HistoryVerdict verdict) {
  switch (verdict) {
    case HistoryVerdict::kValid: return "valid";
    case HistoryVerdict::kInvalid: return "invalid";
    default: return "unresolved";
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
