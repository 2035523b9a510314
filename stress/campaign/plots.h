// Plots as self-contained SVG: no scripts, no fonts, readable in light and dark, lines told apart
// by dashes and marks as well as by colour.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stress/campaign/campaign.h"

namespace ipcsuite::stress {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
  bool marks = true, line = true;
};

struct Axis {
  std::string title;
  bool log = false;
  std::vector<std::pair<double, std::string>> ticks = {};  // empty: round numbers
  bool ns = false;  // values are nanoseconds, shown as durations
};

// A line plot; `title` and `description` become <title> and <desc>.
std::string LinePlot(const std::string& title, const std::string& description, const Axis& x,
                     const Axis& y, const std::vector<Series>& series);

struct Plot {
  std::string title, description, svg;
};

// All plots that the results allow: throughput by size, latency percentiles without and under
// nemeses, scaling with its fit, core matrix, calls that commute, time line of the
// nemeses.
std::vector<Plot> MakePlots(const CampaignResult& result);
// At most eight lines each.
std::vector<Plot> LatencyPlots(const std::vector<const Cell*>& cells);
// Events of the first slice of the cell that has any; svg is empty when there are none.
Plot TimeLine(const Cell& cell);
Plot HeatMap(const CoreMatrix& matrix);
// Speed-up of each pair of calls that commute; svg is empty when none was measured.
Plot CommuteMap(const CommuteResult& result);
Plot ScalingPlot(const std::vector<ScalingCurve>& curves);

}  // namespace ipcsuite::stress
