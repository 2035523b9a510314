// Real shared memory objects under a few names, used by the processes of a property.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "harness/core/names.h"
#include "props/engine/target.h"
#include "props/model/shm.h"

namespace ipcsuite::props {

class ShmTarget : public Target {
 public:
  // Ends the test as UNRESOLVED when shared memory objects are not available. No object exists at
  // first.
  ShmTarget();
  // Closes and unmaps what this process has, and unlinks the names.
  ~ShmTarget() override;

  void Perform(Op& op, unsigned char* bytes) override;
  void Enter(int process) override;

 private:
  void Open(Op& op);
  void Map(Op& op);
  void Access(Op& op);

  std::vector<UniqueName> names_;
  std::array<int, kShmSlots> fds_{};
  std::array<void*, kShmSlots> mappings_{};
  std::size_t page_size_;
  std::size_t mapped_bytes_;
  int owner_;
};

}  // namespace ipcsuite::props
