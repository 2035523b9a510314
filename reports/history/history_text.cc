#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "reports/history/history.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

constexpr std::size_t kShown = 50;  // lines of each course

std::string Shown(const std::string& result) { return result.empty() ? "absent" : result; }

std::string When(const HistoryRun& run) { return run.started + " (" + run.label + ")"; }

std::string LineOf(const History& history, const Timeline& line) {
  const std::string name = (line.is_clause ? "clause " : "test ") + line.id;
  if (line.course == Course::kUnsettled) {
    return name + ": a finding in " + std::to_string(line.findings) + " of " +
           Counted(static_cast<std::int64_t>(line.results.size()), "run") + ", " +
           Counted(line.changes, "change");
  }
  const std::string before = line.since == 0 ? "" : line.results[line.since - 1];
  return name + ": " + Shown(line.results.back()) + " since " + When(history.runs[line.since]) +
         ", " + Shown(before) + " before";
}

}  // namespace

std::string HistoryText(const History& history, bool color) {
  const auto bold = [&](const std::string& text) {
    return color ? "\x1b[1m" + text + "\x1b[0m" : text;
  };
  std::string out;
  for (const HistoryRun& run : history.runs)
    out += When(run) + ": clauses: " + CountsText(run.clauses) + "; exit status " +
           std::to_string(run.exit_status) + "\n";
  for (const Course course : kAllCourses) {
    const auto all = std::ranges::count(history.timelines, course, &Timeline::course);
    if (all == 0) continue;
    std::string title(ToString(course));
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
    out += "\n" + bold(title + " (" + std::to_string(all) + ")") + "\n";
    std::size_t shown = 0;
    for (const Timeline& line : history.timelines) {
      if (line.course == course && ++shown <= kShown) out += "  " + LineOf(history, line) + "\n";
    }
    if (shown > kShown)
      out += "  and " + std::to_string(shown - kShown) + " more: see the page (--html)\n";
  }
  std::string figures;
  for (const FigureLine& line : history.figures) {
    if (line.changed == 0) continue;
    char change[48];
    std::snprintf(change, sizeof change, "%+.0f %%, %s", (line.ratio - 1) * 100,
                  line.worse ? "worse" : "better");
    figures += "  " + line.test + " " + line.metric + ": " + change + ", since " +
               When(history.runs[line.changed]) + "\n";
  }
  if (!figures.empty())
    out += "\n" + bold("Figures that changed beyond their noise") + "\n" + figures;
  return out + "\n" + std::to_string(history.unchanged) +
         " clauses and tests have one result in all of " +
         Counted(static_cast<std::int64_t>(history.runs.size()), "run") + "\n";
}

}  // namespace ipcsuite::report
