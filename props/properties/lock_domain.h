// How steps of a program become operations on a monitor, a read-write lock or a barrier.
#pragma once

#include <vector>

#include "props/engine/trace.h"
#include "props/model/barrier.h"
#include "props/model/monitor.h"
#include "props/model/rwlock.h"

namespace ipcsuite::props {

// One of the ways to take a mutex, chosen by `b`.
Op MutexLockBy(std::uint16_t b);
// One of the ways to take a read-write lock.
Op RwlockBy(std::uint16_t b);

// Operations on a mutex and its condition variable, none of which is undefined in the states.
class MonitorDomain : public Domain<MonitorModel> {
 public:
  struct Shape {
    bool waits = false;          // the condition variable is used
    bool kills = false;          // processes are killed, but not those in a condition wait
    bool kills_waiters = false;  // those too
    bool gives_up = false;       // owners unlock what they did not make consistent
  };
  MonitorDomain(const MutexModel::Config& mutex, const Shape& shape)
      : Domain(MonitorModel(mutex)), shape_(shape) {}

  Op Decode(const RawStep& step, int process, const std::vector<State>& states) override;
  bool AvoidBlocking(Op& op) const override {
    return IsMutexLock(op.call) && Domain::AvoidBlocking(op);
  }
  bool MayKill(const std::vector<State>& states, int process) const override;
  bool MaySignal() const override { return true; }

 private:
  Op AsOwner(const RawStep& step, const MutexState& mutex) const;
  Op AsOther(const RawStep& step, const MutexState& mutex) const;
  Op Relock(std::uint16_t b) const;

  Shape shape_;
};

// Operations on a read-write lock. Processes that hold it are not killed; `kills_waiters`: those
// that wait for it are.
class RwlockDomain : public Domain<RwlockModel> {
 public:
  explicit RwlockDomain(bool kills_waiters)
      : Domain(RwlockModel({.waiters_known = true})), kills_waiters_(kills_waiters) {}

  Op Decode(const RawStep& step, int process, const std::vector<State>& states) override;
  bool MayKill(const std::vector<State>& states, int process) const override;
  bool MaySignal() const override { return true; }

 private:
  bool kills_waiters_;
};

// Arrivals.
class BarrierDomain : public Domain<BarrierModel> {
 public:
  BarrierDomain(unsigned count, bool kills) : Domain(BarrierModel(count)), kills_(kills) {}

  Op Decode(const RawStep&, int, const std::vector<State>&) override {
    Op op;
    op.call = Call::kBarrierWait;
    return op;
  }
  bool AvoidBlocking(Op&) const override { return false; }
  bool MayKill(const std::vector<State>&, int) const override { return kills_; }
  bool MaySignal() const override { return true; }

 private:
  bool kills_;
};

}  // namespace ipcsuite::props
