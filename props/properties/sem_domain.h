// How steps of a program become operations on a semaphore.
#pragma once

#include <vector>

#include "props/engine/trace.h"
#include "props/model/semaphore.h"

namespace ipcsuite::props {

// A post, a wait of any kind, or a look at the value. `near` deadlines race with posts.
Op DecodeSemaphore(const RawStep& step, bool near);

class SemDomain : public Domain<SemModel> {
 public:
  struct Shape {
    bool kills = false;
    bool signals = false;
    bool ignored = false;  // the signals are ignored ones, which interrupt nothing
  };
  SemDomain(const SemModel& model, const Shape& shape) : Domain(model), shape_(shape) {}

  Op Decode(const RawStep& step, int, const std::vector<State>&) override {
    return DecodeSemaphore(step, false);
  }
  bool MayKill(const std::vector<State>&, int) const override { return shape_.kills; }
  bool MaySignal() const override { return shape_.signals; }
  int Signal() const override { return shape_.ignored ? SIGUSR2 : SIGUSR1; }

 private:
  Shape shape_;
};

}  // namespace ipcsuite::props
