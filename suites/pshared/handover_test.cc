// Who waits for a robust mutex gets it although processes die around an unlock. Two interleavings
// (docs/findings/robust-mutex-lost-wakeup.md), step by step: who unlocks is killed between what it
// does in memory and what it asks of the system, or who was woken is killed before it runs; and
// somebody else takes the mutex in between.
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/os/last_call.h"
#include "base/os/os.h"
#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

using Waiters = std::vector<std::unique_ptr<Worker>>;

// A process that waits and, once it has the mutex, gives it on.
std::unique_ptr<Worker> ParkWaiter(const Mutex& mutex) {
  auto waiter = std::make_unique<Worker>(true, [&] {
    const CallResult locked = CALL_ERRNO(pthread_mutex_lock(mutex));
    if (locked.error == EOWNERDEAD) Setup(CALL_ERRNO(pthread_mutex_consistent(mutex)));
    Unlock(mutex);
    return locked;
  });
  EXPECT_THAT(waiter->call(), Blocks());
  return waiter;
}

void ExpectAllWoken(const Waiters& waiters, const Mutex& mutex, const std::string& when) {
  for (const auto& waiter : waiters) {
    const CallResult result = ResultOf(waiter->call(), mutex, kHang);
    EXPECT_THAT(result, SucceedsOrFailsWith(EOWNERDEAD)) << when;
    if (result.fate == Fate::kStillBlocked) return;  // the others wait behind it
  }
}

struct KindRow {
  const char* name;
  Claims claims;
  MutexKind kind;
};

const KindRow kUnlockerKinds[] = {
    {"Normal", {clause::mutex::pshared_blocks_and_wakes}, {.robust = true}},
    {"PrioInherit",
     {clause::mutex::pshared_blocks_and_wakes},
     {.robust = true, .protocol = PTHREAD_PRIO_INHERIT}},
};
// The moment between what an unlock does in memory and what it asks of the system.
struct Moment {
  std::atomic<int> reached, tried, dead;
};
void Await(const std::atomic<int>& flag) {
  Backoff backoff;
  while (flag.load() == 0) backoff.Pause();
}

// A: the one that unlocks dies before it has woken anybody. A third process tries the mutex in
// between, and holds it, if it gets it, until the death; then it unlocks, and the waiters must get
// it.
IPC_TABLE_TEST(RobustHandoverFromTheKilled, KindRow, kUnlockerKinds) {
  const Mutex mutex(row.kind);
  const Shared<Moment> moment;
  Peer unlocker([&](Peer::Self& self) {
    pthread_mutex_t* const own = mutex;
    self.step([&] { return CALL_ERRNO(pthread_mutex_lock(own)); });
    self.step([&] {
      const auto before = [](void* at) {
        auto* const now = static_cast<Moment*>(at);
        now->reached.store(1);
        Await(now->tried);
      };
      if (!os::DieAtNextWake(before, moment.get())) return CALL(-1);
      pthread_mutex_unlock(own);  // without CALL, which may wake somebody too
      return CALL(0);
    });
  });
  Setup(unlocker.next().result());
  Waiters waiters;
  for (int i = 0; i < 2; ++i) waiters.push_back(ParkWaiter(mutex));
  const Call unlocks = unlocker.next();
  const Worker third(true, [&] {
    pthread_mutex_t* const own = mutex;
    Backoff backoff;
    while (moment->reached.load() + moment->dead.load() == 0) backoff.Pause();
    const CallResult tried = CALL_ERRNO(pthread_mutex_trylock(own));
    moment->tried.store(1);
    Await(moment->dead);
    if (tried.ok()) pthread_mutex_unlock(own);
    return tried;
  });
  const CallResult end = unlocks.result();
  moment->dead.store(1);
  if (end.fate != Fate::kKilled)
    Unsupported("a process can't be made to die between an unlock and its wake-up here");
  const CallResult tried = third.result();
  EXPECT_THAT(tried, SucceedsOrFailsWith(EBUSY));
  Evidence(tried.ok() ? "a third process had the mutex meanwhile" : "nobody else had it");
  ExpectAllWoken(waiters, mutex,
                 tried.ok() ? "a third process had the mutex meanwhile" : "nobody else had it");
}

// Makes the calling thread run before others on its processor, for good.
bool RunFirst() {
  sched_param param{};
  param.sched_priority = sched_get_priority_min(SCHED_FIFO) + 1;
  return pthread_setschedparam(pthread_self(), SCHED_FIFO, &param) == 0;
}

const KindRow kWokenKinds[] = {
    {"Normal", {clause::mutex::pshared_blocks_and_wakes}, {.robust = true}},
};
// B: the one that was woken dies before it runs: it shares its processor with the one that unlocks,
// which has priority, takes the mutex again, and kills it.
IPC_TABLE_TEST(RobustHandoverToTheKilled, KindRow, kWokenKinds) {
  if (!CanUseRealtime())
    Unsupported("SCHED_FIFO is not available: needs CAP_SYS_NICE or RLIMIT_RTPRIO");
  const std::vector<int> one_cpu = {os::AllowedCpus().front()};
  const Mutex mutex(row.kind);
  Shared<std::atomic<int>> victim;
  Peer owner([&](Peer::Self& self) {
    pthread_mutex_t* const own = mutex;
    self.step([&] {
      if (!os::PinProcess(0, one_cpu)) Unsupported("a process can't be bound to a processor here");
      return CALL_ERRNO(pthread_mutex_lock(own));
    });
    self.step([&] {
      if (!RunFirst()) Unresolved("set-up failed: pthread_setschedparam");
      pthread_mutex_unlock(own);
      pthread_mutex_lock(own);
      return CALL(kill(victim->load(), SIGKILL));
    });
    self.step([&] { return CALL_ERRNO(pthread_mutex_unlock(own)); });
  });
  Setup(owner.next().result());
  Peer woken;
  const Call dying = woken.start([&] {
    if (!os::PinProcess(0, one_cpu)) Unresolved("set-up failed: no binding to a processor");
    return CALL_ERRNO(pthread_mutex_lock(mutex));
  });
  EXPECT_THAT(dying, Blocks());
  Waiters waiters;
  for (int i = 0; i < 2; ++i) waiters.push_back(ParkWaiter(mutex));
  victim->store(dying.pid());
  Setup(owner.next().result());
  woken.Join();
  Setup(owner.next().result());
  ExpectAllWoken(waiters, mutex, "the one that was woken first was killed before it ran");
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
