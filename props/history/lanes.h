// A history as a picture: one lane for each process, time to the right, the offending operations
// marked.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "props/history/history.h"

namespace ipcsuite::props {

// A self-contained SVG (no scripts, no fonts of its own). `offending`: indices into history.ops.
// The horizontal axis is the order of events, which is all that verdicts depend on, so that long
// waits don't hide short calls. At most `max_ops` operations are drawn, those around the offending
// ones; what is left out is said in the picture.
std::string DrawLanes(const History& history, const std::vector<std::size_t>& offending,
                      std::size_t max_ops = 80);

}  // namespace ipcsuite::props
