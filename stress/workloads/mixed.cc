// All transports side by side: pair i uses a pipe, a FIFO, a queue or a ring, in turn.
#include "stress/workloads/workloads.h"

namespace ipcsuite::stress {
namespace {

class Mixed : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) override {
    using Make = std::unique_ptr<Workload> (*)();
    static constexpr Make kParts[] = {&MakePipeStream, &MakeMqStream, &MakeRing, &MakeFifoStream};
    RunSpec one = spec;
    one.producers = one.consumers = 1;
    for (int i = 0; i < spec.producers; ++i) {
      parts_.push_back(kParts[i % 4]());
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

}  // namespace

std::unique_ptr<Workload> MakeMixed() { return std::make_unique<Mixed>(); }

}  // namespace ipcsuite::stress
