// A crew: processes that perform one operation each on request, while the caller sees which have
// returned and which are blocked.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/arena.h"
#include "props/engine/sleep_watch.h"
#include "props/engine/target.h"
#include "props/model/op.h"

namespace ipcsuite::props {

// Whether this platform shows for certain that a call is blocked (harness/probe.h).
bool ProbeIsCertain();

class Crew {
 public:
  // Forks `initial` processes (all, when it is absent) that perform on `target`; there is room for
  // `workers`, the others come to be when a worker performs Call::kFork, and end with Call::kExit.
  // Ends the test as UNRESOLVED when processes cannot be started. Workers die with the crew.
  Crew(int workers, Target& target, int initial = -1);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  int size() const { return static_cast<int>(workers_.size()); }
  bool Busy(int worker) const { return workers_[Index(worker)].busy; }
  bool Alive(int worker) const { return workers_[Index(worker)].alive; }

  // Lets an idle worker perform `op`.
  void Issue(int worker, const Op& op);

  // Waits until every busy worker has returned or is shown blocked, and so nothing moves any more.
  // (One that sleeps for a second in another system call than its operation's is taken for
  // blocked.) The workers that returned since the last call are in `returned`, ascending. False
  // when that could not be shown within 20 s: `stuck_text` says of whom and what was seen.
  bool Settle(std::vector<int>& returned, std::string& stuck_text);

  // The wait status of a worker that ended though nobody ordered that or killed it, during the last
  // Settle(), which then returned false; nothing otherwise. `worker` says which.
  std::optional<int> Death(int& worker) const;

  // The operation as issued, with its outcome once its worker returned.
  const Op& OpOf(int worker) const;
  // Where reads of this worker put their bytes, and the start of that area over all workers.
  const unsigned char* BytesOf(int worker) const;
  const unsigned char* Bytes() const { return bytes_; }

  // Where blocking could only be inferred: waits up to 3 s for a busy worker to return after all.
  // True when one did; Settle() then says which. Always false where blocking was shown.
  bool SecondThoughts();

  void Signal(int worker, int signal);
  // SIGKILL, and returns when the process is gone.
  void Kill(int worker);

  // Whether blocking was shown for certain, or only inferred from a settle time.
  bool Heuristic() const { return heuristic_; }

 private:
  struct Station {
    Actor actor;
    Op op;
    std::atomic<std::uint32_t> entered{0};  // its process has closed what is not its own
  };
  struct Worker {
    pid_t pid = -1;
    bool alive = false;
    bool busy = false;
    std::uint32_t issued = 0;
    SleepWatch sleep{};
  };

  static std::size_t Index(int worker) { return static_cast<std::size_t>(worker); }
  [[noreturn]] void Work(int worker, Target& target);
  int Spawn(int worker, Target& target);
  bool Ended(int worker);
  bool NoteDeaths();
  bool Returned(int worker) const;
  bool CollectReturned(std::vector<int>& returned);
  bool AllShownBlocked();
  std::string DescribeBusy() const;

  std::vector<Worker> workers_;
  Station* stations_ = nullptr;
  unsigned char* bytes_ = nullptr;
  std::size_t mapped_ = 0;
  int newest_ = 0;
  int dead_ = -1;
  int dead_status_ = 0;
  bool heuristic_ = false;
};

}  // namespace ipcsuite::props
