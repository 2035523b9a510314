// How much the properties do, and what they replay. Set once before tests run; forked tests
// inherit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ipcsuite::props {

enum class Profile : std::uint8_t {
  kQuick,  // all properties within 20 s on two cores
  kFull,   // within 5 minutes
  kSoak,   // rounds of properties until stopped (PropsMain)
};

struct Options {
  Profile profile = Profile::kQuick;
  double seconds_per_property = 0;  // 0: by the profile
  std::string seeds_path;           // failing seeds are kept there; empty: DefaultSeedsPath()
  std::string replay;               // an encoded program that is run instead of random ones
  std::uint64_t round = 0;          // of a soak: mixed into every seed

  double Seconds() const;
};

// The options of this process: at first what the environment says, IPCSUITE_PROFILE (quick, full,
// soak), IPCSUITE_PROPERTY_SECONDS, IPCSUITE_SEEDS and IPCSUITE_REPLAY.
Options& GlobalOptions();

// $XDG_CACHE_HOME/ipcsuite/failing-seeds, or the same under $HOME/.cache; empty when there is
// neither.
std::string DefaultSeedsPath();

}  // namespace ipcsuite::props
