#include "repro/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "harness/core/call.h"
#include "harness/core/functions.h"
#include "repro/chance.h"
#include "repro/roles.h"

namespace ipcsuite::repro {
namespace {

using Kind = TraceEntry::Kind;
using What = Step::What;

// What others do only for themselves, or what only says where a step begins.
bool IsSilent(const TraceEntry& entry) {
  return entry.kind == Kind::kRelease || entry.kind == Kind::kStep ||
         entry.kind == Kind::kStepDone || entry.kind == Kind::kFailedCheck ||
         entry.kind == Kind::kNone;
}

// Calls of the harness and of tests that change nothing and that no other call depends on.
bool IsIdle(const TraceEntry& entry) {
  const bool checked =
      entry.requirement.what != Requirement::kNone && entry.requirement.what != Requirement::kSetup;
  if (!IsCall(entry) || checked) return false;
  if (entry.function == Function::fcntl)
    return entry.word[1] == F_GETFL || entry.word[1] == F_GETFD;
  if (entry.kind != Kind::kRaw) return false;
  switch (entry.function) {
    case Function::sysconf:
    case Function::pathconf:
    case Function::fpathconf:
    case Function::getrlimit:
    case Function::waitpid:
    case Function::fstat:
    case Function::stat:
    case Function::lstat:
    case Function::pthread_mutexattr_destroy:
    case Function::pthread_condattr_destroy:
    case Function::pthread_rwlockattr_destroy:
    case Function::pthread_barrierattr_destroy: return true;
    default: return false;
  }
}

// What ends the life of something: of no interest when nothing follows.
bool IsCleanup(const TraceEntry& entry) {
  if (entry.kind == Kind::kEnded || entry.kind == Kind::kEnd || entry.kind == Kind::kDrain)
    return true;
  if (entry.kind == Kind::kSignal) return entry.word[1] == SIGKILL;
  if (entry.kind != Kind::kRaw) return false;
  switch (entry.function) {
    case Function::close:
    case Function::mq_close:
    case Function::sem_close:
    case Function::sem_destroy:
    case Function::munmap:
    case Function::unlink:
    case Function::umask:
    case Function::setrlimit:
    case Function::sigaction:
    case Function::sigprocmask:
    case Function::pthread_sigmask: return true;
    default: return false;
  }
}

std::optional<std::string> WhyNot(const TraceEntry& entry) {
  if (entry.kind == Kind::kOther) return std::string(entry.memory, entry.size[0]);
  if (!IsCall(entry)) return std::nullopt;
  if (entry.actor == TraceEntry::kNobody) return "a thread that is not a peer makes calls";
  if (entry.function == Function::fork) return "it forks by itself";
  if (entry.function == Function::alarm) return "it uses the alarm that ends a reproducer";
  if (entry.function != Function::none && DescribeArguments(entry).empty())
    return "a check is about an expression with several parts: " + std::string(entry.text);
  return std::nullopt;
}

// What a peer returns that has no result.
bool IsNothing(const TraceEntry& entry) {
  const std::string_view text = entry.text;
  return text == "0" || text == "getpid()";
}

// A step of a peer that does nothing but end its process.
bool Exits(const std::vector<const TraceEntry*>& entries, const TraceEntry& step) {
  return step.kind == Kind::kStep && std::ranges::none_of(entries, [&](const TraceEntry* other) {
           return other->actor == step.actor && other->began > step.began;
         });
}

// A CALL of code of the test, in which the trace has something; `inner`: the last call in it.
bool StandsAround(const std::vector<const TraceEntry*>& entries, const TraceEntry& outer,
                  TraceEntry** inner) {
  *inner = nullptr;
  bool found = IsNothing(outer);
  for (const TraceEntry* entry : entries) {
    if (entry->outer != outer.number.load()) continue;
    found = true;
    if (IsCall(*entry)) *inner = const_cast<TraceEntry*>(entry);
  }
  return found;
}

// In order; what happens inside of a CALL, such as a mapping, comes before it.
void PutBeforeTheCallAround(std::vector<const TraceEntry*>& entries) {
  for (const TraceEntry* entry : entries) {
    const auto outer = std::ranges::find_if(entries, [&](const TraceEntry* other) {
      return other != entry && other->number.load() == entry->outer && IsCall(*other);
    });
    if (outer != entries.end()) const_cast<TraceEntry*>(entry)->began = (*outer)->began;
  }
  std::ranges::sort(entries, [](const TraceEntry* a, const TraceEntry* b) {
    return a->began != b->began ? a->began < b->began : a->number.load() > b->number.load();
  });
}

// Whether somebody makes calls during a call of its own.
bool HandlersCall(const std::vector<const TraceEntry*>& entries) {
  return std::ranges::any_of(entries, [&](const TraceEntry* call) {
    return IsCall(*call) && std::ranges::any_of(entries, [&](const TraceEntry* other) {
             return IsCall(*other) && other->actor == call->actor && other->began > call->began &&
                    other->began < call->ended;
           });
  });
}

// Whether the test looks at the entry's outcome.
bool IsJudged(const TraceEntry& entry) {
  if (entry.kind == Kind::kBlocked || entry.kind == Kind::kStaysBlocked) return true;
  if (!IsCall(entry)) return false;
  switch (entry.requirement.what) {
    case Requirement::kNone: return entry.kind == Kind::kCall;
    case Requirement::kSetup:
    case Requirement::kOpen: return false;
    default: return true;
  }
}

// Leaves out what follows the last check. Where that is of how a peer ends, only what cleans up.
void CutTheEnd(std::vector<const TraceEntry*>& entries,
               const std::map<const TraceEntry*, std::string>& compared) {
  const bool ends =
      std::ranges::any_of(entries, [](const TraceEntry* entry) { return IsGone(*entry); });
  const auto matters = [&](const TraceEntry& entry) {
    return ends ? !IsCleanup(entry) : IsJudged(entry) || compared.contains(&entry);
  };
  std::uint32_t last = 0;  // place of the last event that matters
  for (const TraceEntry* entry : entries) {
    if (!matters(*entry)) continue;
    const bool misses = entry->ended == 0 && IsCall(*entry) && MustReturn(*entry);
    last = std::max({last, entry->began, misses ? kNever : entry->ended});
  }
  std::erase_if(entries, [&](const TraceEntry* entry) {
    return !matters(*entry) && entry->began > last && !GivesUp(*entry);
  });
}

// The entries that matter, with requirements where the calls are.
Result<std::vector<const TraceEntry*>> Select(
    const Slot& slot, const std::map<const TraceEntry*, std::string>& compared) {
  // What comes after the first failed check doesn't matter.
  const std::uint32_t used = slot.trace.used.load(), failed = slot.trace.failed_at.load();
  const std::uint32_t wanted = failed > 0 ? failed : used;
  if (failed > 0 ? slot.trace.Kept() < failed : used > Trace::kEntries)
    return Error{"it makes too many calls: " + std::to_string(wanted)};
  std::vector<const TraceEntry*> all = EntriesOf(slot.trace);
  std::erase_if(all, [&](const TraceEntry* entry) { return entry->number.load() > wanted; });
  std::vector<const TraceEntry*> kept;
  for (const TraceEntry* entry : all) {
    if (const auto why = WhyNot(*entry)) return Error{*why};
    if ((IsSilent(*entry) && !Exits(all, *entry)) || (IsIdle(*entry) && !compared.contains(entry)))
      continue;
    if (entry->kind == Kind::kCall && entry->function == Function::none) {
      TraceEntry* inner = nullptr;
      if (!StandsAround(all, *entry, &inner))
        return Error{"the trace does not know the function: " + std::string(entry->text)};
      if (IsGone(*entry) && inner && inner->ended != 0)
        return Error{"code of the test, rather than a call, is cancelled or killed"};
      if (inner && !IsNothing(*entry) && inner->requirement.what == Requirement::kNone)
        inner->requirement = entry->requirement;
      continue;
    }
    kept.push_back(entry);
  }
  PutBeforeTheCallAround(kept);
  if (HandlersCall(kept)) return Error{"a signal's handler makes calls"};
  CutTheEnd(kept, compared);
  return kept;
}

// The call in which a peer is asleep by then, of which nothing has shown that it is: null if none.
const TraceEntry* CallInProgress(const std::vector<const TraceEntry*>& entries, int actor,
                                 std::uint32_t at) {
  const TraceEntry* call = nullptr;
  for (const TraceEntry* entry : entries) {
    if (entry->began > at) break;
    const bool shown = entry->kind == Kind::kBlocked || entry->kind == Kind::kStaysBlocked;
    if (shown && static_cast<int>(entry->word[0]) == actor) call = nullptr;
    if (IsCall(*entry) && entry->actor == actor)
      call = (entry->ended > at && MustReturn(*entry)) || IsGone(*entry) ? entry : nullptr;
  }
  return call;
}

// Whether the call of a peer in progress then ends with its deadline, by which it may have returned
// on a busy machine: that it waited is shown by that.
bool TimesOut(const std::vector<const TraceEntry*>& entries, int actor, std::uint32_t at) {
  return std::ranges::any_of(entries, [&](const TraceEntry* call) {
    if (!IsCall(*call) || call->actor != actor || call->began > at || call->ended < at)
      return false;
    const bool polls = call->function == Function::poll || call->function == Function::ppoll ||
                       call->function == Function::select || call->function == Function::pselect;
    return (call->failed && call->error == ETIMEDOUT) || call->value == ETIMEDOUT ||
           (polls && !call->failed && call->value == 0);
  });
}

bool ActsLater(const std::vector<const TraceEntry*>& entries, const TraceEntry& call) {
  return std::ranges::any_of(entries, [&](const TraceEntry* other) {
    return other->actor == call.actor && other->began > call.ended;
  });
}

// `fails`: of a test that fails; calls that need not return there may have returned by the failure.
void AddCall(const std::vector<const TraceEntry*>& entries, const TraceEntry& entry, bool fails,
             std::vector<Step>* steps) {
  const int actor = entry.actor;
  if (entry.requirement.what == Requirement::kStillBlocked && entry.ended != 0) {
    steps->push_back({What::kIssue, actor, entry.began, &entry});
    steps->push_back({What::kBlocked, 0, entry.ended, &entry, actor});
    return;
  }
  const bool alone = !OthersActDuring(entries, entry);
  if (alone && (entry.ended != 0 || actor == 0)) {
    steps->push_back({What::kCall, actor, entry.began, &entry});
    return;
  }
  steps->push_back({What::kIssue, actor, entry.began, &entry});
  const bool gone = IsGone(entry);
  const bool returns = entry.ended != 0 && (!fails || ActsLater(entries, entry));
  if (!gone && (returns || MustReturn(entry)))
    steps->push_back({What::kReturn, actor, entry.ended != 0 ? entry.ended : kNever, &entry});
}

}  // namespace

int NumberMade(const TraceEntry& entry) {
  switch (entry.function) {
    case Function::pipe:
#if defined(__linux__) || defined(__FreeBSD__)
    case Function::pipe2:
#endif
      return Take<int>(entry, 0);
    case Function::open:
    case Function::openat:
    case Function::creat:
    case Function::dup:
    case Function::shm_open:
    case Function::mq_open: return static_cast<int>(entry.value);
    default: return -1;
  }
}

bool NumbersMatter(const TraceEntry& entry) {
  if (NamesItsCopy(entry.function)) return true;
  switch (entry.function) {
    case Function::setrlimit: return entry.word[0] == RLIMIT_NOFILE;
    case Function::fcntl: return entry.word[1] == F_DUPFD || entry.word[1] == F_DUPFD_CLOEXEC;
    default:
      return entry.requirement.what == Requirement::kReturns && NumberMade(entry) >= 0 &&
             !entry.failed;
  }
}

bool Places(const TraceEntry& entry) {
  switch (entry.function) {
    case Function::open:
    case Function::shm_open:
    case Function::close:
    case Function::mmap:
    case Function::munmap:
    case Function::ftruncate: return true;
    default: return false;
  }
}

bool IsCall(const TraceEntry& entry) {
  return entry.kind == Kind::kCall || entry.kind == Kind::kRaw;
}

bool IsGone(const TraceEntry& entry) {
  return entry.requirement.what == Requirement::kDies ||
         entry.requirement.what == Requirement::kIsCancelled;
}

bool OthersActDuring(const std::vector<const TraceEntry*>& entries, const TraceEntry& call) {
  const std::uint32_t end = call.ended == 0 ? kNever : call.ended;
  return std::ranges::any_of(entries, [&](const TraceEntry* other) {
    return other->actor != call.actor && other->began > call.began && other->began < end;
  });
}

bool IsRaw(const TraceEntry& entry) { return entry.kind == Kind::kRaw; }

bool GivesUp(const TraceEntry& entry) {
  if (!IsCall(entry) || entry.actor == 0) return false;
  switch (entry.function) {
    case Function::pthread_mutex_unlock:
    case Function::pthread_rwlock_unlock:
    case Function::pthread_spin_unlock:
    case Function::sem_post: return true;
    default: return false;
  }
}

bool MustReturn(const TraceEntry& entry) {
  switch (entry.requirement.what) {
    case Requirement::kDies:
    case Requirement::kIsCancelled:
    case Requirement::kStillBlocked:
    case Requirement::kOpen:
    case Requirement::kNone: return false;
    default: return true;
  }
}

Result<std::vector<Step>> StepsOf(const Slot& slot,
                                  const std::map<const TraceEntry*, std::string>& compared) {
  const auto selected = Select(slot, compared);
  if (!selected) return Error{selected.error()};
  if (const std::string why = WhatChanceDecides(*selected); !why.empty()) return Error{why};
  if (slot.trace.failed_at.load() > 0) {
    const std::string why = WhatTheFailureCutsOff(*selected, compared);
    if (!why.empty()) return Error{why};
  }
  std::vector<Step> steps;
  for (const TraceEntry* entry : *selected) {
    const int actor = entry->actor, of = static_cast<int>(entry->word[0]);
    const auto add = [&](What what) { steps.push_back({what, actor, entry->began, entry, of}); };
    switch (entry->kind) {
      case Kind::kCall:
      case Kind::kRaw: AddCall(*selected, *entry, slot.trace.failed_at.load() > 0, &steps); break;
      case Kind::kFork:
      case Kind::kThread: add(What::kStart); break;
      case Kind::kBlocked:
      case Kind::kStaysBlocked:
        if (!TimesOut(*selected, of, entry->began)) add(What::kBlocked);
        break;
      case Kind::kSignal:
        if (entry->word[1] != SIGCONT && CallInProgress(*selected, of, entry->began) &&
            !TimesOut(*selected, of, entry->began))
          add(What::kBlocked);
        add(What::kSignal);
        break;
      case Kind::kFill: add(What::kFill); break;
      case Kind::kDrain: add(What::kDrain); break;
      case Kind::kCloseExcept: add(What::kCloseExcept); break;
      case Kind::kEnded: add(What::kJoin); break;
      case Kind::kStep:
      case Kind::kEnd: add(What::kExit); break;
      case Kind::kBecome: add(What::kBecome); break;
      case Kind::kFullTable: add(What::kFull); break;
      default: break;
    }
  }
  std::ranges::stable_sort(steps, {}, &Step::at);
  return steps;
}

}  // namespace ipcsuite::repro
