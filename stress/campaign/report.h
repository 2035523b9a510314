// Stress results in the result model: one record for each cell, and a document with tables and
// plots.
#pragma once

#include <string>
#include <vector>

#include "reports/results/model.h"
#include "stress/campaign/campaign.h"

namespace ipcsuite::stress {

report::TestRecord RecordOf(const Cell& cell, std::uint64_t seed);
// JSON with schema_version, facts, tables, plots and the cells in full.
std::string DocumentOf(const CampaignResult& result);
// "1.20 M/s", or "0.61 to 1.20 M/s" where samples differ by more than half.
std::string RateText(const Spread& spread);
// One line: verdict, rates, ratios, what was accounted for. `known`: expectations explain its
// findings.
std::string LineOf(const Cell& cell, bool known = false);

// The short stress of `ipcsuite run`: the workloads for about `time`, with nemeses. `say` gets one
// line now and then; `known` answers whether expectations explain a red record.
struct ShortStressResult {
  std::vector<report::TestRecord> tests;
  std::string document;
  bool interrupted = false;
};
ShortStressResult RunShortStress(nanoseconds time, std::uint64_t seed,
                                 const std::vector<const WorkloadInfo*>& workloads,
                                 const std::function<bool(const report::TestRecord&)>& known,
                                 const std::function<void(const std::string&)>& say);

}  // namespace ipcsuite::stress
