// Rings in shared memory: one producer and one consumer (atomics and futex), many and many (a
// ticket in each slot), and a bounded queue of pthread mutex and condition variables.
#include <pthread.h>
#include <sched.h>

#include "base/os/os.h"
#include "spec/clauses/pshared.h"
#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"
#include "stress/traffic/transport_ring.h"

namespace ipcsuite::stress {
namespace {

constexpr StreamClauses kCondClauses = {
    .content = clause::pshared::memory_sync,
    .order = clause::mutex::pshared_exclusion,
    .priority = clause::mutex::pshared_exclusion,
    .loss = clause::cond::pshared_no_lost_wakeup,
    .length = clause::mutex::pshared_exclusion,
    .send_error = clause::mutex::pshared_exclusion,
    .receive_error = clause::mutex::pshared_exclusion,
    .send_restart = clause::mutex::pshared_no_eintr,
    .receive_restart = clause::mutex::pshared_no_eintr,
};

// ---- one producer, one consumer
// ------------------------------------------------------------------

class Ring : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    for (int i = 0; i < spec.producers; ++i) {
      rings_.push_back(std::make_unique<ShmObject>());
      const std::string error =
          rings_.back()->Make(registry, sizeof(SpscHeader) + kSlots * Pitch(spec.size_bytes));
      if (!error.empty()) return error;
    }
    return "";
  }
  void Run(Worker& w) override {
    void* const base = rings_[static_cast<std::size_t>(w.object_index)]->MapElsewhere(w);
    if (base == nullptr) return;
    w.cold.extra[7] = reinterpret_cast<std::uintptr_t>(base);
    SpscTransport transport(base, w.spec.size_bytes, SpinBudget(w.shared),
                            w.role == Role::kProducer);
    RunStream(w, transport);
  }
  void Nudge(const Shared&) override {
    for (const auto& ring : rings_) {
      auto* const header = static_cast<SpscHeader*>(ring->base());
      os::WakeWord(header->tail);
      os::WakeWord(header->head);
    }
  }
  void Audit(const Shared&, const RunSpec&, AuditSink& sink) override {
    std::uint64_t sleeps = 0;
    for (const auto& ring : rings_) {
      sleeps += static_cast<SpscHeader*>(ring->base())->sleeps.load();
    }
    sink.facts.emplace_back("waits in futex", std::to_string(sleeps));
  }
  void Teardown() override { rings_.clear(); }

 private:
  std::vector<std::unique_ptr<ShmObject>> rings_;
};

// ---- many producers, many consumers: a ticket in each slot
// ---------------------------------------

struct SharedHeader {
  alignas(kLine) std::atomic<std::uint32_t> tail;
  alignas(kLine) std::atomic<std::uint32_t> head;
};

struct TicketTransport {
  static constexpr StreamClauses kClauses = kShmClauses;
  SharedHeader* header;
  unsigned char* slots;
  std::size_t pitch;
  int spins;

  std::size_t BufferBytes(std::size_t message) const { return message; }
  std::atomic<std::uint32_t>& Ticket(std::uint32_t position) const {
    return *reinterpret_cast<std::atomic<std::uint32_t>*>(slots + position % kSlots * pitch);
  }
  unsigned char* Payload(std::uint32_t position) const {
    return slots + position % kSlots * pitch + 64;
  }

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned) {
    int tries = 0;
    std::uint32_t position = header->tail.load(std::memory_order_relaxed);
    for (;;) {
      const std::uint32_t ticket = Ticket(position).load(std::memory_order_acquire);
      if (ticket == position) {
        if (header->tail.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          break;
        }
        continue;
      }
      if (static_cast<std::int32_t>(ticket - position) < 0 && !Pause<M>(w, &tries)) {
        errno = ECANCELED;
        return -1;
      }
      position = header->tail.load(std::memory_order_relaxed);
    }
    std::memcpy(Payload(position), bytes, size);
    Ticket(position).store(position + 1, std::memory_order_release);
    return static_cast<ssize_t>(size);
  }

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned*) {
    int tries = 0;
    std::uint32_t position = header->head.load(std::memory_order_relaxed);
    for (;;) {
      const bool drained = w.Drained();
      const std::uint32_t ticket = Ticket(position).load(std::memory_order_acquire);
      if (ticket == position + 1) {
        if (header->head.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          break;
        }
        continue;
      }
      if (static_cast<std::int32_t>(ticket - (position + 1)) < 0) {
        if (drained) return 0;
        Pause<M>(w, &tries);
      }
      position = header->head.load(std::memory_order_relaxed);
    }
    std::memcpy(bytes, Payload(position), size);
    Ticket(position).store(position + kSlots, std::memory_order_release);
    return static_cast<ssize_t>(size);
  }

  template <Mode M>
  bool Pause(Worker& w, int* tries) {
    if (++*tries < spins) {
      Relax();
      return true;
    }
    *tries = 0;
    if constexpr (M != Mode::kRaw) w.Enter(CallId::kSpin);
    w.Go();
    sched_yield();
    if constexpr (M != Mode::kRaw) w.Leave();
    return !w.Drained();
  }
};

class RingShared : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    const std::string error =
        object_.Make(registry, sizeof(SharedHeader) + kSlots * (64 + Pitch(spec.size_bytes)));
    if (!error.empty()) return error;
    TicketTransport transport = Transport(object_.base(), spec.size_bytes, 0);
    for (std::uint32_t i = 0; i < kSlots; ++i) transport.Ticket(i).store(i);
    return "";
  }
  void Run(Worker& w) override {
    void* const base = object_.MapElsewhere(w);
    if (base == nullptr) return;
    TicketTransport transport = Transport(base, w.spec.size_bytes, SpinBudget(w.shared) / 4);
    RunStream(w, transport);
  }
  void Teardown() override { object_.Close(); }

 private:
  static TicketTransport Transport(void* base, std::size_t message, int spins) {
    return {static_cast<SharedHeader*>(base),
            static_cast<unsigned char*>(base) + sizeof(SharedHeader), 64 + Pitch(message), spins};
  }
  ShmObject object_;
};

// ---- pthread mutex and condition variables
// -------------------------------------------------------

struct CondHeader {
  pthread_mutex_t mutex;
  pthread_cond_t not_full, not_empty;
  std::uint32_t head, tail;
  std::atomic<std::uint64_t> waits;
};

struct CondTransport {
  static constexpr StreamClauses kClauses = kCondClauses;
  CondHeader* header;
  unsigned char* slots;
  std::size_t pitch;

  std::size_t BufferBytes(std::size_t message) const { return message; }

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned) {
    if constexpr (M != Mode::kRaw) w.Enter(CallId::kLock);
    if (const int rc = pthread_mutex_lock(&header->mutex); rc != 0) return Failed(rc);
    while (header->tail - header->head == kSlots) {
      header->waits.fetch_add(1, std::memory_order_relaxed);
      pthread_cond_wait(&header->not_full, &header->mutex);
      w.Go();
    }
    std::memcpy(slots + header->tail++ % kSlots * pitch, bytes, size);
    pthread_cond_signal(&header->not_empty);
    pthread_mutex_unlock(&header->mutex);
    if constexpr (M != Mode::kRaw) w.Leave();
    return static_cast<ssize_t>(size);
  }

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned*) {
    if constexpr (M != Mode::kRaw) w.Enter(CallId::kLock);
    if (const int rc = pthread_mutex_lock(&header->mutex); rc != 0) return Failed(rc);
    while (header->tail == header->head) {
      if (w.Drained()) {
        pthread_mutex_unlock(&header->mutex);
        return 0;
      }
      header->waits.fetch_add(1, std::memory_order_relaxed);
      pthread_cond_wait(&header->not_empty, &header->mutex);
      w.Go();
    }
    std::memcpy(bytes, slots + header->head++ % kSlots * pitch, size);
    pthread_cond_signal(&header->not_full);
    pthread_mutex_unlock(&header->mutex);
    if constexpr (M != Mode::kRaw) w.Leave();
    return static_cast<ssize_t>(size);
  }

  static ssize_t Failed(int error) {
    errno = error;
    return -1;
  }
};

class CondQueue : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    const std::string error = object_.Make(registry, Head() + kSlots * Pitch(spec.size_bytes));
    if (!error.empty()) return error;
    auto* const header = static_cast<CondHeader*>(object_.base());
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    int rc = pthread_mutexattr_init(&mutex);
    if (rc == 0) rc = pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    if (rc == 0) rc = pthread_mutex_init(&header->mutex, &mutex);
    if (rc == 0) rc = pthread_condattr_init(&cond);
    if (rc == 0) rc = pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    if (rc == 0) rc = pthread_cond_init(&header->not_full, &cond);
    if (rc == 0) rc = pthread_cond_init(&header->not_empty, &cond);
    return rc == 0 ? "" : std::string("process-shared objects: ") + std::strerror(rc);
  }
  void Run(Worker& w) override {
    void* const base = object_.MapElsewhere(w);
    if (base == nullptr) return;
    CondTransport transport{static_cast<CondHeader*>(base),
                            static_cast<unsigned char*>(base) + Head(), Pitch(w.spec.size_bytes)};
    RunStream(w, transport);
  }
  void Nudge(const Shared&) override {
    auto* const header = static_cast<CondHeader*>(object_.base());
    if (pthread_mutex_trylock(&header->mutex) != 0) return;  // the next nudge will do
    pthread_mutex_unlock(&header->mutex);
    pthread_cond_broadcast(&header->not_empty);
  }
  void Audit(const Shared&, const RunSpec& spec, AuditSink& sink) override {
    const std::uint64_t waits = static_cast<CondHeader*>(object_.base())->waits.load();
    sink.facts.emplace_back("waits on a condition variable", std::to_string(waits));
    if (waits == 0 && spec.mode != Mode::kRaw) {
      sink.inconclusive = "no process ever waited on a condition variable";
    }
  }
  void Teardown() override { object_.Close(); }

 private:
  static std::size_t Head() { return (sizeof(CondHeader) + 255) / 256 * 256; }
  ShmObject object_;
};

const Row<WorkloadInfo> kShmRingRow({
    .name = "ring",
    .title = "ring in shared memory, atomics and futex",
    .explain =
        "A ring for each pair of processes, mapped at different addresses; waiting by spinning, "
        "then by futex. Latency of every 32nd message: a clock reading costs as much as a message.",
    .test_name = "Stress.ShmRing",
    .size_max = 256 * kKiB,
    .kill_producer_upto = 256 * kKiB,
    .kill_consumer_upto = 256 * kKiB,
    .sample_every = 32,
    .clauses = {clause::mmap::shared_visible_unrelated, clause::memory::lock_free_atomics,
                clause::mmap::shared_changes_object},
    .loss_clause = clause::mmap::shared_changes_object,
    .make = &Make<Ring>,
});

const Row<WorkloadInfo> kShmRingSharedRow({
    .name = "ring-shared",
    .title = "one ring for many, a ticket in each slot",
    .explain = "All producers and consumers share one ring in shared memory.",
    .test_name = "Stress.ShmRingShared",
    .shape = Shape::kShared,
    .producers = 2,
    .consumers = 2,
    .size_max = 256 * kKiB,
    .sample_every = 32,
    .clauses = {clause::mmap::shared_visible_unrelated, clause::memory::lock_free_atomics},
    .loss_clause = clause::mmap::shared_changes_object,
    .make = &Make<RingShared>,
});

const Row<WorkloadInfo> kCondQueueRow({
    .name = "cond-queue",
    .title = "bounded queue of process-shared mutex and condition variables",
    .explain = "Producers and consumers share a queue in shared memory guarded by pthread objects.",
    .test_name = "Stress.CondQueue",
    .shape = Shape::kShared,
    .producers = 2,
    .consumers = 2,
    .size_max = 256 * kKiB,
    .clauses = {clause::pshared::other_address, clause::mutex::pshared_exclusion,
                clause::cond::pshared_signal, clause::cond::pshared_no_lost_wakeup,
                clause::pshared::memory_sync},
    .loss_clause = clause::cond::pshared_no_lost_wakeup,
    .make = &Make<CondQueue>,
});

}  // namespace

}  // namespace ipcsuite::stress
