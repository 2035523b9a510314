#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/utf8.h"

namespace ipcsuite {

std::vector<std::string> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) text += separator;
    text += part;
  }
  return text;
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

std::string CleanUtf8(std::string_view text) {
  return MapUtf8(text, [](std::string& out, char c) { out += c; });
}

std::string Shorten(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "\n[cut here: " + std::to_string(text.size() - end) +
         " more bytes are in the JSON result]";
}

std::string Hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string DurationText(std::chrono::nanoseconds duration) {
  const std::int64_t ns = duration.count();
  char text[48];
  const double n = static_cast<double>(ns);
  if (ns < 1000) {
    std::snprintf(text, sizeof text, "%lld ns", static_cast<long long>(ns));
  } else if (ns < 1'000'000) {
    std::snprintf(text, sizeof text, "%.3g \xC2\xB5s", n / 1e3);
  } else if (ns < 1'000'000'000) {
    std::snprintf(text, sizeof text, "%.3g ms", n / 1e6);
  } else if (ns < 120'000'000'000) {
    std::snprintf(text, sizeof text, "%.3g s", n / 1e9);
  } else {
    const long long seconds = ns / 1'000'000'000;
    std::snprintf(text, sizeof text, "%lld min %lld s", seconds / 60, seconds % 60);
  }
  return text;
}

std::string Number(double value) {
  if (std::isnan(value)) return "unknown";
  char text[64];
  const double size = std::fabs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) {
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
  }
  if (size < 1000) {
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
  }
  std::snprintf(text, sizeof text, "%.0f", value);
  // Thin spaces between thousands read well and are not commas.
  std::string digits = text, grouped;
  const std::size_t start = digits[0] == '-' ? 1 : 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > start && (digits.size() - i) % 3 == 0) grouped += "\xE2\x80\x89";
    grouped += digits[i];
  }
  return grouped;
}

std::string Counted(std::int64_t n, std::string_view one, std::string_view many) {
  std::string text = std::to_string(n) + ' ';
  if (n == 1) return text.append(one);
  return many.empty() ? text.append(one) + 's' : text.append(many);
}

}  // namespace ipcsuite
