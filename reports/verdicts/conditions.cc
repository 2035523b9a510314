// When an expectation applies: conditions against the facts of a platform, versions, patterns.
#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "reports/verdicts/expectations.h"

namespace ipcsuite::report {
namespace {

bool VersionHolds(const std::string& condition, const std::string& version) {
  if (version.empty()) return false;
  for (std::string part : Split(condition, " ,")) {
    const auto digits = part.find_first_of("0123456789");
    if (digits == std::string::npos) return false;
    const std::string op = part.substr(0, digits);
    const std::string wanted = part.substr(digits);
    const int order = CompareVersions(version, wanted);
    if (op == ">="                                ? order < 0
        : op == "<"                               ? order >= 0
        : op == ">"                               ? order <= 0
        : op == "<="                              ? order > 0
        : (op == "=" || op == "==" || op.empty()) ? order != 0
                                                  : true) {
      return false;
    }
  }
  return true;
}

bool OneOf(const std::string& alternatives, const std::string& value) {
  for (const std::string& one : Split(alternatives, "| ")) {
    if (GlobMatches(one, value)) return true;
  }
  return false;
}

bool PrivilegeHolds(const std::string& condition, const std::vector<std::string>& capabilities) {
  for (std::string wanted : Split(condition, " ,")) {
    const bool absent = wanted[0] == '!';
    if (absent) wanted.erase(0, 1);
    const bool have =
        std::find(capabilities.begin(), capabilities.end(), wanted) != capabilities.end();
    if (have == absent) return false;
  }
  return true;
}

// A part of a condition that compares one fact.
struct Part {
  const char* key;
  std::string Facts::*fact;
  bool (*holds)(const std::string& wanted, const std::string& fact);
};
constexpr Part kParts[] = {
    {.key = "os", .fact = &Facts::os, .holds = OneOf},
    {.key = "arch", .fact = &Facts::arch, .holds = OneOf},
    {.key = "libc", .fact = &Facts::libc, .holds = OneOf},
    {.key = "container", .fact = &Facts::container, .holds = OneOf},
    {.key = "bits", .fact = &Facts::bits, .holds = OneOf},
    {.key = "emulator", .fact = &Facts::emulator, .holds = OneOf},
    {.key = "kernel", .fact = &Facts::kernel, .holds = VersionHolds},
    {.key = "libc_version", .fact = &Facts::libc_version, .holds = VersionHolds},
};

}  // namespace

std::string UnmetCondition(const std::map<std::string, std::string>& condition,
                           const Facts& facts) {
  for (const auto& [key, wanted] : condition) {
    const auto* part =
        std::ranges::find_if(kParts, [&, k = key](const Part& p) { return k == p.key; });
    if (part == std::end(kParts)) {
      if (!PrivilegeHolds(wanted, facts.capabilities)) return "privilege does not match " + wanted;
    } else if (const std::string& fact = facts.*part->fact; !part->holds(wanted, fact)) {
      return key + " is " + (fact.empty() ? "not known" : fact) + ", not " + wanted;
    }
  }
  return "";
}

bool GlobMatches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

int CompareVersions(std::string_view a, std::string_view b) {
  const auto next = [](std::string_view& text) {
    while (!text.empty() && !std::isdigit(static_cast<unsigned char>(text[0]))) {
      text.remove_prefix(1);
    }
    unsigned long long n = 0;
    while (!text.empty() && std::isdigit(static_cast<unsigned char>(text[0]))) {
      n = n * 10 + static_cast<unsigned long long>(text[0] - '0');
      text.remove_prefix(1);
    }
    return n;
  };
  // Only the release itself: the distribution's suffix ("-31-amd64") orders nothing.
  const auto release = [](std::string_view text) {
    return text.substr(0, std::min(text.find_first_not_of("0123456789."), text.size()));
  };
  a = release(a);
  b = release(b);
  while (!a.empty() || !b.empty()) {
    const auto x = next(a), y = next(b);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

}  // namespace ipcsuite::report
