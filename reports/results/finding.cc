#include "reports/results/finding.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

constexpr std::size_t kFailures = 5, kEvidence = 12, kStepBytes = 4096;
constexpr std::size_t kFewest = 3;  // tests of one cause that are put together
// The title that props/engine gives to the program that a property was shrunk to.
constexpr std::string_view kSteps = "The shortest program that fails";

class Lines {
 public:
  void Add(std::string_view label, std::string text) {
    if (!text.empty()) lines_.push_back({label, CleanUtf8(text)});
  }
  void AddClause(const std::string& id, const ClauseIndex& clauses) {
    Add("clause", id);
    const auto found = clauses.find(id);
    if (found == clauses.end()) return;
    Add("source", found->second->source);
    Add("requires", found->second->requires_text);
  }
  std::vector<FindingLine> Take() { return std::move(lines_); }

 private:
  std::vector<FindingLine> lines_;
};

std::string Evidence(const TestRecord& test) {
  const std::size_t shown = std::min(kEvidence, test.evidence.size());
  std::string text =
      Join({test.evidence.begin(), test.evidence.begin() + static_cast<long>(shown)}, "\n");
  if (test.evidence.size() > shown)
    text += "\n[" + std::to_string(test.evidence.size() - shown) + " more lines in the report]";
  return text;
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The identifier that ends before `end`; "" if none does.
std::string_view WordBefore(std::string_view text, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && IsWord(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

// "ENOSYS" of the first word that looks like the name of an error; "" if there is none.
std::string_view ErrnoIn(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (!IsWord(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && IsWord(text[end])) ++end;
    const std::string_view word = text.substr(at, end - at);
    const auto upper = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (word.size() >= 3 && word[0] == 'E' && std::ranges::all_of(word, upper)) return word;
    at = end;
  }
  return "";
}

// How the call in the text ended; "" if it ended in no way that explains anything.
std::string EndIn(std::string_view text) {
  for (const std::string_view end : {"killed by SIG", "timed out", "still blocked"}) {
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) continue;
    if (!end.ends_with("SIG")) return std::string(end);
    std::size_t last = at + end.size();
    while (last < text.size() && IsWord(text[last])) ++last;
    return std::string(text.substr(at, last - at));
  }
  // The error of "f(...) = -1 EACCES", not one that was expected or is the value of an argument.
  const std::size_t failed = text.find("= -1 ");
  if (failed != std::string_view::npos) return std::string(ErrnoIn(text.substr(failed)));
  const std::size_t absent = text.find("absent");
  return absent == std::string_view::npos ? "" : std::string(ErrnoIn(text.substr(absent)));
}

// The function that the text is about.
std::string FunctionIn(std::string_view text) {
  const std::size_t call = text.find('(');
  if (call == std::string_view::npos) return "";
  const std::string_view name = WordBefore(text, call);
  const std::size_t begin = call - name.size();
  const bool method = begin > 0 && (text[begin - 1] == '.' || text[begin - 1] == '>');
  if (!method) return std::string(name);
  const std::size_t trace = text.find("Google Test trace:");
  if (trace == std::string_view::npos) return std::string(name);
  const std::size_t last = text.find_last_not_of(" \n");
  const std::string_view traced = WordBefore(text, last + 1);
  return std::string(traced.empty() ? name : traced);
}

std::string CauseIn(const std::string& text) {
  const std::string end = EndIn(text);
  const std::string function = end.empty() ? "" : FunctionIn(text);
  return function.empty() ? "" : function + ": " + end;
}

}  // namespace

ClauseIndex IndexClauses(const Run& run) {
  ClauseIndex index;
  for (const ClauseRecord& clause : run.clauses) index.emplace(clause.id, &clause);
  return index;
}

std::vector<FindingLine> Paragraph(const TestRecord& test, const ClauseIndex& clauses) {
  Lines lines;
  lines.Add("reason", test.reason);
  for (std::size_t i = 0; i < test.failures.size() && i < kFailures; ++i) {
    const Failure& f = test.failures[i];
    const bool again = i > 0 && f.clause == test.failures[i - 1].clause;
    if (!again) lines.AddClause(f.clause, clauses);
    lines.Add("expected", f.expected);
    lines.Add("observed", f.observed);
    if (f.expected.empty() && f.observed.empty()) lines.Add("message", f.message);
    lines.Add("at", Place(f.file, f.line));
  }
  if (test.failures.size() > kFailures)
    lines.Add("more", "[" + std::to_string(test.failures.size() - kFailures) +
                          " more failures of this test are in the JSON result.]");
  const bool named = std::any_of(test.failures.begin(), test.failures.end(),
                                 [](const Failure& f) { return !f.clause.empty(); });
  if (!named && test.clauses.size() == 1) lines.AddClause(test.clauses[0], clauses);
  if (!named && test.clauses.size() > 1) lines.Add("clauses", Join(test.clauses, "\n"));
  for (const Attachment& a : test.attachments) {
    if (a.kind == "text" && a.title == kSteps) lines.Add("steps", Shorten(a.content, kStepBytes));
  }
  lines.Add("evidence", Evidence(test));
  if (test.confidence != "certain") lines.Add("confidence", test.confidence);
  lines.Add("standing", test.standing);
  if (test.expectation)
    lines.Add("expects", test.expectation->id + ": " + test.expectation->reason);
  lines.Add("reproduce", test.command);
  return lines.Take();
}

std::string ParagraphText(const TestRecord& test, const ClauseIndex& clauses) {
  std::string out;
  for (const FindingLine& line : Paragraph(test, clauses)) {
    std::string text = line.text;
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3)
      text.insert(at + 1, "  ");
    out += std::string(line.label) + ": " + text + "\n";
  }
  return out;
}

Outcome OutcomeOf(const TestRecord& test) {
  if (test.standing == "lost") return Outcome::kFailed;
  if (test.standing == "known" || test.verdict == Verdict::kXfail) return Outcome::kKnown;
  if (IsRed(test.verdict)) return Outcome::kFailed;
  if (IsGood(test.verdict)) return Outcome::kPassed;
  return test.verdict == Verdict::kUnresolved ? Outcome::kUndecided : Outcome::kSkipped;
}

std::string StandingText(const TestRecord& test) {
  const std::string code(ToString(test.verdict));
  if (test.standing == "lost") return "LOST: " + code;
  if (test.standing == "known") return "KNOWN " + code;
  return test.standing == "new" ? "NEW " + code : code;
}

std::vector<LostGroup> LostGroups(const Run& run) {
  std::vector<LostGroup> groups;
  for (const LostVerdict& l : run.lost) {
    const std::string what = (l.before == "required" ? "required, but " : "judged before, now ") +
                             l.now + (l.reason.empty() ? "" : ": " + l.reason);
    auto at = std::ranges::find(groups, what, &LostGroup::what);
    if (at == groups.end()) at = groups.insert(at, {what, {}, {}});
    l.clause.empty() ? at->tests.push_back(l.test) : at->clauses.push_back(l.clause);
  }
  std::ranges::stable_sort(groups, [](const LostGroup& a, const LostGroup& b) {
    return a.tests.size() + a.clauses.size() > b.tests.size() + b.clauses.size();
  });
  return groups;
}

std::string CauseOf(const TestRecord& test) {
  for (const Failure& f : test.failures) {
    if (auto cause = CauseIn(f.observed); !cause.empty()) return cause;
  }
  return test.failures.empty() ? CauseIn(test.reason) : "";
}

std::vector<Cascade> Cascades(const Run& run) {
  const auto findings = Findings(run);
  std::vector<Cascade> grouped, alone;
  for (const TestRecord* test : findings) {
    const std::string cause = CauseOf(*test);
    const auto at = std::find_if(grouped.begin(), grouped.end(), [&](const Cascade& c) {
      return !cause.empty() && c.cause == cause;
    });
    if (at != grouped.end()) {
      at->tests.push_back(test);
    } else {
      grouped.push_back({cause, {test}, 0});
    }
  }
  for (Cascade& c : grouped) {
    if (!c.cause.empty() && c.tests.size() >= kFewest) continue;
    for (const TestRecord* test : c.tests) alone.push_back({"", {test}, 0});
    c.tests.clear();
  }
  std::erase_if(grouped, [](const Cascade& c) { return c.tests.empty(); });
  std::stable_sort(grouped.begin(), grouped.end(), [](const Cascade& a, const Cascade& b) {
    return a.tests.size() > b.tests.size();
  });
  for (Cascade& c : grouped) {
    std::set<std::string> clauses;
    for (const TestRecord* test : c.tests)
      clauses.insert(test->clauses.begin(), test->clauses.end());
    c.clauses = static_cast<int>(clauses.size());
  }
  // Those of their own keep the order of Findings().
  std::stable_sort(alone.begin(), alone.end(), [&](const Cascade& a, const Cascade& b) {
    return std::find(findings.begin(), findings.end(), a.tests[0]) <
           std::find(findings.begin(), findings.end(), b.tests[0]);
  });
  grouped.insert(grouped.end(), alone.begin(), alone.end());
  return grouped;
}

std::string CascadeTitle(const Cascade& cascade) {
  if (cascade.cause.empty()) return "";
  return cascade.cause + ": " + Counted(cascade.clauses, "clause") + ", " +
         Counted(static_cast<std::int64_t>(cascade.tests.size()), "test");
}

}  // namespace ipcsuite::report
