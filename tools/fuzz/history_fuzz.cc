// A history of any origin is read or refused in one line; what was read is decided within a budget
// and survives being written and read again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "props/history/check.h"
#include "props/history/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ipcsuite::props;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string error;
  const History history = ReadHistory(text, error);
  if (!error.empty()) {
    if (error.find('\n') != std::string::npos) std::abort();
    return 0;
  }
  CheckOptions options;
  options.max_steps = 10'000;
  CheckHistory(history, options);
  const std::string written = WriteHistory(history);
  const History again = ReadHistory(written, error);
  if (!error.empty() || WriteHistory(again) != written) std::abort();
  return 0;
}
