// The tests of `ipcsuite run --profile smoke`: few that together see most faults, for machines on
// which the whole takes too long. smoke.txt names them, and faults/detect/make_smoke makes it
// again.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ipcsuite::detect {

inline constexpr std::size_t kSmokeTestsMax = 200;

// Their names, sorted.
const std::vector<std::string>& SmokeTests();

}  // namespace ipcsuite::detect
