#include "reports/results/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ipcsuite::report {
namespace {

// Length of the valid UTF-8 sequence at the start of `text`; 0 if there is none.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool beyond = first == 0xF4 && byte(1) >= 0x90;
  // XML forbids U+FFFE and U+FFFF.
  const bool noncharacter = first == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE;
  return overlong || surrogate || beyond || noncharacter ? 0 : length;
}

template <typename F>
std::string Clean(std::string_view text, F append_ascii) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    const auto c = static_cast<unsigned char>(text[0]);
    const bool control = c < 0x20 && c != '\t' && c != '\n';
    if (length == 0 || control || c == 0x7F) {
      out += "\xEF\xBF\xBD";
    } else if (length == 1) {
      append_ascii(out, text[0]);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace

std::string Escape(std::string_view text) {
  return Clean(text, [](std::string& out, char c) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  });
}

std::string SafeLink(std::string_view link) {
  const bool web = link.substr(0, 8) == "https://" || link.substr(0, 7) == "http://";
  return web && link.find_first_of(" \t\n<>\"'()`") == std::string_view::npos ? std::string(link)
                                                                              : "";
}

std::string CleanUtf8(std::string_view text) {
  return Clean(text, [](std::string& out, char c) { out += c; });
}

std::string Shorten(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "\n[cut here: " + std::to_string(text.size() - end) +
         " more bytes are in the JSON result]";
}

std::string SeedText(std::uint64_t seed) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(seed));
  return text;
}

std::string Duration(std::int64_t ns) {
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
  // Thin spaces between thousands read well and are no comma.
  std::string digits = text, grouped;
  const std::size_t start = digits[0] == '-' ? 1 : 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > start && (digits.size() - i) % 3 == 0) grouped += "\xE2\x80\x89";
    grouped += digits[i];
  }
  return grouped;
}

std::string_view Symbol(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass: return "\u2713";
    case Verdict::kObserved: return "\u25C9";
    case Verdict::kFail: return "\u2717";
    case Verdict::kUnresolved: return "?";
    case Verdict::kNotInUse: return "\u2013";
    case Verdict::kUnsupported: return "\u25CB";
    case Verdict::kUntested: return "\u00B7";
    case Verdict::kXfail: return "\u2248";
    case Verdict::kXpass: return "!";
    case Verdict::kFlaky: return "~";
  }
  return "";
}

std::string_view Meaning(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass: return "every check held";
    case Verdict::kObserved: return "the standard leaves it open; what was seen is recorded";
    case Verdict::kFail: return "a requirement is violated";
    case Verdict::kUnresolved: return "no verdict could be earned";
    case Verdict::kNotInUse: return "belongs to the other issue of the standard";
    case Verdict::kUnsupported: return "an option, privilege or interface is absent here";
    case Verdict::kUntested: return "nothing observable happened, or no test exists";
    case Verdict::kXfail: return "violated, as the expectations say";
    case Verdict::kXpass: return "expected to fail, but passed";
    case Verdict::kFlaky: return "repeats disagree";
  }
  return "";
}

const std::vector<Verdict>& ReadingOrder() {
  static const std::vector<Verdict> order = {
      Verdict::kFail,     Verdict::kXpass,   Verdict::kFlaky,    Verdict::kUnresolved,
      Verdict::kXfail,    Verdict::kPass,    Verdict::kObserved, Verdict::kUnsupported,
      Verdict::kUntested, Verdict::kNotInUse};
  return order;
}

std::string CountsText(const int (&counts)[kVerdictCount]) {
  std::string text;
  for (Verdict v : ReadingOrder()) {
    const int n = counts[static_cast<int>(v)];
    if (n == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(n) + " " + std::string(ToString(v));
  }
  return text.empty() ? "none" : text;
}

std::vector<const TestRecord*> Findings(const Run& run) {
  std::vector<const TestRecord*> found;
  for (Verdict v : {Verdict::kFail, Verdict::kXpass, Verdict::kFlaky, Verdict::kUnresolved}) {
    for (const TestRecord& test : run.tests) {
      if (test.verdict == v) found.push_back(&test);
    }
  }
  return found;
}

std::string GroupOf(const TestRecord& test) { return test.name.substr(0, test.name.find('.')); }

std::string ShortName(const TestRecord& test) {
  const auto dot = test.name.find('.');
  return dot == std::string::npos ? test.name : test.name.substr(dot + 1);
}

std::optional<TableCell> CellOf(std::string_view key) {
  constexpr std::string_view kPrefix = "table/";
  if (key.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  key.remove_prefix(kPrefix.size());
  const auto first = key.find('/');
  const auto last = key.rfind('/');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  return TableCell{std::string(key.substr(0, first)),
                   std::string(key.substr(first + 1, last - first - 1)),
                   std::string(key.substr(last + 1))};
}

std::vector<KnownDeviation> KnownDeviations(const Run& run) {
  std::vector<KnownDeviation> known;
  for (const TestRecord& t : run.tests) {
    if (t.verdict != Verdict::kXfail) continue;
    const ExpectationRef ref = t.expectation.value_or(ExpectationRef{});
    auto at = std::find_if(known.begin(), known.end(),
                           [&](const KnownDeviation& k) { return k.expectation.id == ref.id; });
    if (at == known.end()) at = known.insert(known.end(), {ref, {}});
    at->tests.push_back(&t);
  }
  return known;
}

std::string Place(const std::string& file, int line) {
  return file.empty() || line == 0 ? file : file + ":" + std::to_string(line);
}

std::string Fact(const Run& run, std::string_view key) {
  for (const EnvironmentSection& section : run.environment) {
    for (const auto& [name, value] : section.facts) {
      if (name == key) return value;
    }
  }
  return "";
}

std::string PlatformLine(const Run& run) {
  std::string line;
  const auto add = [&](const std::string& separator, const std::string& text) {
    if (!text.empty()) line += (line.empty() ? "" : separator) + text;
  };
  add("", Fact(run, "os"));
  add(" ", Fact(run, "kernel"));
  add(" ", Fact(run, "arch"));
  add(", ", Fact(run, "libc"));
  add(" ", Fact(run, "libc_version"));
  const std::string container = Fact(run, "container");
  if (!container.empty())
    add(", ", container == "none" ? "no container" : "container " + container);
  const std::string uid = Fact(run, "uid");
  if (!uid.empty()) add(", ", "uid " + uid);
  return line;
}

}  // namespace ipcsuite::report
