// Name churn of semaphores: processes race to create, open and unlink the same few names. Whoever
// creates a name with O_EXCL owns it until it unlinks it; nobody sees a semaphore with a value that
// nobody gave, and what is open outlives its name.
#include <fcntl.h>
#include <semaphore.h>

#include <cerrno>
#include <string>
#include <vector>

#include "spec/clauses/sem.h"
#include "stress/engine/workload.h"

namespace ipcsuite::stress {
namespace {

constexpr int kOwned = 3;       // names that are created with O_EXCL
constexpr unsigned kLeast = 5;  // values that creators give: this and the next ones
constexpr unsigned kValues = 1000;

struct alignas(kLine) Owner {
  std::atomic<std::int32_t> worker;  // index + 1 of the process that created the name; 0 none
};

enum Counter { kCreated, kExisted, kOpened, kMissed, kShared, kNoRoom, kCounters };

class SemaphoreChurn : public Workload {
 public:
  ~SemaphoreChurn() override { Teardown(); }

  std::string Setup(const RunSpec&, Registry& registry, SharedRegion& region) override {
    registry_ = &registry;
    std::string why = WhyUnusable(registry, NameKind::kSem);
    if (!why.empty()) return why;
    owners_ = region.Make<Owner>(kOwned);
    for (int i = 0; i < kOwned; ++i) names_.push_back(registry.NewName(NameKind::kSem));
    shared_name_ = registry.NewName(NameKind::kSem);
    return "";
  }

  void Run(Worker& w) override {
    const bool checked = w.spec.mode != Mode::kRaw;
    std::uint64_t done = 0;
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      const auto i = static_cast<std::size_t>(w.random.Below(kOwned + 1));
      if (i < kOwned) {
        Owned(w, names_[i].c_str(), owners_[i], checked);
      } else {
        Common(w, checked);
      }
      w.Leave();
      w.Count(++done);
    }
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    static const char* const kNames[kCounters] = {
        "created",       "refused with EEXIST",        "opened another's semaphore",
        "found no name", "created or opened together", "no room (limits)"};
    std::uint64_t sum[kCounters] = {};
    for (const WorkerCold* cold : shared.cold) {
      for (int k = 0; k < kCounters; ++k) sum[k] += cold->extra[k];
    }
    for (int k = 0; k < kCounters; ++k) sink.facts.emplace_back(kNames[k], std::to_string(sum[k]));
    if (spec.mode == Mode::kRaw) return;
    for (const std::string& name : names_) {
      ++sink.checks;
      if (!Registry::Remove(NameKind::kSem, name.c_str())) continue;
      sink.findings.push_back({Kind::kLeftBehind, clause::sem_unlink::removes,
                               name + " exists though its owner unlinked it"});
    }
    if (sum[kExisted] == 0 || sum[kOpened] == 0)
      sink.inconclusive = "the processes never met at a name";
  }

  void Teardown() override {
    if (registry_ == nullptr) return;
    names_.push_back(shared_name_);
    for (const std::string& name : names_) {
      if (!name.empty()) Registry::Remove(NameKind::kSem, name.c_str());
      registry_->ForgetName(name);
    }
    names_.clear();
    registry_ = nullptr;
  }

 private:
  // Why an open did not succeed: `expected` is the errno that it may have.
  static void Failed(Worker& w, int expected, Counter counter, const char* text, ClauseRef clause) {
    if (errno == expected) {
      ++w.cold.extra[counter];
    } else if (errno == EINTR) {
      w.Interrupted(clause);
    } else if (MeansNoRoom(errno)) {
      ++w.cold.extra[kNoRoom];
    } else {
      w.Report(Kind::kWrongErrno, clause, text, 0, 0, errno);
    }
  }

  static void CheckValue(Worker& w, bool checked, sem_t* sem, std::uint64_t least,
                         std::uint64_t most, const char* text, ClauseRef clause) {
    int value = -1;
    const int rc = sem_getvalue(sem, &value);
    if (!checked) return;
    w.Checked();
    if (rc == 0 && value >= 0 && static_cast<std::uint64_t>(value) >= least &&
        static_cast<std::uint64_t>(value) <= most) {
      return;
    }
    w.Report(Kind::kStaleData, clause, text, static_cast<std::uint64_t>(value), least);
  }

  static void Owned(Worker& w, const char* name, Owner& owner, bool checked) {
    const auto value = kLeast + static_cast<unsigned>(w.random.Below(kValues));
    w.Enter(CallId::kOpen);
    sem_t* sem = sem_open(name, O_CREAT | O_EXCL, 0600, value);
    if (sem != SEM_FAILED) {
      std::int32_t nobody = 0;
      if (checked && !owner.worker.compare_exchange_strong(nobody, w.index + 1)) {
        w.Report(Kind::kExclusion, clause::sem_open::excl_atomic,
                 "two processes created the same name with O_EXCL; workers",
                 static_cast<std::uint64_t>(nobody), static_cast<std::uint64_t>(w.index + 1));
      }
      ++w.cold.extra[kCreated];
      CheckValue(w, checked, sem, value, value,
                 "a new semaphore has another value than it was given",
                 clause::sem_open::creat_value);
      owner.worker.store(0);  // after the unlink another may own the name immediately
      w.Enter(CallId::kUnlink);
      const int rc = sem_unlink(name);
      if (checked && rc != 0) {
        w.Report(Kind::kExclusion, clause::sem_unlink::removes,
                 "the owner's unlink of its name failed", 0, 0, errno);
      }
      sem_post(sem);
      CheckValue(w, checked, sem, value + 1, value + 1,
                 "an unlinked semaphore that is open changed",
                 clause::sem_unlink::users_unaffected);
      sem_close(sem);
      return;
    }
    if (checked) {
      Failed(w, EEXIST, kExisted, "creating a name that may exist", clause::sem_open::err_eexist);
    }
    sem = sem_open(name, 0);
    if (sem == SEM_FAILED) {
      if (checked) {
        Failed(w, ENOENT, kMissed, "opening a name that may be gone", clause::sem_open::err_enoent);
      }
      return;
    }
    ++w.cold.extra[kOpened];
    CheckValue(w, checked, sem, kLeast, kLeast + kValues,
               "a semaphore with a value that nobody gave", clause::sem_open::excl_atomic);
    sem_close(sem);
  }

  // O_CREAT alone: one makes it, all get it.
  void Common(Worker& w, bool checked) const {
    w.Enter(CallId::kOpen);
    sem_t* const sem = sem_open(shared_name_.c_str(), O_CREAT, 0600, kLeast);
    if (sem == SEM_FAILED) {
      if (checked) {
        Failed(w, 0, kShared, "O_CREAT of a name that comes and goes",
               clause::sem_open::creat_concurrent_no_excl);
      }
      return;
    }
    ++w.cold.extra[kShared];
    CheckValue(w, checked, sem, kLeast, kLeast, "a semaphore with a value that nobody gave",
               clause::sem_open::creat_value);
    sem_close(sem);
    if (w.random.Below(4) == 0) sem_unlink(shared_name_.c_str());
  }

  Registry* registry_ = nullptr;
  Owner* owners_ = nullptr;
  std::vector<std::string> names_;
  std::string shared_name_;
};

const Row<WorkloadInfo> kSemaphoreChurnRow(Alike({
    .name = "sem-churn",
    .title = "races of sem_open() and sem_unlink()",
    .explain = "Processes race for a few names of semaphores. Never two owners, the owner's unlink "
               "finds the name, nobody sees a value that nobody gave, what is open outlives its "
               "name, O_CREAT alone always succeeds.",
    .test_name = "Stress.SemaphoreChurn",
    .producers = 3,
    .sample_every = 0,
    .unit = "operations",
    .clauses = {clause::sem_open::excl_atomic, clause::sem_open::creat_value,
                clause::sem_open::creat_concurrent_no_excl, clause::sem_open::err_eexist,
                clause::sem_open::err_enoent, clause::sem_unlink::removes,
                clause::sem_unlink::users_unaffected},
    .loss_clause = clause::sem_unlink::removes,
    .make = &Make<SemaphoreChurn>,
}));

}  // namespace

}  // namespace ipcsuite::stress
