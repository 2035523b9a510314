#include "harness/core/waits.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "harness/core/functions.h"
#include "harness/core/patience.h"

namespace ipcsuite {
namespace {

constexpr std::string_view kWaitForEvents[] = {"read",
                                               "readv",
                                               "write",
                                               "writev",
                                               "open",
                                               "openat",
                                               "mq_send",
                                               "mq_receive",
                                               "sem_wait",
                                               "pthread_mutex_lock",
                                               "pthread_cond_wait",
                                               "pthread_rwlock_rdlock",
                                               "pthread_rwlock_wrlock",
                                               "pthread_barrier_wait"};

// A sleep must be this many times as long as timers are late.
constexpr int kTimesLateness = 4;
constexpr nanoseconds kNap = 1ms;
constexpr nanoseconds kNapFor = 500ms;

enum class Limit { kUnknown, kNone, kZero, kLater };

bool IsIdentifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The copied value of parameter `i`; false when it was not copied.
template <typename T>
bool Take(const TraceEntry& entry, int i, std::size_t offset, T* value) {
  if (offset + sizeof *value > entry.size[i]) return false;
  std::memcpy(value, entry.memory + entry.at[i] + offset, sizeof *value);
  return true;
}

Limit LimitOfDeadline(const TraceEntry& entry, int i) {
  timespec time{}, now{};
  if (!Take(entry, i, 0, &time) || !Take(entry, i, sizeof time, &now)) return Limit::kUnknown;
  const bool passed =
      time.tv_sec < now.tv_sec || (time.tv_sec == now.tv_sec && time.tv_nsec <= now.tv_nsec);
  return passed ? Limit::kZero : Limit::kLater;
}

template <typename T>
Limit LimitOfInterval(const TraceEntry& entry, int i) {
  T time{}, zero{};
  if (entry.word[i] == 0) return Limit::kNone;
  if (!Take(entry, i, 0, &time)) return Limit::kUnknown;
  return std::memcmp(&time, &zero, sizeof time) == 0 ? Limit::kZero : Limit::kLater;
}

// When the call ends if nothing happens.
Limit LimitOf(const TraceEntry& entry) {
  if (entry.captures != 1) return Limit::kUnknown;
  if (entry.function == Function::poll) {
    const auto ms = static_cast<int>(entry.word[2]);
    return ms < 0 ? Limit::kNone : ms == 0 ? Limit::kZero : Limit::kLater;
  }
  const FunctionShape& shape = ShapeOf(entry.function);
  for (int i = 0; i < entry.word_count && i < shape.count(); ++i) {
    switch (shape.parameters[i].kind) {
      case ParameterKind::kDeadline: return LimitOfDeadline(entry, i);
      case ParameterKind::kInterval: return LimitOfInterval<timespec>(entry, i);
      case ParameterKind::kTimeval: return LimitOfInterval<timeval>(entry, i);
      default: break;
    }
  }
  return Limit::kUnknown;
}

// How late timers are here and now: the latest of some naps. On a busy machine a woken thread waits
// for a CPU, and an emulator that was not scheduled brings every timer late.
nanoseconds MeasureTimerLateness() {
  const timespec nap = ToTimespec(kNap);
  nanoseconds latest{0};
  for (const Deadline end(kNapFor); !end.passed();) {
    const std::int64_t start = NowNs();
    nanosleep(&nap, nullptr);  // sleep-ok: how late it ends is what is measured
    latest = std::max(latest, nanoseconds(NowNs() - start) - kNap);
  }
  return latest;
}

const TraceEntry* EntryOf(const CallResult& result) {
  const Slot* slot = CurrentSlot();
  return slot ? slot->trace.At(result.trace) : nullptr;
}

}  // namespace

std::string_view FunctionOf(std::string_view text) {
  std::string_view head = text.substr(0, text.find('('));
  while (!head.empty() && !IsIdentifier(head.back())) head.remove_suffix(1);
  std::size_t begin = head.size();
  while (begin > 0 && IsIdentifier(head[begin - 1])) --begin;
  return head.substr(begin);
}

bool Slept(const CallResult& result) {
  const nanoseconds elapsed(result.elapsed_ns());
  return result.sleeps > 0 && elapsed >= Scaled(kSleptAtLeast) &&
         elapsed >= kTimesLateness * MeasureTimerLateness();
}

bool MustNotWait(const CallResult& result) {
  if (!result.returned()) return false;
  const TraceEntry* entry = EntryOf(result);
  const Limit limit = entry ? LimitOf(*entry) : Limit::kUnknown;
  if (limit == Limit::kZero) return true;
  // sigtimedwait() reports its time-out by EAGAIN.
  return result.failed && limit != Limit::kLater &&
         (result.error == EAGAIN || result.error == EBADF || result.error == ENXIO) &&
         FunctionOf(result.text) != "sigtimedwait";
}

bool EndsByEventsAlone(std::string_view function, const TraceEntry* entry) {
  return std::find(std::begin(kWaitForEvents), std::end(kWaitForEvents), function) !=
             std::end(kWaitForEvents) ||
         (entry && LimitOf(*entry) == Limit::kNone);
}

}  // namespace ipcsuite
