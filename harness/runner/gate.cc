#include "harness/runner/gate.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/preamble.h"
#include "harness/core/context.h"
#include "harness/core/names.h"
#include "harness/core/patience.h"
#include "harness/test/suite_probe.h"

namespace ipcsuite::internal {

std::string Gate::AskProbe(const std::string& suite, Slot& slot) {
  const SuiteProbe probe = ProbeOf(suite);
  if (!probe) return "";
  slot.Reset();
  const pid_t child = fork();
  if (child == 0) {
    TidyTestProcess();
    alarm(static_cast<unsigned>(Scaled(10s) / 1s));
    SetCurrentSlot(&slot);
    std::string absence;
    try {
      absence = probe();
    } catch (const TestAbort&) {  // set-up failed: the tests say so one by one
    }
    SweepNames(slot);
    std::snprintf(slot.reason, sizeof slot.reason, "%s", absence.c_str());
    slot.phase.store(Slot::kFinished);
    _exit(0);
  }
  if (child > 0) waitpid(child, nullptr, 0);
  const std::string absence = child > 0 && slot.phase.load() == Slot::kFinished ? slot.reason : "";
  slot.Reset();
  return absence;
}

std::optional<report::TestRecord> Gate::Refuse(const TestEntry& test) {
  const TestMeta& meta = *test.meta;
  const auto bit = IssueBit(options_.issue);
  report::TestRecord record = Blank(test);
  record.passes = 1;
  const bool in_use = meta.clauses.empty() ||
                      std::any_of(meta.clauses.begin(), meta.clauses.end(), [&](ClauseRef clause) {
                        return (Get(clause).issues & bit) != 0;
                      });
  if (!in_use) {
    record.verdict = report::Verdict::kNotInUse;
    record.reason = "its clauses are not of Issue " + std::to_string(options_.issue);
    return record;
  }
  if (!meta.dangerous.empty() && !options_.allow_dangerous) {
    record.verdict = report::Verdict::kUntested;
    record.reason =
        "could bring the machine down: " + meta.dangerous + "; runs with --allow-dangerous";
    return record;
  }
  if (meta.promise) return std::nullopt;  // judges the absence itself
  record.reason = AbsenceFor(meta);
  if (record.reason.empty()) return std::nullopt;
  record.verdict = report::Verdict::kUnsupported;
  return record;
}

std::string Gate::AbsenceOf(const std::string& suite) {
  const auto [entry, fresh] = absence_.try_emplace(suite);
  if (fresh) entry->second = AskProbe(suite, arena_.slot(0));
  return entry->second;
}

// A property needs the interfaces of all clauses that it claims.
std::string Gate::AbsenceFor(const TestMeta& meta) {
  if (ProbeOf(meta.suite)) return AbsenceOf(meta.suite);
  for (const ClauseRef clause : meta.clauses) {
    const std::string why = AbsenceOf(std::string(SuiteOf(Get(clause))));
    if (!why.empty()) return why;
  }
  return "";
}

}  // namespace ipcsuite::internal
