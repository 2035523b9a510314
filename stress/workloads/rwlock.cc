// Readers and writers under a process-shared read-write lock.
#include <pthread.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/shared_objects.h"
#include "spec/clauses/pshared.h"
#include "stress/traffic/section.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {
namespace {

class Rwlock : public Workload {
 public:
  std::string Setup(const RunSpec&, Registry& registry, SharedRegion&) override {
    const std::string error = object_.Make(registry, sizeof(Header));
    if (!error.empty()) return error;
    const int made = InitShared(&Own()->lock);
    return made == 0 ? "" : std::string("a read-write lock: ") + std::strerror(made);
  }

  void Run(Worker& w) override {
    auto* const header = object_.MapElsewhere<Header>(w);
    if (header == nullptr) return;
    w.spec.mode == Mode::kRaw ? Loop<false>(w, header) : Loop<true>(w, header);
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    std::uint64_t writes = 0;
    for (int i = 0; i < spec.producers; ++i)
      writes += shared.cold[static_cast<std::size_t>(i)]->extra[0];
    Own()->section.Audit(shared, spec, writes, 0, clause::rwlock::pshared_writer_excludes, sink);
    sink.facts.emplace_back("most readers inside together", std::to_string(Own()->most.load()));
  }
  std::string Describe(const Shared&) override {
    return Own()->section.Describe() + ", readers: " + std::to_string(Own()->readers.load());
  }
  void Teardown() override { object_.Close(); }

 private:
  struct Header {
    alignas(kLine) pthread_rwlock_t lock;
    Section section;  // the writers'
    alignas(kLine) std::atomic<std::uint32_t> readers, most;
  };
  Header* Own() const { return static_cast<Header*>(object_.base()); }

  // Every fourth section is a writer's.
  template <bool kChecked>
  static void Loop(Worker& w, Header* header) {
    std::uint64_t done = w.count();
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      const bool writes = (done + static_cast<std::uint64_t>(w.index)) % 4 == 0;
      if (!Take<kChecked>(w, header, writes)) return;
      if (writes) {
        if (kChecked) ExpectReaders(w, header, 0);
        header->section.Change<kChecked>(w, done, clause::rwlock::pshared_writer_excludes);
        ++w.cold.extra[0];
      } else {
        Read<kChecked>(w, header);
      }
      if (kChecked) w.Enter(CallId::kUnlock);
      if (const int rc = pthread_rwlock_unlock(&header->lock); rc != 0) {
        w.Report(Kind::kWrongErrno, clause::rwlock::pshared_blocked_wakes, "pthread_rwlock_unlock",
                 0, 0, rc);
        return;
      }
      if (kChecked) w.Leave();
      w.Count(++done);
    }
    if (kChecked) w.Checked(done);
  }

  template <bool kChecked>
  static bool Take(Worker& w, Header* header, bool writes) {
    pthread_rwlock_t* const lock = &header->lock;
    if (kChecked) w.Enter(writes ? CallId::kWriteLock : CallId::kReadLock);
    int rc = writes ? pthread_rwlock_trywrlock(lock) : pthread_rwlock_tryrdlock(lock);
    if (rc == EBUSY) {
      if (kChecked) header->section.contended.fetch_add(1, std::memory_order_relaxed);
      rc = writes ? pthread_rwlock_wrlock(lock) : pthread_rwlock_rdlock(lock);
      if (kChecked) header->section.NoteHandover(w);
    }
    if (kChecked) w.Leave();
    if (rc == 0) return true;
    w.Report(Kind::kWrongErrno, clause::rwlock::pshared_no_eintr, "locking", 0, 0, rc);
    return false;
  }

  template <bool kChecked>
  static void Read(Worker& w, Header* header) {
    Section& section = header->section;
    if (kChecked) {
      const std::uint32_t inside = header->readers.fetch_add(1, std::memory_order_relaxed) + 1;
      if (inside > header->most.load(std::memory_order_relaxed)) header->most.store(inside);
      if (section.owner != 0) {
        w.Report(Kind::kExclusion, clause::rwlock::pshared_writer_excludes,
                 "a writer is inside: the owner field is set",
                 static_cast<std::uint64_t>(section.owner));
      }
    }
    const std::uint64_t first = section.words[0];
    std::uint64_t wrong = 0;
    for (const volatile std::uint64_t& word : section.words) wrong |= word ^ first;
    if (kChecked && wrong != 0) {
      w.Report(Kind::kTorn, clause::rwlock::pshared_writer_excludes,
               "words that are changed together differ", wrong, first);
    }
    if (kChecked) header->readers.fetch_sub(1, std::memory_order_relaxed);
    if (w.spec.mode == Mode::kTimed) section.left = Ticks();
  }

  static void ExpectReaders(Worker& w, const Header* header, std::uint32_t expected) {
    const std::uint32_t inside = header->readers.load(std::memory_order_relaxed);
    if (inside == expected) return;
    w.Report(Kind::kExclusion, clause::rwlock::pshared_writer_excludes,
             "readers are beside a writer", inside, expected);
  }

  ShmObject object_;
};

const Row<WorkloadInfo> kRwlockRow(Alike({
    .name = "rwlock",
    .title = "process-shared read-write lock",
    .explain = "Each process reads words three times and then changes them together. Never a "
               "writer beside anybody, no word torn, every writer's section is accounted for. "
               "Nobody is killed: POSIX leaves open what a dead holder leaves.",
    .test_name = "Stress.Rwlock",
    .producers = 3,
    .unit = "sections",
    .clauses = {clause::rwlock::pshared_writer_excludes, clause::rwlock::pshared_readers_share,
                clause::rwlock::pshared_blocked_wakes, clause::rwlock::pshared_no_eintr,
                clause::pshared::other_address},
    .loss_clause = clause::rwlock::pshared_blocked_wakes,
    .make = &Make<Rwlock>,
}));

}  // namespace
}  // namespace ipcsuite::stress
