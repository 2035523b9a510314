// Names that a test creates in the system: unique to the run, the process and the use, registered
// before anything is created under them, and swept when the test ends, however it ends.
#pragma once

#include <string>

#include "harness/core/arena.h"

namespace ipcsuite {

// A name for a POSIX shared memory object, message queue or semaphore, "/ipcsuite-<run>-<pid>-<n>":
// nothing exists under it yet. It is unlinked (if it exists) when the object goes.
class UniqueName {
 public:
  static UniqueName Shm() { return UniqueName(NameEntry::kShm); }
  static UniqueName Mq() { return UniqueName(NameEntry::kMqueue); }
  static UniqueName Sem() { return UniqueName(NameEntry::kSem); }
  // A path in the test's scratch directory (for FIFOs and files).
  static UniqueName Path(const std::string& suffix = "");
  ~UniqueName();
  UniqueName(UniqueName&& other) noexcept;
  UniqueName& operator=(UniqueName&&) = delete;
  const char* c_str() const { return name_.c_str(); }
  const std::string& str() const { return name_; }

 private:
  explicit UniqueName(NameEntry::Kind kind, std::string name = "");
  std::string name_;
  NameEntry* entry_ = nullptr;
  int owner_pid_;
};

// Registers a name of the test's own making (one of special form or length) for sweeping.
// The kind is NameEntry's. Returns false when the registry is full.
bool RegisterName(NameEntry::Kind kind, const std::string& name);

// The test's own directory, made at its first use: on the file system of TMPDIR, mode 0700 (made
// passable for other users by ScratchDirForAll).
std::string ScratchDir();
// The same, mode 0711 on all of the way, for tests with peers of other users.
std::string ScratchDirForAll();

// Removes whatever still exists of the slot's registered names and its scratch directory; returns
// a description of what was found, empty when nothing was. May call the interfaces under test:
// call it in a process that may hang or crash.
std::string SweepNames(Slot& slot);

}  // namespace ipcsuite
