// sample_report FOLDER [TESTS]: the made-up run in every format, a comparison of three, and the
// history of ten.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "reports/compare/compare.h"
#include "reports/formats/report.h"
#include "reports/history/history.h"
#include "reports/verdicts/sample.h"

int main(int argc, char** argv) {
  using namespace ipcsuite::report;
  if (argc < 2) {
    std::fprintf(stderr, "usage: sample_report FOLDER [TESTS]\n");
    return 2;
  }
  const std::string folder = argv[1];
  const Run run = argc > 2 ? LargeRun(std::atoi(argv[2]), 0) : SampleRun();
  std::vector<std::string> formats;
  for (const Format& format : Formats()) formats.emplace_back(format.name);
  if (const auto written = WriteReports(run, formats, folder); !written) {
    std::fprintf(stderr, "%s\n", written.error().c_str());
    return 2;
  }
  std::vector<Run> runs;
  for (int variant = 0; variant < 3; ++variant) {
    runs.push_back(argc > 2 ? LargeRun(std::atoi(argv[2]), variant) : SampleRun(variant));
  }
  const Comparison comparison = Compare(runs);
  std::vector<Run> many;
  for (std::size_t day = 0; day < 10; ++day) {
    many.push_back(runs[day < 4 ? 0 : day % runs.size()]);
    many.back().started = "2026-11-" + std::to_string(10 + day) + "T08:30:00Z";
  }
  const std::pair<const char*, std::string> comparisons[] = {
      {"/comparison.html", ComparisonHtml(comparison, runs)},
      {"/comparison.md", ComparisonMarkdown(comparison, runs)},
      {"/comparison.txt", ComparisonText(comparison, runs, false)},
      {"/comparison.json", ComparisonJson(comparison)},
      {"/history.html", HistoryHtml(MakeHistory(many))}};
  for (const auto& [name, text] : comparisons) {
    if (const auto written = ipcsuite::WriteFile(folder + name, text); !written) {
      std::fprintf(stderr, "%s\n", written.error().c_str());
      return 2;
    }
  }
  return 0;
}
