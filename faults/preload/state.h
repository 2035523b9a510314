// State of the broken implementation that outlives one call: cells keyed by object, seen by all
// processes; who is waiting; the mappings of this process; how to wait, interrupt and stay stuck.
// Everything here is async-signal-safe: fixed tables, atomics, raw system calls.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>

#include "faults/preload/fault.h"

namespace faults {

// Maps the shared table: the file that IPCSUITE_FAULT_STATE names, otherwise anonymous memory that
// children inherit (but not programs started by exec).
void MapState();

// The cell of this object (or any number) for this use; starts at 0 and is never freed.
std::atomic<uint64_t>& Cell(uint64_t key, uint32_t use);

// A variant calls this where it decides differently; `detect` reads the count from the state file.
void Differ();

// A lock for the few faults that need several calls to look like one. Given up after 200 ms, since
// the holder may have been killed.
class Locked {
 public:
  Locked();
  ~Locked();
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  bool mine_;
};

// ---- time ----
// Sleeps for the length of a "hang" (IPCSUITE_FAULT_STUCK_MS, default 4000), signals or not.
void Stuck();
int StuckMs();
void PauseMs(int ms);
int64_t NowNs(clockid_t clock);
// Whether a signal handler runs meanwhile. Not by way of libc, whose calls are cancellation points.
inline bool SignalWithin(long ns) {
  long moment[2] = {0, ns};
  const int saved = errno;
  const bool interrupted =
      syscall(SYS_ppoll, nullptr, 0, moment, nullptr, 0) == -1 && errno == EINTR;
  errno = saved;
  return interrupted;
}
inline bool Passed(const timespec& t, clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return t.tv_sec < now.tv_sec || (t.tv_sec == now.tv_sec && t.tv_nsec <= now.tv_nsec);
}

inline bool Valid(const timespec& t) { return t.tv_nsec >= 0 && t.tv_nsec < 1'000'000'000; }

inline timespec Earlier(timespec t, long ns) {
  t.tv_nsec -= ns;
  if (t.tv_nsec < 0) t.tv_nsec += 1'000'000'000, --t.tv_sec;
  return t;
}

// ---- waiting and waking ----
// Announces that this thread is about to wait on the object; the announcement ends with the scope,
// also when the thread is cancelled. Kick() interrupts the announced call with EINTR.
class Waiting {
 public:
  Waiting(uint64_t key, uint32_t use);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  bool Kicked() const;  // somebody meant this wait
  bool Newest() const;  // nobody came later who still waits for the same

 private:
  int slot_;
};
int WaiterCount(uint64_t key, uint32_t use);
// Interrupts the newest (or every) waiter; returns how many. The signal used is reserved.
int Kick(uint64_t key, uint32_t use, bool all);
// Faults that kick, or that bound a wait with Bounded, say so when they are installed.
void UseKicks();
// Interrupts this thread's system call after StuckMs() unless the scope ended before.
class Bounded {
 public:
  Bounded();
  ~Bounded();
  Bounded(const Bounded&) = delete;
  Bounded& operator=(const Bounded&) = delete;
  bool Fired() const;

 private:
  timer_t timer_{};
  bool armed_ = false;
};

// While in scope, signals whose action is `which` interrupt system calls with EINTR.
enum class Disturb { restarting, ignored, continued };
class Disturbed {
 public:
  explicit Disturbed(Disturb which);
  ~Disturbed();
  Disturbed(const Disturbed&) = delete;
  Disturbed& operator=(const Disturbed&) = delete;

 private:
  struct sigaction saved_[65];
  bool changed_[65] = {};
};

// ---- looking at objects ----
bool Nonblocking(const Obj& o);
int AccessMode(const Obj& o);
int Available(const Obj& o);                  // bytes in the pipe
int Capacity(const Obj& o);                   // bytes that fit into it
int Room(const Obj& o);                       // what of them is free
short Readiness(const Obj& o, short events);  // poll with timeout 0
inline bool ReaderWaits(const Obj& o) { return !Nonblocking(o) && Readiness(o, POLLIN) == 0; }
inline bool HasReader(const Obj& o) { return !(Readiness(o, POLLOUT) & POLLERR); }
mq_attr Attributes(const Obj& q);
inline bool QueueEmpty(const Obj& q) { return Attributes(q).mq_curmsgs == 0; }
inline bool QueueFull(const Obj& q) {
  mq_attr a = Attributes(q);
  return a.mq_curmsgs >= a.mq_maxmsg;
}
// Calls f for every open descriptor above 2 that is an object under test.
void ForEachDescriptor(void (*f)(const Obj&, void*), void* argument);
template <class F>
void ForEachObject(F f) {
  ForEachDescriptor([](const Obj& o, void* p) { (*static_cast<F*>(p))(o); }, &f);
}
// A new description of the same object, numbered high; -1 if that fails.
int Reopen(int fd, int flags);
// Moves the descriptor out of the way of the lowest-number rule.
int MoveHigh(int fd);

// ---- messages ----
struct Message {
  unsigned priority;
  size_t length;
  char* data;
};
// Takes all messages out of the queue, lets `change` reorder, drop or add (count, in order of
// reception), and puts back what is left. At most 64 messages of 64 KiB in all, else does nothing.
bool Rearrange(const Obj& q, void (*change)(Message*, int& count, void*), void* argument);
template <class F>
bool RearrangeWith(const Obj& q, F f) {
  return Rearrange(
      q, [](Message* m, int& n, void* p) { (*static_cast<F*>(p))(m, n); }, &f);
}

// ---- mappings of shared memory in this process ----
struct MappingEntry {
  uintptr_t address;
  size_t length;  // rounded up to pages; 0 is a free entry
  int prot, flags;
  Obj object;
  off_t offset;
  bool live;
};
size_t PageSize();
size_t PageUp(size_t n);
void NoteMapped(const MappingEntry& m);
void NoteUnmapped(uintptr_t address, size_t length);
void ForgetRange(uintptr_t address, size_t length);  // something else lives there now
// The n-th entry that overlaps the range (live, or once mapped when `dead` too), null at the end.
MappingEntry* MappingAt(uintptr_t address, size_t length, int n, bool dead);
MappingEntry* MappingOf(const Obj& o, int n);
MappingEntry* AnyMapping(int n);

}  // namespace faults
