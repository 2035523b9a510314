#include "props/engine/program.h"

#include <fmt/format.h>

#include <charconv>

namespace ipcsuite::props {

std::string Encode(const Program& program) {
  std::string text;
  for (const RawStep& step : program) {
    text += fmt::format("{:02x}{:02x}{:04x}{:04x}", step.who, step.what, step.a, step.b);
  }
  return text;
}

std::optional<Program> DecodeProgram(std::string_view text) {
  constexpr std::size_t kDigits = 12;
  if (text.size() % kDigits != 0) return std::nullopt;
  Program program;
  for (; !text.empty(); text.remove_prefix(kDigits)) {
    std::uint64_t number = 0;
    const char* end = text.data() + kDigits;
    const auto [stop, error] = std::from_chars(text.data(), end, number, 16);
    if (error != std::errc() || stop != end) return std::nullopt;
    program.push_back(
        {static_cast<std::uint8_t>(number >> 40), static_cast<std::uint8_t>(number >> 32),
         static_cast<std::uint16_t>(number >> 16), static_cast<std::uint16_t>(number)});
  }
  return program;
}

void CaseOutcome::Count(const Op& op) {
  succeeded.resize(static_cast<std::size_t>(Call::kCallCount));
  ++ops;
  if (op.Returned() && op.Ok()) ++succeeded[static_cast<std::size_t>(op.call)];
}

}  // namespace ipcsuite::props
