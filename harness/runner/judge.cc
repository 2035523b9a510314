// From what a test left in its slot, and how its process ended, to its record.
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "harness/peers/probe.h"
#include "harness/runner/runner.h"

namespace ipcsuite::internal {
namespace {

using report::TestRecord;
using report::Verdict;

void ReadLogInto(const Slot& slot, TestRecord& record) {
  for (const LogRecord& entry : slot.ReadLog()) {
    const auto field = [&](std::size_t i) {
      return i < entry.fields.size() ? entry.fields[i] : std::string();
    };
    switch (entry.kind) {
      case LogKind::kFailure:
        record.failures.push_back(
            {field(0), field(1), std::atoi(field(2).c_str()), field(3), field(4), field(5)});
        break;
      case LogKind::kObservation:
        record.observations.push_back({field(0), field(1), field(2)});
        break;
      case LogKind::kMetric: {
        report::Metric metric{field(0), std::atof(field(1).c_str()), {}};
        for (std::size_t i = 2; i < entry.fields.size(); ++i)
          metric.samples.push_back(std::atof(field(i).c_str()));
        record.metrics.push_back(std::move(metric));
        break;
      }
      case LogKind::kEvidence: record.evidence.push_back(field(0)); break;
      case LogKind::kAttachment:
        record.attachments.push_back({field(0), field(1), field(2)});
        break;
    }
  }
  if (slot.log_lost.load() > 0) {
    record.evidence.push_back(std::to_string(slot.log_lost.load()) +
                              " further entries did not fit and are lost");
  }
}

// The text of the call that the test's main thread was in; empty when in none.
std::string MainCall(const Slot& slot) {
  const Actor& main = slot.actors[0];
  return main.state.load() == Actor::kIssued && main.text ? main.text : "";
}

void JudgeAbnormalEnd(const Slot& slot, const Ending& ending, TestRecord& record) {
  const std::string call = MainCall(slot);
  const std::string where = call.empty() ? "" : " in " + call;
  record.evidence.insert(record.evidence.end(), ending.states.begin(), ending.states.end());
  if (ending.hung) {
    record.verdict = ending.hung_in_call ? Verdict::kFail : Verdict::kUnresolved;
    record.reason = "timed out" + where + "; killed by the watchdog";
  } else if (WIFSIGNALED(ending.wait_status)) {
    const int signal = WTERMSIG(ending.wait_status);
    // SIGKILL comes from outside (out of memory, an operator), SIGSYS from a sandbox.
    const bool outside = signal == SIGKILL || signal == SIGSYS;
    record.verdict = outside ? Verdict::kUnresolved : Verdict::kFail;
    record.reason = "killed by " + SignalName(signal) + where;
    if (signal == SIGSYS) record.reason += ": a sandbox forbids a system call";
    if (signal == SIGKILL) record.reason += ": out of memory, or killed from outside";
  } else {
    record.verdict = Verdict::kUnresolved;
    record.reason = "exited with " + std::to_string(WEXITSTATUS(ending.wait_status)) +
                    " before the end of the test" + where;
  }
}

// Whether all that is violated is a clause whose wording is an open question.
bool OnlyOpenQuestions(const TestRecord& record, const TestEntry& test) {
  const auto open = [](std::string_view id) {
    const Clause* clause = Find(id);
    return clause && clause->open_question();
  };
  const auto& claims = test.meta->clauses;
  const bool all_claims =
      !claims.empty() && std::ranges::all_of(claims, open, [](ClauseRef c) { return c.id; });
  // Without a failure the test hung.
  if (record.failures.empty()) return all_claims;
  return std::ranges::all_of(record.failures, [&](const report::Failure& failure) {
    return failure.clause.empty() ? all_claims && failure.line != 0 : open(failure.clause);
  });
}

// Checks outside of every scope are for the subject, the first clause that the test claims.
void CountChecks(const Slot& slot, const TestEntry& test, TestRecord& record) {
  if (test.meta->clauses.size() < 2) return;
  std::uint32_t unscoped = slot.checks.load() - slot.joint_checks.load();
  for (const ClauseChecks& scoped : slot.clause_checks) unscoped -= scoped.checks.load();
  for (const ClauseRef clause : test.meta->clauses) {
    const std::uint32_t checks = slot.ChecksOf(clause.id) + slot.joint_checks.load() + unscoped;
    record.checks.push_back({std::string(clause.id), static_cast<int>(checks)});
    unscoped = 0;
  }
}

bool OnlyOpenKinds(const TestEntry& test) {
  if (test.meta->clauses.empty()) return false;
  for (ClauseRef clause : test.meta->clauses) {
    if (IsRequirement(Get(clause).kind)) return false;
  }
  return true;
}

}  // namespace

TestRecord Blank(const TestEntry& test) {
  TestRecord record;
  record.name = test.name;
  record.suite = test.meta->suite;
  record.file = test.meta->file;
  record.line = test.meta->line;
  for (ClauseRef clause : test.meta->clauses) record.clauses.emplace_back(clause.id);
  for (RegressionRef regression : test.meta->regressions)
    record.regressions.emplace_back(regression.id);
  return record;
}

TestRecord Judge(Slot& slot, const TestEntry& test, const Ending& ending) {
  TestRecord record = Blank(test);
  ReadLogInto(slot, record);
  record.seed = slot.seed;
  if (slot.heuristic.load() > 0) record.confidence = "heuristic";
  if (ending.leaked_process) {
    record.failures.push_back({"", "", 0, "no process left behind", "a process was left behind",
                               "the test leaked a process"});
  }
  const std::uint32_t outcome = slot.outcome.load();
  const bool finished = slot.phase.load() == Slot::kFinished && !ending.hung;
  record.reason = slot.reason;
  if (!finished) {
    JudgeAbnormalEnd(slot, ending, record);
    if (!record.failures.empty()) record.verdict = Verdict::kFail;
  } else if (!record.failures.empty()) {
    record.verdict = Verdict::kFail;
    record.reason.clear();
  } else if (outcome != 0) {
    record.verdict = static_cast<Verdict>(outcome - 1);
  } else if (slot.checks.load() == 0) {
    record.verdict = Verdict::kUntested;
    record.reason = "nothing was checked";
  } else {
    record.verdict = OnlyOpenKinds(test) ? Verdict::kObserved : Verdict::kPass;
  }
  const bool crashed = !finished && !ending.hung;
  if (record.verdict == Verdict::kFail && !crashed && OnlyOpenQuestions(record, test)) {
    record.verdict = Verdict::kDisputed;
  }
  CountChecks(slot, test, record);
  if (record.verdict == Verdict::kFail || record.verdict == Verdict::kDisputed) {
    constexpr std::size_t kSteps = 30;
    for (const std::string& step : DescribeTrace(slot.trace, kSteps))
      record.evidence.push_back("step: " + step);
  }
  record.passes = IsRedOrUnresolved(record.verdict) ? 0 : 1;
  return record;
}

bool IsRedOrUnresolved(Verdict verdict) {
  return report::IsRed(verdict) || verdict == Verdict::kUnresolved;
}

void MergeAttempt(TestRecord& into, TestRecord&& attempt) {
  const int attempts = into.attempts + attempt.attempts;
  const int passes = into.passes + attempt.passes;
  const bool disagree = into.verdict != attempt.verdict;
  const bool worse = IsRedOrUnresolved(attempt.verdict) && !IsRedOrUnresolved(into.verdict);
  const bool was_flaky = into.verdict == Verdict::kFlaky;
  const bool open_question =
      !worse && !IsRedOrUnresolved(into.verdict) &&
      (into.verdict == Verdict::kDisputed || attempt.verdict == Verdict::kDisputed);
  if (worse) into = std::move(attempt);  // its evidence is worth keeping
  if (open_question) {
    if (attempt.verdict == Verdict::kDisputed) into = std::move(attempt);
    into.attempts = attempts;
    into.passes = passes;
    return;
  }
  into.attempts = attempts;
  into.passes = passes;
  if (was_flaky || disagree) {
    into.verdict = Verdict::kFlaky;
    into.reason = std::to_string(passes) + " of " + std::to_string(attempts) + " attempts passed" +
                  (into.reason.empty() || was_flaky ? "" : "; " + into.reason);
  }
}

std::vector<std::string> DescribeProcesses(Slot& slot, int process_group) {
  std::vector<std::string> lines;
  const int actors = std::min<int>(slot.actors_used.load(), Slot::kActorsMax);
  for (int i = 0; i < actors; ++i) {
    const Actor& actor = slot.actors[i];
    const int pid = actor.pid.load(), tid = actor.tid.load();
    if (pid == 0 || actor.ended.load() != 0) continue;
    const os::ThreadState state = os::ReadThreadState(pid, tid);
    std::string line = (i == 0 ? "test" : "peer " + std::to_string(i)) + " pid " +
                       std::to_string(pid) + " tid " + std::to_string(tid) + ": state " +
                       state.state + ", syscall " + state.raw.substr(0, state.raw.find('\n'));
    if (actor.text && *actor.text) {
      line += actor.state.load() == Actor::kIssued ? ", in " : ", after ";
      line += actor.text;
    }
    lines.push_back(line);
  }
  lines.push_back("process group " + std::to_string(process_group));
  return lines;
}

}  // namespace ipcsuite::internal
