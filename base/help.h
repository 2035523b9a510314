// The help of a command: for a terminal, for the manual page, for the completion of shells; all
// from the same texts.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace ipcsuite {

// Options take one value for each time they are given, the last one counts where one is wanted, and
// help shows them shortly.
void PrepareHelp(CLI::App& app);

// A section ".SS ipcsuite run" in roff.
std::string HelpAsMan(const CLI::App& app);

// "--jobs --list ... update": the long options and the subcommands.
std::string HelpAsWords(const CLI::App& app);

}  // namespace ipcsuite
