#include "reports/verdicts/aggregate.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <unordered_map>

namespace ipcsuite::report {
namespace {

// What one test says about one clause that it claims.
struct Opinion {
  Verdict verdict = Verdict::kUntested;
  std::string reason;
};

bool ChargedTo(const TestRecord& test, const std::string& clause) {
  return std::any_of(test.failures.begin(), test.failures.end(),
                     [&](const Failure& f) { return f.clause.empty() || f.clause == clause; });
}

bool Checked(const TestRecord& test, const std::string& clause) {
  if (test.checks.empty()) return true;
  return std::any_of(test.checks.begin(), test.checks.end(),
                     [&](const ClauseChecks& c) { return c.clause == clause && c.checks > 0; });
}

Opinion OpinionOf(const TestRecord& test, const std::string& clause) {
  const bool violated = test.verdict == Verdict::kFail || test.verdict == Verdict::kXfail ||
                        test.verdict == Verdict::kFlaky || test.verdict == Verdict::kDisputed;
  if (violated && !test.failures.empty() && !ChargedTo(test, clause)) {
    return {Verdict::kUntested, "not decided: " + test.name + " failed on another clause"};
  }
  const bool passed = test.verdict == Verdict::kPass || test.verdict == Verdict::kObserved;
  if (passed && !Checked(test, clause)) {
    return {Verdict::kUntested, "not decided: " + test.name + " made no check of it here"};
  }
  if (!test.reason.empty()) return {test.verdict, test.reason};
  if (violated && !test.failures.empty()) {
    for (const Failure& f : test.failures) {
      if (f.clause == clause || f.clause.empty()) {
        return {test.verdict, "expected " + f.expected + "; observed " + f.observed};
      }
    }
  }
  return {test.verdict, ""};
}

bool IsOpenQuestion(const ClauseRecord& clause) {
  return !clause.readings.empty() || clause.text == "unread";
}

void Add(const TestRecord& test, ClauseRecord& clause) {
  clause.tests.push_back(test.name);
  Opinion opinion = OpinionOf(test, clause.id);
  if (opinion.verdict == Verdict::kFail && IsOpenQuestion(clause)) {
    opinion.verdict = Verdict::kDisputed;
  }
  const Verdict merged = Merge(clause.verdict, opinion.verdict);
  const bool decides = clause.tests.size() == 1 || merged != clause.verdict;
  if (decides) {
    clause.reason = opinion.reason;
    clause.confidence = test.confidence;
  } else if (merged == opinion.verdict && test.confidence == "certain") {
    clause.confidence = "certain";  // one test that is certain of this verdict is enough
  }
  clause.verdict = merged;
  for (const Observation& seen : test.observations) {
    const bool here = seen.clause == clause.id || (seen.clause.empty() && test.clauses.size() == 1);
    if (!here) continue;
    const bool known = std::any_of(
        clause.observations.begin(), clause.observations.end(),
        [&](const Observation& o) { return o.key == seen.key && o.value == seen.value; });
    if (!known) clause.observations.push_back({clause.id, seen.key, seen.value});
  }
}

void Settle(ClauseRecord& clause, int issue) {
  const bool open = IsOpenKind(clause.kind);
  if (!clause.tests.empty()) {
    clause.disposition = open ? "observed" : "tested";
  } else {
    clause.disposition = clause.untestable.empty() ? "untested" : "untestable";
    if (clause.reason.empty()) clause.reason = clause.untestable;
  }
  const int bit = issue == 7 ? 1 : 2;
  if ((clause.issues & bit) == 0) {
    clause.verdict = Verdict::kNotInUse;
    clause.reason = "not a clause of " + IssueName(issue);
    return;
  }
  if (clause.verdict == Verdict::kObserved && !open) {
    clause.verdict = Verdict::kUntested;
    clause.reason = "values were recorded, but no check decided this requirement";
  }
  if (clause.verdict == Verdict::kPass && open && !clause.observations.empty()) {
    clause.verdict = Verdict::kObserved;
  }
}

std::string Count(int n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

int At(const int (&counts)[kVerdictCount], Verdict v) { return counts[static_cast<int>(v)]; }

std::string FirstViolated(const std::vector<ClauseRecord>& clauses) {
  std::string text;
  int shown = 0, total = 0;
  for (const ClauseRecord& c : clauses) {
    if (c.verdict != Verdict::kFail) continue;
    ++total;
    if (shown == 3) continue;
    text += (shown++ > 0 ? ", " : "") + c.id;
  }
  if (total > shown) text += " and " + std::to_string(total - shown) + " more";
  return text;
}

struct Unresolved {
  int platform = 0, surroundings = 0;
};

Unresolved CountUnresolved(const std::vector<TestRecord>& tests) {
  Unresolved count;
  for (const TestRecord& t : tests) {
    if (t.verdict != Verdict::kUnresolved || t.expectation) continue;
    ++(t.surroundings ? count.surroundings : count.platform);
  }
  return count;
}

std::string Findings(const Run& run, const Summary& s, const Unresolved& unresolved) {
  std::vector<std::string> parts;
  const int violated = At(s.clauses, Verdict::kFail);
  const int failed = At(s.tests, Verdict::kFail);
  if (violated > 0) {
    parts.push_back(Count(violated, "clause", "clauses") + " of " + IssueName(run.issue) +
                    (violated == 1 ? " is" : " are") + " violated (" + FirstViolated(run.clauses) +
                    ")");
  } else if (failed > 0) {
    parts.push_back(Count(failed, "test", "tests") + " failed");
  }
  if (const int n = At(s.tests, Verdict::kFlaky)) {
    parts.push_back(Count(n, "test is", "tests are") + " FLAKY");
  }
  if (const int n = At(s.tests, Verdict::kXpass)) {
    parts.push_back(Count(n, "expected failure", "expected failures") +
                    " passed (XPASS: the expectation is out of date)");
  }
  if (unresolved.platform > 0) {
    parts.push_back(Count(unresolved.platform, "test", "tests") +
                    " could not be decided (UNRESOLVED)");
  }
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

// The standard as far as somebody read it for this catalogue; other clauses rest on what is known
// of the issue from elsewhere.
std::string IssueAsRead(const Run& run) {
  const int bit = run.issue == 7 ? 1 : 2;
  int in_use = 0, read = 0;
  for (const ClauseRecord& c : run.clauses) {
    if (c.verdict == Verdict::kNotInUse) continue;
    ++in_use;
    if ((c.issues_read & bit) != 0) ++read;
  }
  if (in_use == 0) return IssueName(run.issue);
  return IssueName(run.issue) + " as far as its text was read: " + std::to_string(read) + " of " +
         Count(in_use, "clause", "clauses");
}

std::string Sentence(const Run& run, const Summary& s, const Unresolved& unresolved) {
  const int judged = At(s.clauses, Verdict::kPass) + At(s.clauses, Verdict::kObserved) +
                     At(s.clauses, Verdict::kFail) + At(s.clauses, Verdict::kXfail) +
                     At(s.clauses, Verdict::kXpass) + At(s.clauses, Verdict::kFlaky) +
                     At(s.clauses, Verdict::kDisputed);
  const int tests_judged = judged > 0
                               ? 0
                               : At(s.tests, Verdict::kPass) + At(s.tests, Verdict::kObserved) +
                                     At(s.tests, Verdict::kXfail);
  const std::string findings = Findings(run, s, unresolved);
  std::string text;
  if (!run.interrupted.empty()) text = "INCOMPLETE (" + run.interrupted + "): ";
  if (!findings.empty()) {
    const bool violates = At(s.tests, Verdict::kFail) + At(s.clauses, Verdict::kFail) > 0;
    text += (violates ? "Does not conform: " : "Findings: ") + findings;
  } else if (IsEmptyShard(run)) {
    text += "Shard " + run.shard + " holds no test";
  } else if (run.tests.empty()) {
    text += "No test ran";
  } else if (judged == 0 && tests_judged == 0) {
    text += "Nothing was judged: no test of " + std::to_string(run.tests.size()) +
            " had something to observe here";
  } else if (!run.interrupted.empty()) {
    text += "no violation was seen in what ran";
  } else if (At(s.tests, Verdict::kXfail) > 0) {
    text += "Deviates only as expected from " + IssueAsRead(run);
  } else {
    text += "Conforms in all that was tested to " + IssueAsRead(run);
  }
  if (judged > 0) {
    const int in_use = static_cast<int>(run.clauses.size()) - At(s.clauses, Verdict::kNotInUse);
    text += "; " + std::to_string(judged) + " of " + Count(in_use, "clause", "clauses") + " judged";
  }
  if (const int n = At(s.clauses, Verdict::kXfail)) {
    text += "; " + Count(n, "clause is", "clauses are") + " violated for known reasons (XFAIL)";
  } else if (const int tests = At(s.tests, Verdict::kXfail)) {
    text += "; " + Count(tests, "test fails", "tests fail") + " for known reasons (XFAIL)";
  }
  if (const int n = At(s.clauses, Verdict::kDisputed)) {
    text += "; " + Count(n, "clause differs", "clauses differ") +
            " from our reading of an open question (DISPUTED)";
  }
  const auto heuristic = std::ranges::count_if(
      run.tests, [](const TestRecord& t) { return t.confidence == "heuristic"; });
  if (heuristic > 0) {
    text += "; " + std::to_string(heuristic) + " of " +
            Count(static_cast<int>(run.tests.size()), "test rests", "tests rest") +
            " on a settle time or a state alone where blocking could not be shown (heuristic)";
  }
  if (unresolved.surroundings > 0) {
    text += "; " + Count(unresolved.surroundings, "test was", "tests were") +
            " stopped by the surroundings, which is not counted as a finding";
  }
  return text + ".";
}

// "shard 2/3 is missing"; "" if none is, or if the runs are no shards.
Result<std::string> MissingShards(const std::vector<Run>& runs) {
  std::set<std::string> present;
  std::string total;
  for (const Run& run : runs) {
    if (run.shard.empty()) continue;
    const std::string of = run.shard.substr(run.shard.find('/') + 1);
    if (!total.empty() && of != total)
      return Error{"cannot merge: shards of " + total + " and of " + of + " are not of one run"};
    total = of;
    present.insert(run.shard);
  }
  std::string missing;
  constexpr int kMost = 100'000;  // of a file that somebody else wrote
  const int count = std::min(std::atoi(total.c_str()), kMost);
  for (int i = 0; i < count; ++i) {
    const std::string shard = std::to_string(i) + "/" + total;
    if (present.count(shard) == 0) missing += (missing.empty() ? "shard " : ", ") + shard;
  }
  return missing.empty() ? missing : missing + " missing";
}

}  // namespace

bool IsOpenKind(std::string_view kind) {
  return kind == "may-error" || kind == "should" || kind == "unspecified" ||
         kind == "implementation-defined";
}

std::string IssueName(int issue) {
  return issue == 7 ? "POSIX.1-2017 (Issue 7)" : "POSIX.1-2024 (Issue 8)";
}

std::vector<ClauseRecord> AggregateClauses(std::vector<ClauseRecord> catalogue,
                                           const std::vector<TestRecord>& tests, int issue) {
  std::unordered_map<std::string, ClauseRecord*> by_id;
  for (ClauseRecord& clause : catalogue) by_id.emplace(clause.id, &clause);
  for (const TestRecord& test : tests) {
    for (const std::string& id : test.clauses) {
      const auto found = by_id.find(id);
      if (found != by_id.end()) Add(test, *found->second);
    }
  }
  for (ClauseRecord& clause : catalogue) Settle(clause, issue);
  return catalogue;
}

Summary Summarize(const Run& run) {
  Summary summary;
  for (const TestRecord& t : run.tests) ++summary.tests[static_cast<int>(t.verdict)];
  for (const ClauseRecord& c : run.clauses) ++summary.clauses[static_cast<int>(c.verdict)];
  const Unresolved unresolved = CountUnresolved(run.tests);
  const bool red = std::any_of(run.tests.begin(), run.tests.end(),
                               [](const TestRecord& t) { return IsRed(t.verdict); });
  const bool judged = std::any_of(run.tests.begin(), run.tests.end(),
                                  [](const TestRecord& t) { return IsJudged(t.verdict); });
  if (red) {
    summary.exit_status = 1;
  } else if (unresolved.platform > 0 || !run.interrupted.empty() ||
             (!judged && !IsEmptyShard(run))) {
    summary.exit_status = 3;
  }
  summary.sentence = Sentence(run, summary, unresolved);
  return summary;
}

void Finish(std::vector<ClauseRecord> catalogue, Run& run) {
  run.clauses = AggregateClauses(std::move(catalogue), run.tests, run.issue);
  run.summary = Summarize(run);
}

bool IsEmptyShard(const Run& run) {
  return run.tests.empty() && !run.shard.empty() && run.interrupted.empty();
}

void WithoutVerdict(ClauseRecord& clause) {
  clause.verdict = Verdict::kUntested;
  clause.reason.clear();
  clause.tests.clear();
  clause.observations.clear();
  clause.confidence = "certain";
}

Result<Run> MergeRuns(const std::vector<Run>& runs) {
  Run merged = runs.front();
  std::set<std::string> names;
  for (const TestRecord& t : merged.tests) names.insert(t.name);
  std::map<std::string, ClauseRecord> clauses;
  for (const ClauseRecord& c : merged.clauses) clauses.emplace(c.id, c);
  std::vector<std::string> order;
  for (const ClauseRecord& c : merged.clauses) order.push_back(c.id);
  for (std::size_t i = 1; i < runs.size(); ++i) {
    const Run& run = runs[i];
    if (run.issue != merged.issue) {
      return Error{"cannot merge: one run judges for issue " + std::to_string(merged.issue) +
                   ", another for issue " + std::to_string(run.issue)};
    }
    for (const TestRecord& t : run.tests) {
      if (!names.insert(t.name).second) {
        return Error{"cannot merge: both hold test " + t.name +
                     " (to set runs of different platforms side by side, use: ipcsuite compare)"};
      }
      merged.tests.push_back(t);
    }
    for (const ClauseRecord& c : run.clauses) {
      const auto [at, added] = clauses.emplace(c.id, c);
      if (added) order.push_back(c.id);
    }
    merged.duration_ns = std::max(merged.duration_ns, run.duration_ns);
    if (merged.started > run.started) merged.started = run.started;
    if (merged.interrupted.empty()) merged.interrupted = run.interrupted;
    if (merged.stress_json.empty()) merged.stress_json = run.stress_json;
    if (merged.detection_json.empty()) merged.detection_json = run.detection_json;
  }
  std::vector<ClauseRecord> catalogue;
  for (const std::string& id : order) {
    catalogue.push_back(clauses.at(id));
    WithoutVerdict(catalogue.back());
  }
  const auto missing = MissingShards(runs);
  if (!missing) return Error{missing.error()};
  merged.shard.clear();
  if (merged.interrupted.empty()) merged.interrupted = *missing;
  Finish(std::move(catalogue), merged);
  return merged;
}

}  // namespace ipcsuite::report
