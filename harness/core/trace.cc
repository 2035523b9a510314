#include "harness/core/trace.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/os/os.h"
#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "harness/core/functions.h"

namespace ipcsuite {
namespace {

// The entry of the CALL that this thread is in; 0: none.
thread_local std::uint32_t t_call = 0;

// To measure what the trace costs: IPCSUITE_TRACE=off.
const bool g_off = [] {
  const char* wish = std::getenv("IPCSUITE_TRACE");
  return wish != nullptr && std::strcmp(wish, "off") == 0;
}();
Slot* TracedSlot() { return g_off ? nullptr : CurrentSlot(); }

// An entry of the calling thread, its contents void and its number not yet published.
TraceEntry* NewEntry(Slot& slot, TraceEntry::Kind kind, std::uint32_t* number) {
  Trace& trace = slot.trace;
  *number = trace.used.fetch_add(1, std::memory_order_relaxed) + 1;
  TraceEntry& entry = trace.Place(*number);
  entry.number.store(0, std::memory_order_relaxed);
  entry.kind = kind;
  entry.function = Function::none;
  entry.word_count = entry.captures = entry.memory_used = entry.written = 0;
  entry.actor = ActorNumber(slot, CurrentActor());
  entry.failed = false;
  entry.fate = 0;
  entry.outer = t_call;
  entry.ended = 0;
  entry.error = 0;
  entry.value = 0;
  entry.text = "";
  std::memset(entry.size, 0, sizeof entry.size);
  entry.requirement = {};
  entry.began = trace.order.fetch_add(1, std::memory_order_relaxed) + 1;
  return &entry;
}

void Publish(TraceEntry* entry, std::uint32_t number) {
  entry->number.store(number, std::memory_order_release);
}

// Appends the bytes of a vector to the copy of its elements, as far as there is room for all.
void CopyVectors(TraceEntry& entry, int i, std::uint64_t total) {
  iovec vectors[3];
  const std::size_t bytes = std::min<std::size_t>(entry.size[i], sizeof vectors);
  std::memcpy(vectors, entry.memory + entry.at[i], bytes);
  std::size_t used = entry.size[i];
  for (std::size_t n = 0; n < bytes / sizeof(iovec) && total > 0; ++n) {
    const std::size_t part = std::min<std::uint64_t>(vectors[n].iov_len, total);
    if (entry.at[i] + used + part > TraceEntry::kMemory || used + part > 255) return;
    if (os::PeekMemory(vectors[n].iov_base, entry.memory + entry.at[i] + used, part) != part)
      return;
    used += part;
    total -= part;
  }
  entry.size[i] = static_cast<std::uint8_t>(used);
  entry.memory_used = static_cast<std::uint8_t>(entry.at[i] + used);
}

// The time on the clock of the deadline that is word `i`. Where an object made earlier has decided
// on the clock, it is the one that is nearer.
timespec NowOfDeadline(const TraceEntry& entry, int i, const char* copy) {
  clockid_t clock = CLOCK_REALTIME;
  if (i > 0 && ShapeOf(entry.function).parameters[i - 1].kind == ParameterKind::kClock)
    clock = static_cast<clockid_t>(entry.word[i - 1]);
  timespec now{}, deadline{};
  clock_gettime(clock, &now);
  if (entry.function == Function::pthread_cond_timedwait) {
    timespec monotonic{};
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    std::memcpy(&deadline, copy, sizeof deadline);
    const auto distance = [&](const timespec& t) { return std::abs(deadline.tv_sec - t.tv_sec); };
    if (deadline.tv_sec > 0 && distance(monotonic) < distance(now)) now = monotonic;
  }
  return now;
}

// Copies what word `i` points to, as far as it is readable and fits.
void CopyPointee(TraceEntry& entry, int i, std::size_t bytes) {
  const std::size_t room = TraceEntry::kMemory - entry.memory_used;
  bytes = std::min({bytes, room, std::size_t{255}});
  if (bytes == 0 || entry.word[i] == 0) return;
  char* to = entry.memory + entry.memory_used;
  std::size_t got = os::PeekMemory(reinterpret_cast<const void*>(entry.word[i]), to, bytes);
  if (got == 0) return;
  const ParameterKind kind = ShapeOf(entry.function).parameters[i].kind;
  if (kind == ParameterKind::kString) got = strnlen(to, got);
  if (kind == ParameterKind::kDeadline && got + sizeof(timespec) <= room) {
    const timespec now = NowOfDeadline(entry, i, to);
    std::memcpy(to + got, &now, sizeof now);
    got += sizeof now;
  }
  entry.at[i] = entry.memory_used;
  entry.size[i] = static_cast<std::uint8_t>(got);
  entry.memory_used = static_cast<std::uint8_t>(entry.memory_used + got);
}

void Capture(TraceEntry& entry, std::uint32_t number, Function function, const std::uint64_t* words,
             int count) {
  const FunctionShape& shape = ShapeOf(function);
  entry.function = function;
  entry.captures++;
  entry.memory_used = entry.written = 0;
  entry.word_count = static_cast<std::uint8_t>(std::min(count, TraceEntry::kWords));
  std::memcpy(entry.word, words, sizeof(std::uint64_t) * entry.word_count);
  std::memset(entry.size, 0, sizeof entry.size);
  if (number > Trace::kCopiesUntil) return;
  for (int i = 0; i < entry.word_count; ++i) {
    const ParameterKind kind = shape.parameters[i].kind;
    if (IsResult(kind)) continue;
    const std::uint64_t next = i + 1 < entry.word_count ? entry.word[i + 1] : 0;
    CopyPointee(entry, i, CopiedBytes(kind, next, 0));
    if (kind == ParameterKind::kVectorIn) CopyVectors(entry, i, UINT64_MAX);
  }
}

// After a success: what the function stored.
void CaptureResults(TraceEntry& entry, std::uint32_t number) {
  if (number > Trace::kCopiesUntil) return;
  const FunctionShape& shape = ShapeOf(entry.function);
  for (int i = 0; i < entry.word_count; ++i) {
    const ParameterKind kind = shape.parameters[i].kind;
    if (kind == ParameterKind::kFdSet && entry.size[i] > 0) {
      os::PeekMemory(reinterpret_cast<const void*>(entry.word[i]),
                     entry.memory + entry.at[i] + sizeof(std::uint64_t), sizeof(std::uint64_t));
      entry.written = static_cast<std::uint8_t>(entry.written | 1u << i);
    }
    const bool vector = entry.function == Function::readv && i == 1;
    if (!IsResult(kind) && kind != ParameterKind::kPolls) continue;
    const std::uint64_t next = i + 1 < entry.word_count ? entry.word[i + 1] : 0;
    CopyPointee(entry, i, CopiedBytes(vector ? ParameterKind::kVectorIn : kind, next, entry.value));
    if (vector) CopyVectors(entry, i, static_cast<std::uint64_t>(entry.value));
    if (entry.size[i] > 0) entry.written = static_cast<std::uint8_t>(entry.written | 1u << i);
  }
}

bool IsError(const FunctionShape& shape, std::int64_t value) {
  switch (shape.style) {
    case ErrorStyle::kMinusOne: return value == -1;
    case ErrorStyle::kNumber: return value != 0;
    case ErrorStyle::kSemFailed:
      return value == static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(SEM_FAILED));
    case ErrorStyle::kNever: break;
  }
  return false;
}

void Finish(Slot& slot, TraceEntry& entry, std::uint32_t number) {
  if (!entry.failed && entry.function != Function::none) CaptureResults(entry, number);
  entry.ended = slot.trace.order.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

std::uint32_t Trace::Kept() const {
  const std::uint32_t failed = failed_at.load(std::memory_order_relaxed);
  return failed <= kAllKeptUntil ? failed : kKeptBefore;
}

TraceEntry& Trace::Place(std::uint32_t number) {
  const std::uint32_t failed = failed_at.load(std::memory_order_relaxed);
  if (failed == 0 || number <= failed) return entries[(number - 1) % kEntries];
  return entries[(failed + (number - failed - 1) % (kEntries - Kept())) % kEntries];
}

TraceEntry* Trace::At(std::uint32_t wanted) {
  if (wanted == 0) return nullptr;
  TraceEntry& entry = Place(wanted);
  return entry.number.load(std::memory_order_acquire) == wanted ? &entry : nullptr;
}

void Trace::Reset() {
  const std::size_t count = std::min(used.load(), kEntries);
  std::memset(static_cast<void*>(this), 0, offsetof(Trace, entries) + count * sizeof(TraceEntry));
}

std::uint16_t ActorNumber(const Slot& slot, const Actor* actor) {
  return actor ? static_cast<std::uint16_t>(actor - slot.actors) : TraceEntry::kNobody;
}

TraceEntry* NoteTrace(TraceEntry::Kind kind, std::initializer_list<std::uint64_t> words,
                      std::string_view memory) {
  Slot* slot = TracedSlot();
  if (!slot) return nullptr;
  std::uint32_t number = 0;
  TraceEntry* entry = NewEntry(*slot, kind, &number);
  for (const std::uint64_t word : words) {
    if (entry->word_count < TraceEntry::kWords) entry->word[entry->word_count++] = word;
  }
  entry->at[0] = 0;
  entry->size[0] =
      static_cast<std::uint8_t>(std::min<std::size_t>(memory.size(), TraceEntry::kMemory));
  std::memcpy(entry->memory, memory.data(), entry->size[0]);
  entry->ended = entry->began;
  Publish(entry, number);
  return entry;
}

void NoteFailedCheck(std::string_view expected, std::string_view observed) {
  const TraceEntry* entry =
      NoteTrace(TraceEntry::Kind::kFailedCheck, {expected.size(), observed.size()},
                std::string(expected) + std::string(observed));
  if (!entry) return;
  std::uint32_t none = 0;
  TracedSlot()->trace.failed_at.compare_exchange_strong(none, entry->number.load());
}

void NoteRequirement(std::uint32_t number, Requirement requirement) {
  Slot* slot = TracedSlot();
  TraceEntry* entry = slot ? slot->trace.At(number) : nullptr;
  if (!entry) return;
  if (requirement.clause == nullptr && !ScopedClause().empty())
    requirement.clause = ScopedClause().data();
  entry->requirement = requirement;
}

std::vector<const TraceEntry*> EntriesOf(const Trace& trace) {
  std::vector<const TraceEntry*> entries;
  const std::uint32_t used = trace.used.load(), failed = trace.failed_at.load();
  const auto add = [&](std::uint32_t first, std::uint32_t last, std::uint32_t room) {
    if (last - first >= room) first = last - room + 1;
    for (std::uint32_t n = first; n <= last; ++n) {
      if (const TraceEntry* entry = trace.At(n)) entries.push_back(entry);
    }
  };
  if (failed > 0) add(1, failed, trace.Kept());
  if (used > failed) add(failed + 1, used, Trace::kEntries - trace.Kept());
  return entries;
}

namespace internal {

std::uint32_t BeginTrace(const char* text) {
  Slot* slot = TracedSlot();
  if (!slot) return 0;
  std::uint32_t number = 0;
  TraceEntry* entry = NewEntry(*slot, TraceEntry::Kind::kCall, &number);
  entry->text = text;
  Publish(entry, number);
  t_call = number;
  return number;
}

void EndTrace(std::uint32_t number, std::int64_t value, std::int32_t error, bool failed) {
  Slot* slot = TracedSlot();
  TraceEntry* entry = slot ? slot->trace.At(number) : nullptr;
  t_call = entry ? entry->outer : 0;
  if (!entry) return;
  entry->value = value;
  entry->error = error;
  entry->failed = failed;
  entry->fate = static_cast<std::uint8_t>(Fate::kReturned);
  Finish(*slot, *entry, number);
}

TraceMark BeginFunction(Function function, const std::uint64_t* words, int count) {
  Slot* slot = TracedSlot();
  if (!slot) return {};
  const int saved = errno;
  TraceMark mark;
  if (TraceEntry* entry = slot->trace.At(t_call)) {
    mark = {t_call, true};
    Capture(*entry, mark.number, function, words, count);
    t_call = 0;  // a handler's calls are its own
  } else {
    TraceEntry* own = NewEntry(*slot, TraceEntry::Kind::kRaw, &mark.number);
    Capture(*own, mark.number, function, words, count);
    Publish(own, mark.number);
  }
  errno = saved;
  return mark;
}

void EndFunction(TraceMark mark, std::int64_t value) {
  Slot* slot = TracedSlot();
  TraceEntry* entry = slot ? slot->trace.At(mark.number) : nullptr;
  if (mark.in_call) {
    if (entry && entry->word_count < TraceEntry::kWords)
      entry->word[TraceEntry::kWords - 1] = static_cast<std::uint64_t>(value);
    t_call = mark.number;
    return;
  }
  const int saved = errno;
  if (entry) {
    entry->value = value;
    const FunctionShape& shape = ShapeOf(entry->function);
    entry->failed = IsError(shape, value);
    entry->error = shape.style == ErrorStyle::kNumber ? static_cast<std::int32_t>(value) : saved;
    entry->fate = static_cast<std::uint8_t>(Fate::kReturned);
    Finish(*slot, *entry, mark.number);
  }
  errno = saved;
}

}  // namespace internal
}  // namespace ipcsuite
