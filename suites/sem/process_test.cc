// Semaphores across fork, exec, and the end of processes.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/peers/child.h"
#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

IPC_FOR_PROCESSES(SemProcess);

IPC_TEST_P(SemProcess, ForkInherits, clause::sem::fork_inherits) {
  const Semaphore sem = Make(2);
  Peer child([&](Peer::Self& self) {
    self.step([&] { return CALL(sem_trywait(sem)); });
    self.step([&] { return CALL(sem_post(sem)); });
    self.step([&] {
      Peer grandchild;
      return grandchild.start([&] { return CALL(sem_post(sem)); }).result();
    });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  EXPECT_EQ(ValueOf(sem), 1);
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  EXPECT_THAT(child.next().result(), SucceedsWith(0)) << "in the child's child";
  EXPECT_EQ(ValueOf(sem), 3);
}

IPC_TEST(SemFork, ClosedInTheChildAlone, clause::sem::fork_inherits) {
  const Semaphore sem(SemKind::kNamed, 1);
  Setup(CALL(sem_unlink(sem.name())));
  Peer child([&](Peer::Self& self) {
    self.step([&] { return CALL(sem_post(sem)); });
    self.step([&] { return CALL(sem_close(sem)); });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith(0)) << "of a name that is gone";
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  EXPECT_THAT(CALL(sem_post(sem)), SucceedsWith(0));
  EXPECT_EQ(ValueOf(sem), 3);
  // Closed here first, it is still open there.
  Semaphore second(SemKind::kNamed, 4);
  Peer other([&](Peer::Self& self) { self.step([&] { return CALL(ValueOf(second)); }); });
  second.Close();
  EXPECT_THAT(other.next().result(), SucceedsWith(4));
}

// Ends by _exit, SIGKILL or exec with what was taken: it is not given back.
IPC_TEST_P(SemProcess, EndDoesNotGiveBack, clause::sem::exit_does_not_post) {
  const Semaphore sem = Make(3);
  Peer exits;
  EXPECT_THAT(exits.start([&] { return CALL(sem_wait(sem)); }).result(), SucceedsWith(0));
  exits.Join();
  EXPECT_EQ(ValueOf(sem), 2) << "after _exit()";
  Peer killed([&](Peer::Self& self) {
    self.step([&] { return CALL(sem_wait(sem)); });
    self.step([&] { return CALL(pause()); });
  });
  EXPECT_THAT(killed.next().result(), SucceedsWith(0));
  killed.Kill();
  EXPECT_EQ(ValueOf(sem), 1) << "after SIGKILL";
  EXPECT_EQ(Drain(sem), 1);
  EXPECT_THAT(CALL(sem_trywait(sem)), Fails(EAGAIN));
}

IPC_TEST_P(SemProcess, KilledWaiterTakesNothing, clause::sem::killed_waiter_takes_nothing) {
  const Semaphore sem = Make();
  for (const Way way : AllWays()) {
    Peer first;
    const Call dying = first.start([&] { return WaitBy(way, sem); });
    EXPECT_THAT(dying, Blocks());
    const Worker other(GetParam(), [&] { return CALL(sem_wait(sem)); });
    EXPECT_THAT(other.call(), Blocks());
    first.Kill();
    EXPECT_THAT(other.call(), StaysBlocked());
    Post(sem);
    EXPECT_THAT(other.result(), SucceedsWith(0)) << ToString(way);
    Post(sem);
    EXPECT_EQ(Drain(sem), 1) << "a post that nobody waits for";
  }
}

IPC_ROLE(stay_until_told) {
  self.Say("ready");
  return self.Await("end") ? 0 : 1;
}

// Opens a semaphore in the program that another program replaces.
IPC_TEST(SemExec, StateStaysForOthers, clause::sem::exec_closes, clause::sem::exit_closes) {
  const UniqueName name = UniqueName::Sem();
  ExecSelf image("stay_until_told", {}, [&] {
    sem_t* const sem = sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 3);
    if (sem != SEM_FAILED) sem_post(sem);
  });
  image.AwaitSaid("ready");
  const CallResult opened = CALL_SEM(sem_open(name.c_str(), 0));
  ASSERT_THAT(opened, Succeeds());
  const OpenSemaphore sem(opened);
  EXPECT_EQ(ValueOf(sem), 4) << "as if closed";
  image.Tell("end");
  image.Wait();
  const ForClause scope(clause::sem::exit_closes);
  NoteChecks();
  EXPECT_EQ(ValueOf(sem), 4) << "after the end";
}

// In a place with room for few semaphores: as many as there is room for, without their names.
std::vector<OpenSemaphore> FillThePlace() {
  std::vector<OpenSemaphore> sems;
  std::vector<UniqueName> names;
  for (int i = 0; i < 40; ++i) {
    names.push_back(UniqueName::Sem());
    const CallResult created = CALL_SEM(sem_open(names.back().c_str(), O_CREAT | O_EXCL, 0600, 1));
    if (!created.ok()) return sems;  // the names go here
    sems.emplace_back(created);
  }
  Unsupported("named semaphores are not kept where the room can be limited");
}

// The last reference goes with exec and with the end of a process: then there is room again.
struct LastRow {
  const char* name;
  Claims claims;
  bool exec;
};
const LastRow kLast[] = {
    {"ByExec", {clause::sem::exec_closes, clause::sem_unlink::deferred}, true},
    {"ByTheEndOfAProcess", {clause::sem::exit_closes, clause::sem_unlink::deferred}, false},
};
IPC_TABLE_TEST(SemLastReference, LastRow, kLast) {
  InChild([&] {
    EnterPrivatePlace("size=1m,nr_inodes=10,mode=1777");
    const std::size_t room = FillThePlace().size();
    NoteChecks();
    ASSERT_GT(room, 1u);
    if (row.exec) {
      ExecSelf image("stay_until_told", {}, [&] {
        for (OpenSemaphore& sem : FillThePlace()) sem.release();
      });
      image.AwaitSaid("ready");
      EXPECT_EQ(FillThePlace().size(), room) << "while the new program runs";
      return;
    }
    Peer holder([&](Peer::Self& self) {
      std::vector<OpenSemaphore> sems;
      self.step([&] {
        sems = FillThePlace();
        return CALL(0);
      });
      self.step([&] { return CALL(pause()); });
    });
    Setup(holder.next().result());
    EXPECT_LT(FillThePlace().size(), room) << "while it is open there";
    holder.Kill();
    EXPECT_EQ(FillThePlace().size(), room) << "after the end of the process";
  });
}

}  // namespace
}  // namespace ipcsuite::sem_suite
