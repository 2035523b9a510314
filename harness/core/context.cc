#include "harness/core/context.h"

#include <cstdio>
#include <cstring>

namespace ipcsuite {
namespace {

RunHeader* g_run = nullptr;
Slot* g_slot = nullptr;
thread_local Actor* t_actor = nullptr;
thread_local std::string_view t_clause;

void Note(Slot* slot, report::Verdict verdict, const std::string& reason) {
  if (!slot) return;
  std::uint32_t none = 0;
  // The first reason is the cause; later ones follow from it.
  if (slot->outcome.compare_exchange_strong(none, static_cast<std::uint32_t>(verdict) + 1)) {
    std::snprintf(slot->reason, sizeof slot->reason, "%s", reason.c_str());
  }
}

}  // namespace

Slot* CurrentSlot() { return g_slot; }
Actor* CurrentActor() { return t_actor; }
RunHeader* CurrentRun() { return g_run; }
void SetCurrentRun(RunHeader* header) { g_run = header; }
void SetCurrentSlot(Slot* slot) { g_slot = slot; }
void SetCurrentActor(Actor* actor) { t_actor = actor; }

int JudgedIssue() { return g_run ? g_run->issue : 8; }
std::uint64_t TestSeed() { return g_slot ? g_slot->seed : 1; }

void Unsupported(const std::string& reason) {
  Note(g_slot, report::Verdict::kUnsupported, reason);
  throw TestAbort();
}

void Unresolved(const std::string& reason) {
  Note(g_slot, report::Verdict::kUnresolved, reason);
  throw TestAbort();
}

void Untested(const std::string& reason) {
  Note(g_slot, report::Verdict::kUntested, reason);
  throw TestAbort();
}

const CallResult& Setup(const CallResult& result) {
  NoteRequirement(result.trace, {.what = Requirement::kSetup, .held = result.ok()});
  if (result.failed_with(ENOSYS)) Unsupported("absent here: " + Describe(result));
  if (!result.ok()) Unresolved("set-up failed: " + Describe(result));
  return result;
}

ForClause::ForClause(ClauseRef clause) : outer_(t_clause) { t_clause = clause.id; }
ForClause::~ForClause() { t_clause = outer_; }
std::string_view ScopedClause() { return t_clause; }

void Observe(ClauseRef clause, std::string_view key, std::string_view value) {
  if (!g_slot) return;
  if (!IsRequirement(Get(clause).kind)) NoteChecksOf(clause);
  g_slot->Append(LogKind::kObservation, {clause.id, key, value});
}

void Observe(ClauseRef clause, std::string_view key, std::int64_t value) {
  Observe(clause, key, std::string_view(std::to_string(value)));
}

void Observe(ClauseRef clause, std::string_view key, const CallResult& result) {
  NoteRequirement(result.trace, {.what = Requirement::kOpen, .held = true});
  std::string text;
  if (!result.returned()) {
    text = Describe(result);
  } else {
    text = result.failed ? ErrnoName(result.error) : "success";
  }
  Observe(clause, key, std::string_view(text));
}

void ObserveFact(std::string_view key, std::string_view value) {
  if (g_slot) g_slot->Append(LogKind::kObservation, {"", key, value});
}

void RecordMetric(std::string_view name, double value, const std::vector<double>& samples) {
  if (!g_slot) return;
  const auto text = [](double number) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%.17g", number);
    return std::string(buffer);
  };
  std::vector<std::string> texts{std::string(name), text(value)};
  for (double sample : samples) texts.push_back(text(sample));
  g_slot->Append(LogKind::kMetric, std::vector<std::string_view>(texts.begin(), texts.end()));
}

void Evidence(std::string_view text) {
  if (g_slot) g_slot->Append(LogKind::kEvidence, {text});
}

void Attach(std::string_view kind, std::string_view title, std::string_view content) {
  if (g_slot) g_slot->Append(LogKind::kAttachment, {kind, title, content});
}

void NoteChecks(unsigned count) {
  if (!g_slot) return;
  g_slot->checks.fetch_add(count, std::memory_order_relaxed);
  if (!t_clause.empty()) g_slot->CountChecks(t_clause, count);
}

void NoteChecksOf(ClauseRef clause, unsigned count) {
  const ForClause scope(clause);
  NoteChecks(count);
}

void NoteChecksOfAll(unsigned count) {
  if (!g_slot) return;
  g_slot->checks.fetch_add(count, std::memory_order_relaxed);
  g_slot->joint_checks.fetch_add(count, std::memory_order_relaxed);
}

void RecordFailure(std::string_view clause, std::string_view file, int line,
                   std::string_view expected, std::string_view observed, std::string_view message) {
  if (!g_slot) return;
  g_slot->failures.fetch_add(1);
  g_slot->Append(LogKind::kFailure,
                 {clause, file, std::to_string(line), expected, observed, message});
}

}  // namespace ipcsuite
