#include "harness/test/suite_probe.h"

#include <map>

namespace ipcsuite {
namespace {

std::map<std::string, SuiteProbe>& Probes() {
  static std::map<std::string, SuiteProbe> probes;
  return probes;
}

}  // namespace

bool RegisterSuiteProbe(const std::string& suite, SuiteProbe probe) {
  Probes()[suite] = probe;
  return true;
}

SuiteProbe ProbeOf(const std::string& suite) {
  const auto it = Probes().find(suite);
  return it == Probes().end() ? nullptr : it->second;
}

}  // namespace ipcsuite
