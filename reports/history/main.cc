#include "reports/history/main.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

#include "base/args.h"
#include "base/files.h"
#include "reports/history/history.h"
#include "reports/results/json.h"

namespace ipcsuite::report {

int HistoryMain(int argc, char** argv) {
  CLI::App app(
      "Shows many runs over time, by their start: regressions and lost verdicts with their dates, "
      "results that do not settle, figures that changed.",
      "ipcsuite history");
  std::vector<std::string> inputs;
  std::string out = "-", html;
  app.add_option("RESULTS", inputs, "results.json of each run")->required();
  app.add_option("--out,-o", out, "File for the text; default: standard output");
  app.add_option("--html", html, "Write a page to this file too");
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  if (html == out) return Complain("--html and --out name the same file");
  std::vector<Run> runs;
  for (const std::string& path : inputs) {
    if (path == out || path == html) return Complain(path + ": is an input: name another place");
    auto run = ReadRun(path);
    if (!run) return Complain(run.error());
    runs.push_back(std::move(*run));
  }
  const History history = MakeHistory(runs);
  const bool color = out == "-" && ::isatty(STDOUT_FILENO) != 0 && !std::getenv("NO_COLOR");
  if (const auto written = WriteFile(out, HistoryText(history, color)); !written)
    return Complain(written.error());
  if (html.empty()) return 0;
  const auto written = WriteFile(html, HistoryHtml(history));
  return written ? 0 : Complain(written.error());
}

}  // namespace ipcsuite::report
