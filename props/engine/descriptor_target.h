// Descriptors of real pipes at fixed numbers in each process.
#pragma once

#include "props/engine/target.h"

namespace ipcsuite::props {

class DescriptorTarget : public Target {
 public:
  DescriptorTarget();
  ~DescriptorTarget() override;  // closes what this process has
  void Perform(Op& op, unsigned char* bytes) override;
  void Enter(int process) override;

 private:
  int At(std::uint64_t slot) const { return base_ + static_cast<int>(slot); }
  void MakePipe(Op& op);
  void Flags(Op& op);
  void Bytes(Op& op);
  void ExecProbe(Op& op);

  int base_;  // the descriptor of slot 0
};

}  // namespace ipcsuite::props
