// The workload of processes that enter critical sections one at a time; the lock is a template
// argument:
//
//   struct Lock {
//     int Init();                           // 0 or an error number, as below
//     int Try();                            // EBUSY: taken
//     int Wait(Worker& w, bool checked);
//     int Give();
//     int Recover(Worker& w, Section& s);   // after EOWNERDEAD; only if kRobust
//     static constexpr bool kRobust;
//     static constexpr CallId kTake, kLeave;
//     static ClauseRef Exclusion(), Wakes();
//   };
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"
#include "stress/traffic/section.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {

template <class Lock>
class Sections : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) override {
    const std::string error = object_.Make(registry, sizeof(Header));
    lives_.Make(region, spec.workers());
    if (!error.empty()) return error;
    const int made = Own()->lock.Init();
    return made == 0 ? "" : std::string("making the lock: ") + std::strerror(made);
  }

  void Run(Worker& w) override {
    auto* const header = object_.MapElsewhere<Header>(w);
    if (header == nullptr) return;
    lives_.Begin(w.index);
    w.spec.mode == Mode::kRaw ? Loop<false>(w, header) : Loop<true>(w, header);
    lives_.End(w.index);
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    Own()->section.Audit(shared, spec, Section::Counted(shared, spec), lives_.Killed(),
                         Lock::Exclusion(), sink);
  }
  std::string Describe(const Shared&) override { return Own()->section.Describe(); }
  void Teardown() override { object_.Close(); }

 protected:
  struct Header {
    alignas(kLine) Lock lock;
    Section section;
  };
  Header* Own() const { return static_cast<Header*>(object_.base()); }

 private:
  template <bool kChecked>
  static void Loop(Worker& w, Header* header) {
    std::uint64_t done = w.count();
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      if (!Take<kChecked>(w, header)) return;
      header->section.template Change<kChecked>(w, done, Lock::Exclusion());
      if (kChecked) w.Enter(Lock::kLeave);
      if (const int rc = header->lock.Give(); rc != 0) {
        w.Report(Kind::kWrongErrno, Lock::Exclusion(), "unlocking", 0, 0, rc);
        return;
      }
      if (kChecked) w.Leave();
      w.Count(++done);
    }
    if (kChecked) w.Checked(done);
  }

  // False, with a finding, when a call fails.
  template <bool kChecked>
  static bool Take(Worker& w, Header* header) {
    if (kChecked) w.Enter(Lock::kTake);
    int rc = header->lock.Try();
    if (rc == EBUSY) {
      if (kChecked) header->section.contended.fetch_add(1, std::memory_order_relaxed);
      rc = header->lock.Wait(w, kChecked);
      if (kChecked) header->section.NoteHandover(w);
    }
    if constexpr (Lock::kRobust) {
      if (rc == EOWNERDEAD) rc = header->lock.Recover(w, header->section);
    }
    if (kChecked) w.Leave();
    if (rc == 0) return true;
    w.Report(Kind::kWrongErrno, Lock::Wakes(), "locking", 0, 0, rc);
    return false;
  }

  ShmObject object_;
  Lives lives_;
};

}  // namespace ipcsuite::stress
