// Makers and takers of items in a monitor: a process-shared mutex with two condition variables.
#include <pthread.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/os/mutex_word.h"
#include "base/shared_objects.h"
#include "spec/clauses/pshared.h"
#include "stress/engine/ticks.h"
#include "stress/engine/workload.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {
namespace {

struct MonitorHeader {
  alignas(kLine) pthread_mutex_t mutex;
  alignas(kLine) pthread_cond_t not_empty;
  alignas(kLine) pthread_cond_t not_full;
  // All of it under the mutex.
  alignas(kLine) volatile std::int32_t owner;  // pid of the process inside, 0 none
  volatile std::uint64_t made, taken;
  volatile std::uint32_t items;
  volatile std::uint32_t closing;   // nothing more will be made
  volatile std::int64_t signalled;  // kTimed: Ticks() of the last signal to takers
};

class Monitor : public Workload {
 public:
  std::string Setup(const RunSpec&, Registry& registry, SharedRegion&) override {
    const std::string error = object_.Make(registry, sizeof(MonitorHeader));
    if (!error.empty()) return error;
    int made = InitShared(&Own()->mutex);
    if (made == 0) made = InitShared(&Own()->not_empty);
    if (made == 0) made = InitShared(&Own()->not_full);
    return made == 0 ? "" : std::string("a monitor: ") + std::strerror(made);
  }

  void Run(Worker& w) override {
    auto* const header = object_.MapElsewhere<MonitorHeader>(w);
    if (header == nullptr) return;
    const bool checked = w.spec.mode != Mode::kRaw;
    if (w.role == Role::kProducer) {
      checked ? Make<true>(w, header) : Make<false>(w, header);
    } else {
      checked ? Take<true>(w, header) : Take<false>(w, header);
    }
  }
  void ProducersDone(const Shared&) override {
    pthread_mutex_lock(&Own()->mutex);
    Own()->closing = 1;
    pthread_cond_broadcast(&Own()->not_empty);
    pthread_mutex_unlock(&Own()->mutex);
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    const MonitorHeader* const header = Own();
    std::uint64_t made = 0, taken = 0;
    for (int i = 0; i < spec.workers(); ++i) {
      const std::uint64_t count = shared.hot[static_cast<std::size_t>(i)]->count.load();
      (i < spec.producers ? made : taken) += count;
    }
    sink.facts.emplace_back("items made", std::to_string(header->made));
    sink.facts.emplace_back("items left", std::to_string(header->items));
    if (spec.mode == Mode::kRaw) return;
    ++sink.checks;
    if (made != header->made || taken != header->taken || made - taken != header->items) {
      sink.findings.push_back(
          {Kind::kExclusion, clause::cond::pshared_mutex_owned_on_return,
           "counted inside: " + std::to_string(header->made) + " made, " +
               std::to_string(header->taken) + " taken, " + std::to_string(header->items) +
               " left; by processes: " + std::to_string(made) + " and " + std::to_string(taken)});
    }
  }
  std::string Describe(const Shared&) override {
    const MonitorHeader* const header = Own();
    return "items: " + std::to_string(header->items) +
           "; the mutex: " + os::DescribeMutexWord(header->mutex) + "; in the section: " +
           (header->owner == 0 ? "nobody" : "process " + std::to_string(header->owner));
  }
  void Teardown() override { object_.Close(); }

 private:
  static constexpr std::uint32_t kRoom = 4;
  MonitorHeader* Own() const { return static_cast<MonitorHeader*>(object_.base()); }

  template <bool kChecked>
  static void Make(Worker& w, MonitorHeader* header) {
    std::uint64_t done = w.count();
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      if (!Lock<kChecked>(w, header)) return;
      while (header->items == kRoom) {
        if (!Wait<kChecked>(w, header, &header->not_full, done)) return;
      }
      header->items = header->items + 1;
      header->made = header->made + 1;
      if (w.spec.mode == Mode::kTimed) header->signalled = Ticks();
      if (!Unlock<kChecked>(w, header, &header->not_empty, done)) return;
      w.Count(++done);
    }
  }

  template <bool kChecked>
  static void Take(Worker& w, MonitorHeader* header) {
    std::uint64_t done = w.count();
    for (;;) {
      w.Go();
      if (!Lock<kChecked>(w, header)) return;
      bool waited = false;
      while (header->items == 0 && header->closing == 0) {
        if (!Wait<kChecked>(w, header, &header->not_empty, done)) return;
        waited = true;
      }
      if (waited && w.spec.mode == Mode::kTimed) w.Latency(TicksToNs(Ticks() - header->signalled));
      const bool over = header->items == 0;
      if (!over) {
        header->items = header->items - 1;
        header->taken = header->taken + 1;
      }
      if (!Unlock<kChecked>(w, header, &header->not_full, done) || over) return;
      w.Count(++done);
    }
  }

  template <bool kChecked>
  static bool Lock(Worker& w, MonitorHeader* header) {
    if (kChecked) w.Enter(CallId::kLock);
    const int rc = pthread_mutex_lock(&header->mutex);
    if (kChecked) w.Leave();
    if (rc != 0) {
      w.Report(Kind::kWrongErrno, clause::mutex::pshared_no_eintr, "pthread_mutex_lock", 0, 0, rc);
      return false;
    }
    if (kChecked) ComeIn(w, header, clause::mutex::pshared_exclusion);
    return true;
  }

  static void ComeIn(Worker& w, MonitorHeader* header, ClauseRef exclusion) {
    w.Checked();
    if (header->owner != 0) {
      w.Report(Kind::kExclusion, exclusion, "another process is inside: the owner field is set",
               static_cast<std::uint64_t>(header->owner));
    }
    header->owner = w.cold.pid.load(std::memory_order_relaxed);
  }

  // Signals inside or outside of the section, in turn.
  template <bool kChecked>
  static bool Unlock(Worker& w, MonitorHeader* header, pthread_cond_t* others, std::uint64_t turn) {
    if (kChecked) w.Enter(CallId::kUnlock);
    if (kChecked) header->owner = 0;
    int rc = turn % 2 == 0 ? pthread_cond_signal(others) : 0;
    if (rc == 0) rc = pthread_mutex_unlock(&header->mutex);
    if (rc == 0 && turn % 2 != 0) rc = pthread_cond_signal(others);
    if (kChecked) w.Leave();
    if (rc == 0) return true;
    w.Report(Kind::kWrongErrno, clause::cond::pshared_signal, "signalling or unlocking", 0, 0, rc);
    return false;
  }

  // Now and then with a deadline that passes.
  template <bool kChecked>
  static bool Wait(Worker& w, MonitorHeader* header, pthread_cond_t* cond, std::uint64_t turn) {
    const bool timed = turn % 16 == 1;
    if (kChecked) header->owner = 0;
    if (kChecked) w.Enter(CallId::kCondWait);
    int rc = 0;
    if (timed) {
      timespec deadline;
      clock_gettime(CLOCK_REALTIME, &deadline);
      deadline.tv_nsec += 20'000;
      if (deadline.tv_nsec >= 1'000'000'000) ++deadline.tv_sec, deadline.tv_nsec -= 1'000'000'000;
      rc = pthread_cond_timedwait(cond, &header->mutex, &deadline);
    } else {
      rc = pthread_cond_wait(cond, &header->mutex);
    }
    if (kChecked) w.Leave();
    if (rc != 0 && !(timed && rc == ETIMEDOUT)) {
      w.Report(Kind::kWrongErrno, clause::cond::pshared_no_eintr, "a condition wait", 0, 0, rc);
      return false;
    }
    if (kChecked) ComeIn(w, header, clause::cond::pshared_mutex_owned_on_return);
    return true;
  }

  ShmObject object_;
};

const Row<WorkloadInfo> kMonitorRow({
    .name = "monitor",
    .title = "process-shared condition variables of a bounded buffer",
    .explain = "Makers and takers of items in a buffer of four places, under one mutex with two "
               "condition variables. Never two inside, also after a wait; items made, taken and "
               "left agree with what the processes counted; no signal is lost. Latency: from a "
               "signal to the return of the wait. Nobody is killed: a killed waiter is an open "
               "question, which the suite and the properties judge.",
    .test_name = "Stress.Monitor",
    .shape = Shape::kShared,
    .uses_ledgers = false,
    .producers = 2,
    .consumers = 2,
    .open_loop = false,
    .waits = true,
    .unit = "items",
    .clauses = {clause::cond::pshared_signal, clause::cond::pshared_no_lost_wakeup,
                clause::cond::pshared_mutex_owned_on_return, clause::cond::pshared_no_eintr,
                clause::mutex::pshared_exclusion, clause::pshared::other_address},
    .loss_clause = clause::cond::pshared_no_lost_wakeup,
    .make = &ipcsuite::stress::Make<Monitor>,
});

}  // namespace
}  // namespace ipcsuite::stress
