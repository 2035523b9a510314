#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "reports/compare/compare.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

std::string Shown(const std::string& value) { return value.empty() ? "absent" : value; }

std::string ValuesLine(const std::vector<std::string>& labels,
                       const std::vector<std::string>& values) {
  std::string line;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    line += (i > 0 ? "; " : "") + labels[i] + ": " + Shown(values[i]);
  }
  return line;
}

std::string Ratio(const PerformanceDifference& d) {
  char text[64];
  std::snprintf(text, sizeof text, "%+.0f %%", (d.ratio - 1) * 100);
  return std::string(text) + (d.worse ? " (worse)" : " (better)");
}

std::vector<std::string> MedianTexts(const PerformanceDifference& d) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < d.medians.size(); ++i) {
    out.push_back(std::isnan(d.medians[i]) ? "" : Number(d.medians[i]) + " (" + d.ranges[i] + ")");
  }
  return out;
}

std::string CountsLine(const Comparison& c) {
  std::string line;
  for (const Change change : kAllChanges) {
    const int n = c.Count(change);
    if (n == 0) continue;
    line += (line.empty() ? "" : ", ") + std::to_string(n) + " " + std::string(ToString(change)) +
            (n == 1 || change == Change::kAdded || change == Change::kRemoved ? "" : "s");
  }
  if (line.empty()) line = "no difference in results or observed values";
  line += "; performance: " + std::to_string(c.performance.size()) + " of " +
          std::to_string(c.figures_compared) + " figures differ beyond their noise";
  if (c.figures_not_compared > 0) {
    line += " (" + std::to_string(c.figures_not_compared) + " have too few samples to say)";
  }
  return line;
}

std::string Cell(std::string text) {
  std::string out;
  for (const char c : CleanUtf8(text))
    out += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return out;
}

std::string MarkdownRow(const std::string& first, const std::vector<std::string>& cells) {
  std::string row = "| " + first + " |";
  for (const auto& cell : cells) row += " " + Cell(Shown(cell)) + " |";
  return row + "\n";
}

std::string MarkdownHead(const std::string& first, const std::vector<std::string>& labels) {
  std::string row = MarkdownRow(first, labels) + "|---|";
  for (std::size_t i = 0; i < labels.size(); ++i) row += "---|";
  return row + "\n";
}

}  // namespace

std::string ComparisonText(const Comparison& c, const std::vector<Run>& runs, bool color) {
  std::string out;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    out += (i == 0 ? "first:   " : "against: ") + c.labels[i] + ": " + PlatformLine(runs[i]) +
           " (" + CountsText(runs[i].summary.tests) + ")\n";
  }
  const char* heading = "";
  for (const Difference& d : c.differences) {
    const char* name = ToString(d.change).data();
    if (name != heading) {
      heading = name;
      const bool red = d.change == Change::kRegression || d.change == Change::kLost;
      std::string title = std::string(name) + (color && red ? "\x1b[0m" : "");
      title[0] = static_cast<char>(title[0] - 'a' + 'A');
      out += std::string("\n") + (color && red ? "\x1b[1;31m" : "") + title + "\n";
    }
    out += "  " + std::string(d.is_clause ? "clause " : "test   ") + d.id +
           (d.key.empty() ? "" : " [" + d.key + "]") + "\n      " + ValuesLine(c.labels, d.values) +
           "\n";
  }
  if (!c.performance.empty()) out += "\nPerformance beyond the noise of the samples\n";
  for (const auto& d : c.performance) {
    out += "  " + d.test + " " + d.metric + " " + Ratio(d) + "\n      " +
           ValuesLine(c.labels, MedianTexts(d)) + "\n";
  }
  return out + "\n" + CountsLine(c) + "\n";
}

std::string ComparisonMarkdown(const Comparison& c, const std::vector<Run>& runs) {
  std::string out =
      "## Comparison of " + std::to_string(runs.size()) + " runs\n\n**" + CountsLine(c) + ".**\n\n";
  std::vector<std::string> platforms, sentences;
  for (const Run& run : runs) {
    platforms.push_back(PlatformLine(run));
    sentences.push_back(CountsText(run.summary.tests));
  }
  out += MarkdownHead("", c.labels) + MarkdownRow("platform", platforms) +
         MarkdownRow("tests", sentences) + "\n";
  constexpr std::size_t kShown = 300;
  for (std::size_t i = 0; i < c.differences.size() && i < kShown; ++i) {
    const Difference& d = c.differences[i];
    if (i == 0 || d.change != c.differences[i - 1].change) {
      out += "\n### " + std::string(ToString(d.change)) + "\n\n" +
             MarkdownHead("clause or test", c.labels);
    }
    out += MarkdownRow("`" + d.id + "`" + (d.key.empty() ? "" : " " + Cell(d.key)), d.values);
  }
  if (c.differences.size() > kShown) {
    out += "\n" + std::to_string(c.differences.size() - kShown) +
           " more differences are not shown here.\n";
  }
  if (!c.performance.empty()) {
    out += "\n### performance\n\n" + MarkdownHead("figure", c.labels);
    for (const auto& d : c.performance) {
      out += MarkdownRow("`" + d.test + "` " + d.metric + " " + Ratio(d), MedianTexts(d));
    }
  }
  return out;
}

std::string ComparisonJson(const Comparison& c) {
  using Json = nlohmann::ordered_json;
  Json differences = Json::array(), performance = Json::array();
  for (const Difference& d : c.differences) {
    Json one = {
        {"change", ToString(d.change)}, {"of", d.is_clause ? "clause" : "test"}, {"id", d.id}};
    if (!d.key.empty()) one["key"] = d.key;
    Json values = Json::array();
    for (const auto& v : d.values) values.push_back(v.empty() ? Json() : Json(v));
    one["values"] = std::move(values);
    differences.push_back(std::move(one));
  }
  for (const auto& d : c.performance) {
    performance.push_back({{"test", d.test},
                           {"metric", d.metric},
                           {"medians", d.medians},
                           {"ranges", d.ranges},
                           {"ratio", d.ratio},
                           {"worse", d.worse}});
  }
  const Json json = {{"ipcsuite_comparison_version", 1},
                     {"runs", c.labels},
                     {"regressions", c.Count(Change::kRegression)},
                     {"differences", std::move(differences)},
                     {"performance", std::move(performance)},
                     {"figures_compared", c.figures_compared},
                     {"figures_not_compared", c.figures_not_compared}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ipcsuite::report
