#include "repro/checks.h"

#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "harness/core/call.h"
#include "harness/core/functions.h"
#include "harness/core/trace_words.h"
#include "repro/roles.h"
#include "repro/steps.h"

namespace ipcsuite::repro {
namespace {

using K = ParameterKind;

// How GoogleTest prints a side of a comparison: "ValueOf(sem) = 1", "'a' (97, 0x61)", "\"abc\"".
struct Side {
  std::optional<std::int64_t> number;
  std::optional<std::string> bytes;
};

Side Parse(std::string_view text) {
  text = text.substr(0, text.find("; "));
  if (const std::size_t equal = text.rfind(" = "); equal != text.npos)
    text.remove_prefix(equal + 3);
  Side side;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    side.bytes = std::string(text.substr(1, text.size() - 2));
    if (side.bytes->find('\\') != std::string::npos) side.bytes.reset();
    return side;
  }
  if (const std::size_t open = text.find('('); text.starts_with('\'') && open != text.npos)
    text.remove_prefix(open + 1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && (end == text.data() + text.size() || *end == ','))
    side.number = number;
  return side;
}

struct Field {
  std::string name;
  std::int64_t value;
};

// What a call stored, under the names that a reproducer gives it.
std::vector<Field> FieldsOf(const TraceEntry& entry) {
  std::vector<Field> fields;
  for (int i = 0; i < entry.word_count; ++i) {
    if (!(entry.written >> i & 1)) continue;
    switch (ShapeOf(entry.function).parameters[i].kind) {
      case K::kIntOut: fields.push_back({"number", Take<int>(entry, i)}); break;
      case K::kUnsignedOut: fields.push_back({"prio", Take<unsigned>(entry, i)}); break;
      case K::kAttributesOut: {
        const auto attr = Take<mq_attr>(entry, i);
        fields.push_back({"attr.mq_curmsgs", attr.mq_curmsgs});
        fields.push_back({"attr.mq_maxmsg", attr.mq_maxmsg});
        fields.push_back({"attr.mq_msgsize", attr.mq_msgsize});
        fields.push_back({"attr.mq_flags", attr.mq_flags});
        break;
      }
      case K::kStatOut: {
        const auto st = Take<struct stat>(entry, i);
        fields.push_back({"st.st_size", st.st_size});
        fields.push_back({"(st.st_mode & 07777)", st.st_mode & 07777});
        fields.push_back({"st.st_nlink", static_cast<std::int64_t>(st.st_nlink)});
        fields.push_back({"st.st_uid", st.st_uid});
        fields.push_back({"st.st_gid", st.st_gid});
        break;
      }
      case K::kInfoOut: {
        const auto info = Take<siginfo_t>(entry, i);
        fields.push_back({"info.si_signo", info.si_signo});
        fields.push_back({"info.si_code", info.si_code});
        fields.push_back({"info.si_value.sival_int", info.si_value.sival_int});
        break;
      }
      case K::kPolls:
        for (std::size_t at = 0; at < entry.size[i]; at += sizeof(pollfd)) {
          fields.push_back({"polls[" + std::to_string(at / sizeof(pollfd)) + "].revents",
                            Take<pollfd>(entry, i, at).revents});
        }
        break;
      case K::kBytesOut:
        if (entry.value == 1) fields.push_back({"buf[0]", Take<char>(entry, i)});
        break;
      default: break;
    }
  }
  if (entry.requirement.what == Requirement::kNone) {
    if (entry.failed) fields.push_back({"e", entry.error});
    fields.push_back({"r", entry.value});
  }
  return fields;
}

// The condition that was expected of what the call stored; "" when it stored nothing like that.
std::string ConditionOn(const TraceEntry& entry, const Side& observed, const Side& expected) {
  if (observed.number && expected.number) {
    for (const auto& [name, value] : FieldsOf(entry)) {
      if (value == *observed.number) return name + " == " + std::to_string(*expected.number);
    }
  }
  if (!observed.bytes || !expected.bytes || entry.failed) return "";
  for (int i = 0; i < entry.word_count; ++i) {
    const bool stored = ShapeOf(entry.function).parameters[i].kind == K::kBytesOut;
    if (stored && entry.written >> i & 1 && CopyOf(entry, i) == *observed.bytes) {
      const std::string length = std::to_string(expected.bytes->size());
      return "r == " + length + " && memcmp(buf, " + LiteralInC(*expected.bytes) + ", " + length +
             ") == 0";
    }
  }
  return "";
}

}  // namespace

std::string ConditionOf(const TraceEntry& entry, const Requirement& required) {
  if (entry.function == Function::pthread_barrier_wait)
    return "r == 0 || r == PTHREAD_BARRIER_SERIAL_THREAD";
  const ErrorStyle style = ShapeOf(entry.function).style;
  const std::string failure = style == ErrorStyle::kSemFailed ? "r == (long)SEM_FAILED" : "r == -1";
  const std::string success = style == ErrorStyle::kNumber      ? "r == 0"
                              : style == ErrorStyle::kSemFailed ? "r != (long)SEM_FAILED"
                                                                : "r != -1";
  std::string errors;
  for (int i = 0; i < required.error_count; ++i) {
    const std::string_view variable = style == ErrorStyle::kNumber ? "r" : "e";
    errors +=
        (i > 0 ? " || " : "") + std::string(variable) + " == " + ErrnoName(required.errors[i]);
  }
  const bool several = required.error_count > 1;
  switch (required.what) {
    case Requirement::kSucceeds: return success;
    case Requirement::kReturns: return "r == " + std::to_string(required.value);
    case Requirement::kFails:
      if (style == ErrorStyle::kNumber) return errors;
      return failure + " && " + (several ? "(" + errors + ")" : errors);
    case Requirement::kMayFail: return success + " || " + errors;
    case Requirement::kSetup: return success;
    default: return "";
  }
}

Requirement AsSeen(const TraceEntry& entry) {
  constexpr std::int64_t kTellingMax = 64;  // capacities and addresses are larger
  Requirement seen;
  if (entry.failed) {
    seen = {.what = Requirement::kFails, .error_count = 1, .errors = {entry.error}};
  } else if (entry.value >= 0 && entry.value <= kTellingMax) {
    seen = {.what = Requirement::kSucceeds, .value = entry.value};
  } else {
    seen = {.what = Requirement::kSucceeds};
  }
  return seen;
}

void NoteReturnedWaiter(const Slot& slot) {
  const TraceEntry* failed = slot.trace.At(slot.trace.failed_at.load());
  if (!failed || failed->kind != TraceEntry::Kind::kFailedCheck) return;
  const std::string_view text = CopyOf(*failed, 0);
  const std::size_t length = std::min<std::size_t>(failed->word[0], text.size());
  if (!text.starts_with("blocks") && !text.starts_with("stays blocked")) return;
  TraceEntry* returned = nullptr;
  for (const TraceEntry* entry : EntriesOf(slot.trace)) {
    const bool before = entry->kind == TraceEntry::Kind::kCall && entry->ended != 0 &&
                        entry->ended < failed->began && entry->actor != 0;
    const std::string call = std::string(ShapeOf(entry->function).name) + "(";
    if (before && call.size() > 1 && text.substr(length).starts_with(call))
      returned = const_cast<TraceEntry*>(entry);
  }
  if (returned) returned->requirement = {.what = Requirement::kStillBlocked};
}

std::map<const TraceEntry*, std::string> FailedComparisons(const Slot& slot) {
  constexpr int kLookedAt = 2;  // calls before the comparison
  std::map<const TraceEntry*, std::string> conditions;
  const std::vector<const TraceEntry*> entries = EntriesOf(slot.trace);
  for (const TraceEntry* failed : entries) {
    if (failed->number.load() != slot.trace.failed_at.load()) continue;
    const std::string_view text = CopyOf(*failed, 0);
    const std::size_t length = failed->word[0];
    if (length > text.size()) continue;
    const Side expected = Parse(text.substr(0, length)), observed = Parse(text.substr(length));
    if (text.substr(length).find(" & ") != text.npos) continue;  // of a part of a value
    int looked_at = 0;
    for (std::size_t i = entries.size(); i-- > 0 && looked_at < kLookedAt;) {
      const TraceEntry* call = entries[i];
      const bool is_call =
          call->kind == TraceEntry::Kind::kCall || call->kind == TraceEntry::Kind::kRaw;
      if (!is_call || call->function == Function::none || call->ended == 0 ||
          call->ended > failed->began)
        continue;
      ++looked_at;
      const std::string condition = ConditionOn(*call, observed, expected);
      if (condition.empty()) continue;
      conditions.emplace(call, condition);
      break;
    }
  }
  return conditions;
}

}  // namespace ipcsuite::repro
