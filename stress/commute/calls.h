// The calls of `stress --commute`: one row each, with what a process needs to make it again and
// again.
#pragma once

#include <mqueue.h>
#include <semaphore.h>

#include <array>
#include <string>
#include <vector>

#include "stress/engine/registry.h"
#include "stress/engine/state.h"

namespace ipcsuite::stress {

// What one process (or both, where they share) makes its calls on. Removed with it.
struct CommuteObjects {
  CommuteObjects(Registry& r, SharedRegion& s) : registry(r), region(s) {}
  ~CommuteObjects();
  CommuteObjects(const CommuteObjects&) = delete;
  CommuteObjects& operator=(const CommuteObjects&) = delete;

  Registry& registry;
  SharedRegion& region;
  std::vector<int> fds;
  mqd_t queue = static_cast<mqd_t>(-1);
  sem_t* unnamed = nullptr;           // lies in the shared region
  NameKind kind = NameKind::kFree;    // of `name`
  std::string name;                   // entered in the registry; empty: none
  std::array<char, 4096> bytes = {};  // what is written, and where reads go
};

// A batch is one or more calls in a row. Each function returns false when a call failed, with
// errno.
struct CommuteCall {
  const char* name;     // "mq_send"
  const char* objects;  // what each process has one of: "queues"; nullptr: nothing at all
  int calls = 1;        // in a batch; "mq_open+mq_unlink" counts as one
  bool shares = false;  // calls of two processes on one object make sense
  bool (*setup)(CommuteObjects&) = nullptr;   // once, before any process is forked
  bool (*before)(CommuteObjects&) = nullptr;  // not timed
  bool (*batch)(CommuteObjects&) = nullptr;   // timed
  bool (*after)(CommuteObjects&) = nullptr;   // not timed
};

// Without a system call: what two processes reach on this machine, the yardstick of all others.
inline constexpr char kCommuteYardstick[] = "nothing";

// kCommuteYardstick first.
const std::vector<CommuteCall>& CommuteCalls();
std::vector<const CommuteCall*> AllCommuteCalls();

}  // namespace ipcsuite::stress
