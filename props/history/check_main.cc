#include "props/history/check_main.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "base/args.h"
#include "base/files.h"
#include "props/history/check.h"
#include "props/history/file.h"
#include "props/history/lanes.h"
#include "props/history/minimize.h"

namespace ipcsuite::props {
namespace {

constexpr int kUsage = 2;

struct Arguments {
  std::string file;
  std::string minimized;
  std::string drawing;
  std::uint64_t max_steps = 20'000'000;
  bool rules_only = false;
};

// Says why where it fails.
bool Write(const std::string& path, const std::string& text) {
  const auto written = WriteFile(path, text);
  if (!written) Complain(written.error());
  return written.ok();
}

int Judge(const Arguments& arguments, const History& history) {
  CheckOptions options;
  options.max_steps = arguments.max_steps;
  options.rules_only = arguments.rules_only;
  const auto begin = std::chrono::steady_clock::now();
  CheckResult result = CheckHistory(history, options);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{} operations on {} objects, {} windows, {} search steps, {:.2f} ms\n", result.ops,
             result.objects, result.windows, result.steps, took.count());
  History shown = history;
  if (result.verdict == HistoryVerdict::kInvalid) {
    shown = MinimizeHistory(history, options);
    result = CheckHistory(shown, options);
    if (shown.ops.size() < history.ops.size()) {
      fmt::print("{} of the operations suffice to be wrong:\n", shown.ops.size());
    }
    constexpr std::size_t kMostLines = 60;
    for (std::size_t i = 0; i < std::min(shown.ops.size(), kMostLines); ++i) {
      const Op& op = shown.ops[i];
      fmt::print("  {:>6} - {:<6} {}\n", op.invoke,
                 op.ret == 0 ? std::string() : std::to_string(op.ret), Describe(op));
    }
    if (shown.ops.size() > kMostLines) {
      fmt::print("  ({} more; --minimized FILE has them all)\n", shown.ops.size() - kMostLines);
    }
  }
  fmt::print("{}", result.explanation);
  if (!arguments.minimized.empty() && !Write(arguments.minimized, WriteHistory(shown)))
    return kUsage;
  if (!arguments.drawing.empty() && !Write(arguments.drawing, DrawLanes(shown, result.offending))) {
    return kUsage;
  }
  fmt::print("{}{}{}\n", Name(result.verdict), result.reason.empty() ? "" : ": ", result.reason);
  if (result.verdict == HistoryVerdict::kValid) return 0;
  return result.verdict == HistoryVerdict::kInvalid ? 1 : kUsage;
}

}  // namespace

int CheckHistoryMain(const std::vector<std::string>& args) {
  Arguments arguments;
  CLI::App app{"Decides whether a recorded history is one that POSIX allows.",
               "ipcsuite check-history"};
  app.add_option("FILE", arguments.file,
                 "History file (JSON lines, see props/history/file.h); - is standard input")
      ->required();
  app.add_option("--minimized", arguments.minimized, "Write the smallest wrong part there");
  app.add_option("--svg", arguments.drawing, "Draw it there, one lane per process");
  app.add_option("--max-steps", arguments.max_steps,
                 "Budget of the search, in model steps per object")
      ->capture_default_str();
  app.add_flag("--rules-only", arguments.rules_only, "Only the rules that take linear time");
  if (const int status = ParseArguments(app, args); status >= 0) return status;
  std::string problem;
  const auto text = ReadFile(arguments.file);
  if (!text) return Complain(text.error());
  const History history = ReadHistory(*text, problem);
  if (!problem.empty()) {
    return Complain(arguments.file + ": " + problem);
  }
  return Judge(arguments, history);
}

}  // namespace ipcsuite::props
