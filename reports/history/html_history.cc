// The page of a history: what regressed and since when, what does not settle, figures as small
// plots, every run in a table.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "reports/history/history.h"
#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace html {
namespace {

constexpr std::size_t kLinesOpen = 20, kLinesShown = 500, kFiguresShown = 400;

std::string Day(const HistoryRun& run) {
  return run.started.substr(0, 10) + " " +
         (run.started.size() > 16 ? run.started.substr(11, 5) : "");
}

// One mark for each run, in their order.
Element Strip(const History& history, const Timeline& line) {
  Element strip = Styled("div", "map");
  std::string words;
  for (std::size_t i = 0; i < line.results.size(); ++i) {
    const auto verdict = VerdictFromString(line.results[i]);
    const std::string word = line.results[i].empty() ? "absent" : line.results[i];
    words += (i > 0 ? ", " : "") + word;
    strip.Add(Styled("span", "v-" + word)
                  .Attr("title", Day(history.runs[i]) + ": " + word)
                  .Text(verdict ? Symbol(*verdict) : " "));
  }
  return Element("div").Attr("role", "img").Attr("aria-label", words).Add(strip);
}

std::string Change(const Timeline& line) {
  const auto badge = [](const std::string& result) {
    const auto verdict = VerdictFromString(result);
    return verdict ? Badge(*verdict) : Tag("absent");
  };
  return (line.since == 0 ? "" : badge(line.results[line.since - 1]) + " then ") +
         badge(line.results.back());
}

std::vector<Table::Cell> RowOf(const History& history, const Timeline& line, bool dated) {
  std::vector<Table::Cell> cells = {BreakableCode(line.id) +
                                    Tag(line.is_clause ? "clause" : "test")};
  if (dated) {
    const HistoryRun& run = history.runs[line.since];
    cells.push_back(Escape(Day(run)) + "<br>" + Element("small").Text(run.label).str());
    cells.push_back(Change(line));
  } else {
    const std::string findings =
        std::to_string(line.findings) + " of " + Count(line.results.size());
    cells.push_back({Escape(findings), "n"});
    cells.push_back({std::to_string(line.changes), "n"});
  }
  cells.push_back(Strip(history, line).str());
  return cells;
}

std::string CourseTable(const History& history, Course course) {
  const bool dated = course != Course::kUnsettled;
  const std::vector<std::string> columns = {"Clause or test", dated ? "Since" : "Findings#",
                                            dated ? "Change" : "Changes#", "Runs, oldest first"};
  Table open(std::string(ToString(course)), columns), folded("More", columns);
  for (Table* table : {&open, &folded}) table->HideCaption().Stacks();
  std::size_t all = 0;
  for (const Timeline& line : history.timelines) {
    if (line.course != course || ++all > kLinesShown) continue;
    (open.rows() < kLinesOpen ? open : folded).Row(RowOf(history, line, dated));
  }
  std::string out = open.str() + Folded(Count(folded.rows()) + " more", folded.str());
  if (all > kLinesShown) out += Paragraph("cut", Count(all - kLinesShown) + " more are not shown.");
  return out;
}

// Medians as a line; the run of the last change as a dot.
std::string Spark(const FigureLine& line) {
  constexpr double kWidth = 180, kHeight = 36, kMargin = 4;
  double low = INFINITY, high = -INFINITY;
  for (const double v : line.medians) {
    if (std::isnan(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const auto x = [&](std::size_t i) {
    const double steps = std::max<double>(1, static_cast<double>(line.medians.size() - 1));
    return kMargin + (kWidth - 2 * kMargin) * static_cast<double>(i) / steps;
  };
  const auto y = [&](double v) {
    const double share = high > low ? (v - low) / (high - low) : 0.5;
    return kHeight - kMargin - (kHeight - 2 * kMargin) * share;
  };
  std::string points;
  char text[48];
  for (std::size_t i = 0; i < line.medians.size(); ++i) {
    if (std::isnan(line.medians[i])) continue;
    std::snprintf(text, sizeof text, "%.1f,%.1f ", x(i), y(line.medians[i]));
    points += text;
  }
  Element svg = Element("svg").Attr("viewBox", "0 0 180 36").Attr("class", "spark");
  svg.Attr("role", "img").Attr("aria-label", Number(low) + " to " + Number(high));
  svg.Add(Element("polyline")
              .Attr("points", points)
              .Attr("fill", "none")
              .Attr("stroke", "currentColor")
              .Attr("stroke-width", 1.5)
              .Add(""));
  if (line.changed > 0) {
    svg.Add(Element("circle")
                .Attr("cx", x(line.changed))
                .Attr("cy", y(line.medians[line.changed]))
                .Attr("r", 3.5)
                .Attr("class", line.worse ? "worse" : "better")
                .Add(""));
  }
  return svg;
}

std::string FigureTable(const History& history, bool changed) {
  Table table(changed ? "Figures that changed beyond their noise" : "Figures without a change",
              {"Figure", "Last change", "First#", "Last#", "Over time"});
  table.HideCaption().Stacks();
  for (const FigureLine& line : history.figures) {
    if ((line.changed > 0) != changed || table.rows() == kFiguresShown) continue;
    std::vector<double> known;
    for (const double v : line.medians) {
      if (!std::isnan(v)) known.push_back(v);
    }
    if (known.size() < 2) continue;
    std::string change;
    if (changed) {
      char text[48];
      std::snprintf(text, sizeof text, "%+.0f %% %s", (line.ratio - 1) * 100,
                    line.worse ? "worse" : "better");
      change = Escape(Day(history.runs[line.changed])) + "<br>" + Escape(text);
    }
    table.Row({BreakableCode(line.test) + "<br>" + Escape(line.metric),
               change,
               {Escape(Number(known.front())), "n"},
               {Escape(Number(known.back())), "n"},
               Spark(line)});
  }
  return table.str();
}

std::string RunTable(const History& history) {
  Table table("The runs, newest first", {"Start", "Label", "Clauses", "Verdict", "Platform"});
  table.HideCaption().Stacks();
  for (auto run = history.runs.rbegin(); run != history.runs.rend(); ++run) {
    const std::string version = run->tool_version.empty() ? "" : ", ipcsuite " + run->tool_version;
    table.Row({Escape(Day(*run)), Escape(run->label), Escape(CountsText(run->clauses)),
               Escape(run->sentence), Escape(run->platform + version)});
  }
  return table.str();
}

std::string Head(const History& history) {
  const auto count = [&](Course course) {
    return std::ranges::count(history.timelines, course, &Timeline::course);
  };
  const auto regressed = count(Course::kRegressed), lost = count(Course::kLost);
  const auto unsettled = count(Course::kUnsettled);
  std::vector<std::string> parts;
  if (regressed > 0) parts.push_back(std::to_string(regressed) + " regressed");
  if (lost > 0) parts.push_back(std::to_string(lost) + " no longer judged");
  if (unsettled > 0) parts.push_back(std::to_string(unsettled) + " unsettled");
  const std::string verdict =
      parts.empty() ? "Nothing regressed." : Join(parts, ", ") + " (clauses and tests).";
  std::string title = history.runs.empty() ? "No run" : history.runs.back().label;
  const bool one =
      std::ranges::all_of(history.runs, [&](const HistoryRun& run) { return run.label == title; });
  if (!one) title = history.runs.front().label + " to " + title;
  const bool red = regressed > 0 || lost > 0;
  std::string span;
  if (!history.runs.empty())
    span = ", " + Day(history.runs.front()) + " to " + Day(history.runs.back());
  return Element("header")
             .Add(Heading("ipcsuite: history of " +
                              Counted(static_cast<std::int64_t>(history.runs.size()), "run") + span,
                          title,
                          red             ? "bad"
                          : unsettled > 0 ? "known"
                                          : "good",
                          verdict))
             .Add(Paragraph("quiet", Count(history.unchanged) +
                                         " clauses and tests have one result in all runs."))
             .str() +
         "\n";
}

}  // namespace
}  // namespace html

std::string HistoryHtml(const History& history) {
  using namespace html;
  const std::string other = CourseTable(history, Course::kChanged);
  const std::string body =
      Head(history) +
      NavigationAndSections(
          {{"regressed", "Regressed", CourseTable(history, Course::kRegressed)},
           {"lost", "No longer judged", CourseTable(history, Course::kLost)},
           {"unsettled", "Unsettled: flakes and turns", CourseTable(history, Course::kUnsettled)},
           {"figures", "Figures",
            FigureTable(history, true) +
                Folded("Figures without a change", FigureTable(history, false))},
           {"mended", "Mended", CourseTable(history, Course::kMended)},
           {"changed", "Other changes", other.empty() ? "" : Folded("Show them", other)},
           {"runs", "Runs", RunTable(history)}});
  return Page("ipcsuite: history", body, body);
}

}  // namespace ipcsuite::report
