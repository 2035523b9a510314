// The document of a campaign: facts, tables, plots, the cells in full.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "stress/campaign/plots.h"
#include "stress/campaign/report.h"
#include "stress/campaign/summary.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

using Json = nlohmann::ordered_json;

// "limits met" as a key of JSON.
std::string Key(std::string words) {
  std::replace(words.begin(), words.end(), ' ', '_');
  return words;
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
  if (t.order.received != 0) {
    json["order_logged_receives"] = t.order.received;
    json["order_decided_receives"] = t.order.decided_by_any;
    for (std::size_t rule = 0; rule < kOrderRules; ++rule) {
      json[std::string("order_decided_by_") + ToString(static_cast<OrderRule>(rule)) +
           "_receives"] = t.order.decided[rule];
    }
    json["order_clocks_differ"] = t.order.clocks_differ;
  }
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

Json OrderRow(const std::string& name, const OrderResult& order) {
  Json row = {name, order.received, order.decided_by_any};
  for (const std::uint64_t decided : order.decided) row.push_back(decided);
  row.push_back(order.clocks_differ ? "differ in some slices" : "agree");
  return row;
}

Json OrderTable(Json rows) {
  std::vector<std::string> columns = {"workload", "logged receives", "decided receives"};
  for (int rule = 0; rule < kOrderRules; ++rule)
    columns.push_back(std::string("by the rule ") + ToString(static_cast<OrderRule>(rule)));
  columns.emplace_back("clocks");
  return Table("Order between consumers, decided from logged calls", std::move(columns),
               std::move(rows));
}

Json CommuteRows(const CommuteResult& commute) {
  Json rows = Json::array();
  for (const CommutePair& pair : commute.pairs) {
    if (pair.kept_a.empty()) continue;
    rows.push_back({pair.a->name, pair.b->name, pair.one_object ? "one for both" : "own",
                    Ratio(pair.speedup.value),
                    Format("%.2f to %.2f", pair.speedup.low, pair.speedup.high),
                    Ratio(Median(pair.kept_a)), Ratio(Median(pair.kept_b)),
                    std::string(ToString(pair.scaling))});
  }
  return rows;
}

Json Tables(const CampaignResult& result) {
  Json throughput = Json::array(), latency = Json::array(), nemeses = Json::array(),
       order = Json::array(), facts = Json::array(), scaling = Json::array();
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
         Ratio(cell.checked_of_raw), Ratio(cell.timed_of_raw), Join(cell.regimes, "; "),
         Format("%.3f", m.fairness), Format("%.3f", m.voluntary), Format("%.3f", m.involuntary),
         Format("%.0f", m.cpu_ns), Format("%.1f %%", 100 * m.steal), cell.messages, cell.checks});
    if (cell.latency.total() != 0) latency.push_back(LatencyRow(name, cell.latency));
    if (cell.latency_under_nemeses.total() != 0)
      latency.push_back(LatencyRow(name + ", under nemeses", cell.latency_under_nemeses));
    if (RanUnderNemeses(cell)) nemeses.push_back(NemesesRow(cell, name, t));
    if (t.order.received != 0) order.push_back(OrderRow(name, t.order));
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
  if (!order.empty()) tables.push_back(OrderTable(std::move(order)));
  if (!facts.empty())
    tables.push_back(Table("Facts of the last slice", {"workload", "fact", "value"}, facts));
  if (!scaling.empty()) {
    tables.push_back(Table(
        "Scaling", {"operation", "object", "processes", "throughput", "relative to one"}, scaling));
  }
  if (Json rows = CommuteRows(result.commute); !rows.empty()) {
    tables.push_back(
        Table("Calls that commute: speed-up of two processes (2: neither hinders the "
              "other)",
              {"call", "beside", "object", "speed-up", "95 % interval", "kept by the first",
               "kept by the second", "scaling"},
              std::move(rows)));
  }
  return tables;
}

Json CommuteJson(const CommuteResult& commute) {
  Json pairs = Json::array(), missing = Json::array();
  for (const CommutePair& pair : commute.pairs) {
    pairs.push_back({{"a", pair.a->name},
                     {"b", pair.b->name},
                     {"object", pair.one_object ? "one for both" : "own"},
                     {"speedup", pair.speedup.value},
                     {"speedup_low", pair.speedup.low},
                     {"speedup_high", pair.speedup.high},
                     {"kept_by_a_ratio", pair.kept_a},
                     {"kept_by_b_ratio", pair.kept_b},
                     {"scaling", ToString(pair.scaling)}});
  }
  for (const auto& [call, why] : commute.missing)
    missing.push_back({{"call", call}, {"reason", why}});
  return {{"cpus", commute.cpus},
          {"speedup_without_calls", commute.yardstick},
          {"pairs", std::move(pairs)},
          {"missing", std::move(missing)}};
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
  if (!result.commute.pairs.empty()) json["commute"] = CommuteJson(result.commute);
  Json cells = Json::array();
  for (const Cell& cell : result.cells) cells.push_back(CellJson(cell));
  json["cells"] = std::move(cells);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ipcsuite::stress
