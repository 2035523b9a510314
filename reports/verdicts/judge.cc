#include "reports/verdicts/judge.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/args.h"
#include "base/files.h"
#include "base/text.h"
#include "reports/results/json.h"
#include "reports/verdicts/aggregate.h"
#include "reports/verdicts/catalogue.h"
#include "reports/verdicts/causes.h"
#include "reports/verdicts/detection.h"

namespace ipcsuite::report {
namespace {

constexpr const char* kAbsent = "absent";
constexpr const char* kRequired = "required";

std::string Code(Verdict verdict) { return std::string(ToString(verdict)); }

template <typename Record>
std::string Name(const Record& record) {
  if constexpr (std::is_same_v<Record, ClauseRecord>)
    return record.id;
  else
    return record.name;
}

template <typename Record>
std::unordered_map<std::string, const Record*> Index(const std::vector<Record>& records) {
  std::unordered_map<std::string, const Record*> index;
  for (const Record& record : records) index.emplace(Name(record), &record);
  return index;
}

bool Selects(const std::string& word, const ClauseRecord& clause) {
  if (word == "all") return true;
  if (word.starts_with("clause:")) return GlobMatches(word.substr(7), clause.id);
  return word == clause.suite || word == clause.interface || word == clause.function;
}

// What an open clause allows may simply not have happened. A call that is absent is not a matter of
// how the standard is read.
bool Satisfies(const ClauseRecord& clause) {
  if (clause.verdict == Verdict::kDisputed && clause.reason.find("ENOSYS") != std::string::npos)
    return false;
  if (IsJudged(clause.verdict) || clause.verdict == Verdict::kNotInUse) return true;
  return clause.verdict == Verdict::kUntested && IsOpenKind(clause.kind) && !clause.tests.empty();
}

// "A, B, C and 4 more".
std::string FirstNames(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 3;
  std::vector<std::string> shown(names.begin(), names.begin() + std::min(kNamed, names.size()));
  std::string text = Join(shown, ", ");
  if (names.size() > kNamed) text += " and " + std::to_string(names.size() - kNamed) + " more";
  return text;
}

// "12 clauses (a, b, c and 9 more)", "3 tests (...)"; clauses if there are some.
std::string LostText(const std::vector<LostVerdict>& lost, bool required) {
  std::vector<std::string> clauses, tests;
  for (const LostVerdict& l : lost) {
    if ((l.before == kRequired) != required) continue;
    l.clause.empty() ? tests.push_back(l.test) : clauses.push_back(l.clause);
  }
  if (!clauses.empty())
    return Counted(static_cast<std::int64_t>(clauses.size()), "clause") + " (" +
           FirstNames(clauses) + ")";
  if (!tests.empty())
    return Counted(static_cast<std::int64_t>(tests.size()), "test") + " (" + FirstNames(tests) +
           ")";
  return "";
}

// Worse than PASS: red, or against our reading of an open question, which the baseline follows.
bool IsWorse(Verdict verdict) {
  return (IsRed(verdict) && !IsGood(verdict)) || verdict == Verdict::kDisputed;
}

std::string FirstOfStanding(const Run& run, const char* standing) {
  std::vector<std::string> names;
  for (const TestRecord& t : run.tests) {
    if (IsWorse(t.verdict) && t.standing == standing) names.push_back(t.name);
  }
  return FirstNames(names);
}

}  // namespace

const std::vector<std::string>& GateNames() {
  static const std::vector<std::string> names = {"findings", "regressions", "lost-coverage",
                                                 "any-difference", "nothing"};
  return names;
}

Gate GateOf(const std::vector<std::string>& names) {
  const auto has = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return {.findings = has("findings"),
          .regressions = has("regressions"),
          .lost_coverage = has("lost-coverage"),
          .any_difference = has("any-difference")};
}

void AddGateOptions(CLI::App& app, const char* standard, std::vector<std::string>& fail_on,
                    bool& bisect) {
  app.add_option("--fail-on", fail_on,
                 "What is red: " + Join(GateNames(), ", ") + "; default: " + standard)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...")
      ->check(CLI::IsMember(GateNames()));
  app.add_flag("--bisect", bisect,
               "Exit status for `git bisect run`: 0, 1, or 125 where nothing was decided");
}

void AddJudgingOptions(CLI::App& app, JudgingOptions& options) {
  app.add_option("--expect", options.expect,
                 "File of expectations, in addition to the shipped ones")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_flag("--no-default-expectations", options.no_default_expectations,
               "Report known deviations as plain FAIL");
  app.add_option("--baseline", options.baseline,
                 "Earlier results.json: what got worse or is no longer judged is red")
      ->type_name("FILE");
  app.add_option("--require", options.require,
                 "Red unless judged: all, a suite, an interface, clause:PATTERN")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  AddGateOptions(app, "findings; with --baseline: regressions,lost-coverage", options.fail_on,
                 options.bisect);
}

bool SameKind(const Run& a, const Run& b) {
  const Facts x = FactsOf(a.environment), y = FactsOf(b.environment);
  return x.os == y.os && x.arch == y.arch && x.bits == y.bits && x.libc == y.libc &&
         x.emulator == y.emulator;
}

bool IsFinding(const TestRecord& test) {
  return test.verdict == Verdict::kFail || test.verdict == Verdict::kFlaky ||
         (test.verdict == Verdict::kUnresolved && !test.surroundings && !test.expectation);
}

std::vector<ClauseRecord> CatalogueOf(const Run& run) {
  if (run.clauses.empty()) {
    std::set<std::string> suites;
    for (const TestRecord& test : run.tests) suites.insert(test.suite);
    if (suites.empty()) return {};
    return CatalogueClauses({suites.begin(), suites.end()});
  }
  std::vector<ClauseRecord> catalogue = run.clauses;
  if (!catalogue.front().kind.empty()) {
    for (ClauseRecord& clause : catalogue) WithoutVerdict(clause);
    return catalogue;
  }
  // Only the ids came with the results (WithoutResults() of reports/results/json.h).
  const auto selected = Index(run.clauses);
  catalogue = CatalogueClauses();
  std::erase_if(catalogue, [&](const ClauseRecord& c) { return selected.count(c.id) == 0; });
  return catalogue;
}

Result<Judge> Judge::Load(const JudgingOptions& options) {
  Judge judge;
  judge.options_ = options;
  const bool anew = !options.expect.empty() || options.no_default_expectations;
  if (anew) judge.options_.keep_expectations = false;
  Result<void> read;
  if (!options.no_default_expectations) read = DefaultExpectations(&judge.expectations_);
  for (std::size_t i = 0; read && i < options.expect.size(); ++i)
    read = ReadExpectations(options.expect[i], &judge.expectations_);
  if (!read) return Error{read.error()};
  if (!options.baseline.empty()) {
    auto baseline = ReadRun(options.baseline);
    if (!baseline) return Error{baseline.error()};
    judge.baseline_ = std::move(*baseline);
  }
  judge.gate_ = GateOf(options.fail_on);
  if (options.fail_on.empty()) {
    (judge.baseline_ ? judge.gate_.regressions : judge.gate_.findings) = true;
    judge.gate_.lost_coverage = judge.baseline_.has_value();
  }
  const bool compares =
      judge.gate_.regressions || judge.gate_.lost_coverage || judge.gate_.any_difference;
  if (compares && !judge.baseline_)
    return Error{"--fail-on " + Join(options.fail_on, ",") + " needs --baseline"};
  const auto catalogue = CatalogueClauses();
  for (const std::string& word : options.require) {
    const bool known = std::any_of(catalogue.begin(), catalogue.end(),
                                   [&](const ClauseRecord& c) { return Selects(word, c); });
    if (!known)
      return Error{"--require: '" + word +
                   "' is neither all, a suite, an interface nor clause:PATTERN"};
  }
  if (!options.detection.empty()) {
    auto text = ReadFile(options.detection);
    if (!text) return Error{text.error()};
    Run trial;
    if (const auto folded = FoldDetection(*text, &trial); !folded)
      return Error{options.detection + ": " + folded.error() +
                   "; remove it, or run `ipcsuite detect` again"};
    judge.detection_ = std::move(*text);
  }
  return judge;
}

Run Judge::Apply(Run run, std::vector<ClauseRecord> catalogue) const {
  const bool judged = !run.summary.sentence.empty();  // not so: the lines of a run that broke off
  if (!options_.keep_expectations || !judged) {
    Unapply(&run.tests);
    const bool whole = !run.filtered && run.shard.empty() && run.interrupted.empty();
    report::Apply(expectations_, FactsOf(run.environment), {.today = "", .whole = whole},
                  &run.tests);
  }
  Finish(std::move(catalogue), run);
  if (!detection_.empty()) (void)FoldDetection(detection_, &run);
  run.lost.clear();
  for (TestRecord& test : run.tests) {
    const bool finding = IsRed(test.verdict) || test.verdict == Verdict::kUnresolved;
    const bool known = test.verdict == Verdict::kXfail ||
                       (test.verdict == Verdict::kUnresolved && test.expectation);
    test.standing = known ? "known" : finding ? "new" : "";
  }
  if (baseline_) CompareWithBaseline(run);
  Require(run);
  run.causes = CausesOf(run.tests);
  run.summary.exit_status = Status(run);
  return run;
}

void Judge::CompareWithBaseline(Run& run) const {
  const auto old = Index(baseline_->tests);
  int known = 0, added = 0, fixed = 0, regressions = 0;
  for (TestRecord& test : run.tests) {
    const auto found = old.find(test.name);
    if (found == old.end()) {
      added += IsFinding(test);
      continue;
    }
    const TestRecord& before = *found->second;
    if (IsWorse(test.verdict) && IsGood(before.verdict)) {
      test.standing = "new";
      ++regressions;
    } else if (IsRed(test.verdict) && !IsGood(test.verdict)) {
      test.standing = "known";
    } else if (IsJudged(before.verdict) && !IsJudged(test.verdict)) {
      test.standing = "lost";
      run.lost.push_back({.clause = "",
                          .test = test.name,
                          .before = Code(before.verdict),
                          .now = Code(test.verdict),
                          .reason = test.reason});
    } else if (test.verdict == Verdict::kUnresolved) {
      test.standing = "known";
    }
    known += test.standing == "known" && IsFinding(test);
    fixed += IsFinding(before) && IsGood(test.verdict);
  }
  const auto now = Index(run.tests);
  for (const TestRecord& before : baseline_->tests) {
    if (run.filtered || !run.shard.empty() || now.count(before.name) != 0) continue;
    if (IsJudged(before.verdict))
      run.lost.push_back({"", before.name, Code(before.verdict), kAbsent, ""});
  }
  const auto clauses = Index(run.clauses);
  for (const ClauseRecord& before : baseline_->clauses) {
    const auto found = clauses.find(before.id);
    const bool here = found != clauses.end();
    const bool partial = run.filtered || !run.shard.empty();
    if (!IsJudged(before.verdict) || (here && IsJudged(found->second->verdict))) continue;
    if (partial && (!here || found->second->tests.empty())) continue;
    run.lost.push_back({before.id, "", Code(before.verdict),
                        here ? Code(found->second->verdict) : kAbsent,
                        here ? found->second->reason : ""});
  }
  std::string text = regressions == 0 ? "No regression"
                                      : Counted(regressions, "regression") + " (" +
                                            FirstOfStanding(run, "new") + ")";
  if (!run.lost.empty())
    text = "Coverage lost: " + LostText(run.lost, false) + " no longer judged; " +
           (regressions == 0 ? "no regression" : text);
  text += " against the baseline " + baseline_->label + " of " + baseline_->started;
  if (known > 0) text += "; " + Counted(known, "finding") + " that it had not passed either";
  if (added > 0) text += "; " + Counted(added, "finding") + " of tests that it does not have";
  if (fixed > 0) text += "; " + Counted(fixed, "finding") + " of it gone";
  run.summary.sentence = text + ". " + run.summary.sentence;
}

void Judge::Require(Run& run) const {
  if (options_.require.empty()) return;
  const auto clauses = Index(run.clauses);
  const bool partial = run.filtered || !run.shard.empty();
  for (const ClauseRecord& clause : CatalogueClauses()) {
    const bool wanted = std::any_of(options_.require.begin(), options_.require.end(),
                                    [&](const std::string& word) { return Selects(word, clause); });
    if (!wanted || !clause.untestable.empty()) continue;
    const auto found = clauses.find(clause.id);
    if (found != clauses.end() &&
        (Satisfies(*found->second) || (found->second->tests.empty() && !partial)))
      continue;
    const bool here = found != clauses.end();
    run.lost.push_back({clause.id, "", kRequired, here ? Code(found->second->verdict) : kAbsent,
                        here ? found->second->reason : "not in this run"});
  }
  const std::string missing = LostText(run.lost, true);
  if (!missing.empty())
    run.summary.sentence =
        "Required verdicts are missing: " + missing + ". " + run.summary.sentence;
}

int Judge::Status(const Run& run) const {
  const int plain = run.summary.exit_status;  // of Summarize(): findings, or verdicts missing
  const auto any = [&](auto&& holds) {
    return std::any_of(run.tests.begin(), run.tests.end(), holds);
  };
  const bool nothing = std::find(options_.fail_on.begin(), options_.fail_on.end(), "nothing") !=
                       options_.fail_on.end();
  if (nothing) return 0;
  if (gate_.findings && plain == 1) return 1;
  static const std::vector<TestRecord> kNone;
  const auto old = Index(baseline_ ? baseline_->tests : kNone);
  if (gate_.regressions && any([&](const TestRecord& t) {
        return t.standing == "new" && IsWorse(t.verdict) && old.count(t.name) != 0;
      }))
    return 1;
  if (gate_.any_difference) {
    const bool differs = old.size() != run.tests.size() || any([&](const TestRecord& t) {
                           const auto found = old.find(t.name);
                           return found == old.end() || found->second->verdict != t.verdict;
                         });
    if (differs) return 1;
  }
  const bool required = std::any_of(run.lost.begin(), run.lost.end(),
                                    [](const LostVerdict& l) { return l.before == kRequired; });
  if (required || (gate_.lost_coverage && !run.lost.empty())) return 3;
  if (IsEmptyShard(run)) return 0;
  const bool judged = any([](const TestRecord& t) { return IsJudged(t.verdict); });
  if (!judged || !run.interrupted.empty()) return 3;
  return gate_.findings ? plain : 0;
}

bool Judge::Expects(const TestRecord& test,
                    const std::vector<EnvironmentSection>& environment) const {
  std::vector<TestRecord> one = {test};
  report::Apply(expectations_, FactsOf(environment), {.today = "", .whole = false}, &one);
  return one[0].verdict == Verdict::kXfail ||
         (one[0].verdict == Verdict::kUnresolved && one[0].expectation);
}

int BisectStatus(int status) { return status >= 2 ? 125 : status; }

int Judge::ExitStatus(const Run& run) const {
  return options_.bisect ? BisectStatus(run.summary.exit_status) : run.summary.exit_status;
}

}  // namespace ipcsuite::report
