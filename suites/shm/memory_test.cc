// Coherence between processes: atomics, synchronization functions, fork and wait.
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

IPC_TEST(ShmMemory, AtomicsAreOneStorageAtAnyAddress, clause::memory::lock_free_atomics) {
  constexpr unsigned kEach = 20'000;
  constexpr int kPeers = 3;
  static_assert(std::atomic<unsigned>::is_always_lock_free);
  ShmObject object(Pages(2));
  const std::size_t at = PageSize() + 64;
  Mapping view = Mapping::Of(object, Pages(2));
  auto* counter = new (view.data() + at) std::atomic<unsigned>(0);
  Shared<std::atomic<int>> arrived;
  std::vector<Peer> peers(kPeers);
  std::vector<Call> calls;
  for (int p = 0; p < kPeers; ++p) {
    calls.push_back(peers[static_cast<std::size_t>(p)].start([&, p] {
      Region padding(static_cast<std::size_t>(p) * 3 + 1);  // so that addresses differ
      Mapping mine = Mapping::Of(object, Pages(2));
      if (mine.data() == view.data()) Unresolved("a second mapping lies where the first is");
      auto* own = std::launder(reinterpret_cast<std::atomic<unsigned>*>(mine.data() + at));
      arrived->fetch_add(1);
      while (arrived->load() < kPeers) sched_yield();
      for (unsigned i = 0; i < kEach; ++i) own->fetch_add(1, std::memory_order_relaxed);
      return CALL(0);
    }));
  }
  for (const Call& call : calls) EXPECT_THAT(call.result(), SucceedsWith(0));
  EXPECT_EQ(counter->load(), kPeers * kEach);
}

// A message that is spread over cache lines, written and read by plain stores and loads.
struct Message {
  static constexpr int kWords = 8;
  struct alignas(128) Word {
    unsigned value;
  };
  Word words[kWords];
  void Write(unsigned round) volatile {
    for (int i = 0; i < kWords; ++i) words[i].value = round * 31 + static_cast<unsigned>(i);
  }
  // The number of words that are not of this round.
  int Stale(unsigned round) const volatile {
    int stale = 0;
    for (int i = 0; i < kWords; ++i)
      stale += words[i].value != round * 31 + static_cast<unsigned>(i);
    return stale;
  }
};

// Waits and posts of a pair of semaphores in the object.
struct SemaphorePair {
  sem_t full, empty;
  Message message;
};

IPC_TEST(ShmMemory, StoresBeforeAPostAreSeenAfterTheWait, clause::memory::sync_functions) {
  constexpr unsigned kRounds = 500;
  ShmObject object(sizeof(SemaphorePair));
  Mapping view = Mapping::Of(object, sizeof(SemaphorePair));
  auto* pair = reinterpret_cast<SemaphorePair*>(view.data());
  if (sem_init(&pair->full, 1, 0) != 0)
    Unsupported("semaphores can't be shared between processes (" + ErrnoName(errno) + ")");
  Setup(CALL(sem_init(&pair->empty, 1, 1)));
  Peer reader;
  Call read = reader.start([&] {
    Mapping mine = Mapping::Of(object, sizeof(SemaphorePair));
    auto* own = reinterpret_cast<SemaphorePair*>(mine.data());
    int stale = 0;
    for (unsigned round = 1; round <= kRounds; ++round) {
      while (sem_wait(&own->full) != 0) {
      }
      stale += own->message.Stale(round);
      sem_post(&own->empty);
    }
    return CALL(stale);
  });
  Peer writer;
  Call write = writer.start([&] {
    for (unsigned round = 1; round <= kRounds; ++round) {
      while (sem_wait(&pair->empty) != 0) {
      }
      pair->message.Write(round);
      sem_post(&pair->full);
    }
    return CALL(0);
  });
  EXPECT_THAT(write.result(), SucceedsWith(0));
  EXPECT_THAT(read.result(), SucceedsWith(0)) << "words that were stale after sem_wait";
  sem_destroy(&pair->full);
  sem_destroy(&pair->empty);
}

struct Guarded {
  pthread_mutex_t mutex;
  unsigned round;
  Message message;
};

IPC_TEST(ShmMemory, StoresUnderAMutexAreSeenUnderIt, clause::memory::sync_functions) {
  constexpr unsigned kEach = 500;
  ShmObject object(sizeof(Guarded));
  Mapping view = Mapping::Of(object, sizeof(Guarded));
  auto* guarded = reinterpret_cast<Guarded*>(view.data());
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) != 0)
    Unsupported("mutexes can't be shared between processes");
  Setup(CALL_ERRNO(pthread_mutex_init(&guarded->mutex, &attributes)));
  guarded->round = 0;
  guarded->message.Write(0);
  std::vector<Peer> peers(3);
  std::vector<Call> calls;
  for (Peer& peer : peers) {
    calls.push_back(peer.start([&] {
      Mapping mine = Mapping::Of(object, sizeof(Guarded));
      auto* own = reinterpret_cast<Guarded*>(mine.data());
      int stale = 0;
      for (unsigned i = 0; i < kEach; ++i) {
        pthread_mutex_lock(&own->mutex);
        stale += own->message.Stale(own->round);
        own->message.Write(++own->round);
        pthread_mutex_unlock(&own->mutex);
        if (i % 64 == 0) sched_yield();
      }
      return CALL(stale);
    }));
  }
  for (const Call& call : calls)
    EXPECT_THAT(call.result(), SucceedsWith(0)) << "words that were stale under the mutex";
  EXPECT_EQ(guarded->round, peers.size() * kEach);
}

IPC_TEST(ShmMemory, ForkAndWaitSynchronize, clause::memory::wait_fork) {
  ShmObject object(sizeof(Message));
  Mapping view = Mapping::Of(object, sizeof(Message));
  auto* message = reinterpret_cast<Message*>(view.data());
  for (unsigned round = 1; round <= 20; ++round) {
    message->Write(round);
    const pid_t child = fork();
    if (child < 0)
      Unresolved("can't start a process (" + ErrnoName(errno) + "): raise the limit on processes");
    if (child == 0) {
      const int stale = message->Stale(round);
      message->Write(round + 1000);
      _exit(stale);
    }
    int status = 0;
    const CallResult waited = CALL(waitpid(child, &status, 0));
    EXPECT_THAT(waited, SucceedsWith(child));
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << "the child missed stores made before fork";
    EXPECT_EQ(message->Stale(round + 1000), 0)
        << "the parent missed stores made before the end of the child";
  }
}

}  // namespace
}  // namespace ipcsuite::shm_suite
