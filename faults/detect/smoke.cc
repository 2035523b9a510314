#include "faults/detect/smoke.h"

#include "base/text.h"

namespace ipcsuite::detect {

extern const char kSmokeFile[];  // smoke.txt, by a rule of BUILD

const std::vector<std::string>& SmokeTests() {
  static const std::vector<std::string> names = Lines(kSmokeFile);
  return names;
}

}  // namespace ipcsuite::detect
