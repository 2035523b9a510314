// Sets of CPUs as Linux and its tools write them: "0-3,8".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ipcsuite {

// Ascending and without duplicates; empty when the text is not a list.
std::vector<int> ParseCpuList(std::string_view text);
// Runs as ranges.
std::string FormatCpuList(const std::vector<int>& cpus);

}  // namespace ipcsuite
