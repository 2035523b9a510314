#include "reports/results/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ipcsuite::report {
std::string Duration(std::int64_t ns) { return DurationText(std::chrono::nanoseconds(ns)); }

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
    case Verdict::kDisputed: return "\u2047";
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
    case Verdict::kDisputed: return "differs from our reading of an open question";
  }
  return "";
}

const std::vector<Verdict>& ReadingOrder() {
  static const std::vector<Verdict> order = {
      Verdict::kFail,        Verdict::kXpass,    Verdict::kFlaky,   Verdict::kUnresolved,
      Verdict::kDisputed,    Verdict::kXfail,    Verdict::kPass,    Verdict::kObserved,
      Verdict::kUnsupported, Verdict::kUntested, Verdict::kNotInUse};
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

std::vector<OpenQuestion> OpenQuestions(const Run& run) {
  std::vector<OpenQuestion> questions;
  for (const ClauseRecord& clause : run.clauses) {
    if (clause.verdict != Verdict::kDisputed) continue;
    OpenQuestion question{&clause, {}};
    for (const TestRecord& test : run.tests) {
      const bool claims = std::ranges::find(test.clauses, clause.id) != test.clauses.end();
      if (claims && test.verdict == Verdict::kDisputed) question.tests.push_back(&test);
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

std::vector<std::string> ReadingsOf(const ClauseRecord& clause) {
  if (!clause.readings.empty()) return clause.readings;
  return {clause.requires_text, "Another wording: the text of this clause could not be read."};
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
