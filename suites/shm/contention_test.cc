// Races on one name and one object: each round has one outcome that the standard permits.
#include <sched.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "harness/core/patience.h"
#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// A contender that is asleep in its call hangs; any other may only be slow.
void JudgeLateness(const std::vector<Call>& calls, int round) {
  for (const Call& call : calls) {
    const ProbeResult probe = call.probe(-1, 500ms);
    if (probe.what != Blocking::kShown) continue;
    ADD_FAILURE() << "round " << round << ": a contender stays blocked: " << probe.evidence;
    return;
  }
  Unresolved("round " + std::to_string(round) +
             ": a contender did not return, and none was shown asleep");
}

// Processes that perform a step at the same time, round by round. They exist for the whole test, so
// that a round costs no fork and its calls are close to each other.
class Contenders {
 public:
  using Step = std::function<CallResult(int round)>;

  // Runs all rounds, or those up to the first failure. The two functions run in the test's process;
  // `results` has the outcome of each step.
  Contenders(
      int rounds, const std::vector<Step>& steps,
      const std::function<void(int round)>& before_round,
      const std::function<void(int round, const std::vector<CallResult>& results)>& after_round) {
    const int count = static_cast<int>(steps.size());
    SharedBuffer memory(sizeof(CallResult) * steps.size());
    auto* results = reinterpret_cast<CallResult*>(memory.data());
    Shared<std::atomic<int>> round_released, arrived, done;
    std::vector<Peer> peers(steps.size());
    std::vector<Call> calls;
    for (int c = 0; c < count; ++c) {
      calls.push_back(peers[static_cast<std::size_t>(c)].start([&, c] {
        for (int round = 1; round <= rounds; ++round) {
          while (round_released->load() < round) sched_yield();
          arrived->fetch_add(1);
          while (arrived->load() < round * count) sched_yield();
          results[c] = steps[static_cast<std::size_t>(c)](round - 1);
          done->fetch_add(1);
        }
        return CALL(0);
      }));
    }
    for (int round = 1; round <= rounds && !testing::Test::HasFailure(); ++round) {
      if (before_round) before_round(round - 1);
      round_released->store(round);
      Patience patience(20s);
      Backoff backoff;
      while (done->load() < round * count) {
        if (patience.over()) {
          JudgeLateness(calls, round);
          return;
        }
        backoff.Pause();
      }
      after_round(round - 1, std::vector<CallResult>(results, results + count));
    }
    if (testing::Test::HasFailure()) return;  // contenders still wait for rounds; they are killed
    for (const Call& call : calls) EXPECT_THAT(call.result(), SucceedsWith(0));
  }
};

int CountOk(const std::vector<CallResult>& results) {
  int count = 0;
  for (const CallResult& result : results) count += result.ok();
  return count;
}

IPC_TEST(ShmRace, ExclusiveCreationHasOneWinner, clause::shm_open::excl_atomic) {
  constexpr int kContenders = 5, kRounds = 50;
  UniqueName name = UniqueName::Shm();
  // Descriptors are closed in the next round, so that the object is referenced while others try.
  std::vector<Contenders::Step> steps;
  for (int c = 0; c < kContenders; ++c) {
    steps.push_back([&, held = -1](int) mutable {
      if (held >= 0) close(held);
      const CallResult created = CALL(shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
      held = created.ok() ? created.fd() : -1;
      return created;
    });
  }
  Contenders(kRounds, steps, nullptr, [&](int round, const std::vector<CallResult>& results) {
    for (const CallResult& result : results) CheckSurroundings(result);
    EXPECT_EQ(CountOk(results), 1) << "winners in round " << round;
    for (const CallResult& result : results) EXPECT_THAT(result, SucceedsOrFailsWith(EEXIST));
    Setup(CALL(shm_unlink(name.c_str())));
  });
}

IPC_TEST(ShmRace, ExclusiveCreationHasOneWinnerAmongThreads, clause::shm_open::excl_atomic) {
  constexpr int kThreads = 4, kRounds = 25;
  UniqueName name = UniqueName::Shm();
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> arrived{0};
    std::vector<ThreadPeer> threads(kThreads);
    std::vector<Call> calls;
    for (ThreadPeer& thread : threads) {
      calls.push_back(thread.start([&] {
        arrived.fetch_add(1);
        while (arrived.load() < kThreads) sched_yield();
        return CALL(shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
      }));
    }
    int winners = 0;
    for (const Call& call : calls) {
      const CallResult result = CheckSurroundings(call.result());
      EXPECT_THAT(result, SucceedsOrFailsWith(EEXIST));
      winners += result.ok();
      if (result.ok()) close(result.fd());
    }
    for (ThreadPeer& thread : threads) thread.Join();
    EXPECT_EQ(winners, 1) << "round " << round;
    Setup(CALL(shm_unlink(name.c_str())));
  }
}

IPC_TEST(ShmRace, UnlinkHasOneWinner, clause::shm_unlink::err_enoent,
         clause::shm_unlink::removes_name) {
  constexpr int kContenders = 5, kRounds = 60;
  UniqueName name = UniqueName::Shm();
  const std::vector<Contenders::Step> steps(kContenders,
                                            [&](int) { return CALL(shm_unlink(name.c_str())); });
  Fd object;
  Contenders(
      kRounds, steps, [&](int) { object = Fd(Create(name.c_str())); },
      [&](int round, const std::vector<CallResult>& results) {
        EXPECT_EQ(CountOk(results), 1) << "winners in round " << round;
        for (const CallResult& result : results) EXPECT_THAT(result, SucceedsOrFailsWith(ENOENT));
        const ForClause scope(clause::shm_unlink::removes_name);
        EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDWR, 0)), Fails(ENOENT));
      });
}

IPC_TEST(ShmRace, OpenRacingWithUnlinkIsOldOrNothing, clause::shm::atomic_open_unlink) {
  constexpr int kRounds = 80;
  constexpr off_t kOld = 4321;
  UniqueName name = UniqueName::Shm();
  // What the opener saw: the size and mode of the object.
  Shared<struct stat> seen;
  const auto open_as = [&](int flags) {
    const CallResult opened = CALL(shm_open(name.c_str(), flags, 0640));
    if (opened.ok()) {
      fstat(opened.fd(), seen.get());
      close(opened.fd());
    }
    return opened;
  };
  Fd object;
  ScopedUmask mask(0);
  for (int flags : {O_RDWR, O_RDWR | O_CREAT}) {
    const std::vector<Contenders::Step> steps = {
        [&](int) { return open_as(flags); }, [&](int) { return CALL(shm_unlink(name.c_str())); }};
    Contenders(
        kRounds, steps,
        [&](int) {
          shm_unlink(name.c_str());
          object = Fd(Create(name.c_str(), O_RDWR | O_EXCL, 0600));
          Setup(CALL(ftruncate(object, kOld)));
        },
        [&](int round, const std::vector<CallResult>& results) {
          EXPECT_THAT(results[1], SucceedsWith(0)) << "the unlink in round " << round;
          const CallResult& opened = CheckSurroundings(results[0]);
          if (flags == O_RDWR) {
            EXPECT_THAT(opened, SucceedsOrFailsWith(ENOENT)) << "round " << round;
          } else {
            EXPECT_THAT(opened, Succeeds()) << "round " << round;
          }
          if (!opened.ok()) return;
          const bool old = seen->st_size == kOld && (seen->st_mode & 0666) == 0600;
          const bool fresh =
              (flags & O_CREAT) && seen->st_size == 0 && (seen->st_mode & 0666) == 0640;
          EXPECT_TRUE(old || fresh)
              << "size " << seen->st_size << " mode " << std::oct << seen->st_mode;
          EXPECT_EQ(StatOf(object).st_size, kOld) << "the old object changed";
        });
    shm_unlink(name.c_str());
  }
}

IPC_TEST(ShmRace, TruncatingOpenRacingWithResize, clause::shm::atomic_open_ftruncate) {
  constexpr int kRounds = 60;
  ShmObject object;
  const off_t wanted = static_cast<off_t>(3 * PageSize() + 5);
  const std::vector<Contenders::Step> steps = {
      [&](int) {
        const CallResult opened = CALL(shm_open(object.name(), O_RDWR | O_TRUNC, 0));
        if (opened.ok()) close(opened.fd());
        return opened;
      },
      [&](int) { return CALL(ftruncate(object, wanted)); }};
  Contenders(
      kRounds, steps,
      [&](int) {
        Setup(CALL(ftruncate(object, static_cast<off_t>(PageSize()))));
        Fill(Mapping::Of(object, PageSize()).data(), PageSize());
      },
      [&](int round, const std::vector<CallResult>& results) {
        for (const CallResult& result : results) EXPECT_THAT(result, Succeeds());
        const std::int64_t size = SizeOf(object);
        EXPECT_TRUE(size == 0 || size == wanted) << "size " << size << " in round " << round;
        if (size != wanted) return;
        // The open took effect first: all that was stored before is gone.
        Mapping view = Mapping::Of(object, static_cast<std::size_t>(wanted), PROT_READ);
        EXPECT_EQ(FirstNonzero(view.data(), view.size()), view.size()) << "round " << round;
      });
}

IPC_TEST(ShmRace, ShrinkRacingWithGrow, clause::shm::atomic_ftruncate_ftruncate) {
  constexpr int kRounds = 80;
  ShmObject object;
  const auto small = static_cast<off_t>(Pages(1)), large = static_cast<off_t>(Pages(4));
  const std::vector<Contenders::Step> steps = {[&](int) { return CALL(ftruncate(object, small)); },
                                               [&](int) { return CALL(ftruncate(object, large)); }};
  Contenders(
      kRounds, steps,
      [&](int) {
        Setup(CALL(ftruncate(object, static_cast<off_t>(Pages(2)))));
        Fill(Mapping::Of(object, Pages(2)).data(), Pages(2));
      },
      [&](int round, const std::vector<CallResult>& results) {
        for (const CallResult& result : results) EXPECT_THAT(result, SucceedsWith(0));
        const std::int64_t size = SizeOf(object);
        EXPECT_TRUE(size == small || size == large) << "size " << size << " in round " << round;
        Mapping view = Mapping::Of(object, static_cast<std::size_t>(size), PROT_READ);
        EXPECT_EQ(FirstMismatch(view.data(), Pages(1)), Pages(1)) << "round " << round;
        if (size != large) return;
        EXPECT_EQ(FirstNonzero(view.data() + Pages(1), Pages(3)), Pages(3))
            << "old data after the shrink, round " << round;
      });
}

IPC_TEST(ShmRace, MappingRacingWithShrink, clause::shm::atomic_mmap_ftruncate) {
  constexpr int kRounds = 25;
  ShmObject object;
  Mapping view;
  for (int round = 0; round < kRounds; ++round) {
    Setup(CALL(ftruncate(object, static_cast<off_t>(Pages(3)))));
    Fill(Mapping::Of(object, Pages(3)).data(), Pages(3));
    std::atomic<int> arrived{0};
    const auto meet = [&] {
      arrived.fetch_add(1);
      while (arrived.load() < 2) sched_yield();
    };
    ThreadPeer mapper, shrinker;
    Call mapped = mapper.start(
        [&] { return meet(), CALL(mmap(nullptr, Pages(3), PROT_READ, MAP_SHARED, object, 0)); });
    Call shrunk = shrinker.start(
        [&] { return meet(), CALL(ftruncate(object, static_cast<off_t>(Pages(1)))); });
    EXPECT_THAT(shrunk.result(), SucceedsWith(0));
    const CallResult result = mapped.result();
    ASSERT_THAT(result, Succeeds());
    mapper.Join();
    shrinker.Join();
    view = Mapping(result, Pages(3));
    ASSERT_EQ(FirstMismatch(view.data(), Pages(1)), Pages(1)) << "round " << round;
    for (std::size_t page : {1, 2}) {
      ASSERT_THAT(ReadByte(view.data() + Pages(page)),
                  FaultsWithAt(SIGBUS, view.data() + Pages(page)))
          << "round " << round;
    }
  }
}

// An unlinked object goes with the process that held its only descriptor, at the time when its name
// is used for a new one.
IPC_TEST(ShmRace, LastReferenceGoingWhileTheNameIsUsedAgain, clause::shm::atomic_last_close_open) {
  constexpr int kRounds = 25;
  UniqueName name = UniqueName::Shm();
  for (int round = 0; round < kRounds; ++round) {
    Peer holder([&](Peer::Self& self) {
      Fd own(CALL(shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600)));
      Setup(CALL(ftruncate(own, static_cast<off_t>(PageSize()))));
      Mapping view = Mapping::Of(own, PageSize());
      self.step([&] { return Fill(view.data(), PageSize()), CALL(0); });
      self.step([] { return CALL(0); });
    });
    Setup(holder.next().result());
    Setup(CALL(shm_unlink(name.c_str())));
    holder.Signal(SIGKILL);  // and no wait: it may die before, while or after the name is used
    const CallResult created = Create(name.c_str());
    ASSERT_THAT(created, Succeeds()) << "round " << round;
    Fd fresh(created.fd());
    EXPECT_EQ(SizeOf(fresh), 0) << "round " << round;
    holder.Kill();
    EXPECT_EQ(SizeOf(fresh), 0) << "round " << round;
    Setup(CALL(ftruncate(fresh, static_cast<off_t>(PageSize()))));
    Mapping view = Mapping::Of(fresh, PageSize(), PROT_READ);
    EXPECT_EQ(FirstNonzero(view.data(), PageSize()), PageSize()) << "round " << round;
    Setup(CALL(shm_unlink(name.c_str())));
  }
}

}  // namespace
}  // namespace ipcsuite::shm_suite
