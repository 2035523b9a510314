#include "props/engine/options.h"

#include <cstdlib>

namespace ipcsuite::props {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Profile ProfileOf(std::string_view name, bool& known) {
  known = true;
  if (name == "quick") return Profile::kQuick;
  if (name == "full") return Profile::kFull;
  if (name == "soak") return Profile::kSoak;
  known = false;
  return Profile::kQuick;
}

Options FromEnvironment() {
  Options options;
  bool known = false;
  options.profile = ProfileOf(Environment("IPCSUITE_PROFILE"), known);
  options.seconds_per_property = std::atof(Environment("IPCSUITE_PROPERTY_SECONDS").c_str());
  options.seeds_path = Environment("IPCSUITE_SEEDS");
  options.replay = Environment("IPCSUITE_REPLAY");
  return options;
}

}  // namespace

double Options::Seconds() const {
  if (seconds_per_property > 0) return seconds_per_property;
  switch (profile) {
    case Profile::kQuick: return 0.9;
    case Profile::kFull: return 55;
    default: return 10;
  }
}

Options& GlobalOptions() {
  static Options options = FromEnvironment();
  return options;
}

std::string DefaultSeedsPath() {
  const std::string cache = Environment("XDG_CACHE_HOME");
  if (!cache.empty()) return cache + "/ipcsuite/failing-seeds";
  const std::string home = Environment("HOME");
  return home.empty() ? "" : home + "/.cache/ipcsuite/failing-seeds";
}

}  // namespace ipcsuite::props
