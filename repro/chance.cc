#include "repro/chance.h"

#include <algorithm>

#include "harness/core/functions.h"
#include "repro/steps.h"

namespace ipcsuite::repro {
namespace {

using Kind = TraceEntry::Kind;

// More than this many calls of others during one that is not shown blocked: chance decides.
constexpr std::ptrdiff_t kOverlapMax = 2;

// Whether the processes run freely beside one another, so that one order says little.
bool RunFreely(const std::vector<const TraceEntry*>& entries) {
  return std::ranges::any_of(entries, [&](const TraceEntry* call) {
    if (!IsCall(*call)) return false;
    const std::uint32_t end = call->ended == 0 ? kNever : call->ended;
    std::ptrdiff_t calls = 0;
    for (const TraceEntry* other : entries) {
      if (other->began <= call->began || other->began >= end) continue;
      const bool shows = other->kind == Kind::kBlocked || other->kind == Kind::kStaysBlocked;
      if (shows && other->word[0] == call->actor) break;
      calls += IsCall(*other) && other->actor != call->actor;
    }
    return calls > kOverlapMax;
  });
}

// Whether several writers wait for room and get it: which one first is open.
bool WritersCompete(const std::vector<const TraceEntry*>& entries) {
  const auto writes = [](const TraceEntry& entry) {
    return IsCall(entry) &&
           (entry.function == Function::write || entry.function == Function::writev) &&
           entry.ended != 0 && entry.value > 0;
  };
  return std::ranges::any_of(entries, [&](const TraceEntry* call) {
    return writes(*call) && std::ranges::any_of(entries, [&](const TraceEntry* other) {
             return writes(*other) && other->actor != call->actor && other->actor != 0 &&
                    call->actor != 0 && other->began > call->began && other->began < call->ended;
           });
  });
}

// Whether the clean-up of a cancelled thread does something.
bool CancelledCall(const std::vector<const TraceEntry*>& entries) {
  return std::ranges::any_of(entries, [&](const TraceEntry* call) {
    return IsCall(*call) && IsGone(*call) &&
           std::ranges::any_of(entries, [&](const TraceEntry* other) {
             return IsCall(*other) && other->actor == call->actor && other->began > call->began;
           });
  });
}

// Whether others disturb a call of which POSIX leaves the outcome open.
bool ChanceDecides(const std::vector<const TraceEntry*>& entries) {
  return std::ranges::any_of(entries, [&](const TraceEntry* call) {
    const bool open = call->requirement.what == Requirement::kOpen ||
                      call->requirement.what == Requirement::kMayFail;
    return IsCall(*call) && open && call->ended != 0 && OthersActDuring(entries, *call);
  });
}

// Whether a call takes a part of what another one is still writing.
bool ReadsMeetWrites(const std::vector<const TraceEntry*>& entries) {
  return std::ranges::any_of(entries, [&](const TraceEntry* read) {
    const bool part = IsCall(*read) && read->function == Function::read && read->value > 0 &&
                      static_cast<std::uint64_t>(read->value) < read->word[2];
    return part && std::ranges::any_of(entries, [&](const TraceEntry* write) {
             return IsCall(*write) && write->function == Function::write &&
                    write->actor != read->actor && write->began < read->began &&
                    (write->ended == 0 || write->ended > read->began) && write->word[2] > 4096;
           });
  });
}

// Whether a thread comes back from a call in which, or after which, it is cancelled.
bool CancelledLater(const std::vector<const TraceEntry*>& entries) {
  return std::ranges::any_of(entries, [](const TraceEntry* call) {
    return IsCall(*call) && IsGone(*call) && call->ended != 0 && call->requirement.held;
  });
}

// Objects for which calls with different names wait for the same.
bool WaitForTheSame(const TraceEntry& a, const TraceEntry& b) {
  if (a.actor == b.actor || a.word_count == 0 || a.word[0] != b.word[0]) return false;
  const ParameterKind kind = ShapeOf(a.function).parameters[0].kind;
  return a.function == b.function ||
         (kind == ParameterKind::kSemaphore && ShapeOf(b.function).parameters[0].kind == kind);
}

// Whether one of several peers that wait for the same gets it, and another one is seen to wait on:
// POSIX leaves open which one is woken. Those that return together may do so in any order.
bool OneOfSeveralIsWoken(const std::vector<const TraceEntry*>& entries) {
  const auto waits = [&](const TraceEntry& entry) {
    return IsCall(entry) && entry.actor != 0 &&
           std::ranges::any_of(entries, [&](const auto* shown) {
             const std::uint32_t end = entry.ended == 0 ? kNever : entry.ended;
             return shown->kind == Kind::kBlocked && shown->word[0] == entry.actor &&
                    shown->began > entry.began && shown->began < end;
           });
  };
  return std::ranges::any_of(entries, [&](const TraceEntry* woken) {
    const bool number = ShapeOf(woken->function).style == ErrorStyle::kNumber;
    if (woken->ended == 0 || woken->failed || (number && woken->value != 0) || !waits(*woken))
      return false;
    return std::ranges::any_of(entries, [&](const TraceEntry* other) {
      const std::uint32_t end = other->ended == 0 ? kNever : other->ended;
      if (!waits(*other) || !WaitForTheSame(*woken, *other) || other->began > woken->ended)
        return false;
      return std::ranges::any_of(entries, [&](const TraceEntry* between) {
        const bool acts = (IsCall(*between) && !GivesUp(*between)) ||
                          between->kind == Kind::kBlocked || between->kind == Kind::kStaysBlocked;
        return acts && between->actor != other->actor && between->began > woken->ended &&
               between->began < end;
      });
    });
  });
}

// A part of the bytes was written, which others read.
bool WritesAPart(const std::vector<const TraceEntry*>& entries, const TraceEntry& call) {
  const bool part = call.function == Function::write && !call.failed && call.ended != 0 &&
                    static_cast<std::uint64_t>(call.value) < call.word[2];
  return part && std::ranges::any_of(entries, [&](const TraceEntry* other) {
           return IsCall(*other) && other->function == Function::read && other->actor != call.actor;
         });
}

}  // namespace

std::string WhatTheFailureCutsOff(const std::vector<const TraceEntry*>& entries,
                                  const std::map<const TraceEntry*, std::string>& compared) {
  for (const TraceEntry* entry : entries) {
    if (entry->kind != Kind::kCall) continue;
    const bool asked = entry->requirement.what != Requirement::kNone || compared.contains(entry);
    if (!asked && entry->failed) return "a call failed of which the test asks nothing";
    if (asked && WritesAPart(entries, *entry)) return "others did not read the rest of a write";
  }
  return "";
}

std::string WhatChanceDecides(const std::vector<const TraceEntry*>& entries) {
  if (WritersCompete(entries)) return "several writers wait for room at the same time";
  if (RunFreely(entries)) return "its processes run freely beside one another";
  if (CancelledCall(entries)) return "a cancelled thread's clean-up makes calls";
  if (CancelledLater(entries)) return "a thread is cancelled after the call";
  if (ChanceDecides(entries)) return "chance decides what a call returns";
  if (OneOfSeveralIsWoken(entries)) return "chance decides which of several waiters is woken";
  if (ReadsMeetWrites(entries)) return "chance decides how much a read takes";
  return "";
}

}  // namespace ipcsuite::repro
