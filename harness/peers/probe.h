// The blocked probe: proves that a thread is asleep in a given system call.
//
// Shown means, in this order: (1) the arena says that the call was issued and has not returned;
// (2) /proc/PID/task/TID/syscall names a system call that the issued call may use and, if asked
// for, its first argument; (3) /proc/PID/task/TID/stat says state S exactly (syscall alone also
// shows a task that was just woken and has yet to run); (4) the arena still says (1), for the same
// call. Where /proc is not informative, a bounded settle time takes its place and the test's
// confidence becomes "heuristic". wchan is not used: its names vary between kernels.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/os/os.h"
#include "harness/core/arena.h"

namespace ipcsuite {

enum class Blocking { kShown, kInferred, kReturned, kEnded, kNotShown };

struct ProbeResult {
  Blocking what = Blocking::kNotShown;
  std::string evidence;                  // the raw lines, or why not
  std::uint32_t seq = 0;                 // which call of the actor
  std::int64_t voluntary_switches = -1;  // at the time it was shown
};

// Waits, at most `patience`, until a call that the actor makes in its step number `step` (0 is
// the first) is shown blocked, or the step or the actor has ended. `fd`: the descriptor that must
// be the system call's first argument, -1 for any.
ProbeResult ProbeBlocked(Actor& actor, std::uint32_t step, int fd, nanoseconds patience);

// One look, without waiting: is the actor's current call shown blocked right now? (Where /proc is
// not informative: is it outstanding?)
bool IsShownBlocked(Actor& actor);

// Follows one call of an actor, look by look, and says how long it has been asleep without a break.
// A thread that was woken and gets no CPU is in state R: only one that sleeps was not woken.
class SleepWatch {
 public:
  // `now`: nominal time, the same clock in each look.
  void Look(Actor& actor, nanoseconds now);
  // In a system call that the function may use (heuristic where /proc is not informative).
  nanoseconds blocked() const { return blocked_; }
  // In state S, be it in another system call: libraries emulate.
  nanoseconds asleep() const { return asleep_; }
  // In state S without having run in between, while no other peer of the test could have done
  // anything that it waits for. Zero where voluntary switches are not counted.
  nanoseconds left_alone() const { return left_alone_; }
  const os::ThreadState& state() const { return state_; }

 private:
  nanoseconds last_{0}, blocked_{0}, asleep_{0}, left_alone_{0}, looked_at_others_{-1s};
  bool others_may_act_ = true;
  std::uint32_t seq_ = 0;
  std::int64_t switches_ = -1;
  os::ThreadState state_;
};

// Finds out how well blocking can be seen here and notes it in the header: readlink(/proc/self)
// must name this process (the mount may describe another pid namespace), and a child that sleeps
// and one that runs must be distinguished.
void SelfTestProbe(RunHeader& header);

std::string ToString(ProbeMode mode);

}  // namespace ipcsuite
