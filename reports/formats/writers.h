// Private to reports/: one function for each format; see report.h.
#pragma once

#include <string>

#include "reports/results/model.h"

namespace ipcsuite::report {

std::string RenderJunit(const Run& run);
std::string RenderCtrf(const Run& run);
std::string RenderTap(const Run& run);
std::string RenderKtap(const Run& run);
std::string RenderMarkdown(const Run& run);

}  // namespace ipcsuite::report
