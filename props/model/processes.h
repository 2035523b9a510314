// Sorted sets of processes in the states of models.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace ipcsuite::props {

// Ascending; one that is there several times counts as often.
using Processes = std::vector<std::uint16_t>;

inline bool Holds(const Processes& processes, std::uint16_t process) {
  return std::ranges::binary_search(processes, process);
}

inline void Add(Processes& processes, std::uint16_t process) {
  processes.insert(std::ranges::lower_bound(processes, process), process);
}

}  // namespace ipcsuite::props
