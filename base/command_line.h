// What every command of the program does with its arguments and its mistakes.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace ipcsuite::report {

// One line on standard error; returns 2, the exit status of usage and set-up.
inline int Complain(const std::string& line) {
  std::fprintf(stderr, "ipcsuite: %s\n", line.c_str());
  return 2;
}

// Parses a command's arguments (without the program's name and its own; app's name is "ipcsuite
// run", say). -1 to go on, otherwise the exit status: 0 after --help, 2 after one line that says
// what is wrong. `resolve` checks what the syntax does not (names, ranges) and returns -1 or an
// exit status. Every command has --dry-run: its arguments are checked and that is all.
inline int ParseArguments(CLI::App& app, std::vector<std::string> args,
                          const std::function<int()>& resolve = {}) {
  bool dry_run = false;
  app.add_flag("--dry-run", dry_run, "Check this command line and do nothing else");
  for (CLI::App* const sub : app.get_subcommands({})) sub->fallthrough();
  try {
    std::reverse(args.begin(), args.end());
    app.parse(std::move(args));
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return 0;
  } catch (const CLI::ParseError& error) {
    return Complain(std::string(error.what()) + " (" + app.get_name() + " --help)");
  }
  if (resolve) {
    if (const int status = resolve(); status >= 0) return status;
  }
  return dry_run ? 0 : -1;
}
inline int ParseArguments(CLI::App& app, int argc, char** argv,
                          const std::function<int()>& resolve = {}) {
  return ParseArguments(app, std::vector<std::string>(argv, argv + argc), resolve);
}

}  // namespace ipcsuite::report
