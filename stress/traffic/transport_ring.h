// A ring in shared memory for one producer and one consumer: atomics, and a futex to wait on.
#pragma once

#include "base/os/os.h"
#include "spec/clauses/shm.h"
#include "stress/traffic/shm_object.h"
#include "stress/traffic/stream.h"

namespace ipcsuite::stress {

inline constexpr StreamClauses kShmClauses = {
    .content = clause::mmap::shared_visible_unrelated,
    .order = clause::memory::lock_free_atomics,
    .priority = clause::memory::lock_free_atomics,
    .loss = clause::mmap::shared_changes_object,
    .length = clause::mmap::shared_changes_object,
    .send_error = clause::memory::lock_free_atomics,
    .receive_error = clause::memory::lock_free_atomics,
    .send_restart = clause::memory::lock_free_atomics,
    .receive_restart = clause::memory::lock_free_atomics,
};

inline constexpr std::uint32_t kSlots = 256;

inline std::size_t Pitch(std::size_t message) { return (message + 63) / 64 * 64; }

// ---- one producer, one consumer
// ------------------------------------------------------------------

struct SpscHeader {
  alignas(kLine) std::atomic<std::uint32_t> tail;  // written by the producer
  alignas(kLine) std::atomic<std::uint32_t> head;  // written by the consumer
  alignas(kLine) std::atomic<std::uint32_t> consumer_waits;
  std::atomic<std::uint32_t> producer_waits;
  alignas(kLine) std::atomic<std::uint64_t> sleeps;  // waits that went into the kernel
};

struct SpscTransport {
  static constexpr StreamClauses kClauses = kShmClauses;
  SpscHeader* header;
  unsigned char* slots;
  std::size_t pitch;
  int spins;
  std::uint32_t mine, theirs;  // own position; last one seen of the peer

  SpscTransport(void* base, std::size_t message, int spin_budget, bool produce)
      : header(static_cast<SpscHeader*>(base)),
        slots(static_cast<unsigned char*>(base) + sizeof(SpscHeader)),
        pitch(Pitch(message)),
        spins(spin_budget),
        mine(produce ? header->tail.load() : header->head.load()),
        theirs(produce ? header->head.load() : header->tail.load()) {}

  std::size_t BufferBytes(std::size_t message) const { return message; }

  // Waits until `word` is no longer `old`; false when the run is over (for a consumer: drained).
  template <Mode M>
  bool Await(Worker& w, std::atomic<std::uint32_t>& word, std::uint32_t old,
             std::atomic<std::uint32_t>& waits) {
    for (int i = 0; i < spins; ++i) {
      if (word.load(std::memory_order_acquire) != old) return true;
      Relax();
    }
    if constexpr (M != Mode::kRaw) w.Enter(CallId::kFutexWait);
    bool alive = true;
    while (word.load(std::memory_order_acquire) == old) {
      w.Go();
      waits.store(1, std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_seq_cst);
      // The state is asked before the word: what was published before "drained" is then seen.
      const bool drained = w.Drained();
      if (word.load(std::memory_order_relaxed) != old) break;
      if (drained) {
        alive = false;
        break;
      }
      header->sleeps.fetch_add(1, std::memory_order_relaxed);
      os::WaitOnWord(word, old);
    }
    waits.store(0, std::memory_order_relaxed);
    if constexpr (M != Mode::kRaw) w.Leave();
    return alive;
  }

  static void Publish(std::atomic<std::uint32_t>& word, std::uint32_t value,
                      std::atomic<std::uint32_t>& waits) {
    word.store(value, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // against Await: store, then look
    if (waits.load(std::memory_order_relaxed) != 0) os::WakeWord(word, 1);
  }

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned) {
    while (mine - theirs == kSlots) {
      if (!Await<M>(w, header->head, theirs, header->producer_waits)) {
        errno = ECANCELED;
        return -1;
      }
      theirs = header->head.load(std::memory_order_acquire);
    }
    std::memcpy(slots + mine % kSlots * pitch, bytes, size);
    Publish(header->tail, ++mine, header->consumer_waits);
    return static_cast<ssize_t>(size);
  }

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned*) {
    while (theirs == mine) {
      if (!Await<M>(w, header->tail, mine, header->consumer_waits)) return 0;
      theirs = header->tail.load(std::memory_order_acquire);
    }
    std::memcpy(bytes, slots + mine % kSlots * pitch, size);
    Publish(header->head, ++mine, header->producer_waits);
    return static_cast<ssize_t>(size);
  }
};

}  // namespace ipcsuite::stress
