// One real pipe or FIFO, shared by the processes of a property.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/core/names.h"
#include "props/engine/target.h"

namespace ipcsuite::props {

// The bytes that a write of `op` puts in: those of record.h, stamped if the operation says so.
void FillWrite(const Op& op, unsigned char* bytes);

class PipeTarget : public Target {
 public:
  struct Ends {
    std::uint64_t readers = 1;  // bit per process that begins with a read end
    std::uint64_t writers = 1;
  };
  // A pipe; each process keeps the ends that `ends` gives it. Ends the test as UNRESOLVED when it
  // cannot be made.
  explicit PipeTarget(const Ends& ends);
  // A FIFO, both ends opened by this one process.
  static std::unique_ptr<PipeTarget> Fifo();
  ~PipeTarget() override;

  void Perform(Op& op, unsigned char* bytes) override;
  void Enter(int process) override;
  void Forked() override;

 protected:
  int write_end() const { return write_end_; }

 private:
  PipeTarget() = default;
  void Transfer(Op& op, unsigned char* bytes);
  void CloseEnd(Op& op, int& fd);
  void OpenEnd(Op& op, int& fd, int access);
  void Poll(Op& op);

  Ends ends_;
  std::unique_ptr<UniqueName> path_;  // of a FIFO
  int read_end_ = -1;
  int write_end_ = -1;
  std::vector<unsigned char> scratch_;
};

}  // namespace ipcsuite::props
