#include "props/history/check_main.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <optional>
#include <utility>

#include "base/args.h"
#include "base/clock.h"
#include "base/files.h"
#include "props/history/check.h"
#include "props/history/file.h"
#include "props/history/lanes.h"
#include "props/history/minimize.h"
#include "props/history/windows.h"

namespace ipcsuite::props {
namespace {

constexpr int kUsage = 2;

struct Arguments {
  std::string file;
  std::string minimized;
  std::string drawing;
  std::uint64_t max_steps = 20'000'000;
  bool rules_only = false;
  bool windows = false;
};

// Says why where it fails.
bool Write(const std::string& path, const std::string& text) {
  const auto written = WriteFile(path, text);
  if (!written) Complain(written.error());
  return written.ok();
}

CheckOptions OptionsOf(const Arguments& arguments) {
  CheckOptions options;
  options.max_steps = arguments.max_steps;
  options.rules_only = arguments.rules_only;
  return options;
}

// `history`: what was decided, or the window in which it failed. The exit status.
int Report(const Arguments& arguments, const History& history, CheckResult result,
           std::int64_t begin_ns) {
  fmt::print("{} operations on {} objects, {} windows, {} search steps, {:.2f} ms\n", result.ops,
             result.objects, result.windows, result.steps,
             static_cast<double>(NowNs() - begin_ns) / 1e6);
  const CheckOptions options = OptionsOf(arguments);
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

// Reads and decides a long file piece by piece.
int JudgeWindows(const Arguments& arguments) {
  const std::int64_t begin_ns = NowNs();
  std::ifstream file;
  if (arguments.file != "-") file.open(arguments.file);
  std::istream& in = arguments.file == "-" ? std::cin : file;
  if (!in) return Complain(arguments.file + ": can't be read");
  HistoryReader reader;
  std::optional<WindowedCheck> check;
  bool go_on = true;
  for (std::string line; go_on && std::getline(in, line);) {
    if (!reader.Take(line)) break;
    std::vector<Op>& ops = reader.history().ops;
    if (ops.empty()) continue;
    if (!check && reader.history().model.name != "queue")
      return Complain("--windows: only histories of the model \"queue\" can be cut");
    if (!check) check.emplace(reader.history().model, OptionsOf(arguments));
    go_on = check->Add(ops.front());
    ops.clear();
  }
  if (!reader.End()) return Complain(arguments.file + ": " + reader.error());
  if (!check) check.emplace(reader.history().model, OptionsOf(arguments));
  const CheckResult result = check->Finish();
  return Report(arguments, check->failed(), result, begin_ns);
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
  app.add_flag(
      "--windows", arguments.windows,
      "Decide a long history of queues piece by piece, in little memory; the lines must be "
      "in the order of \"invoke\"");
  if (const int status = ParseArguments(app, args); status >= 0) return status;
  if (arguments.windows) return JudgeWindows(arguments);
  std::string problem;
  const auto text = ReadFile(arguments.file);
  if (!text) return Complain(text.error());
  const History history = ReadHistory(*text, problem);
  if (!problem.empty()) {
    return Complain(arguments.file + ": " + problem);
  }
  const std::int64_t begin_ns = NowNs();
  CheckResult result = CheckHistory(history, OptionsOf(arguments));
  return Report(arguments, history, std::move(result), begin_ns);
}

}  // namespace ipcsuite::props
