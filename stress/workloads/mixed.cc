// All transports side by side: pair i uses a pipe, a FIFO, a queue or a ring, in turn.
#include "spec/clauses/fifo.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"

namespace ipcsuite::stress {
namespace {

class Mixed : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) override {
    static constexpr const char* kParts[] = {"pipe", "mq", "ring", "fifo"};
    RunSpec one = spec;
    one.producers = one.consumers = 1;
    for (int i = 0; i < spec.producers; ++i) {
      parts_.push_back(FindRow<WorkloadInfo>(kParts[i % 4])->make());
      const std::string error = parts_.back()->Setup(one, registry, region);
      if (!error.empty()) return error;
    }
    return "";
  }
  void Run(Worker& w) override {
    w.object_index = 0;
    // This process has no use for the objects of the other pairs: an open write end of another's
    // pipe would hide its end.
    const auto mine = static_cast<std::size_t>(w.role_index);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (i != mine) parts_[i]->Forget();
    }
    parts_[mine]->Run(w);
  }
  void ProducersDone(const Shared& shared) override {
    for (auto& part : parts_) part->ProducersDone(shared);
  }
  void Nudge(const Shared& shared) override {
    for (auto& part : parts_) part->Nudge(shared);
  }
  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    for (auto& part : parts_) part->Audit(shared, spec, sink);
  }
  void Teardown() override { parts_.clear(); }

 private:
  std::vector<std::unique_ptr<Workload>> parts_;
};

const Row<WorkloadInfo> kMixedRow({
    .name = "mixed",
    .title = "pipes, queues, rings and FIFOs side by side",
    .explain = "Pairs of processes, each over another transport, all at once.",
    .test_name = "Stress.Mixed",
    .producers = 4,
    .consumers = 4,
    .kill_producer_upto = 4 * kKiB,
    .clauses = {clause::pipe::read_fifo_order, clause::fifo::io_same_as_pipe,
                clause::threads::safety_no_loss_no_duplication,
                clause::mmap::shared_visible_unrelated},
    .loss_clause = clause::pipe::write_appends,
    .make = &Make<Mixed>,
});

}  // namespace

}  // namespace ipcsuite::stress
