// Calls of a trace as C writes them.
#pragma once

#include <string>
#include <vector>

#include "repro/roles.h"

namespace ipcsuite::repro {

// What the program must define for the calls in it.
struct Needs {
  std::size_t buffer_bytes = 0;  // `buf`, into which calls write
  std::size_t zeroes_bytes = 0;  // `zeroes`, of which long buffers consist
  bool fill = false, drain = false;
  bool attributes = false, status = false, priority = false, number = false, info = false;
  bool polls = false;
  bool bytes_are_known = true;  // what is received can be compared
};

// "mq_send(q1, \"x\", 1, 0)"; what can't be written is said in `why`.
std::string CallInC(const TraceEntry& entry, Roles& roles, Needs& needs, std::string* why);
// What holds for the outcome of a call that stored results as in the trace: " && prio == 3".
std::string ResultsInC(const TraceEntry& entry, const Roles& roles, const Needs& needs);

}  // namespace ipcsuite::repro
