// How steps of a program become operations on a pipe or FIFO.
#pragma once

#include <cstdint>
#include <vector>

#include "props/engine/trace.h"
#include "props/model/pipe.h"

namespace ipcsuite::props {

class PipeDomain : public Domain<PipeModel> {
 public:
  struct Shape {
    bool ends = true;  // ends are closed (and, on a FIFO, opened again)
    bool kills = false;
    bool one_reader = true;  // at most one process reads at a time (lockstep)
  };
  PipeDomain(const PipeModel& model, const Shape& shape) : Domain(model), shape_(shape) {}

  Op Decode(const RawStep& step, int process, const std::vector<State>& states) override;
  // O_NONBLOCK is shared with processes that may be in a call.
  bool AvoidBlocking(Op&) const override { return false; }
  bool MayKill(const std::vector<State>&, int) const override { return shape_.kills; }

 private:
  Op Write(const RawStep& step, const State& state);
  Op Read(const RawStep& step);
  Op Ends(const RawStep& step, std::uint64_t bit, const State& state) const;
  std::uint64_t Amount(std::uint16_t a, std::uint16_t b) const;

  Shape shape_;
  std::uint64_t next_record_ = 0;
};

}  // namespace ipcsuite::props
