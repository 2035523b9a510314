#include "harness/core/arena.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include "base/os/os.h"
#include "base/random.h"

namespace ipcsuite {
namespace {

template <typename T>
void Put(char*& at, T value) {
  std::memcpy(at, &value, sizeof value);
  at += sizeof value;
}

template <typename T>
T Take(const char*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

// Never 0, which marks a free entry.
std::uint64_t HashOf(std::string_view text) { return HashSeed(0, text) | 1; }

// A record: ready flag (written last), kind, number of fields, then length and bytes of each;
// padded to 8.
constexpr std::size_t kRecordHead = 4 * sizeof(std::uint32_t);

std::size_t RecordBytes(const std::vector<std::string_view>& fields) {
  std::size_t bytes = kRecordHead;
  for (auto field : fields) bytes += sizeof(std::uint32_t) + field.size();
  return (bytes + 7) & ~std::size_t{7};
}

}  // namespace

void WaitWhileEquals(std::atomic<std::uint32_t>& word, std::uint32_t value, nanoseconds limit) {
  for (int i = 0; i < 20; ++i) {
    if (word.load(std::memory_order_acquire) != value) return;
    sched_yield();
  }
  os::WaitOnWord(word, value, limit);
}

void Slot::Reset() {
  const std::size_t log_bytes = std::min<std::size_t>(log_used.load(), kLogBytes);
  const std::size_t heap_bytes = std::min<std::size_t>(heap_used.load(), kHeapBytes);
  const int actor_count = std::min<int>(actors_used.load(), kActorsMax);
  const int name_count = std::min<int>(names_used.load(), kNamesMax);
  std::memset(log, 0, log_bytes);
  std::memset(heap, 0, heap_bytes);
  std::memset(static_cast<void*>(actors), 0, sizeof(Actor) * actor_count);
  std::memset(static_cast<void*>(names), 0, sizeof(NameEntry) * name_count);
  trace.Reset();
  std::memset(static_cast<void*>(this), 0, offsetof(Slot, actors));
}

void Slot::CountChecks(std::string_view clause, std::uint32_t count) {
  const std::uint64_t hash = HashOf(clause);
  for (ClauseChecks& entry : clause_checks) {
    std::uint64_t owner = 0;
    if (entry.clause.compare_exchange_strong(owner, hash) || owner == hash) {
      entry.checks.fetch_add(count, std::memory_order_relaxed);
      return;
    }
  }
  log_lost.fetch_add(1);
}

std::uint32_t Slot::ChecksOf(std::string_view clause) const {
  const std::uint64_t hash = HashOf(clause);
  for (const ClauseChecks& entry : clause_checks) {
    if (entry.clause.load() == hash) return entry.checks.load();
  }
  return 0;
}

void Slot::Append(LogKind kind, const std::vector<std::string_view>& fields) {
  const std::size_t bytes = RecordBytes(fields);
  std::uint32_t offset = log_used.load();
  do {
    if (offset + bytes > kLogBytes) {
      log_lost.fetch_add(1);
      return;
    }
  } while (!log_used.compare_exchange_weak(offset, offset + static_cast<std::uint32_t>(bytes)));
  char* at = log + offset + sizeof(std::uint32_t);
  Put(at, static_cast<std::uint32_t>(kind));
  Put(at, static_cast<std::uint32_t>(fields.size()));
  Put(at, static_cast<std::uint32_t>(bytes));
  for (auto field : fields) {
    Put(at, static_cast<std::uint32_t>(field.size()));
    std::memcpy(at, field.data(), field.size());
    at += field.size();
  }
  std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(log + offset))
      .store(1, std::memory_order_release);
}

std::vector<LogRecord> Slot::ReadLog() const {
  std::vector<LogRecord> records;
  const std::size_t used = std::min<std::size_t>(log_used.load(), kLogBytes);
  std::size_t offset = 0;
  while (offset + kRecordHead <= used) {
    const char* at = log + offset;
    const auto ready = Take<std::uint32_t>(at);
    LogRecord record;
    record.kind = static_cast<LogKind>(Take<std::uint32_t>(at));
    const auto count = Take<std::uint32_t>(at);
    const auto bytes = Take<std::uint32_t>(at);
    // A writer that was killed in the middle leaves a record that is not ready; its length may
    // be missing too, and then nothing after it can be found.
    if (bytes < kRecordHead || offset + bytes > used) break;
    for (std::uint32_t i = 0; ready && i < count; ++i) {
      const auto length = Take<std::uint32_t>(at);
      if (at + length > log + used) break;
      record.fields.emplace_back(at, length);
      at += length;
    }
    if (ready) records.push_back(std::move(record));
    offset += bytes;
  }
  return records;
}

Actor* Slot::NewActor() {
  const std::uint32_t index = actors_used.fetch_add(1);
  if (index >= kActorsMax) {
    actors_used.store(kActorsMax);
    return nullptr;
  }
  return &actors[index];
}

void* Slot::Allocate(std::size_t bytes, std::size_t align) {
  std::uint32_t used = heap_used.load();
  for (;;) {
    const std::size_t start = (used + align - 1) / align * align;
    if (bytes > kHeapBytes || start + bytes > kHeapBytes) return nullptr;
    if (heap_used.compare_exchange_weak(used, static_cast<std::uint32_t>(start + bytes)))
      return heap + start;
  }
}

Arena* Arena::Create(int slots) {
  const std::size_t head = (sizeof(RunHeader) + 4095) & ~std::size_t{4095};
  const std::size_t bytes = head + sizeof(Slot) * static_cast<std::size_t>(slots);
  int flags = MAP_SHARED | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  flags |= MAP_NORESERVE;
#endif
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(),
                            "mapping " + std::to_string(bytes) + " bytes to share with tests");
  }
  auto* arena = new Arena;
  arena->bytes_ = bytes;
  arena->header_ = static_cast<RunHeader*>(memory);
  arena->slots_ = reinterpret_cast<Slot*>(static_cast<char*>(memory) + head);
  arena->header_->slots = slots;
  return arena;
}

Arena::~Arena() { munmap(header_, bytes_); }

}  // namespace ipcsuite
