// One real semaphore, shared by the processes of a property.
#pragma once

#include <semaphore.h>

#include <vector>

#include "props/engine/target.h"

namespace ipcsuite::props {

class SemTarget : public Target {
 public:
  // Makes a semaphore with that value: a named one (whose name is removed immediately), or an
  // unnamed one in memory that processes share. Ends the test as UNSUPPORTED or UNRESOLVED when it
  // cannot be made.
  SemTarget(bool named, unsigned value);
  ~SemTarget() override;
  SemTarget(const SemTarget&) = delete;
  SemTarget& operator=(const SemTarget&) = delete;

  void Perform(Op& op, unsigned char* bytes) override;
  void Enter(int process) override;

  // Processes run under SCHED_FIFO from now on, each at its level above the lowest priority.
  void SetLevels(std::vector<int> levels) { levels_ = std::move(levels); }

 private:
  void Wait(Op& op);

  bool named_;
  sem_t* sem_ = nullptr;
  std::vector<int> levels_;
};

}  // namespace ipcsuite::props
