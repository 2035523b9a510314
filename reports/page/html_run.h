// The page of one run: a single file that works offline, without scripts for the essentials.
#pragma once

#include <string>

#include "reports/results/model.h"

namespace ipcsuite::report {

std::string RenderHtml(const Run& run);

}  // namespace ipcsuite::report
