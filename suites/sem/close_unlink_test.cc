// sem_close() and sem_unlink(): what goes and what stays.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/peers/start_line.h"
#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

IPC_TEST(SemClose, ReturnsZero, clause::sem_close::ret_zero) {
  const UniqueName name = UniqueName::Sem();
  const CallResult opened = Setup(CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1)));
  EXPECT_THAT(CALL(sem_close(ToSem(opened))), SucceedsWith(0));
}

// More than any limit on open semaphores of a process that is known (256).
IPC_TEST(SemClose, FreesResources, clause::sem_close::frees_resources) {
  const int lowest = LowestFreeFd();
  const UniqueName one = UniqueName::Sem();
  OpenSemaphore(Setup(CALL_SEM(sem_open(one.c_str(), O_CREAT | O_EXCL, 0600, 1))));
  for (int i = 0; i < 300; ++i) {
    const CallResult again = CALL_SEM(sem_open(one.c_str(), 0));
    ASSERT_THAT(again, Succeeds()) << "open " << i;
    ASSERT_THAT(CALL(sem_close(ToSem(again))), SucceedsWith(0));
    const UniqueName other = UniqueName::Sem();
    const CallResult opened = CALL_SEM(sem_open(other.c_str(), O_CREAT | O_EXCL, 0600, 1));
    ASSERT_THAT(opened, Succeeds()) << "open " << i;
    ASSERT_THAT(CALL(sem_close(ToSem(opened))), SucceedsWith(0));
  }
  EXPECT_EQ(LowestFreeFd(), lowest);
}

// Failing opens use up nothing either.
IPC_TEST(SemClose, FailedOpensNeedNoClose, clause::sem_close::frees_resources) {
  const UniqueName missing = UniqueName::Sem();
  const Semaphore sem(SemKind::kNamed, 1);
  for (int i = 0; i < 400; ++i) {
    ASSERT_THAT(CALL_SEM(sem_open(missing.c_str(), 0)), Fails(ENOENT));
    ASSERT_THAT(CALL_SEM(sem_open(sem.name(), O_CREAT | O_EXCL, 0600, 1)), Fails(EEXIST));
  }
  const Semaphore fresh(SemKind::kNamed, 4);
  EXPECT_EQ(ValueOf(fresh), 4);
}

IPC_TEST(SemClose, KeepsTheState, clause::sem_close::keeps_state) {
  const UniqueName name = UniqueName::Sem();
  {
    const OpenSemaphore sem(Setup(CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 2))));
    Post(sem, 3);
  }
  for (int i = 0; i < 3; ++i) {
    const CallResult opened = CALL_SEM(sem_open(name.c_str(), 0));
    ASSERT_THAT(opened, Succeeds());
    const OpenSemaphore again(opened);
    EXPECT_EQ(ValueOf(again), 5 - i) << "nobody had it open before open " << i;
    EXPECT_THAT(CALL(sem_trywait(again)), SucceedsWith(0));
  }
}

IPC_TEST(SemClose, LastOneAfterUnlinkEndsIt, clause::sem_close::after_unlink,
         clause::sem_unlink::deferred) {
  Semaphore sem(SemKind::kNamed, 1);
  Peer other([&](Peer::Self& self) {
    self.step([&] { return CALL(sem_post(sem)); });
    self.step([&] { return CALL(sem_close(sem)); });
  });
  Setup(CALL(sem_unlink(sem.name())));
  EXPECT_EQ(ValueOf(sem), 1);
  {
    const ForClause scope(clause::sem_unlink::deferred);
    EXPECT_THAT(other.next().result(), SucceedsWith(0)) << "post in the other process";
    EXPECT_EQ(ValueOf(sem), 2) << "still the same semaphore for both";
  }
  EXPECT_THAT(other.next().result(), SucceedsWith(0)) << "close in the other process";
  EXPECT_THAT(CALL(sem_trywait(sem)), SucceedsWith(0)) << "after the other's close";
  EXPECT_THAT(CALL_SEM(sem_open(sem.name(), 0)), Fails(ENOENT)) << "while it is open here";
  sem.Close();
  EXPECT_THAT(CALL_SEM(sem_open(sem.name(), 0)), Fails(ENOENT)) << "after the last close";
  const CallResult opened = CALL_SEM(sem_open(sem.name(), O_CREAT | O_EXCL, 0600, 9));
  ASSERT_THAT(opened, Succeeds());
  const OpenSemaphore fresh(opened);
  EXPECT_EQ(ValueOf(fresh), 9);
}

IPC_TEST(SemUnlink, RemovesTheName, clause::sem_unlink::removes, clause::sem_unlink::err_enoent) {
  const Semaphore sem(SemKind::kNamed, 1);
  EXPECT_THAT(CALL(sem_unlink(sem.name())), SucceedsWith(0));
  EXPECT_THAT(CALL_SEM(sem_open(sem.name(), 0)), Fails(ENOENT));
  Peer other;
  EXPECT_THAT(other.start([&] { return CALL_SEM(sem_open(sem.name(), 0)); }).result(),
              Fails(ENOENT))
      << "in another process";
  const ForClause scope(clause::sem_unlink::err_enoent);
  EXPECT_THAT(CALL(sem_unlink(sem.name())), Fails(ENOENT)) << "while it is open";
}

IPC_TEST(SemUnlink, OfAMissingName, clause::sem_unlink::err_enoent) {
  const UniqueName name = UniqueName::Sem();
  EXPECT_THAT(CALL(sem_unlink(name.c_str())), Fails(ENOENT));
  EXPECT_THAT(CALL_SEM(sem_open(name.c_str(), 0)), Fails(ENOENT));
}

IPC_TEST(SemUnlink, LeavesUsersAlone, clause::sem_unlink::users_unaffected) {
  const Semaphore sem(SemKind::kNamed, 0);
  const Setting process{"", SemKind::kNamed, true};
  const Worker waiter(process, [&] { return CALL(sem_wait(sem)); });
  EXPECT_THAT(waiter.call(), Blocks());
  EXPECT_THAT(CALL(sem_unlink(sem.name())), SucceedsWith(0));
  EXPECT_THAT(waiter.call(), StaysBlocked());
  EXPECT_THAT(CALL(sem_post(sem)), SucceedsWith(0));
  EXPECT_THAT(waiter.result(), SucceedsWith(0));
  EXPECT_EQ(ValueOf(sem), 0);
}

IPC_TEST(SemUnlink, DoesNotWaitForUsers, clause::sem_unlink::immediate) {
  const Semaphore sem(SemKind::kNamed, 0);
  Peer holder;
  const Call waiting = holder.start([&] { return CALL(sem_wait(sem)); });
  EXPECT_THAT(waiting, Blocks());
  holder.Stop();
  Peer remover;
  EXPECT_THAT(remover.start([&] { return CALL(sem_unlink(sem.name())); }).result(),
              SucceedsWith(0));
  holder.Continue();
  EXPECT_THAT(waiting, StaysBlocked());
}

IPC_TEST(SemUnlink, OneOfManyWins, clause::sem_unlink::removes, clause::sem_unlink::err_enoent) {
  constexpr unsigned kContenders = 4;
  constexpr int kRounds = 25;
  const UniqueName name = UniqueName::Sem();
  Shared<StartLine> start;
  Shared<std::atomic<int>> winners;
  std::vector<Peer> peers(kContenders);
  std::vector<Call> calls;
  for (unsigned me = 0; me < kContenders; ++me) {
    calls.push_back(peers[me].start([&, me] {
      for (int round = 0; round < kRounds; ++round) {
        if (me == 0) OpenSemaphore(Setup(CALL_SEM(sem_open(name.c_str(), O_CREAT, 0600, 1))));
        start->Wait(kContenders);
        const CallResult removed = CALL(sem_unlink(name.c_str()));
        {
          const ForClause scope(clause::sem_unlink::err_enoent);
          EXPECT_THAT(removed, SucceedsOrFailsWith(ENOENT));
        }
        winners->fetch_add(removed.ok());
        start->Wait(kContenders);
      }
      return CALL(0);
    }));
  }
  for (const Call& call : calls) EXPECT_THAT(call.result(20s), Succeeds());
  EXPECT_EQ(winners->load(), kRounds);
}

// An open that races with the unlink finds the semaphore or no name, and never a half-made one.
IPC_TEST(SemUnlink, RacesWithOpen, clause::sem_unlink::removes) {
  constexpr int kRounds = 60;
  const UniqueName name = UniqueName::Sem();
  Shared<StartLine> start;
  const Setting process{"", SemKind::kNamed, true};
  const Worker opener(process, [&] {
    for (int round = 0; round < kRounds; ++round) {
      start->Wait(2);
      const CallResult opened = CALL_SEM(sem_open(name.c_str(), 0));
      EXPECT_THAT(opened, SucceedsOrFailsWith(ENOENT));
      const OpenSemaphore sem(opened);
      if (sem) {
        EXPECT_EQ(ValueOf(sem), 7);
        EXPECT_THAT(CALL(sem_trywait(sem)), SucceedsWith(0));
      }
      start->Wait(2);
    }
    return CALL(0);
  });
  for (int round = 0; round < kRounds; ++round) {
    const OpenSemaphore sem(CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 7)));
    start->Wait(2);
    EXPECT_THAT(CALL(sem_unlink(name.c_str())), SucceedsWith(0));
    EXPECT_THAT(CALL_SEM(sem_open(name.c_str(), 0)), Fails(ENOENT));
    start->Wait(2);
  }
  EXPECT_THAT(opener.result(20s), Succeeds());
}

}  // namespace
}  // namespace ipcsuite::sem_suite
