#include "base/cpus.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace ipcsuite {

std::vector<int> ParseCpuList(std::string_view text) {
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](int* value) {
    const auto [next, ec] = std::from_chars(at, end, *value);
    if (ec != std::errc() || next == at || *value < 0) return false;
    at = next;
    return true;
  };
  while (at != end && *at != '\n') {
    int first = 0;
    if (!number(&first)) return {};
    int last = first;
    if (at != end && *at == '-') {
      ++at;
      if (!number(&last) || last < first || last - first > (1 << 20)) return {};
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (at != end && *at == ',') {
      ++at;
    } else if (at != end && *at != '\n') {
      return {};
    }
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::string FormatCpuList(const std::vector<int>& cpus) {
  std::string out;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t j = i;
    while (j + 1 < cpus.size() && cpus[j + 1] == cpus[j] + 1) ++j;
    if (!out.empty()) out += ',';
    out += std::to_string(cpus[i]);
    if (j > i) out += '-' + std::to_string(cpus[j]);
    i = j + 1;
  }
  return out;
}

}  // namespace ipcsuite
