// The clause catalogue (spec/) as records of the result model.
#pragma once

#include <string>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

// Every clause of the suites named ("pipe", "mqueue", ...; empty: of all), in catalogue order, with
// no verdict yet: the input of AggregateClauses().
std::vector<ClauseRecord> CatalogueClauses(const std::vector<std::string>& suites = {});

}  // namespace ipcsuite::report
