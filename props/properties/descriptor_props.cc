// The property of descriptors: tables that are copied by dup, fork and exec, and what the last
// close of an end does to those at the other.
#include <vector>

#include "harness/test/test.h"
#include "props/engine/descriptor_target.h"
#include "props/engine/lockstep.h"
#include "props/engine/property.h"
#include "props/model/descriptors.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_io.h"

namespace ipcsuite::props {
namespace {

class DescriptorDomain : public Domain<DescriptorModel> {
 public:
  DescriptorDomain() : Domain(DescriptorModel()) {}

  Op Decode(const RawStep& step, int process, const std::vector<State>& states) override {
    const State& state = states.front();
    const FdTable& self = state.processes[static_cast<std::size_t>(process)];
    Op op;
    op.process = static_cast<std::uint16_t>(process);
    op.object = Open(self, step.a);
    switch (step.what % 20U) {
      case 0:
      case 1: return MakePipe(op, self, state);
      case 2:
      case 3:
        op.call = Call::kDup;
        op.amount = step.b % kFdSlots;
        return op;
      case 4:
      case 5: op.call = Call::kClose; return op;
      case 6: return SetNonblock(op, step, self, state);
      case 7: return OnOpen(op, Call::kGetNonblock, self);
      case 8: op.value = step.b % 2; return OnOpen(op, Call::kSetCloexec, self);
      case 9: return OnOpen(op, Call::kGetCloexec, self);
      case 10:
      case 11: return Fork(op, state);
      case 12:
        if (process != 0) op.call = Call::kExit;
        return op;
      case 13:
        if (step.b % 4 == 0) op.call = Call::kExecProbe;
        return op;
      default:
        op.call = step.what % 2 == 0 ? Call::kPutByte : Call::kGetByte;
        op.value = step.what % 2 == 0 ? step.b % 256U : 0;
        return op;
    }
  }
  bool MayKill(const std::vector<State>&, int process) const override { return process != 0; }
  // A read that would wait for ever is left out: O_NONBLOCK is part of the model here.
  bool AvoidBlocking(Op&) const override { return false; }

 private:
  // An open slot near `a`; now and then one that may be closed, for EBADF.
  static std::uint32_t Open(const FdTable& self, std::uint16_t a) {
    const std::uint32_t wish = a % kFdSlots;
    if (a % 16 == 0) return wish;
    for (std::uint32_t k = 0; k < kFdSlots; ++k) {
      const std::uint32_t slot = (wish + k) % kFdSlots;
      if (self.slots[slot].description >= 0) return slot;
    }
    return wish;
  }

  static Op OnOpen(Op op, Call call, const FdTable& self) {
    if (self.slots[op.object].description >= 0) op.call = call;
    return op;
  }

  static Op MakePipe(Op op, const FdTable& self, const State& state) {
    constexpr std::size_t kMostPipes = 40;  // keeps the model's states small
    std::vector<std::uint32_t> free;
    for (std::uint32_t slot = 0; slot < kFdSlots; ++slot) {
      if (self.slots[slot].description < 0) free.push_back(slot);
    }
    if (free.size() < 2 || state.pipes.size() >= kMostPipes) return {};
    op.call = Call::kPipe;
    op.object = free[0];
    op.amount = free[1];
    return op;
  }

  // Not while somebody is in a read: what a change does to a call in progress is another question.
  static Op SetNonblock(Op op, const RawStep& step, const FdTable& self, const State& state) {
    for (const FdTable& table : state.processes) {
      if (table.waits) return {};
    }
    op.value = step.b % 2;
    return OnOpen(op, Call::kSetNonblock, self);
  }

  static Op Fork(Op op, const State& state) {
    for (std::size_t i = 1; i < kFdProcesses; ++i) {
      if (state.processes[i].alive) continue;
      op.call = Call::kFork;
      op.amount = i;
      return op;
    }
    return {};
  }
};

CaseOutcome InLockstep(const Program& program) {
  DescriptorTarget target;
  Crew crew(static_cast<int>(kFdProcesses), target, 1);
  DescriptorDomain domain;
  return Lockstep<DescriptorModel>(domain, crew).Run(program);
}

IPC_TEST(PropLockstep, DescriptorsAcrossDupForkExec, clause::dup::pipe_shares_description,
         clause::dup::pipe_fd_flags_clear, clause::dup2::pipe_closes_target,
         clause::dup2::same_number, clause::dup2::invalid_source_keeps_target,
         clause::close::pipe_other_duplicates_keep_end_open, clause::fork::pipe_descriptors_shared,
         clause::fork::pipe_child_copy_delays_eof, clause::fcntl::setfl_visible_through_duplicates,
         clause::fcntl::setfd_per_descriptor, clause::exec::pipe_inherited,
         clause::exec::pipe_cloexec, clause::pipe::read_eof_no_writer, clause::pipe::write_epipe,
         clause::pipe::read_blocks_until_all_writers_close, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.DescriptorsAcrossDupForkExec",
                    __FILE__,
                    __LINE__,
                    250,
                    [](const Program& p) { return InLockstep(p); },
                    {{Call::kPipe, 20},
                     {Call::kDup, 20},
                     {Call::kClose, 20},
                     {Call::kFork, 10},
                     {Call::kExit, 3},
                     {Call::kExecProbe, 2},
                     {Call::kPutByte, 20},
                     {Call::kGetByte, 10},
                     {Call::kSetCloexec, 5},
                     {Call::kSetNonblock, 5}},
                    2,
                    false};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
