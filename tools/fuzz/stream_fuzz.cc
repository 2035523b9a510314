// The console of a guest is anything: results among kernel messages, cut where it crashed. Where
// the pieces are cut makes no difference.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "platforms/stream.h"
#include "reports/results/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ipcsuite;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  platforms::Collector whole, pieces;
  whole.Feed(bytes);
  const std::size_t cut = size == 0 ? 0 : data[0] % (size + 1);
  pieces.Feed(bytes.substr(0, cut));
  pieces.Feed(bytes.substr(cut));
  if (report::ToJson(whole.Take("cut")) != report::ToJson(pieces.Take("cut"))) std::abort();
  return 0;
}
