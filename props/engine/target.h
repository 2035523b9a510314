// Targets: where operations meet the platform. A target holds the descriptors of one object and
// performs operations on it through the real calls.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "props/model/op.h"

namespace ipcsuite::props {

class Target {
 public:
  virtual ~Target() = default;
  // Performs `op` and fills in its outcome: result, error, value, priority. What a read returned is
  // put at `bytes` (room for kMaxBytes). Runs in the process that acts; makes exactly one call
  // under test, save where the operation says otherwise (kViaPoll).
  virtual void Perform(Op& op, unsigned char* bytes) = 0;
  // Called once in each process that acts, after fork, with its number.
  virtual void Enter(int process) = 0;
  // Called in the process that made the target, when all that act have been forked: closes what it
  // would otherwise keep open for them.
  virtual void Forked() {}

  // Forks the calling worker: the copy is worker `number`, which did not exist. Returns the copy's
  // process id, or -1 with errno. Set by the crew.
  std::function<int(int number)> spawn;

  static constexpr std::size_t kMaxBytes = 256 * 1024;
};

}  // namespace ipcsuite::props
