#include "stress/campaign/report.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "stress/campaign/plots.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

using Json = nlohmann::ordered_json;

std::string Format(const char* format, double a, double b = 0) {
  char text[96];
  std::snprintf(text, sizeof text, format, a, b);
  return text;
}

std::string Rate(double per_s) {
  if (per_s >= 1e6) return Format("%.2f M/s", per_s / 1e6);
  if (per_s >= 1e4) return Format("%.1f k/s", per_s / 1e3);
  return Format("%.0f /s", per_s);
}

std::string Ratio(double ratio) { return ratio > 0 ? Format("%.2f", ratio) : std::string("-"); }

std::string Joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "; ") + part;
  return out;
}

// Means over the checked slices without nemeses.
struct Means {
  double fairness = 0, voluntary = 0, involuntary = 0, cpu_ns = 0, faults = 0, steal = 0;
  std::uint64_t major = 0, memory = 0;
};

Means MeansOf(const Cell& cell) {
  Means m;
  double n = 0;
  for (const SliceResult& slice : cell.slices) {
    m.memory = std::max(m.memory, slice.memory_bytes);
    if (slice.nemeses || slice.mode != Mode::kChecked) continue;
    ++n;
    m.fairness += slice.fairness;
    m.voluntary += slice.usage.voluntary_per_message;
    m.involuntary += slice.usage.involuntary_per_message;
    m.cpu_ns += slice.usage.cpu_ns_per_message;
    m.faults += slice.usage.minor_faults_per_message;
    m.steal += slice.usage.steal_fraction;
    m.major += slice.usage.major_faults;
  }
  if (n > 0) {
    m.fairness /= n;
    m.voluntary /= n;
    m.involuntary /= n;
    m.cpu_ns /= n;
    m.faults /= n;
    m.steal /= n;
  }
  return m;
}

struct Totals {
  std::uint64_t caught = 0, caught_in_call = 0, eintr = 0;
  std::uint64_t excused_producer = 0, excused_consumer = 0, by_fingerprint = 0;
};

Totals TotalsOf(const Cell& cell) {
  Totals t;
  for (const SliceResult& slice : cell.slices) {
    t.caught += slice.signals_caught;
    t.caught_in_call += slice.signals_in_call;
    t.eintr += slice.eintr;
    t.excused_producer += slice.audit.excused_producer;
    t.excused_consumer += slice.audit.excused_consumer;
    t.by_fingerprint += slice.audit.by_fingerprint;
  }
  return t;
}

// What the nemesis did over all slices; nothing where the cell ran without it.
NemesisTally TallyOf(const Cell& cell, const NemesisInfo* nemesis) {
  const auto it = cell.tallies.find(nemesis);
  return it == cell.tallies.end() ? NemesisTally() : it->second;
}

bool RanUnderNemeses(const Cell& cell) {
  return std::any_of(cell.tallies.begin(), cell.tallies.end(),
                     [](const auto& entry) { return entry.second.acts != 0; });
}

// "limits met" as a key of JSON.
std::string Key(std::string words) {
  std::replace(words.begin(), words.end(), ' ', '_');
  return words;
}

const char* Word(Outcome outcome) {
  static const char* const kWords[] = {"PASS", "FAIL", "UNRESOLVED", "UNSUPPORTED", "INCONCLUSIVE"};
  return kWords[static_cast<int>(outcome)];
}

report::Verdict VerdictOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass: return report::Verdict::kPass;
    case Outcome::kFail: return report::Verdict::kFail;
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

void AddEvidence(const Cell& cell, report::TestRecord* record) {
  record->evidence.push_back(LineOf(cell));
  for (const SliceResult& slice : cell.slices) {
    for (const auto& [key, value] : slice.facts) {
      if (&slice == &cell.slices.back())
        record->evidence.push_back(key + ": " + value + " (last slice)");
    }
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

Json LatencyJson(const Histogram& h) {
  return {{"p50", h.Percentile(50)},    {"p90", h.Percentile(90)},      {"p99", h.Percentile(99)},
          {"p999", h.Percentile(99.9)}, {"p9999", h.Percentile(99.99)}, {"max", h.max()},
          {"count", h.total()}};
}

Json CellJson(const Cell& cell) {
  const Means m = MeansOf(cell);
  const Totals t = TotalsOf(cell);
  Json json;
  json["name"] = cell.name;
  json["workload"] = cell.info->name;
  json["placement"] = ToString(cell.placement);
  json["cpus"] = cell.cpus;
  json["size_bytes"] = cell.spec.size_bytes;
  json["producers"] = cell.spec.producers;
  json["consumers"] = cell.spec.consumers;
  json["verdict"] = Word(cell.outcome);
  json["reason"] = cell.reason;
  json["unit"] = cell.info->unit;
  json["raw_per_s"] = cell.raw.samples;
  json["checked_per_s"] = cell.checked.samples;
  json["timed_per_s"] = cell.timed.samples;
  json["checked_of_raw_ratio"] = cell.checked_of_raw;
  json["timed_of_raw_ratio"] = cell.timed_of_raw;
  json["regimes"] = cell.regimes;
  json["messages_accounted"] = cell.messages;
  json["invariants_checked"] = cell.checks;
  json["fairness_jain"] = m.fairness;
  json["switches_voluntary_per_message"] = m.voluntary;
  json["switches_involuntary_per_message"] = m.involuntary;
  json["cpu_ns_per_message"] = m.cpu_ns;
  json["memory_bytes"] = m.memory;
  for (const NemesisInfo* nemesis : AllRows<NemesisInfo>()) {
    const NemesisTally tally = TallyOf(cell, nemesis);
    json[Key(nemesis->counted)] = tally.acts;
    if (nemesis->counts_calls) json[Key(nemesis->counted) + "_in_call"] = tally.in_call;
  }
  json["eintr"] = t.eintr;
  json["excused_in_hand_of_killed_producers"] = t.excused_producer;
  json["excused_taken_by_killed_consumers"] = t.excused_consumer;
  if (cell.latency.total() != 0) json["latency_ns"] = LatencyJson(cell.latency);
  if (cell.latency_under_nemeses.total() != 0)
    json["latency_under_nemeses_ns"] = LatencyJson(cell.latency_under_nemeses);
  json["command"] = cell.command;
  return json;
}

Json LatencyRow(const std::string& name, const Histogram& h) {
  return {name,
          h.Percentile(50),
          h.Percentile(90),
          h.Percentile(99),
          h.Percentile(99.9),
          h.Percentile(99.99),
          h.max(),
          h.total()};
}

Json Table(const char* title, std::vector<std::string> columns, Json rows) {
  return {{"title", title}, {"columns", std::move(columns)}, {"rows", std::move(rows)}};
}

std::vector<std::string> NemesesColumns() {
  std::vector<std::string> columns = {"workload"};
  for (const NemesisInfo* nemesis : AllRows<NemesisInfo>()) {
    columns.push_back(nemesis->counted);
    if (nemesis->counts_calls) columns.push_back(nemesis->counted + std::string(" in a call"));
  }
  const std::vector<std::string> rest = {"signals caught in a call", "calls that gave EINTR",
                                         "missing, in hand of killed producers",
                                         "missing, taken by killed consumers"};
  columns.insert(columns.end(), rest.begin(), rest.end());
  return columns;
}

Json NemesesRow(const Cell& cell, const std::string& name, const Totals& t) {
  Json row = {name};
  for (const NemesisInfo* nemesis : AllRows<NemesisInfo>()) {
    const NemesisTally tally = TallyOf(cell, nemesis);
    row.push_back(tally.acts);
    if (nemesis->counts_calls) row.push_back(tally.in_call);
  }
  for (const std::uint64_t n : {t.caught_in_call, t.eintr, t.excused_producer, t.excused_consumer})
    row.push_back(n);
  return row;
}

Json Tables(const CampaignResult& result) {
  Json throughput = Json::array(), latency = Json::array(), nemeses = Json::array(),
       facts = Json::array(), scaling = Json::array();
  for (const Cell& cell : result.cells) {
    const std::string name = cell.name.substr(cell.name.find('.') + 1);
    const Means m = MeansOf(cell);
    const Totals t = TotalsOf(cell);
    throughput.push_back(
        {name, Word(cell.outcome), cell.spec.size_bytes, std::string(ToString(cell.placement)),
         RateText(cell.raw), RateText(cell.checked),
         cell.info->uses_ledgers
             ? Format("%.1f", cell.checked.median * static_cast<double>(cell.spec.size_bytes) / 1e6)
             : "",
         Ratio(cell.checked_of_raw), Ratio(cell.timed_of_raw), Joined(cell.regimes),
         Format("%.3f", m.fairness), Format("%.3f", m.voluntary), Format("%.3f", m.involuntary),
         Format("%.0f", m.cpu_ns), Format("%.1f %%", 100 * m.steal), cell.messages, cell.checks});
    if (cell.latency.total() != 0) latency.push_back(LatencyRow(name, cell.latency));
    if (cell.latency_under_nemeses.total() != 0)
      latency.push_back(LatencyRow(name + ", under nemeses", cell.latency_under_nemeses));
    if (RanUnderNemeses(cell)) nemeses.push_back(NemesesRow(cell, name, t));
    if (cell.slices.empty()) continue;
    for (const auto& [key, value] : cell.slices.back().facts) facts.push_back({name, key, value});
  }
  for (const ScalingCurve& curve : result.curves) {
    for (std::size_t i = 0; i < curve.points.size(); ++i) {
      scaling.push_back({curve.operation, curve.shared_object ? "one for all" : "own",
                         curve.where[i], RateText(MakeSpread(curve.points[i].samples)),
                         Ratio(Median(curve.points[i].samples) /
                               std::max(1e-9, Median(curve.points[0].samples)))});
    }
  }
  Json tables = Json::array();
  tables.push_back(
      Table("Throughput: the same loop without checks (raw), with checks, with latency",
            {"workload", "verdict", "size_bytes", "placement", "raw", "checked", "checked MB/s",
             "checked/raw", "timed/raw", "regimes", "fairness (Jain)", "voluntary switches/message",
             "involuntary switches/message", "CPU ns/message", "steal", "messages accounted for",
             "invariants checked"},
            throughput));
  if (!latency.empty()) {
    tables.push_back(Table("Latency in ns",
                           {"workload", "p50", "p90", "p99", "p99.9", "p99.99", "max", "count"},
                           latency));
  }
  if (!nemeses.empty()) {
    tables.push_back(Table("Nemeses and what they left", NemesesColumns(), nemeses));
  }
  if (!facts.empty())
    tables.push_back(Table("Facts of the last slice", {"workload", "fact", "value"}, facts));
  if (!scaling.empty()) {
    tables.push_back(Table(
        "Scaling", {"operation", "object", "processes", "throughput", "relative to one"}, scaling));
  }
  return tables;
}

Json Fits(const CampaignResult& result) {
  Json fits = Json::array();
  for (const ScalingCurve& curve : result.curves) {
    Json one = {{"operation", curve.operation},
                {"object", curve.shared_object ? "one for all" : "own"},
                {"ratio_last_to_first", curve.ratio},
                {"points", curve.points.size()}};
    if (curve.fit) {
      one["lambda_per_s"] = curve.fit->lambda.value;
      one["sigma"] = Format("%.4f", curve.fit->sigma.value) +
                     Format(" (%.4f to %.4f)", curve.fit->sigma.low, curve.fit->sigma.high);
      one["kappa"] = Format("%.6f", curve.fit->kappa.value) +
                     Format(" (%.6f to %.6f)", curve.fit->kappa.low, curve.fit->kappa.high);
      one["r_squared"] = curve.fit->r_squared;
      one["peak_processes"] = curve.fit->peak_n;
    } else {
      one["fit"] = "none: fewer than five points on cpus of their own; the ratio stands";
    }
    fits.push_back(std::move(one));
  }
  return fits;
}

}  // namespace

std::string RateText(const Spread& spread) {
  if (spread.samples.empty()) return "-";
  if (spread.wide()) return Rate(spread.low) + " to " + Rate(spread.high);
  return Rate(spread.median);
}

std::string LineOf(const Cell& cell) {
  std::string out = Word(cell.outcome);
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
  if (!cell.checked.samples.empty()) out += "; checked " + RateText(cell.checked);
  if (cell.checked_of_raw > 0) out += ", " + Ratio(cell.checked_of_raw) + " of raw";
  if (cell.timed_of_raw > 0) out += ", with latency " + Ratio(cell.timed_of_raw);
  if (cell.latency.total() != 0) {
    out += Format("; p50 %.1f us, p99.9 %.1f us",
                  static_cast<double>(cell.latency.Percentile(50)) / 1e3,
                  static_cast<double>(cell.latency.Percentile(99.9)) / 1e3);
  }
  if (!cell.regimes.empty()) out += "; " + Joined(cell.regimes);
  if (!cell.reason.empty()) out += "; " + cell.reason;
  return out;
}

report::TestRecord RecordOf(const Cell& cell, std::uint64_t seed) {
  report::TestRecord record;
  record.name = cell.name;
  record.suite = "stress";
  record.file = cell.info->file;
  for (const ClauseRef clause : cell.info->clauses) record.clauses.emplace_back(clause.id);
  record.verdict = VerdictOf(cell.outcome);
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
      failure.message = finding.text + "\nin a slice " +
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

std::string DocumentOf(const CampaignResult& result) {
  Json json;
  json["schema_version"] = 1;
  std::uint64_t messages = 0, checks = 0, kills = 0;
  for (const Cell& cell : result.cells) {
    messages += cell.messages;
    checks += cell.checks;
    kills += cell.kills;
  }
  json["facts"] = {{"machine", result.topology.Describe()},
                   {"seed", result.seed},
                   {"duration_s", result.seconds},
                   {"messages_and_operations", messages},
                   {"invariants_checked", checks},
                   {"kills", kills},
                   {"names_left_behind", result.left_behind},
                   {"interrupted", result.interrupted}};
  json["tables"] = Tables(result);
  if (!result.curves.empty()) json["scaling_fits"] = Fits(result);
  Json plots = Json::array();
  for (const Plot& plot : MakePlots(result)) {
    plots.push_back({{"title", plot.title}, {"description", plot.description}, {"svg", plot.svg}});
  }
  json["plots"] = std::move(plots);
  if (result.matrix.cpus.size() > 1) {
    json["core_matrix"] = {{"cpus", result.matrix.cpus}, {"one_way_ns", result.matrix.ns}};
  }
  Json cells = Json::array();
  for (const Cell& cell : result.cells) cells.push_back(CellJson(cell));
  json["cells"] = std::move(cells);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ShortStressResult RunShortStress(nanoseconds time, std::uint64_t seed,
                                 const std::function<void(const std::string&)>& say) {
  ShortStressResult out;
  const CampaignResult result = RunCampaign(
      ShortSelection(time, seed), [](const Progress&) {},
      [&](const Cell& cell) {
        out.tests.push_back(RecordOf(cell, seed));
        say(LineOf(cell));
      });
  out.document = DocumentOf(result);
  out.interrupted = !result.interrupted.empty();
  return out;
}

}  // namespace ipcsuite::stress
