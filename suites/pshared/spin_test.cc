// Spin locks that processes or threads share.
#include <sched.h>

#include <memory>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

struct Guarded {
  pthread_spinlock_t lock;
  int first, second;
};

class PlacedSpin {
 public:
  explicit PlacedSpin(Place place) : placed_(place) {
    Setup(CALL_ERRNO(pthread_spin_init(&placed_->lock, PTHREAD_PROCESS_SHARED)));
  }
  Guarded* get() const { return placed_.get(); }
  Guarded* operator->() const { return placed_.get(); }

 private:
  Placed<Guarded> placed_;
};

class SpinTest : public PlaceTest {};
INSTANTIATE_TEST_SUITE_P(Places, SpinTest,
                         testing::Values(Place::kInherited, Place::kShm, Place::kFile,
                                         Place::kThreads),
                         PlaceName);

IPC_TEST_P(SpinTest, OnlyOneIsInside, clause::spin::pshared_usable, clause::pshared::memory_sync) {
  const PlacedSpin guarded(GetParam());
  constexpr int kWorkers = 2, kEach = 400;
  Shared<StartLine> start;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.push_back(std::make_unique<Worker>(Work([&, i] {
      Guarded* const own = guarded.get();
      start->Wait(kWorkers);
      int torn = 0;
      for (int k = 0; k < kEach; ++k) {
        if ((i + k) % 4 == 0) {
          while (pthread_spin_trylock(&own->lock) != 0) sched_yield();
        } else if (pthread_spin_lock(&own->lock) != 0) {
          return CALL(-1);
        }
        torn += own->first != own->second;
        const int next = own->first + 1;
        own->first = next;
        if (k % 128 == 127) sched_yield();
        own->second = next;
        pthread_spin_unlock(&own->lock);
      }
      return CALL(torn);
    })));
  }
  for (const auto& worker : workers) EXPECT_THAT(worker->result(20s), SucceedsWith(0));
  EXPECT_EQ(guarded->first, kWorkers * kEach);
  NoteChecksOf(clause::pshared::memory_sync);
}

IPC_TEST_P(SpinTest, TrylockFailsWhileItIsHeld, clause::spin::pshared_trylock_ebusy) {
  const PlacedSpin guarded(GetParam());
  Setup(CALL_ERRNO(pthread_spin_lock(&guarded->lock)));
  const Worker other = Work([&] { return CALL_ERRNO(pthread_spin_trylock(&guarded->lock)); });
  EXPECT_THAT(other.result(), Fails(EBUSY));
  EXPECT_THAT(CALL_ERRNO(pthread_spin_trylock(&guarded->lock)), Fails(EBUSY)) << "by the holder";
  EXPECT_THAT(CALL_ERRNO(pthread_spin_unlock(&guarded->lock)), SucceedsWith(0));
  const Worker next = Work([&] {
    const CallResult taken = CALL_ERRNO(pthread_spin_trylock(&guarded->lock));
    if (taken.ok()) pthread_spin_unlock(&guarded->lock);
    return taken;
  });
  EXPECT_THAT(next.result(), SucceedsWith(0));
}

IPC_TEST_P(SpinTest, LockReturnsAfterTheUnlock, clause::spin::pshared_spins_until_free) {
  const PlacedSpin guarded(GetParam());
  struct Progress {
    std::atomic<int> asked, unlocked;
  };
  Shared<Progress> progress;
  for (int round = 0; round < 2; ++round) {
    progress->asked = progress->unlocked = 0;
    Setup(CALL_ERRNO(pthread_spin_lock(&guarded->lock)));
    const Worker other = Work([&] {
      Guarded* const own = guarded.get();
      progress->asked = 1;
      const CallResult taken = CALL_ERRNO(pthread_spin_lock(&own->lock));
      const int after = progress->unlocked;
      pthread_spin_unlock(&own->lock);
      return taken.ok() ? CALL(after) : taken;
    });
    Backoff backoff;
    while (progress->asked == 0) backoff.Pause();
    for (int i = 0; i < 3; ++i) sched_yield();
    progress->unlocked = 1;
    EXPECT_THAT(CALL_ERRNO(pthread_spin_unlock(&guarded->lock)), SucceedsWith(0));
    EXPECT_THAT(other.result(), SucceedsWith(1)) << "0: it returned while another held the lock";
  }
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
