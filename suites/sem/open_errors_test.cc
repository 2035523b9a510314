// How sem_open() fails.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/peers/child.h"
#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

IPC_TEST(SemOpenErrors, ExclusiveCreationOfAnExistingName, clause::sem_open::err_eexist,
         clause::sem_open::ret) {
  const Semaphore sem(SemKind::kNamed, 3);
  for (int i = 0; i < 2; ++i) {
    const CallResult opened = CALL_SEM(sem_open(sem.name(), O_CREAT | O_EXCL, 0600, 9));
    EXPECT_THAT(opened, Fails(EEXIST));
    NoteChecksOf(clause::sem_open::ret);
    EXPECT_EQ(ToSem(opened), SEM_FAILED);
  }
  EXPECT_EQ(ValueOf(sem), 3);
}

IPC_TEST(SemOpenErrors, MissingName, clause::sem_open::err_enoent, clause::sem_open::ret) {
  const UniqueName name = UniqueName::Sem();
  for (int i = 0; i < 2; ++i) {
    const CallResult opened = CALL_SEM(sem_open(name.c_str(), 0));
    EXPECT_THAT(opened, Fails(ENOENT));
    NoteChecksOf(clause::sem_open::ret);
    EXPECT_EQ(ToSem(opened), SEM_FAILED);
  }
  const CallResult created = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1));
  EXPECT_THAT(created, Succeeds()) << "nothing was made";
  const OpenSemaphore closes(created);
}

IPC_TEST(SemOpenErrors, ValueAboveTheMaximum, clause::sem_open::err_einval_value) {
  if (ValueMax() == UINT_MAX) Unsupported("every value is a valid one here");
  for (const unsigned value : {ValueMax() + 1, UINT_MAX}) {
    const UniqueName name = UniqueName::Sem();
    const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT, 0600, value));
    const OpenSemaphore closes(opened);
    EXPECT_THAT(opened, Fails(EINVAL)) << value;
    EXPECT_THAT(CALL_SEM(sem_open(name.c_str(), 0)), Fails(ENOENT)) << "nothing was made";
  }
  const Semaphore sem(SemKind::kNamed, 3);
  const CallResult opened = CALL_SEM(sem_open(sem.name(), O_CREAT, 0600, UINT_MAX));
  const OpenSemaphore closes(opened);
  Observe(clause::sem_open::err_einval_value, "too large a value for an existing semaphore",
          opened);
}

// A full descriptor table; what needs no descriptor succeeds.
IPC_TEST(SemOpenErrors, FullDescriptorTable, clause::sem_open::err_emfile,
         clause::sem_open::err_emfile_optional, clause::sem_init::err_emfile_enfile) {
  const Semaphore sem(SemKind::kNamed, 3);
  const UniqueName fresh = UniqueName::Sem();
  InChild([&] {
    const ScopedRlimit limit(RLIMIT_NOFILE, static_cast<rlim_t>(LowestFreeFd()) + 8);
    std::vector<Fd> table;
    for (;;) {
      const int fd = dup(0);
      if (fd < 0) break;
      table.emplace_back(fd);
    }
    if (errno != EMFILE) Unresolved("set-up failed: the descriptor table can't be filled");
    {
      const ForClause scope(clause::sem_open::err_emfile);
      // Under another name than the one that is open already: that may need no descriptor.
      const CallResult created = CALL_SEM(sem_open(fresh.c_str(), O_CREAT, 0600, 1));
      EXPECT_THAT(created, SucceedsOrFailsWith(EMFILE));
      Observe(clause::sem_open::err_emfile_optional, "creation", created);
      const CallResult again = CALL_SEM(sem_open(sem.name(), 0));
      EXPECT_THAT(again, SucceedsOrFailsWith(EMFILE));
    }
    sem_t unnamed;
    const CallResult made = CALL(sem_init(&unnamed, 0, 1));
    EXPECT_THAT(made, SucceedsOrFailsWith(EMFILE));
    Observe(clause::sem_init::err_emfile_enfile, "sem_init() with a full descriptor table", made);
    table.clear();
    const ForClause scope(clause::sem_open::err_emfile);
    const CallResult after = CALL_SEM(sem_open(fresh.c_str(), O_CREAT, 0600, 1));
    EXPECT_THAT(after, Succeeds()) << "once there is room again";
  });
}

IPC_TEST(SemOpenErrors, LittleMemory, clause::sem_open::err_enomem) {
  const UniqueName name = UniqueName::Sem();
  InChild([&] {
    rlimit none{};
    getrlimit(RLIMIT_AS, &none);
    none.rlim_cur = 1 << 20;
    Setup(CALL(setrlimit(RLIMIT_AS, &none)));
    const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT, 0600, 1));
    none.rlim_cur = none.rlim_max;
    setrlimit(RLIMIT_AS, &none);
    EXPECT_THAT(opened, SucceedsOrFailsWith(ENOMEM));
    Observe(clause::sem_open::err_enomem, "sem_open() with an address space of 1 MiB", opened);
  });
}

IPC_TEST(SemOpenErrors, NoRoom, clause::sem_open::err_enospc) {
  InChild([&] {
    EnterPrivatePlace("size=1m,nr_inodes=12,mode=1777");
    std::vector<UniqueName> names;
    std::vector<OpenSemaphore> sems;
    CallResult created;
    for (int i = 0; i < 40; ++i) {
      names.push_back(UniqueName::Sem());
      created = CALL_SEM(sem_open(names.back().c_str(), O_CREAT | O_EXCL, 0600, 1));
      if (!created.ok()) break;
      sems.emplace_back(created);
    }
    if (created.ok()) Unsupported("named semaphores are not kept where the room can be limited");
    ASSERT_FALSE(sems.empty());
    EXPECT_THAT(created, Fails(ENOSPC)) << "after " << sems.size() << " semaphores";
    EXPECT_THAT(CALL_SEM(sem_open(names.back().c_str(), 0)), Fails(ENOENT)) << "nothing was made";
    // Failures use up nothing: with the room of one semaphore given back there is one again.
    for (int i = 0; i < 20; ++i)
      EXPECT_THAT(CALL_SEM(sem_open(names.back().c_str(), O_CREAT, 0600, 1)), Fails(ENOSPC));
    Setup(CALL(sem_unlink(names.front().c_str())));
    sems.front().Close();
    Setup(CALL(sem_unlink(names[1].c_str())));
    sems[1].Close();
    const CallResult after = CALL_SEM(sem_open(names.back().c_str(), O_CREAT, 0600, 1));
    EXPECT_THAT(after, Succeeds()) << "once there is room again";
    const OpenSemaphore closes(after);
  });
}

// Signals that keep coming: each call succeeds, or fails with EINTR.
IPC_TEST(SemOpenErrors, StormOfSignals, clause::sem_open::err_eintr) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  const UniqueName name = UniqueName::Sem();
  Shared<std::atomic<int>> interrupted;
  Peer peer;
  const Call call = peer.start([&] {
    for (int i = 0; i < 100; ++i) {
      const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT, 0600, 1));
      EXPECT_THAT(opened, SucceedsOrFailsWith(EINTR));
      if (opened.failed_with(EINTR)) interrupted->fetch_add(1);
      const OpenSemaphore closes(opened);
      if (!opened.ok()) continue;
      EXPECT_THAT(CALL(sem_unlink(name.c_str())), SucceedsWith(0));
    }
    return CALL(0);
  });
  EXPECT_THAT(Interrupt(peer, call, SIGUSR1, {.looks = 1}), Succeeds());
  Observe(clause::sem_open::err_eintr, "calls interrupted",
          interrupted->load() > 0 ? "some" : "none seen");
}

}  // namespace
}  // namespace ipcsuite::sem_suite
