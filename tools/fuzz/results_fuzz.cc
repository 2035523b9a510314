// Result files come from other machines and versions: whatever they hold, they are read or refused
// in one line, and what was read survives being written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "reports/results/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ipcsuite::report;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)TestFromJsonLine(text);
  const auto run = RunFromJson(text);
  if (!run) {
    if (run.error().empty() || run.error().find('\n') != std::string::npos) std::abort();
    return 0;
  }
  const std::string written = ToJson(*run);
  const auto again = RunFromJson(written);
  if (!again || ToJson(*again) != written) std::abort();
  return 0;
}
