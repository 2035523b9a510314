// Names and processes of a run, in shared memory, so that whoever is left can remove them: the run
// itself at its end, its signal handler, or the guardian process when the run was killed.
//
// A name is entered before it is created. Names carry the pid of the run: two runs never collide.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "stress/engine/state.h"

namespace ipcsuite::stress {

enum class NameKind : std::uint32_t { kFree, kQueue, kShm, kSem, kPath, kDirectory };

class Registry {
 public:
  static constexpr int kNames = 1024;
  static constexpr int kProcesses = 8192;

  explicit Registry(SharedRegion& region);

  // A fresh name of that kind: "/ipcsuite-stress-<pid>-<n>", or a path below the run's directory
  // (made on first use below $TMPDIR). It is entered; nothing is created.
  std::string NewName(NameKind kind);
  // Enters a process to be killed if the run dies; slot to be given to Forget.
  int Remember(pid_t pid);
  void Forget(int slot);
  void ForgetName(const std::string& name);
  // Removes what has this name; whether there was anything.
  static bool Remove(NameKind kind, const char* text);
  // Unlinks a path and forgets it; empties it. Nothing if it is empty.
  void RemovePath(std::string* path);

  // Removes all names that exist. Returns how many still existed: what a run left behind.
  int Sweep();
  void KillAll();

 private:
  struct Name {
    std::atomic<NameKind> kind;
    char text[108];
  };
  std::string Directory();
  int Enter(NameKind kind, const std::string& text);

  std::atomic<std::uint32_t>* next_name_;
  Name* names_;
  std::atomic<std::int32_t>* processes_;
  std::atomic<std::uint32_t>* counter_;
  pid_t owner_;
  std::string directory_;
};

// Whether objects of this kind (kShm, kQueue, kSem, kPath: a FIFO) can be made and used at all: "",
// or what fails and why ("shm_open: Read-only file system"). A place without them is not a finding.
std::string WhyUnusable(Registry& registry, NameKind kind);

// Whether a creation that failed so met a limit (descriptors, queues, bytes): exhaustion, no
// finding.
bool MeansNoRoom(int error);

// Forks the guardian: it outlives the run by a moment if that is killed, kills what processes are
// left, removes names, and ends. Returns its pid; -1 when fork failed.
pid_t StartGuardian(Registry& registry);
// Ends the guardian of a run that cleaned up by itself.
void StopGuardian(pid_t guardian);

// Asks that the calling process be killed when its parent dies, and ends it at once if the parent
// is gone already. On kernels without that request the guardian does it.
void DieWithParent(pid_t parent);

}  // namespace ipcsuite::stress
