// Pieces of a stream of results, for tests.
#pragma once

#include <string>

#include "reports/results/model.h"

namespace ipcsuite::platforms {

inline report::TestRecord Record(const std::string& name, report::Verdict verdict) {
  report::TestRecord record;
  record.name = name;
  record.verdict = verdict;
  record.reason = "line one\nline two";
  return record;
}

inline report::Run SomeRun() {
  report::Run run;
  run.seed = 77;
  run.environment = {{"Kernel", {{"os", "Linux"}}}};
  return run;
}

}  // namespace ipcsuite::platforms
