// The command line: how every command reads its arguments and reports mistakes. Durations, sizes
// and seeds are written in one way everywhere.
#pragma once

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace ipcsuite {

// Whether the descriptor is a terminal that understands control sequences (TERM is neither dumb nor
// unset), and whether it should get colours (NO_COLOR is not set, see https://no-color.org).
bool IsTerminal(int fd);
bool WantsColor(int fd);

// The word as a shell takes it, in quotes if it needs them.
std::string ShellQuoted(const std::string& word);

// How this program is started again from anywhere: the path of the script that started it
// (IPCSUITE_LAUNCHER), or its own; quoted for a shell.
std::string ProgramCommand();

// One line on standard error; returns 2, the exit status of usage and set-up.
int Complain(const std::string& line);

// ": did you mean 'run'?" of the known word that is nearest to a mistyped one; "" if none is near.
std::string DidYouMean(const std::string& word, const std::vector<std::string>& known);

// Parses a command's arguments (without the program's name and its own; app's name is "ipcsuite
// run", say). -1 to go on, otherwise the exit status: 0 after --help, 2 after one line that says
// what is wrong. `resolve` checks what the syntax does not (names, ranges) and returns -1 or an
// exit status. Every command has --dry-run: its arguments are checked and that is all. An option
// that takes several values takes them after commas or with each repetition, never the words that
// follow. The words kHelpMan and kHelpWords alone print the help as a section of a manual page, and
// the names of the options.
int ParseArguments(CLI::App& app, std::vector<std::string> args,
                   const std::function<int()>& resolve = {});
int ParseArguments(CLI::App& app, int argc, char** argv, const std::function<int()>& resolve = {});

inline constexpr const char* kHelpMan = "--help-man";
inline constexpr const char* kHelpWords = "--help-words";

// A whole number, nothing before and nothing after it.
Result<std::int64_t> ParseInteger(const std::string& text, std::int64_t low, std::int64_t high);
// "500ms", "90", "90s", "1.5m", "8h"; without a unit: seconds. Positive, at most 10,000 hours.
Result<std::chrono::nanoseconds> ParseDuration(const std::string& text);
// "64", "4k", "4KiB", "1M", "1MiB": bytes, at least 1, at most 1 GiB.
Result<std::size_t> ParseSize(const std::string& text);
// 64 bits, decimal, or hexadecimal after 0x.
Result<std::uint64_t> ParseSeed(const std::string& text);

// Options of these types; a value that does not parse is a usage error that names the option.
CLI::Option* AddDuration(CLI::App& app, const std::string& names, std::chrono::nanoseconds& value,
                         const std::string& help);
// Unless given, `value` keeps what it has (RandomSeed(), say).
CLI::Option* AddSeed(CLI::App& app, std::uint64_t& value, const std::string& help);

}  // namespace ipcsuite
