// Properties of shared memory objects: names, sizes, contents and mappings, in one process and in
// several.
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "harness/test/test.h"
#include "props/engine/lockstep.h"
#include "props/engine/property.h"
#include "props/engine/sequential.h"
#include "props/engine/shm_target.h"
#include "props/model/shm.h"
#include "spec/clauses/shm.h"

namespace ipcsuite::props {
namespace {

class ShmDomain : public Domain<ShmModel> {
 public:
  explicit ShmDomain(bool kills)
      : Domain(ShmModel(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)))), kills_(kills) {}

  Op Decode(const RawStep& step, int process, const std::vector<State>& states) override {
    const State& state = states.front();  // the model is deterministic
    const ShmProcess& self = state.processes[static_cast<std::size_t>(process) % kShmProcesses];
    Op op;
    op.process = static_cast<std::uint16_t>(process);
    switch (step.what % 16U) {
      case 0:
      case 1: return Open(op, step, self);
      case 2:
        op.call = Call::kShmUnlink;
        op.object = step.a % kShmNames;
        return step.b % 2 == 0 ? op : Op{};
      case 3:
      case 4: return Map(op, step, self);
      case 5: return Take(op, Call::kMunmap, step, self.mappings);
      case 6: return Take(op, Call::kCloseFd, step, self.descriptors);
      case 7:
      case 8: op.amount = Size(step); return Take(op, Call::kFtruncate, step, self.descriptors);
      case 9: return Take(op, Call::kFstatSize, step, self.descriptors);
      default: return Access(op, step, state, self);
    }
  }
  bool MayKill(const std::vector<State>&, int) const override { return kills_; }

 private:
  // A slot that is in use, chosen by the step; no operation when none is.
  template <typename Slots>
  static Op Take(Op op, Call call, const RawStep& step, const Slots& slots) {
    for (std::size_t k = 0; k < kShmSlots; ++k) {
      const std::size_t slot = (step.a + k) % kShmSlots;
      if (slots[slot].object < 0) continue;
      op.call = call;
      op.object = static_cast<std::uint32_t>(slot);
      return op;
    }
    return {};
  }
  template <typename Slots>
  static int Free(const Slots& slots) {
    for (std::size_t slot = 0; slot < kShmSlots; ++slot) {
      if (slots[slot].object < 0) return static_cast<int>(slot);
    }
    return -1;
  }

  static Op Open(Op op, const RawStep& step, const ShmProcess& self) {
    const int slot = Free(self.descriptors);
    if (slot < 0) return {};
    op.call = Call::kShmOpen;
    op.object = step.a % kShmNames;
    op.amount = static_cast<std::uint64_t>(slot);
    if (step.b % 4 != 0) op.flags |= kCreate;
    if (step.b % 8 == 3) op.flags |= kExclusive;
    if (step.b % 16 == 5) op.flags |= kTruncate;
    if (step.b % 16 == 6 || step.b % 16 == 8) op.flags |= kReadOnly;
    return op;
  }

  static Op Map(Op op, const RawStep& step, const ShmProcess& self) {
    const int slot = Free(self.mappings);
    if (slot < 0) return {};
    op.priority = static_cast<std::uint32_t>(slot);
    op.amount = step.b % 3;
    return Take(op, Call::kMmap, step, self.descriptors);
  }

  // Sizes at and around page boundaries, and any.
  std::uint64_t Size(const RawStep& step) const {
    const std::uint64_t page = model().page_size();
    const std::uint64_t pages = step.b % 5;
    switch (step.b / 8 % 4) {
      case 0: return pages * page;
      case 1: return pages * page + 1;
      case 2: return pages == 0 ? 0 : pages * page - 1;
      default: return std::uint64_t{step.b} * 7 % (4 * page);
    }
  }

  // A byte near the end of the object, at a page's edge, or any; none where POSIX says nothing.
  Op Access(Op op, const RawStep& step, const State& state, const ShmProcess& self) const {
    const std::uint64_t page = model().page_size();
    op = Take(op, step.what % 16U < 13 ? Call::kStore : Call::kLoad, step, self.mappings);
    if (op.call == Call::kNone) return op;
    const ShmMapping& mapping = self.mappings[op.object];
    const std::uint64_t size = state.objects[static_cast<std::size_t>(mapping.object)].size;
    const std::uint64_t begin = mapping.page * page;
    const std::uint64_t span = kShmMappedPages * page;
    std::uint64_t at = std::uint64_t{step.b} * 13 % span;
    if (step.a / 8 % 4 == 0) at = step.b % 6 * page / 2;
    if (step.a / 8 % 4 == 1 && size > begin) at = (size - begin - 1) % span;
    if (step.a / 8 % 4 == 2) at = (step.b % 3 + 1) * page - 1;
    if (begin + at >= size && begin + at < (size + page - 1) / page * page) return {};
    if (op.call == Call::kStore && mapping.read_only) op.call = Call::kLoad;
    op.amount = at;
    if (op.call == Call::kStore) op.value = step.who;
    return op;
  }

  bool kills_;
};

CaseOutcome Sequentially(const Program& program) {
  ShmTarget target;
  target.Enter(0);
  ShmDomain domain(false);
  return RunSequential(domain, target, program, nullptr);
}

CaseOutcome InLockstep(const Program& program) {
  ShmTarget target;
  Crew crew(3, target);
  ShmDomain domain(true);
  return Lockstep<ShmModel>(domain, crew).Run(program);
}

const std::vector<Needed> kNeeded = {{Call::kShmOpen, 50},   {Call::kShmUnlink, 10},
                                     {Call::kFtruncate, 20}, {Call::kMmap, 20},
                                     {Call::kStore, 20},     {Call::kLoad, 10}};

IPC_TEST(PropSequential, ShmTraffic, clause::shm_open::creat_creates,
         clause::shm_open::creat_size_zero, clause::shm_open::creat_existing_untouched,
         clause::shm_open::excl_eexist, clause::shm_open::err_enoent,
         clause::shm_open::trunc_size_zero, clause::shm_unlink::removes_name,
         clause::shm_unlink::deferred_open_fd, clause::shm_unlink::deferred_mapping_only,
         clause::shm_unlink::reuse_new_object, clause::ftruncate::shm_keeps_prefix,
         clause::ftruncate::shm_grow_zero_filled, clause::ftruncate::shm_regrow_reads_zero,
         clause::ftruncate::shm_regrow_partial_page_zero, clause::ftruncate::err_not_writable,
         clause::mmap::multi_same_process, clause::mmap::end_sigbus,
         clause::mmap::ref_survives_close, clause::fstat::shm_size, timeout_s(300)) {
  PropertySpec spec{"PropSequential.ShmTraffic",
                    __FILE__,
                    __LINE__,
                    400,
                    [](const Program& p) { return Sequentially(p); },
                    kNeeded,
                    0,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, ShmTraffic, clause::shm_open::name_same_object_across_processes,
         clause::mmap::shared_visible_unrelated, clause::ftruncate::shm_visible_everywhere,
         clause::ftruncate::shm_discard_in_other_process,
         clause::shm_unlink::deferred_other_process, clause::shm_open::excl_eexist,
         clause::mmap::exit_data_survives, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.ShmTraffic",
                    __FILE__,
                    __LINE__,
                    300,
                    [](const Program& p) { return InLockstep(p); },
                    kNeeded,
                    0,
                    false};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
