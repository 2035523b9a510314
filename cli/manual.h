// What the program says of itself as a whole: usage, manual page, completion of shells. The texts
// of options are those of each command's --help.
#pragma once

#include <cstdio>
#include <span>
#include <string>

namespace ipcsuite::cli {

struct Command {
  const char* name;
  int (*main)(int argc, char** argv);  // arguments without program and command
  const char* help;
};

void PrintUsage(std::span<const Command> commands, std::FILE* out);

// In roff: `ipcsuite man | man -l -`.
void PrintManual(std::span<const Command> commands);

// The script that completes commands and options in "bash" or "zsh"; false for another shell.
bool PrintCompletion(std::span<const Command> commands, const std::string& shell);

}  // namespace ipcsuite::cli
