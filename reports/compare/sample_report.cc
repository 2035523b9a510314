// sample_report FOLDER [TESTS]: the made-up run in every format, and a comparison of three.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/files.h"
#include "reports/compare/compare.h"
#include "reports/formats/report.h"
#include "reports/verdicts/sample.h"

int main(int argc, char** argv) {
  using namespace ipcsuite::report;
  if (argc < 2) {
    std::fprintf(stderr, "usage: sample_report FOLDER [TESTS]\n");
    return 2;
  }
  const std::string folder = argv[1];
  const Run run = argc > 2 ? LargeRun(std::atoi(argv[2]), 0) : SampleRun();
  std::string error;
  for (Format format : {Format::kJson, Format::kJunit, Format::kCtrf, Format::kTap, Format::kKtap,
                        Format::kMarkdown, Format::kHtml, Format::kText}) {
    if (!WriteReport(run, format, folder + "/" + std::string(DefaultFileName(format)), &error)) {
      std::fprintf(stderr, "%s\n", error.c_str());
      return 2;
    }
  }
  std::vector<Run> runs;
  for (int variant = 0; variant < 3; ++variant) {
    runs.push_back(argc > 2 ? LargeRun(std::atoi(argv[2]), variant) : SampleRun(variant));
  }
  const Comparison comparison = Compare(runs);
  if (!ipcsuite::WriteFile(folder + "/comparison.html", ComparisonHtml(comparison, runs), &error) ||
      !ipcsuite::WriteFile(folder + "/comparison.md", ComparisonMarkdown(comparison, runs),
                           &error) ||
      !ipcsuite::WriteFile(folder + "/comparison.txt", ComparisonText(comparison, runs, false),
                           &error) ||
      !ipcsuite::WriteFile(folder + "/comparison.json", ComparisonJson(comparison), &error)) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 2;
  }
  return 0;
}
