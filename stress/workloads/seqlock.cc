// Shared memory under locks: a seqlock of atomics, and a robust process-shared mutex whose owners
// die.
#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "base/os/mutex_word.h"
#include "spec/clauses/pshared.h"
#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {
namespace {

// ---- seqlock: writers replace a block, readers must see it whole
// -----------------------------------

struct SeqHeader {
  alignas(kLine) std::atomic<std::uint32_t> version;  // odd: a writer is inside
  alignas(kLine) std::atomic<std::uint64_t> retries;
};

class Seqlock : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    words_ = std::max<std::size_t>(2, spec.size_bytes / 8);
    return object_.Make(registry, sizeof(SeqHeader) + words_ * 8);
  }
  void Run(Worker& w) override {
    void* const base = object_.MapElsewhere(w.index);
    if (base == nullptr) {
      w.Report(Kind::kWrongErrno, clause::mmap::shm_supported, "mmap", 0, 0, errno);
      return;
    }
    auto* const header = static_cast<SeqHeader*>(base);
    auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(header + 1);
    w.Enter(CallId::kSpin);
    if (w.role == Role::kProducer) {
      Write(w, header, words);
    } else {
      Read(w, header, words);
    }
    w.Leave();
  }
  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    const std::uint64_t retries = static_cast<SeqHeader*>(object_.base())->retries.load();
    sink.facts.emplace_back("reads repeated because a writer was inside", std::to_string(retries));
    (void)shared;
    if (spec.mode != Mode::kRaw && retries == 0) {
      sink.inconclusive = "no read ever met a writer";
    }
  }
  void Teardown() override { object_.Close(); }

 private:
  void Write(Worker& w, SeqHeader* header, std::atomic<std::uint64_t>* words) {
    std::uint64_t done = 0;
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      std::uint32_t version = header->version.load(std::memory_order_relaxed);
      int tries = 0;
      while ((version & 1) != 0 || !header->version.compare_exchange_weak(
                                       version, version + 1, std::memory_order_acquire)) {
        if (++tries % 100 == 0) sched_yield();
        version = header->version.load(std::memory_order_relaxed);
      }
      std::atomic_thread_fence(std::memory_order_release);
      const std::uint64_t value = Mix(version ^ w.spec.seed);
      for (std::size_t i = 0; i < words_; ++i) {
        words[i].store(value + i, std::memory_order_relaxed);
        // Now and then a reader that needs this very cpu gets to look into a half-written block.
        if (i == words_ / 2 && version % 512 == 0) sched_yield();
      }
      header->version.store(version + 2, std::memory_order_release);
      w.Count(++done);
      for (int i = 0; i < 40; ++i) Relax();  // readers need some room between two writes
    }
  }

  void Read(Worker& w, SeqHeader* header, std::atomic<std::uint64_t>* words) {
    std::vector<std::uint64_t> copy(words_);
    const bool checked = w.spec.mode != Mode::kRaw;
    std::uint64_t done = 0, retries = 0;
    std::uint32_t last = 0;
    while (w.Go()) {
      const std::uint32_t before = header->version.load(std::memory_order_acquire);
      for (std::size_t i = 0; i < words_; ++i) copy[i] = words[i].load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      const std::uint32_t after = header->version.load(std::memory_order_relaxed);
      if ((before & 1) != 0 || before != after) {
        if (++retries % 100 == 0) sched_yield();
        continue;
      }
      w.Count(++done);
      if (!checked || before == 0) continue;
      w.Checked();
      const std::uint64_t value = Mix((before - 2) ^ w.spec.seed);
      for (std::size_t i = 0; i < words_; ++i) {
        if (copy[i] == value + i) continue;
        w.Report(Kind::kTorn, clause::memory::lock_free_atomics,
                 "a snapshot under an unchanged version holds words of another write");
        break;
      }
      if (static_cast<std::int32_t>(before - last) < 0) {
        w.Report(Kind::kReordered, clause::memory::lock_free_atomics, "the version went backwards");
      }
      last = before;
    }
    header->retries.fetch_add(retries);
  }

  ShmObject object_;
  std::size_t words_ = 0;
};

// ---- robust mutex
// ----------------------------------------------------------------------------------

struct MutexHeader {
  pthread_mutex_t mutex;
  // Written only by the owner, with plain stores: torn or lost if two were ever inside.
  volatile std::uint64_t first, second;
  volatile std::int32_t owner;  // pid of the process inside, 0 none
  std::atomic<std::uint64_t> owner_dead, died_inside;
  std::atomic<std::uint64_t> contended;
};

class RobustMutex : public Workload {
 public:
  std::string Setup(const RunSpec&, Registry& registry, SharedRegion&) override {
    const std::string error = object_.Make(registry, sizeof(MutexHeader));
    if (!error.empty()) return error;
    pthread_mutexattr_t attr;
    int rc = pthread_mutexattr_init(&attr);
    if (rc == 0) rc = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (rc == 0) rc = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    if (rc == 0) rc = pthread_mutex_init(&static_cast<MutexHeader*>(object_.base())->mutex, &attr);
    return rc == 0 ? "" : std::string("a robust process-shared mutex: ") + std::strerror(rc);
  }

  void Run(Worker& w) override {
    auto* const header = static_cast<MutexHeader*>(object_.MapElsewhere(w.index));
    if (header == nullptr) {
      w.Report(Kind::kWrongErrno, clause::mmap::shm_supported, "mmap", 0, 0, errno);
      return;
    }
    const bool checked = w.spec.mode != Mode::kRaw;
    const auto self = static_cast<std::int32_t>(getpid());
    std::uint64_t done = w.count();
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      if (checked) w.Enter(CallId::kLock);
      int rc = pthread_mutex_trylock(&header->mutex);
      if (rc == EBUSY) {
        if (checked) header->contended.fetch_add(1, std::memory_order_relaxed);
        rc = pthread_mutex_lock(&header->mutex);
      }
      if (rc == EOWNERDEAD) {
        Recover(w, header, checked);
      } else if (rc != 0) {
        w.Report(Kind::kNotRobust, clause::robust::kill_eownerdead, "pthread_mutex_lock", 0, 0, rc);
        return;
      }
      if (checked) {
        w.Checked();
        if (header->owner != 0) {
          w.Report(Kind::kExclusion, clause::mutex::pshared_exclusion,
                   "another process is inside: the owner field is set",
                   static_cast<std::uint64_t>(header->owner));
        }
        header->owner = self;
      }
      if (header->first != header->second && checked) {
        w.Report(Kind::kExclusion, clause::mutex::pshared_exclusion,
                 "two counters that are changed together differ", header->first, header->second);
      }
      header->first = header->first + 1;
      // Now and then long inside, so that others wait and kills hit an owner.
      if (done % 64 == 0) {
        for (int i = 0; i < 200; ++i) Relax();
      }
      header->second = header->second + 1;
      if (checked) {
        header->owner = 0;
        w.Enter(CallId::kUnlock);
      }
      rc = pthread_mutex_unlock(&header->mutex);
      if (rc != 0) {
        w.Report(Kind::kWrongErrno, clause::mutex::pshared_exclusion, "pthread_mutex_unlock", 0, 0,
                 rc);
        return;
      }
      if (checked) w.Leave();
      w.Count(++done);
    }
  }

  void Audit(const Shared&, const RunSpec& spec, AuditSink& sink) override {
    auto* const header = static_cast<MutexHeader*>(object_.base());
    sink.facts.emplace_back("EOWNERDEAD seen", std::to_string(header->owner_dead.load()));
    sink.facts.emplace_back("owners killed inside the section",
                            std::to_string(header->died_inside.load()));
    sink.facts.emplace_back("waits for the mutex", std::to_string(header->contended.load()));
    sink.checks += header->owner_dead.load();
    if (spec.mode == Mode::kRaw) return;
    if (spec.kills && header->owner_dead.load() == 0) {
      sink.inconclusive = "no process was killed while it owned the mutex";
    } else if (header->contended.load() == 0) {
      sink.inconclusive = "no process ever found the mutex locked";
    }
  }
  std::string Describe(const Shared&) override {
    const auto* const header = static_cast<MutexHeader*>(object_.base());
    const std::int32_t inside = header->owner;
    std::string text = "the mutex: " + os::DescribeMutexWord(header->mutex);
    text += "; in the section: " + (inside == 0 ? "nobody" : "process " + std::to_string(inside));
    return text;
  }
  void Teardown() override { object_.Close(); }

 private:
  void Recover(Worker& w, MutexHeader* header, bool checked) {
    header->owner_dead.fetch_add(1);
    if (!w.spec.kills && checked) {
      w.Report(Kind::kNotRobust, clause::robust::kill_eownerdead,
               "EOWNERDEAD though no owner was killed", 0, 0, EOWNERDEAD);
    }
    if (header->owner != 0) header->died_inside.fetch_add(1);
    // What the dead owner left is made whole, then declared so.
    header->owner = 0;
    header->second = header->first;
    if (const int rc = pthread_mutex_consistent(&header->mutex); rc != 0) {
      w.Report(Kind::kNotRobust, clause::robust::consistent_ok, "pthread_mutex_consistent", 0, 0,
               rc);
    }
  }

  ShmObject object_;
};

const Row<WorkloadInfo> kRobustMutexRow({
    .name = "mutex",
    .title = "robust process-shared mutex whose owners die",
    .explain = "Processes change two counters together under one mutex, and are killed doing so. "
               "Exclusion, EOWNERDEAD after the death of an owner and only then, "
               "pthread_mutex_consistent.",
    .test_name = "Stress.RobustMutex",
    .shape = Shape::kAlike,
    .uses_ledgers = false,
    .producers = 3,
    .consumers = 0,
    .kill_producer_upto = 8 * kKiB,
    .hands_over = true,
    .open_loop = false,
    .sample_every = 0,
    .unit = "sections",
    .clauses = {clause::mutex::pshared_exclusion, clause::mutex::pshared_blocks_and_wakes,
                clause::robust::kill_eownerdead, clause::robust::consistent_ok,
                clause::pshared::other_address},
    .loss_clause = clause::mutex::pshared_blocks_and_wakes,
    .make = &Make<RobustMutex>,
});

const Row<WorkloadInfo> kSeqlockRow({
    .name = "seqlock",
    .title = "sequence lock in shared memory",
    .explain = "Writers replace a block of words, readers must see it whole or not at all.",
    .test_name = "Stress.Seqlock",
    .shape = Shape::kFanIn,
    .uses_ledgers = false,
    .open_loop = false,
    .sample_every = 0,
    .unit = "writes",
    .clauses = {clause::memory::lock_free_atomics, clause::mmap::shared_visible_unrelated},
    .loss_clause = clause::memory::lock_free_atomics,
    .make = &Make<Seqlock>,
});

}  // namespace

}  // namespace ipcsuite::stress
