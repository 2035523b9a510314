#include "cli/resume.h"

#include <algorithm>

#include "base/args.h"
#include "reports/results/json.h"

namespace ipcsuite::cli {
namespace {

constexpr const char* kCommand = "ipcsuite run";

// The inverse of CommandLine(), without the command.
std::vector<std::string> Words(const std::string& line) {
  std::vector<std::string> words;
  bool quoted = false, open = false;
  for (std::size_t i = std::string(kCommand).size(); i < line.size(); ++i) {
    const char c = line[i];
    if (c == ' ' && !quoted) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    if (c == '\'') {
      quoted = !quoted;
    } else {
      words.back() += c == '\\' && !quoted ? line[++i] : c;
    }
  }
  return words;
}

struct Parts {
  std::string directory;  // of --resume; empty: not given
  std::vector<std::string> others;
};

Parts TakeApart(const std::vector<std::string>& args) {
  const std::string option = "--resume";
  Parts parts;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i].starts_with(option + "=")) {
      parts.directory = args[i].substr(option.size() + 1);
    } else if (args[i] == option && i + 1 < args.size()) {
      parts.directory = args[++i];
    } else {
      parts.others.push_back(args[i]);
    }
  }
  return parts;
}

Result<report::Run> Earlier(const std::string& directory) {
  auto run = report::ReadRun(directory + "/results.jsonl");
  if (run && run->command_line.starts_with(std::string(kCommand) + " --stream"))
    return Error{directory + " holds a run of another platform: ipcsuite on PLATFORM --out " +
                 ShellQuoted(directory) + " --resume"};
  return run;
}

}  // namespace

std::string CommandLine(const std::vector<std::string>& args) {
  std::string line = kCommand;
  for (const std::string& arg : args) line += " " + ShellQuoted(arg);
  return line;
}

std::vector<std::string> WithResumedOptions(const std::vector<std::string>& args) {
  const Parts parts = TakeApart(args);
  const auto run =
      parts.directory.empty() ? Result<report::Run>(Error{""}) : Earlier(parts.directory);
  if (!run || !run->command_line.starts_with(kCommand)) return args;
  std::vector<std::string> all = Words(run->command_line);
  all.insert(all.end(), args.begin(), args.end());
  return all;
}

std::vector<std::string> WithoutResume(const std::vector<std::string>& args) {
  return TakeApart(WithResumedOptions(args)).others;
}

int Resume(const std::string& directory, RunOptions* options) {
  auto run = Earlier(directory);
  if (!run) return Complain("--resume: " + run.error());
  if (!run->command_line.starts_with(kCommand))
    return Complain(
        "--resume: " + directory +
        "/results.jsonl does not say with which options the run was started: run again");
  options->out = directory;
  options->runner.seed = run->seed;
  options->runner.done = std::move(run->tests);
  return -1;
}

}  // namespace ipcsuite::cli
