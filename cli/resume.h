// `run --resume DIR`: goes on after a run that broke off, with its options, from results.jsonl.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace ipcsuite::cli {

// "ipcsuite run --filter 'A*:B'": words that a shell takes apart again as they were.
std::string CommandLine(const std::vector<std::string>& args);

// The arguments of the run as a whole, so that it can be resumed again.
std::vector<std::string> WithoutResume(const std::vector<std::string>& args);

// With --resume DIR among the arguments, the options of that run precede them; else as they are.
// What is wrong with DIR is reported by Resume().
std::vector<std::string> WithResumedOptions(const std::vector<std::string>& args);

// Takes seed and results from the directory, which is that of the reports too. -1, or the exit
// status.
int Resume(const std::string& directory, RunOptions* options);

}  // namespace ipcsuite::cli
