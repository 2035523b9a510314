// Expectations are written by hand: whatever a file holds, it is read or refused in one line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "reports/verdicts/expectations.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<ipcsuite::report::Expectation> expectations;
  const auto read = ipcsuite::report::ParseExpectations(text, "fuzz", &expectations);
  if (!read && (read.error().empty() || read.error().find('\n') != std::string::npos)) std::abort();
  for (const auto& expectation : expectations)
    ipcsuite::report::UnmetCondition(expectation.condition, {});
  return 0;
}
