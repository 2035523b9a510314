// sem_init() and sem_destroy(): values, who may use an unnamed semaphore, and when its memory is
// free.
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <string>

#include "harness/peers/start_line.h"
#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

struct ValueRow {
  const char* name;
  Claims claims;
  unsigned value;
};
const ValueRow kValues[] = {
    {"Zero", {clause::sem_init::value}, 0},
    {"One", {clause::sem_init::value}, 1},
    {"SmallestMaximum", {clause::sem_init::value}, 32767},
    {"Maximum", {clause::sem_init::value}, ValueMax()},
};
IPC_TABLE_TEST(SemInitValue, ValueRow, kValues) {
  for (const int pshared : {0, 1, 7}) {
    Shared<sem_t> shared;
    sem_t* const sem = shared.get();
    std::memset(sem, 0xa5, sizeof *sem);  // what was there before does not matter
    EXPECT_THAT(CALL(sem_init(sem, pshared, row.value)), SucceedsWith(0)) << "pshared " << pshared;
    EXPECT_EQ(ValueOf(sem), static_cast<int>(row.value));
    if (row.value <= 32767) {
      EXPECT_EQ(Drain(sem), static_cast<int>(row.value));
    }
    EXPECT_THAT(CALL(sem_destroy(sem)), SucceedsWith(0));
  }
}

IPC_TEST(SemInit, ValueAboveTheMaximum, clause::sem_init::err_einval) {
  if (ValueMax() == UINT_MAX) Unsupported("every value is a valid one here");
  sem_t sem;
  for (const unsigned value : {ValueMax() + 1, UINT_MAX}) {
    for (const int pshared : {0, 1})
      EXPECT_THAT(CALL(sem_init(&sem, pshared, value)), Fails(EINVAL)) << value;
  }
}

// Two sides that take turns, each waiting for the other.
void ExpectPingPong(const Setting& setting, sem_t* ping, sem_t* pong) {
  constexpr int kRounds = 100;
  const Worker other(setting, [=] {
    for (int i = 0; i < kRounds; ++i) {
      if (const CallResult taken = WaitBy(Way::kTimed, ping, 20'000); !taken.ok()) return taken;
      if (const CallResult given = CALL(sem_post(pong)); !given.ok()) return given;
    }
    return CALL(0);
  });
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_THAT(CALL(sem_post(ping)), SucceedsWith(0));
    ASSERT_THAT(WaitBy(Way::kTimed, pong, 20'000), SucceedsWith(0)) << "round " << i;
  }
  EXPECT_THAT(other.result(), SucceedsWith(0));
}

IPC_TEST(SemInit, PrivateOneIsForAllThreads, clause::sem_init::private_threads) {
  const Semaphore ping(SemKind::kPrivate), pong(SemKind::kPrivate);
  ExpectPingPong({"", SemKind::kPrivate, false}, ping, pong);
}

IPC_TEST(SemInit, SharedOneIsForAllProcesses, clause::sem_init::pshared) {
  const Semaphore ping(SemKind::kShared), pong(SemKind::kShared);
  ExpectPingPong({"", SemKind::kShared, true}, ping, pong);
  // Anyone who can reach it may destroy it.
  Shared<sem_t> third;
  Setup(CALL(sem_init(third.get(), 1, 1)));
  Peer peer;
  EXPECT_THAT(peer.start([&] { return CALL(sem_destroy(third.get())); }).result(), SucceedsWith(0));
}

// Takes and posts a semaphore that it maps by the name of its shared memory object.
IPC_ROLE(use_semaphore_in_memory) {
  const int fd = shm_open(args[0].c_str(), O_RDWR, 0);
  if (fd < 0) return 10;
  void* const memory = mmap(nullptr, sizeof(sem_t) * 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 11;
  auto* const sems = static_cast<sem_t*>(memory);
  const timespec deadline = RealtimeIn(20'000);
  if (sem_timedwait(&sems[0], &deadline) != 0) return 12;
  return sem_post(&sems[1]) == 0 ? 0 : 13;
}

IPC_TEST(SemInit, SharedOneIsForOtherPrograms, clause::sem_init::pshared,
         clause::sem_init::pshared_other_address) {
  ShmObject object(0);
  Setup(CALL(ftruncate(object, sizeof(sem_t) * 2)));
  const Mapping view = Mapping::Of(object, sizeof(sem_t) * 2);
  auto* const sems = reinterpret_cast<sem_t*>(view.data());
  Setup(CALL(sem_init(&sems[0], 1, 0)));
  Setup(CALL(sem_init(&sems[1], 1, 0)));
  ExecSelf other("use_semaphore_in_memory", {object.name()});
  EXPECT_THAT(CALL(sem_post(&sems[0])), SucceedsWith(0));
  EXPECT_THAT(WaitBy(Way::kTimed, &sems[1], 20'000), SucceedsWith(0));
  NoteChecksOf(clause::sem_init::pshared_other_address);  // the other program's mapping is its own
  EXPECT_EQ(other.Wait(), 0) << "12: the wait failed in the other program, 13: the post";
  EXPECT_EQ(ValueOf(&sems[0]), 0);
}

// One object at two addresses of one process.
IPC_TEST(SemInit, SharedOneWorksAtAnotherAddress, clause::sem_init::pshared_other_address) {
  ShmObject object(0);
  Setup(CALL(ftruncate(object, sizeof(sem_t))));
  const Mapping first = Mapping::Of(object, sizeof(sem_t));
  const Mapping second = Mapping::Of(object, sizeof(sem_t));
  auto* const a = reinterpret_cast<sem_t*>(first.data());
  auto* const b = reinterpret_cast<sem_t*>(second.data());
  Setup(CALL(sem_init(a, 1, 2)));
  EXPECT_EQ(ValueOf(b), 2);
  EXPECT_EQ(Drain(b), 2);
  for (const bool process : {true, false}) {
    const Worker waiter({"", SemKind::kShared, process}, [&] { return CALL(sem_wait(b)); });
    EXPECT_THAT(waiter.call(), Blocks());
    EXPECT_THAT(CALL(sem_post(a)), SucceedsWith(0));
    EXPECT_THAT(waiter.result(), SucceedsWith(0));
  }
  EXPECT_EQ(ValueOf(a), 0);
}

IPC_TEST(SemDestroy, ReturnsZeroWhateverTheValue, clause::sem_destroy::ok) {
  for (const int pshared : {0, 1}) {
    for (const unsigned value : {0u, 3u}) {
      Shared<sem_t> sem;
      Setup(CALL(sem_init(sem.get(), pshared, value)));
      EXPECT_THAT(CALL(sem_destroy(sem.get())), SucceedsWith(0));
    }
  }
}

IPC_TEST(SemDestroy, ThenInitAgain, clause::sem_destroy::reinit) {
  Shared<sem_t> sem;
  for (unsigned i = 0; i < 50; ++i) {
    const bool shared = i % 2;
    ASSERT_THAT(CALL(sem_init(sem.get(), shared, i)), SucceedsWith(0));
    ASSERT_EQ(ValueOf(sem.get()), static_cast<int>(i));
    if (i % 10 < 2) {
      const Worker waiter({"", SemKind::kShared, shared}, [&] {
        while (sem_trywait(sem.get()) == 0) {
        }
        return CALL(sem_wait(sem.get()));
      });
      EXPECT_THAT(waiter.call(), Blocks());
      Post(sem.get());
      EXPECT_THAT(waiter.result(), SucceedsWith(0));
    }
    ASSERT_THAT(CALL(sem_destroy(sem.get())), SucceedsWith(0));
  }
}

// The thread that was released destroys the semaphore and unmaps its memory while the post may not
// have returned: a post that touches it still is killed.
IPC_TEST(SemDestroy, AsSoonAsTheWaitHasReturned, clause::sem_destroy::after_last_wait) {
  constexpr int kRounds = 100;
  for (const int pshared : {0, 1}) {
    const StepOutcome outcome = RunStep(
        [&] {
          for (int round = 0; round < kRounds; ++round) {
            void* const memory = mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            if (memory == MAP_FAILED) return std::int64_t{-1};
            auto* const sem = static_cast<sem_t*>(memory);
            if (sem_init(sem, pshared, 0) != 0) return std::int64_t{-2};
            pthread_t waiter;
            pthread_create(
                &waiter, nullptr,
                [](void* of) -> void* {
                  auto* const own = static_cast<sem_t*>(of);
                  while (sem_wait(own) != 0) {
                  }
                  sem_destroy(own);
                  munmap(of, PageSize());
                  return nullptr;
                },
                memory);
            if (round % 2) sched_yield();
            sem_post(sem);
            pthread_join(waiter, nullptr);
          }
          return std::int64_t{0};
        },
        20s);
    EXPECT_THAT(outcome, CompletesWith(0)) << "pshared " << pshared;
  }
}

}  // namespace
}  // namespace ipcsuite::sem_suite
