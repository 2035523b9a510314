#include "harness/core/names.h"

#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "harness/core/context.h"

namespace ipcsuite {
namespace {

std::string NextName() {
  static std::atomic<unsigned> counter{0};
  const RunHeader* run = CurrentRun();
  return std::string("/ipcsuite-") + (run ? run->run_id : "0") + "-" + std::to_string(getpid()) +
         "-" + std::to_string(counter.fetch_add(1));
}

// An entry whose name is gone, for tests that make thousands of objects one after the other; null
// when there is none. Taken by exchanging its kind, so that two processes never get the same.
NameEntry* ReuseEntry(Slot& slot) {
  for (NameEntry& entry : slot.names) {
    if (entry.live.load() != 0) continue;
    if (entry.kind.exchange(NameEntry::kNone) != NameEntry::kNone) return &entry;
  }
  return nullptr;
}

NameEntry* Register(NameEntry::Kind kind, const std::string& name) {
  Slot* slot = CurrentSlot();
  if (!slot || name.size() >= sizeof(NameEntry::name)) return nullptr;
  const std::uint32_t index = slot->names_used.fetch_add(1);
  if (index >= Slot::kNamesMax) slot->names_used.store(Slot::kNamesMax);
  NameEntry* free = index < Slot::kNamesMax ? &slot->names[index] : ReuseEntry(*slot);
  if (!free) return nullptr;
  NameEntry& entry = *free;
  std::memcpy(entry.name, name.c_str(), name.size() + 1);
  entry.kind.store(kind);
  entry.live.store(1);
  return &entry;
}

// Removes the name; true when it existed.
bool Remove(NameEntry::Kind kind, const char* name) {
  const int saved = errno;
  int result = -1;
  switch (kind) {
    case NameEntry::kShm: result = shm_unlink(name); break;
    case NameEntry::kMqueue: result = mq_unlink(name); break;
    case NameEntry::kSem: result = sem_unlink(name); break;
    case NameEntry::kPath: result = unlink(name); break;
    case NameEntry::kNone: break;
  }
  errno = saved;
  return result == 0;
}

const char* KindName(NameEntry::Kind kind) {
  switch (kind) {
    case NameEntry::kShm: return "shared memory object";
    case NameEntry::kMqueue: return "message queue";
    case NameEntry::kSem: return "semaphore";
    case NameEntry::kPath: return "file";
    case NameEntry::kNone: break;
  }
  return "name";
}

}  // namespace

UniqueName::UniqueName(NameEntry::Kind kind, std::string name)
    : name_(name.empty() ? NextName() : std::move(name)), owner_pid_(getpid()) {
  entry_ = Register(kind, name_);
  if (!entry_ && CurrentSlot()) Unresolved("too many names in one test");
}

UniqueName::UniqueName(UniqueName&& other) noexcept
    : name_(std::move(other.name_)), entry_(other.entry_), owner_pid_(other.owner_pid_) {
  other.entry_ = nullptr;
}

namespace {
// FIFOs go to the directories that the user gave for them, one after the other.
std::string DirFor(const std::string& suffix) {
  static int next = 0;
  const RunHeader* run = CurrentRun();
  if (suffix != ".fifo" || !run || !*run->fifo_dirs) return ScratchDir();
  const std::vector<std::string> dirs = Split(run->fifo_dirs, "\n");
  return dirs[static_cast<std::size_t>(next++) % dirs.size()];
}
}  // namespace

UniqueName UniqueName::Path(const std::string& suffix) {
  return UniqueName(NameEntry::kPath, DirFor(suffix) + NextName() + suffix);
}

UniqueName::~UniqueName() {
  if (!entry_ || owner_pid_ != getpid()) return;
  Remove(static_cast<NameEntry::Kind>(entry_->kind.load()), name_.c_str());
  entry_->live.store(0);
}

bool RegisterName(NameEntry::Kind kind, const std::string& name) {
  NameEntry* entry = Register(kind, name);
  // Not the owner's duty to remove: sweeping it is not a leak.
  if (entry) entry->live.store(2);
  return entry != nullptr;
}

std::string ScratchDir() {
  Slot* slot = CurrentSlot();
  if (!slot) return "/tmp";
  if (*slot->scratch_dir) return slot->scratch_dir;
  RunHeader* run = CurrentRun();
  std::string dir = std::string(run ? run->scratch_root : "/tmp") + "/t-XXXXXX";
  if (!mkdtemp(dir.data())) {
    Unresolved("can't make a scratch directory under " + dir + " (" + ErrnoName(errno) +
               "): set TMPDIR to a writable place");
  }
  std::snprintf(slot->scratch_dir, sizeof slot->scratch_dir, "%s", dir.c_str());
  return dir;
}

std::string ScratchDirForAll() {
  const std::string dir = ScratchDir();
  if (chmod(dir.c_str(), 0711) != 0) Unresolved("can't open the scratch directory to other users");
  if (RunHeader* run = CurrentRun()) chmod(run->scratch_root, 0711);
  return dir;
}

std::string SweepNames(Slot& slot) {
  std::string found;
  const int used = std::min<int>(slot.names_used.load(), Slot::kNamesMax);
  for (int i = 0; i < used; ++i) {
    NameEntry& entry = slot.names[i];
    const std::uint32_t live = entry.live.exchange(0);
    if (live == 0) continue;
    const auto kind = static_cast<NameEntry::Kind>(entry.kind.load());
    if (Remove(kind, entry.name) && live == 1) {
      found += (found.empty() ? "" : ", ") + std::string(KindName(kind)) + " " + entry.name;
    }
  }
  if (*slot.scratch_dir) {
    std::error_code ignored;
    std::filesystem::remove_all(slot.scratch_dir, ignored);
    *slot.scratch_dir = 0;
  }
  return found;
}

}  // namespace ipcsuite
