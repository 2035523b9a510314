// Histories of mutexes (with a condition variable each), read-write locks and barriers: the rules
// that one sweep decides.
//
// A process is surely inside from the end of the call that took the lock to the begin of the call
// that gives it up. A process that was killed is marked by its last operation (Fate::kKilled), or
// by Call::kExit where it was killed between two: a robust mutex that it held passes to the next
// with EOWNERDEAD, once for each death.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "props/history/rules.h"

namespace ipcsuite::props {

// The operations of one mutex, not a recursive one, by invoke ticket. Those that wait on its
// condition variable at the end must not have been owed a wake-up: by a broadcast, or by a signal
// that woke nobody else, of a process that was inside.
std::vector<Violation> CheckMutexRules(const std::vector<Op>& ops);

// The operations of one read-write lock.
std::vector<Violation> CheckRwlockRules(const std::vector<Op>& ops);

// The arrivals at one barrier of `count` processes.
std::vector<Violation> CheckBarrierRules(const std::vector<Op>& ops, std::uint64_t count);

// Whether the rules alone decide: a condition wait gives up the mutex at one moment and takes it at
// another, and so do processes that are killed.
bool OnlyRulesDecide(const std::vector<Op>& ops);

}  // namespace ipcsuite::props
