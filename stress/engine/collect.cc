// What the conductor gathers when the processes of a slice have ended.
#include <algorithm>
#include <cstdio>

#include "stress/engine/conductor.h"

namespace ipcsuite::stress {
namespace {

std::string StampText(std::uint64_t packed) {
  const Stamp stamp = Stamp::Unpack(packed);
  char text[96];
  std::snprintf(text, sizeof text, "message %llu of producer %u at priority %u",
                static_cast<unsigned long long>(stamp.sequence), stamp.producer, stamp.priority);
  return text;
}

std::string Hex(const unsigned char* bytes, std::size_t n) {
  std::string out;
  char two[4];
  for (std::size_t i = 0; i < n; ++i) {
    std::snprintf(two, sizeof two, "%02x", bytes[i]);
    out += two;
    if (i % 4 == 3 && i + 1 < n) out += ' ';
  }
  return out;
}

std::string Describe(const Finding& f, std::int64_t start_ns) {
  char head[160];
  std::snprintf(head, sizeof head, "%s, at %.6f s, worker %d (pid %d)", ToString(f.kind),
                static_cast<double>(f.t_ns - start_ns) / 1e9, f.worker, f.pid);
  std::string out = head;
  if (f.kind == Kind::kTorn) {
    out += ": byte " + std::to_string(f.offset) + " of " + StampText(f.expected) +
           " is wrong; bytes around it: " + Hex(f.sample, sizeof f.sample);
    return out;
  }
  if (f.text[0] != '\0') out += std::string(": ") + f.text;
  if (f.got != 0 || f.expected != 0) {
    out += "; got " + StampText(f.got) + ", expected " + StampText(f.expected);
  }
  if (f.error != 0) out += "; errno " + std::to_string(f.error);
  return out;
}

}  // namespace

void Conductor::Collect() {
  const RunSpec& spec = options_.spec;
  result_.measured_s = static_cast<double>(measure_end_ns_ - measure_begin_ns_) / 1e9;
  std::vector<double> producers, consumers;
  for (int i = 0; i < spec.workers(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const WorkerHot& hot = *shared_.hot[at];
    WorkerResult worker;
    worker.role = i < spec.producers ? Role::kProducer : Role::kConsumer;
    worker.cpu = shared_.cpus[at];
    worker.count = end_counts_[at] - begin_counts_[at];
    worker.rate_per_s =
        result_.measured_s > 0 ? static_cast<double>(worker.count) / result_.measured_s : 0;
    const bool counts = CountConsumers() == (worker.role == Role::kConsumer);
    if (counts) {
      result_.messages += worker.count;
      result_.messages_total += hot.count.load();
    }
    (worker.role == Role::kProducer ? producers : consumers).push_back(worker.rate_per_s);
    result_.workers.push_back(worker);
    result_.checks += hot.checks.load();
    result_.eintr += hot.eintr.load();
    result_.signals_caught += shared_.cold[at]->signals.load();
    result_.signals_in_call += shared_.cold[at]->signals_in_call.load();
    for (int k = 0; k < 7; ++k) result_.extra[k] += shared_.cold[at]->extra[k];
  }
  if (spec.mode != Mode::kRaw && options_.info->uses_ledgers) {
    result_.checks += result_.messages_total;
  }
  result_.rate_per_s =
      result_.measured_s > 0 ? static_cast<double>(result_.messages) / result_.measured_s : 0;
  result_.fairness = Jain(consumers.size() > producers.size() ? consumers : producers);
  if (spec.mode == Mode::kTimed) {
    result_.latency = std::make_unique<Histogram>();
    for (const Histogram* h : shared_.latency) result_.latency->Merge(*h);
  }
  CollectUsage();
  CollectFindings();
  AuditSink sink;
  workload_->Audit(shared_, spec, sink);
  result_.checks += sink.checks;
  result_.facts = sink.facts;
  result_.inconclusive = sink.inconclusive;
  for (std::size_t i = 0; i < helpers_.size(); ++i) {
    const WorkerCold& cold = *shared_.cold[static_cast<std::size_t>(spec.workers()) + i];
    result_.tallies[helpers_[i]].acts += helpers_[i]->collect(cold, &result_.facts);
  }
  for (const auto& item : sink.findings) Find(item.kind, item.clause, item.text, item.count);
}

void Conductor::CollectUsage() {
  std::uint64_t voluntary = 0, involuntary = 0, minor = 0, messages = 0;
  std::int64_t cpu = 0;
  for (int i = 0; i < options_.spec.workers(); ++i) {
    const WorkerCold& cold = *shared_.cold[static_cast<std::size_t>(i)];
    if (cold.end.t_ns == 0 || cold.begin.t_ns == 0) continue;
    if (cold.end.cpu_ns < cold.begin.cpu_ns) continue;  // a successor: its usage starts at 0
    voluntary += cold.end.voluntary - cold.begin.voluntary;
    involuntary += cold.end.involuntary - cold.begin.involuntary;
    minor += cold.end.minor - cold.begin.minor;
    result_.usage.major_faults += cold.end.major - cold.begin.major;
    cpu += cold.end.cpu_ns - cold.begin.cpu_ns;
    const Role role = i < options_.spec.producers ? Role::kProducer : Role::kConsumer;
    if (CountConsumers() == (role == Role::kConsumer))
      messages += cold.end.count - cold.begin.count;
  }
  const double n = static_cast<double>(std::max<std::uint64_t>(1, messages));
  result_.usage.voluntary_per_message = static_cast<double>(voluntary) / n;
  result_.usage.involuntary_per_message = static_cast<double>(involuntary) / n;
  result_.usage.cpu_ns_per_message = static_cast<double>(cpu) / n;
  result_.usage.minor_faults_per_message = static_cast<double>(minor) / n;
  const double streams = std::max(1.0, static_cast<double>(options_.spec.producers));
  const double per_message = result_.rate_per_s > 0 ? 1e9 * streams / result_.rate_per_s : 0;
  result_.regime = NameRegime(shared_.cpus, result_.usage.voluntary_per_message, per_message);
  if (options_.batch_policy) result_.regime += ", SCHED_BATCH";
}

void Conductor::CollectFindings() {
  for (std::size_t i = 0; i < shared_.cold.size(); ++i) {
    WorkerCold& cold = *shared_.cold[i];
    const auto kept = std::min<std::uint32_t>(cold.finding_count.load(), kFindingsKept);
    for (std::uint32_t f = 0; f < kept; ++f) {
      const Finding& finding = cold.findings[f];
      if (finding.clause.id.empty()) continue;  // its writer was killed while writing it down
      Find(finding.kind, finding.clause, Describe(finding, start_ns_));
    }
    result_.findings_total += cold.finding_count.load() - kept;
  }
}

void Conductor::RunAudit() {
  const RunSpec& spec = options_.spec;
  if (spec.mode == Mode::kRaw || !options_.info->uses_ledgers || shared_.ledgers.empty()) return;
  AuditInput input;
  input.producers = spec.producers;
  input.priorities = spec.priorities;
  input.paired = options_.info->shape == Shape::kPaired;
  input.sent = shared_.sent;
  for (const Ledger& ledger : shared_.ledgers) input.ledgers.push_back(&ledger);
  input.in_hand = in_hand_;
  input.consumer_kills = consumer_kills_;
  result_.audit = Audit(input);
  for (const AuditFinding& f : result_.audit.findings) {
    Find(f.kind, options_.info->loss_clause,
         StampText(f.stamp.Pack()) +
             (f.count > 1 ? " and " + std::to_string(f.count - 1) + " after it" : std::string()) +
             ": " + f.text,
         f.count);
  }
}

void Conductor::RunOrder() {
  OrderResult& order = result_.order = DecideOrder(shared_.sends, shared_.receives);
  result_.checks += order.decided_by_any;
  for (const OrderFinding& f : order.findings) {
    const bool inverted = f.rule == OrderRule::kPriority;
    const std::string text = StampText(f.first.stamp.Pack()) + " came out after " +
                             StampText(f.second.stamp.Pack()) + ", which was " +
                             (inverted ? "received while the first was there" : "sent after it") +
                             " (rule: " + ToString(f.rule) + ")";
    Find({.kind = inverted ? Kind::kPriorityInversion : Kind::kReordered,
          .clause = inverted ? options_.info->priority_clause : options_.info->order_clause,
          .text = text,
          .drawing = DrawOrder(f),
          .history = HistoryOfOrder(f)});
  }
  result_.findings_total += order.findings_total - order.findings.size();
}

}  // namespace ipcsuite::stress
