#include "reports/results/finding.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

constexpr std::size_t kFailures = 4, kEvidence = 12, kStepBytes = 4096;
constexpr std::size_t kLong = 200;  // bytes of a value that is shown in full
// The title that props/engine gives to the program that a property was shrunk to.
constexpr std::string_view kSteps = "The shortest program that fails";
constexpr std::string_view kReplay = "\nreplay: ";  // its code follows

class Lines {
 public:
  void Add(std::string_view label, std::string text) {
    while (text.ends_with('\n')) text.pop_back();
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

// Steps of the trace of a test (harness/runner) stand among its evidence.
constexpr std::string_view kTraced = "step: ";

std::string Evidence(const TestRecord& test) {
  std::vector<std::string> shown;
  std::size_t more = 0;
  for (const std::string& line : test.evidence) {
    if (line.starts_with(kTraced)) continue;
    if (shown.size() < kEvidence) {
      shown.push_back(line);
    } else {
      ++more;
    }
  }
  return Join(shown, "\n") +
         (more > 0
              ? "\n[" + Counted(static_cast<std::int64_t>(more), "more line") + " in the report]"
              : "");
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

// "EXPRESSION = " of an observed or expected text; "" if there is none.
std::string_view HeadOf(std::string_view text) {
  const auto equals = text.find(" = ");
  return equals == std::string_view::npos ? "" : text.substr(0, equals + 3);
}

// A long text around byte `at` of its value.
std::string Excerpt(std::string_view text, std::size_t at) {
  constexpr std::size_t kBefore = 24, kAfter = 96;
  const std::string_view head = HeadOf(text), value = text.substr(head.size());
  if (value.size() <= kLong) return std::string(text);
  const std::size_t from = at > kBefore ? at - kBefore : 0;
  const std::string_view part = value.substr(from, kBefore + kAfter);
  std::string out = Shorten(head, kLong);
  if (from > 0) out += "[" + Counted(static_cast<std::int64_t>(from), "byte") + " alike] ";
  out += part;
  const std::size_t rest = value.size() - from - part.size();
  return out + (rest > 0 ? " [" + Counted(static_cast<std::int64_t>(rest), "more byte") + "]" : "");
}

// Where the values differ first; long texts that are alike up to there are not repeated.
void AddValues(Lines& lines, const Failure& f) {
  const auto expected = std::string_view(f.expected).substr(HeadOf(f.expected).size());
  const auto observed = std::string_view(f.observed).substr(HeadOf(f.observed).size());
  const auto differ = std::ranges::mismatch(expected, observed);
  const auto at = static_cast<std::size_t>(differ.in1 - expected.begin());
  lines.Add("expected", Excerpt(f.expected, at));
  lines.Add("observed", Excerpt(f.observed, at));
  if (f.expected.empty() && f.observed.empty())
    lines.Add("message", Shorten(f.message, kStepBytes));
}

// A check that failed again and again is shown once.
void AddFailures(Lines& lines, const TestRecord& test, const ClauseIndex& clauses) {
  std::set<std::pair<std::string, int>> places;
  std::string clause;
  std::size_t shown = 0;
  for (const Failure& f : test.failures) {
    const bool again = f.line > 0 && !places.insert({f.file, f.line}).second;
    if (again || shown == kFailures) continue;
    if (shown == 0 || f.clause != clause) lines.AddClause(f.clause, clauses);
    clause = f.clause;
    ++shown;
    AddValues(lines, f);
    lines.Add("at", Place(f.file, f.line));
  }
  const std::size_t more = test.failures.size() - shown;
  if (more > 0)
    lines.Add("more", "[" + Counted(static_cast<std::int64_t>(more), "more failure") +
                          " of this test " + (more == 1 ? "is" : "are") + " in the JSON result.]");
}

// The clauses that a failure may be about, each with its requirement.
std::string Requirements(const std::vector<std::string>& ids, const ClauseIndex& clauses) {
  std::vector<std::string> texts;
  for (const std::string& id : ids) {
    const auto found = clauses.find(id);
    const bool known = found != clauses.end() && texts.size() < kFailures;
    texts.push_back(known ? id + ": " + found->second->requires_text : id);
  }
  return Join(texts, "\n");
}

// What the processes did, in order: the program that a property was shrunk to, with the command
// that repeats just that on the same platform, or the trace of the test.
void AddSteps(Lines& lines, const TestRecord& test) {
  for (const Attachment& a : test.attachments) {
    if (a.kind != "text" || !a.title.starts_with(kSteps)) continue;
    const std::size_t replay = a.content.find(kReplay);
    lines.Add("steps", Shorten(a.content.substr(0, replay), kStepBytes));
    if (replay != std::string::npos)
      lines.Add("replay", test.command + " --replay=" + a.content.substr(replay + kReplay.size()));
    return;
  }
  std::string steps;
  for (const std::string& line : test.evidence) {
    if (line.starts_with(kTraced)) steps += line.substr(kTraced.size()) + "\n";
  }
  lines.Add("steps", Shorten(steps, kStepBytes));
}

// "./ipcsuite repro NAME", or why there is no such program.
std::string HowToGetTheProgram(const TestRecord& test) {
  if (const Attachment* why = FindAttachment(test, kNoProgramTitle))
    return std::string(kNotPossible) + why->content;
  const std::size_t run = test.command.find(" run ");
  const bool known = test.suite != "props" && test.suite != "stress" && run != test.command.npos;
  return known ? test.command.substr(0, run) + " repro " + test.name : "";
}

}  // namespace

const Attachment* FindAttachment(const TestRecord& test, std::string_view title) {
  const auto found = std::ranges::find(test.attachments, title, &Attachment::title);
  return found == test.attachments.end() ? nullptr : &*found;
}

ClauseIndex IndexClauses(const Run& run) {
  ClauseIndex index;
  for (const ClauseRecord& clause : run.clauses) index.emplace(clause.id, &clause);
  return index;
}

std::vector<FindingLine> Paragraph(const TestRecord& test, const ClauseIndex& clauses) {
  Lines lines;
  lines.Add("reason", Shorten(test.reason, kStepBytes));
  const bool named = std::ranges::any_of(test.failures, [](auto& f) { return !f.clause.empty(); });
  if (!named && test.clauses.size() == 1) lines.AddClause(test.clauses[0], clauses);
  if (!named && test.clauses.size() > 1) lines.Add("clauses", Requirements(test.clauses, clauses));
  AddFailures(lines, test, clauses);
  AddSteps(lines, test);
  lines.Add("evidence", Evidence(test));
  if (test.confidence != "certain") lines.Add("confidence", test.confidence);
  lines.Add("standing", test.standing);
  if (test.expectation)
    lines.Add("expects", test.expectation->id + ": " + test.expectation->reason);
  lines.Add("reproduce", test.command);
  if (test.standing == "new") lines.Add("in C", HowToGetTheProgram(test));
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
  std::vector<const TestRecord*> rest = Findings(run);
  std::vector<Cascade> cascades;
  for (const Cause& cause : run.causes) {
    const std::set<std::string_view> names(cause.tests.begin(), cause.tests.end());
    const auto mine = std::stable_partition(rest.begin(), rest.end(), [&](const TestRecord* test) {
      return !names.contains(test->name);
    });
    if (mine != rest.end()) cascades.push_back({&cause, {mine, rest.end()}});
    rest.erase(mine, rest.end());
  }
  for (const TestRecord* test : rest) cascades.push_back({nullptr, {test}});
  return cascades;
}

std::string CascadeTitle(const Cascade& cascade) {
  if (cascade.cause == nullptr) return "";
  const auto count = [](const auto& list) { return static_cast<std::int64_t>(list.size()); };
  return cascade.cause->what + ": " + Counted(count(cascade.cause->clauses), "clause") + ", " +
         Counted(count(cascade.cause->tests), "test");
}

}  // namespace ipcsuite::report
