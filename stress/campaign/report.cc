#include "stress/campaign/report.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "spec/clause.h"
#include "stress/campaign/plots.h"
#include "stress/campaign/summary.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

std::string Rate(double per_s) {
  if (per_s >= 1e6) return Format("%.2f M/s", per_s / 1e6);
  if (per_s >= 1e4) return Format("%.1f k/s", per_s / 1e3);
  return Format("%.0f /s", per_s);
}

// Whether all that was found is a violation of clauses whose wording is an open question.
bool OnlyOpenQuestions(const Cell& cell) {
  return std::ranges::all_of(cell.slices, [](const SliceResult& slice) {
    return std::ranges::all_of(slice.findings, [](const FindingRecord& finding) {
      return finding.kind != Kind::kDied && Get(finding.clause).open_question();
    });
  });
}

report::Verdict VerdictOf(const Cell& cell) {
  switch (cell.outcome) {
    case Outcome::kPass: return report::Verdict::kPass;
    case Outcome::kFail:
      return OnlyOpenQuestions(cell) ? report::Verdict::kDisputed : report::Verdict::kFail;
    case Outcome::kUnresolved: return report::Verdict::kUnresolved;
    case Outcome::kUnsupported: return report::Verdict::kUnsupported;
    case Outcome::kInconclusive: return report::Verdict::kUntested;
  }
  return report::Verdict::kUnresolved;
}

void AddMetrics(const Cell& cell, report::TestRecord* record) {
  const auto add = [&](const char* name, double value, std::vector<double> samples = {}) {
    record->metrics.push_back({name, value, std::move(samples)});
  };
  if (!cell.checked.samples.empty())
    add("throughput_checked_per_s", cell.checked.median, cell.checked.samples);
  if (!cell.raw.samples.empty()) add("throughput_raw_per_s", cell.raw.median, cell.raw.samples);
  if (cell.info->uses_ledgers && cell.checked.median > 0) {
    add("throughput_checked_bytes_per_s",
        cell.checked.median * static_cast<double>(cell.spec.size_bytes));
  }
  if (cell.checked_of_raw > 0) add("checked_of_raw_ratio", cell.checked_of_raw);
  if (!cell.timed.samples.empty())
    add("throughput_timed_per_s", cell.timed.median, cell.timed.samples);
  if (cell.timed_of_raw > 0) add("timed_of_raw_ratio", cell.timed_of_raw);
  if (cell.latency.total() != 0) {
    add("latency_ns_p50", static_cast<double>(cell.latency.Percentile(50)));
    add("latency_ns_p99", static_cast<double>(cell.latency.Percentile(99)));
    add("latency_ns_p999", static_cast<double>(cell.latency.Percentile(99.9)));
    add("latency_ns_max", static_cast<double>(cell.latency.max()));
  }
  const Means m = MeansOf(cell);
  add("fairness_jain", m.fairness);
  add("switches_voluntary_per_message", m.voluntary);
  add("switches_involuntary_per_message", m.involuntary);
  add("cpu_ns_per_message", m.cpu_ns);
  add("faults_minor_per_message", m.faults);
  add("steal_fraction", m.steal);
  add("messages_accounted", static_cast<double>(cell.messages));
  add("invariants_checked", static_cast<double>(cell.checks));
  if (const OrderResult order = TotalsOf(cell).order; order.received != 0)
    add("order_decided_receives", static_cast<double>(order.decided_by_any));
  if (m.memory != 0) add("memory_bytes", static_cast<double>(m.memory));
}

std::string EventText(const NemesisEvent& e) {
  char text[200];
  std::snprintf(text, sizeof text, "%10.6f s  %-8s worker %d (pid %d) in %s",
                static_cast<double>(e.t_ns) / 1e9, (e.end ? e.by->end_mark : e.by->mark).name,
                e.worker, static_cast<int>(e.pid), ToString(e.call));
  std::string out = text;
  if (e.in_hand != 0 && e.by->kills) {
    const Stamp stamp = Stamp::Unpack(e.in_hand - 1);
    out += ", in hand: message " + std::to_string(stamp.sequence) + " of producer " +
           std::to_string(stamp.producer) + " at priority " + std::to_string(stamp.priority);
  }
  return out;
}

std::string NemesesText(const Cell& cell) {
  std::string text = "nemeses: ";
  for (const NemesisInfo* nemesis : AllRows<NemesisInfo>()) {
    const NemesisTally tally = TallyOf(cell, nemesis);
    if (tally.acts == 0) continue;
    text += std::to_string(tally.acts) + " " + nemesis->counted;
    if (nemesis->counts_calls) text += " (" + std::to_string(tally.in_call) + " inside a call)";
    text += ", ";
  }
  const Totals t = TotalsOf(cell);
  return text + "signals caught: " + std::to_string(t.caught) + " (" +
         std::to_string(t.caught_in_call) + " inside a call, " + std::to_string(t.eintr) +
         " calls gave EINTR); missing and in the hand of a killed process: " +
         std::to_string(t.excused_producer) + " sent, " + std::to_string(t.excused_consumer) +
         " received";
}

const FindingRecord* FirstDrawn(const Cell& cell) {
  for (const SliceResult& slice : cell.slices) {
    for (const FindingRecord& finding : slice.findings) {
      if (!finding.drawing.empty()) return &finding;
    }
  }
  return nullptr;
}

void AddEvidence(const Cell& cell, report::TestRecord* record) {
  record->evidence.push_back(LineOf(cell));
  for (const SliceResult& slice : cell.slices) {
    for (const auto& [key, value] : slice.facts) {
      if (&slice == &cell.slices.back())
        record->evidence.push_back(key + ": " + value + " (last slice)");
    }
  }
  if (const std::string order = OrderText(TotalsOf(cell).order); !order.empty())
    record->evidence.push_back(order);
  if (const FindingRecord* proof = FirstDrawn(cell); proof != nullptr) {
    record->evidence.push_back(proof->text + ":\n" + proof->drawing);
    if (!proof->history.empty())
      record->attachments.push_back(
          {"text", "Its calls as a history, for check-history", proof->history});
  }
  if (RanUnderNemeses(cell)) record->evidence.push_back(NemesesText(cell));
  std::string events;
  std::size_t shown = 0;
  for (const SliceResult& slice : cell.slices) {
    for (const NemesisEvent& e : slice.events) {
      if (e.end || !e.by->lists_acts) continue;
      if (++shown > 200) break;
      events += EventText(e) + "\n";
    }
  }
  if (!events.empty())
    record->attachments.push_back({"text", "Acts of nemeses (the first 200)", events});
}

}  // namespace

std::string RateText(const Spread& spread) {
  if (spread.samples.empty()) return "-";
  if (spread.wide()) return Rate(spread.low) + " to " + Rate(spread.high);
  return Rate(spread.median);
}

std::string LineOf(const Cell& cell, bool known) {
  std::string out = Word(cell.outcome);
  if (cell.outcome == Outcome::kFail)
    out = ToString(known ? report::Verdict::kXfail : VerdictOf(cell));
  out += "  " + cell.name;
  if (cell.outcome == Outcome::kUnsupported) return out + ": " + cell.reason;
  out += ": " + std::to_string(cell.messages) + " " + cell.info->unit + ", " +
         std::to_string(cell.checks) + " checks";
  std::uint64_t findings = 0;
  for (const SliceResult& slice : cell.slices) findings += slice.findings_total;
  out += findings == 0 ? ", no finding"
                       : ", " + Counted(static_cast<std::int64_t>(findings), "finding");
  if (cell.kills != 0) {
    out += "; " + Counted(static_cast<std::int64_t>(cell.kills), "kill") + " survived (" +
           std::to_string(cell.kills_in_call) + " in a call)";
  }
  if (const OrderResult order = TotalsOf(cell).order; order.received != 0)
    out += "; order of " + std::to_string(order.decided_by_any) + " receives decided";
  if (!cell.checked.samples.empty()) out += "; checked " + RateText(cell.checked);
  if (cell.checked_of_raw > 0) out += ", " + Ratio(cell.checked_of_raw) + " of raw";
  if (cell.timed_of_raw > 0) out += ", with latency " + Ratio(cell.timed_of_raw);
  if (cell.latency.total() != 0) {
    out += Format("; p50 %.1f us, p99.9 %.1f us",
                  static_cast<double>(cell.latency.Percentile(50)) / 1e3,
                  static_cast<double>(cell.latency.Percentile(99.9)) / 1e3);
  }
  if (!cell.regimes.empty()) out += "; " + Join(cell.regimes, "; ");
  if (!cell.reason.empty()) out += "; " + cell.reason;
  return out;
}

report::TestRecord RecordOf(const Cell& cell, std::uint64_t seed) {
  report::TestRecord record;
  record.name = cell.name;
  record.suite = "stress";
  record.file = cell.info->file;
  for (const ClauseRef clause : cell.info->clauses) record.clauses.emplace_back(clause.id);
  record.verdict = VerdictOf(cell);
  record.reason = cell.reason;
  if (cell.outcome == Outcome::kInconclusive) record.reason = "inconclusive: " + cell.reason;
  record.seed = seed;
  record.duration_ns = static_cast<std::int64_t>(cell.seconds * 1e9);
  record.passes = cell.outcome == Outcome::kFail ? 0 : 1;
  record.command = cell.command;
  for (const SliceResult& slice : cell.slices) {
    for (const FindingRecord& finding : slice.findings) {
      if (finding.kind == Kind::kDied || record.failures.size() >= 32) continue;
      report::Failure failure;
      failure.clause = finding.clause.id;
      failure.file = record.file;
      failure.expected = std::string("no message or operation is ") + ToString(finding.kind);
      failure.observed = finding.text;
      failure.message = finding.text + "\n" + finding.drawing + "in a slice " +
                        (slice.nemeses ? "under nemeses" : "without nemeses") + " of " + cell.name +
                        ", seed " + std::to_string(seed);
      // What only a nemesis brings out is no claim of the workload, but judged by what was found.
      if (std::find(record.clauses.begin(), record.clauses.end(), failure.clause) ==
          record.clauses.end()) {
        record.clauses.push_back(failure.clause);
      }
      record.failures.push_back(std::move(failure));
    }
  }
  AddMetrics(cell, &record);
  AddEvidence(cell, &record);
  if (cell.latency.total() != 0) {
    for (const Plot& plot : LatencyPlots({&cell}))
      record.attachments.push_back({"svg", plot.title, plot.svg});
    record.attachments.push_back(
        {"text", "Latency distribution (.hgrm, microseconds)", cell.latency.ToHgrm(1000)});
  }
  return record;
}

ShortStressResult RunShortStress(nanoseconds time, std::uint64_t seed,
                                 const std::vector<const WorkloadInfo*>& workloads,
                                 const std::function<bool(const report::TestRecord&)>& known,
                                 const std::function<void(const std::string&)>& say) {
  ShortStressResult out;
  Options options = ShortSelection(time, seed);
  options.matrix = workloads.size() == options.workloads.size();
  options.workloads = workloads;
  const CampaignResult result = RunCampaign(
      options, [](const Progress&) {},
      [&](const Cell& cell) {
        out.tests.push_back(RecordOf(cell, seed));
        say(LineOf(cell, known(out.tests.back())));
      });
  out.document = DocumentOf(result);
  out.interrupted = !result.interrupted.empty();
  return out;
}

}  // namespace ipcsuite::stress
