#include "reports/verdicts/expectations.h"

#include <algorithm>
#include <cctype>
#include <ctime>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "reports/verdicts/embedded.h"
#include "reports/verdicts/finding_pages.h"
#include "spec/clause.h"

#include <nlohmann/json.hpp>

namespace ipcsuite::report {
namespace {

using Json = nlohmann::json;

const std::set<std::string> kConditionKeys = {
    "os", "kernel", "arch", "libc", "libc_version", "bits", "container", "emulator", "privilege"};
const std::set<std::string> kEntryKeys = {"id",       "tests",  "clauses", "condition",
                                          "expected", "reason", "link",    "review_by"};

bool IsDate(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i != 4 && i != 7 && !std::isdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

// "" or what is wrong with the entry.
std::string ReadEntry(const Json& json, Expectation* e) {
  if (!json.is_object()) return "is not an object";
  for (const auto& [key, value] : json.items()) {
    if (!kEntryKeys.count(key)) return "has the unknown key \"" + key + "\"";
    const bool list = key == "tests" || key == "clauses";
    if (list) {
      if (!value.is_array()) return "needs a list of texts for \"" + key + "\"";
      for (const Json& one : value) {
        if (!one.is_string()) return "needs a list of texts for \"" + key + "\"";
        (key == "tests" ? e->tests : e->clauses).push_back(one.get<std::string>());
      }
    } else if (key == "condition") {
      if (!value.is_object()) return "needs an object for \"condition\"";
      for (const auto& [name, wanted] : value.items()) {
        if (!kConditionKeys.count(name)) return "has the unknown condition \"" + name + "\"";
        if (!wanted.is_string()) return "needs a text for the condition \"" + name + "\"";
        e->condition[name] = wanted.get<std::string>();
      }
    } else if (!value.is_string()) {
      return "needs a text for \"" + key + "\"";
    }
  }
  e->id = json.value("id", "");
  e->expected = json.value("expected", "FAIL");
  e->reason = json.value("reason", "");
  e->link = json.value("link", "");
  e->review_by = json.value("review_by", "");
  if (e->id.empty()) return "has no id";
  if (e->tests.empty() && e->clauses.empty()) return "names neither tests nor clauses";
  if (e->reason.empty()) return "gives no reason";
  if (e->expected != "FAIL" && e->expected != "FLAKY" && e->expected != "UNRESOLVED")
    return "expects something other than FAIL, FLAKY or UNRESOLVED";
  if (!e->review_by.empty() && !IsDate(e->review_by))
    return "has a review_by that is not YYYY-MM-DD";
  return "";
}

bool AnyMatches(const std::vector<std::string>& patterns, const std::string& text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& p) { return GlobMatches(p, text); });
}

bool ClaimsAny(const Expectation& e, const TestRecord& test) {
  return std::any_of(test.clauses.begin(), test.clauses.end(),
                     [&](const std::string& c) { return AnyMatches(e.clauses, c); });
}

bool Selects(const Expectation& e, const TestRecord& test) {
  if (!e.tests.empty() && !AnyMatches(e.tests, test.name)) return false;
  if (e.clauses.empty()) return true;
  // A failure may be charged to a clause that the test does not claim.
  return ClaimsAny(e, test) ||
         std::any_of(test.failures.begin(), test.failures.end(),
                     [&](const Failure& f) { return AnyMatches(e.clauses, f.clause); });
}

bool SelectsByName(const Expectation& e, const TestRecord& test) {
  return std::find(e.tests.begin(), e.tests.end(), test.name) != e.tests.end();
}

bool Covers(const Expectation& e, const TestRecord& test, const Failure& failure) {
  if (e.clauses.empty()) return true;
  return failure.clause.empty() ? ClaimsAny(e, test) : AnyMatches(e.clauses, failure.clause);
}

using Entries = std::vector<const Expectation*>;

// Lines of evidence that Apply() adds: kEntry, the id, then what became of it.
const std::string kEntry = "expectation ";
constexpr const char* kExpired = " expired on ";
constexpr const char* kUnmet = " does not apply here: ";

// The first entry, if the entries together cover all that went wrong in the test.
const Expectation* Cover(const Entries& entries, const TestRecord& test) {
  if (test.failures.empty()) {  // crash or hang: only an entry that names the test covers it
    for (const Expectation* e : entries) {
      if (!e->tests.empty()) return e;
    }
    return nullptr;
  }
  const Expectation* first = nullptr;
  for (const Failure& failure : test.failures) {
    const Clause* clause = Find(failure.clause);
    if (clause && clause->open_question()) continue;  // never red by itself
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Expectation* e) {
      return Covers(*e, test, failure);
    });
    if (found == entries.end()) return nullptr;
    if (first == nullptr) first = *found;
  }
  return first;
}

ExpectationRef RefTo(const Expectation& e) {
  const std::string page(FindingPage(e.id));
  return {e.id, page.empty() ? e.reason : e.reason + " (" + page + ")", e.link, e.review_by};
}

// FAIL and FLAKY that would be covered elsewhere say why not here: a kernel with patches of its
// vendor, a version string that was changed.
void NameUnmet(const Entries& unmet, const Facts& facts, TestRecord& test) {
  for (const Expectation* e : unmet) {
    if (Selects(*e, test) && Cover({e}, test) != nullptr) {
      test.evidence.push_back(kEntry + e->id + kUnmet + UnmetCondition(e->condition, facts));
    }
  }
}

// FAIL and FLAKY that are covered.
void MarkFailures(const Entries& live, const Entries& expired, TestRecord& test) {
  Entries selected;
  for (const Expectation* e : live) {
    const bool fits =
        e->expected == "FLAKY" || (e->expected == "FAIL" && test.verdict == Verdict::kFail);
    if (fits && Selects(*e, test)) selected.push_back(e);
  }
  if (const Expectation* e = Cover(selected, test)) {
    test.verdict = Verdict::kXfail;
    test.expectation = RefTo(*e);
    return;
  }
  for (const Expectation* e : expired) {
    if (!Selects(*e, test)) continue;
    test.evidence.push_back(kEntry + e->id + kExpired + e->review_by +
                            " and no longer covers this: review it");
    test.expectation = RefTo(*e);
  }
}

// UNRESOLVED that is expected.
void MarkUnresolved(const Entries& live, TestRecord& test) {
  for (const Expectation* e : live) {
    if (e->expected == "UNRESOLVED" && Selects(*e, test)) test.expectation = RefTo(*e);
  }
}

bool AnyOf(const std::vector<std::string>& names, const std::string& pattern) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return GlobMatches(pattern, name); });
}

bool Passed(const TestRecord& t) {
  return t.verdict == Verdict::kPass || t.verdict == Verdict::kObserved;
}

std::string PassedBut(const ExpectationRef& e) {
  return "passed, but " + e.id + " expects FAIL: " + e.reason;
}

void MarkPasses(const Expectation& e, bool whole, std::vector<TestRecord>& tests) {
  const bool group_failed = std::any_of(tests.begin(), tests.end(), [&](const TestRecord& t) {
    return Selects(e, t) && (t.verdict == Verdict::kXfail || IsRed(t.verdict));
  });
  for (TestRecord& test : tests) {
    if (!Passed(test) || !Selects(e, test)) continue;
    const bool alone = SelectsByName(e, test);
    if (!alone && (!whole || group_failed)) continue;
    test.verdict = Verdict::kXpass;
    test.expectation = RefTo(e);
    if (test.reason.empty()) test.reason = PassedBut(*test.expectation);
  }
}

// The line, from 1, of a position in the text.
int LineAt(std::string_view text, std::size_t at) {
  return 1 + static_cast<int>(std::ranges::count(text.substr(0, at), '\n'));
}

}  // namespace

Facts FactsOf(const std::vector<EnvironmentSection>& environment) {
  Facts facts;
  for (const EnvironmentSection& section : environment) {
    for (const auto& [key, value] : section.facts) {
      if (key == "os") facts.os = value;
      if (key == "kernel") facts.kernel = value;
      if (key == "arch") facts.arch = value;
      if (key == "libc") facts.libc = value;
      if (key == "libc_version") facts.libc_version = value;
      if (key == "container") facts.container = value;
      if (key == "bits") facts.bits = value;
      if (key == "emulator") facts.emulator = value;
      if (key == "capabilities") facts.capabilities = Split(value, " ,");
    }
  }
  // gVisor says "Linux" of itself but has a kernel of its own, to which Linux's deviations don't
  // apply.
  if (facts.container == "gvisor") facts.os = "gVisor";
  return facts;
}

Result<void> ParseExpectations(std::string_view text, const std::string& origin,
                               std::vector<Expectation>* out) {
  Json json;
  try {
    json = Json::parse(text, nullptr, true, /*ignore_comments=*/true);
  } catch (const Json::parse_error& e) {
    return Error{origin + ":" + std::to_string(LineAt(text, e.byte)) + ": is not valid JSON"};
  } catch (const Json::out_of_range&) {
    return Error{origin + ": is not valid JSON: it has a number that is too large"};
  }
  if (!json.is_object() || !json.contains("expectations") || !json["expectations"].is_array()) {
    return Error{origin + ": is not a file of expectations: needs {\"expectations\": [...]}"};
  }
  std::set<std::string> seen;
  std::size_t number = 0;
  for (const Json& one : json["expectations"]) {
    ++number;
    Expectation entry;
    entry.origin = origin;
    std::string wrong = ReadEntry(one, &entry);
    entry.line = LineAt(text, text.find("\"" + entry.id + "\""));
    if (wrong.empty() && !seen.insert(entry.id).second) wrong = "has an id that is used twice";
    if (!wrong.empty()) {
      std::string line = origin + ": entry " + std::to_string(number) +
                         (entry.id.empty() ? "" : " (" + entry.id + ")") + " " + wrong;
      std::ranges::replace(line, '\n', ' ');  // words of the file may have some
      return Error{line};
    }
    std::erase_if(*out, [&](const Expectation& e) { return e.id == entry.id; });
    out->push_back(std::move(entry));
  }
  return {};
}

Result<void> DefaultExpectations(std::vector<Expectation>* out) {
  for (const EmbeddedFile& file : EmbeddedExpectations()) {
    auto parsed = ParseExpectations(file.content, std::string(file.name), out);
    if (!parsed) return parsed;
  }
  return {};
}

Result<void> ReadExpectations(const std::string& path, std::vector<Expectation>* out) {
  const auto text = ReadFile(path);
  if (!text) return Error{text.error()};
  return ParseExpectations(*text, path, out);
}

void Apply(const std::vector<Expectation>& expectations, const Facts& facts,
           const ApplyOptions& options, std::vector<TestRecord>* tests) {
  const std::string today = options.today.empty() ? Today() : options.today;
  Entries live, expired, unmet;
  for (const Expectation& e : expectations) {
    const bool past = !e.review_by.empty() && e.review_by < today;
    if (UnmetCondition(e.condition, facts).empty()) {
      (past ? expired : live).push_back(&e);
    } else if (const auto os = e.condition.find("os");
               !past && (os == e.condition.end() ||
                         UnmetCondition({{os->first, os->second}}, facts).empty())) {
      unmet.push_back(&e);
    }
  }
  for (TestRecord& test : *tests) {
    if (test.verdict == Verdict::kFail || test.verdict == Verdict::kFlaky) {
      MarkFailures(live, expired, test);
      if (!test.expectation) NameUnmet(unmet, facts, test);
    } else if (test.verdict == Verdict::kUnresolved) {
      MarkUnresolved(live, test);
    }
  }
  for (const Entries* entries : {&live, &expired}) {
    for (const Expectation* e : *entries) {
      if (e->expected == "FAIL") MarkPasses(*e, options.whole, *tests);
    }
  }
}

void Unapply(std::vector<TestRecord>* tests) {
  for (TestRecord& test : *tests) {
    std::erase_if(test.evidence, [](const std::string& line) {
      return line.starts_with(kEntry) && line.find(kUnmet) != std::string::npos;
    });
    if (!test.expectation) continue;
    if (test.verdict == Verdict::kXfail) {
      test.verdict = test.passes > 0 ? Verdict::kFlaky : Verdict::kFail;
    } else if (test.verdict == Verdict::kXpass) {
      test.verdict = test.observations.empty() ? Verdict::kPass : Verdict::kObserved;
      if (test.reason == PassedBut(*test.expectation)) test.reason.clear();
    }
    std::erase_if(test.evidence, [&](const std::string& line) {
      return line.starts_with(kEntry + test.expectation->id + kExpired);
    });
    test.expectation.reset();
  }
}

std::string Today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

std::vector<std::string> Doubts(const std::vector<Expectation>& expectations,
                                const std::vector<std::string>& tests,
                                const std::vector<std::string>& clauses, const std::string& today) {
  std::vector<std::string> doubts;
  for (const Expectation& e : expectations) {
    const auto doubt = [&](const std::string& text) {
      doubts.push_back(e.origin + ":" + std::to_string(e.line) + ": entry " + e.id + " " + text);
    };
    for (const std::string& pattern : e.tests) {
      if (!tests.empty() && !AnyOf(tests, pattern))
        doubt("names no test: " + pattern + " (see `ipcsuite list --tests`)");
    }
    for (const std::string& pattern : e.clauses) {
      if (!AnyOf(clauses, pattern))
        doubt("names no clause: " + pattern + " (see `ipcsuite list --clauses`)");
    }
    if (!e.review_by.empty() && e.review_by < today)
      doubt("expired on " + e.review_by + ": review it and set another date");
    if (e.reason.find(kNoReasonYet) != std::string::npos)
      doubt("has a placeholder for its reason: write why the platform deviates");
  }
  return doubts;
}

}  // namespace ipcsuite::report
