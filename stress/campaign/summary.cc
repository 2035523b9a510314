#include "stress/campaign/summary.h"

#include <algorithm>
#include <cstdio>

namespace ipcsuite::stress {

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

Totals TotalsOf(const Cell& cell) {
  Totals t;
  for (const SliceResult& slice : cell.slices) {
    t.caught += slice.signals_caught;
    t.caught_in_call += slice.signals_in_call;
    t.eintr += slice.eintr;
    t.excused_producer += slice.audit.excused_producer;
    t.excused_consumer += slice.audit.excused_consumer;
    t.by_fingerprint += slice.audit.by_fingerprint;
    t.order.received += slice.order.received;
    t.order.decided_by_any += slice.order.decided_by_any;
    for (std::size_t rule = 0; rule < kOrderRules; ++rule)
      t.order.decided[rule] += slice.order.decided[rule];
    t.order.clocks_differ = t.order.clocks_differ || slice.order.clocks_differ;
  }
  return t;
}

std::string OrderText(const OrderResult& order) {
  if (order.received == 0) return "";
  std::string text = "order of " + std::to_string(order.decided_by_any) + " receives decided (";
  for (std::size_t rule = 0; rule < kOrderRules; ++rule) {
    text += (rule == 0 ? "" : ", ") + std::to_string(order.decided[rule]) + " by the rule " +
            ToString(static_cast<OrderRule>(rule));
  }
  text += ")";
  if (order.clocks_differ) text += ", in some slices not: the clocks of the processors differ";
  return text;
}

NemesisTally TallyOf(const Cell& cell, const NemesisInfo* nemesis) {
  const auto it = cell.tallies.find(nemesis);
  return it == cell.tallies.end() ? NemesisTally() : it->second;
}

bool RanUnderNemeses(const Cell& cell) {
  return std::any_of(cell.tallies.begin(), cell.tallies.end(),
                     [](const auto& entry) { return entry.second.acts != 0; });
}

const char* Word(Outcome outcome) {
  static const char* const kWords[] = {"PASS", "FAIL", "UNRESOLVED", "UNSUPPORTED", "INCONCLUSIVE"};
  return kWords[static_cast<int>(outcome)];
}

std::string Format(const char* format, double a, double b) {
  char text[96];
  std::snprintf(text, sizeof text, format, a, b);
  return text;
}

std::string Ratio(double ratio) { return ratio > 0 ? Format("%.2f", ratio) : std::string("-"); }

}  // namespace ipcsuite::stress
