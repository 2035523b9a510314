// Memory locks on mapped objects. Locks are seen through msync: MS_INVALIDATE on a locked page
// fails with EBUSY.
#include <sys/resource.h>

#include <string>
#include <vector>

#include "base/os/memory.h"
#include "base/text.h"
#include "harness/peers/exec.h"
#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

using testing::Contains;

// Locks, as set-up: where it is not permitted the test has no verdict.
void Lock(const char* address, std::size_t length) {
  const CallResult locked = CALL(mlock(address, length));
  if (locked.failed_with(ENOSYS)) Unsupported("mlock() is absent here");
  if (locked.failed_with(EPERM) || locked.failed_with(ENOMEM) || locked.failed_with(EAGAIN)) {
    Unsupported("locking memory is not permitted (" + ErrnoName(locked.error) +
                "): raise RLIMIT_MEMLOCK");
  }
  Setup(locked);
}

CallResult Invalidate(char* address) { return CALL(msync(address, 1, MS_SYNC | MS_INVALIDATE)); }

// Tests of what happens to locks need the system to report them.
void NeedsVisibleLocks() {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Lock(view.data(), 1);
  if (!Invalidate(view.data()).failed_with(EBUSY))
    Unsupported("locks can't be seen: msync(MS_INVALIDATE) gives no EBUSY");
}

IPC_TEST(ShmMlock, LocksWithoutChangingContents, clause::mlock::shm_success) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Fill(view.data(), PageSize(), 1);
  Peer reader([&](Peer::Self& self) {
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    Mapping mine = Mapping::Of(own, PageSize());
    self.step([&] { return CALL(static_cast<long>(FirstMismatch(mine.data(), PageSize(), 1))); });
    self.step([&] { return CALL(static_cast<long>(FirstMismatch(mine.data(), PageSize(), 2))); });
  });
  Lock(view.data(), PageSize());
  EXPECT_EQ(FirstMismatch(view.data(), PageSize(), 1), PageSize());
  EXPECT_THAT(reader.next().result(), SucceedsWith(PageSize()));
  Fill(view.data(), PageSize(), 2);
  EXPECT_THAT(reader.next().result(), SucceedsWith(PageSize())) << "a store to a locked page";
  EXPECT_THAT(CALL(munlock(view.data(), PageSize())), SucceedsWith(0));
}

// Pages that nobody has touched: locked, they have memory.
IPC_TEST(ShmMlock, LockedPagesAreResident, clause::mlock::shm_success) {
  constexpr std::size_t kPages = 8;
  ShmObject object(Pages(kPages));
  Mapping view = Mapping::Of(object, Pages(kPages));
  if (!os::ResidentPages(view.data(), Pages(kPages)))
    Unsupported("this system does not report which pages are resident (no mincore())");
  Lock(view.data() + PageSize(), Pages(kPages - 2));
  EXPECT_EQ(os::ResidentPages(view.data() + PageSize(), Pages(kPages - 2)), kPages - 2);
  NoteChecks();
  EXPECT_THAT(CALL(munlock(view.data() + PageSize(), Pages(kPages - 2))), SucceedsWith(0));
}

// On a regular file: what msync() does to a shared memory object is unspecified.
IPC_TEST(ShmMlock, InvalidatingLockedPagesFails, clause::msync::err_ebusy) {
  const Fd file = RegularFile(Pages(3));
  Mapping view = Mapping::Of(file, Pages(3));
  Lock(view.data() + PageSize(), 1);
  EXPECT_THAT(Invalidate(view.data() + PageSize()), Fails(EBUSY));
  EXPECT_THAT(CALL(msync(view.data(), Pages(3), MS_ASYNC | MS_INVALIDATE)), Fails(EBUSY))
      << "a range with one locked page";
  EXPECT_THAT(Invalidate(view.data()), SucceedsWith(0)) << "a page before it";
  Setup(CALL(munlock(view.data() + PageSize(), 1)));
  EXPECT_THAT(CALL(msync(view.data(), Pages(3), MS_SYNC | MS_INVALIDATE)), SucceedsWith(0))
      << "after munlock";
}

IPC_TEST(ShmMlock, UnlockConcernsOneMappingOfOneProcess, clause::mlock::shm_per_process) {
  NeedsVisibleLocks();
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize()), other = Mapping::Of(object, PageSize());
  Peer holder([&](Peer::Self& self) {
    Mapping mine = Mapping::Of(object, PageSize());
    Lock(mine.data(), 1);
    self.step([&] { return Invalidate(mine.data()); });
    self.step([&] { return Invalidate(mine.data()); });
  });
  EXPECT_THAT(holder.next().result(), Fails(EBUSY));
  Lock(view.data(), 1);
  Lock(other.data(), 1);
  Setup(CALL(munlock(view.data(), 1)));
  EXPECT_THAT(Invalidate(view.data()), SucceedsWith(0));
  EXPECT_THAT(Invalidate(other.data()), Fails(EBUSY)) << "the lock through another mapping";
  EXPECT_THAT(holder.next().result(), Fails(EBUSY)) << "the lock of another process";
}

IPC_TEST(ShmMlock, LocksDoNotNest, clause::mlock::shm_no_nesting) {
  NeedsVisibleLocks();
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  for (int i = 0; i < 3; ++i) Lock(view.data(), 1);
  EXPECT_THAT(Invalidate(view.data()), Fails(EBUSY));
  EXPECT_THAT(CALL(munlock(view.data(), 1)), SucceedsWith(0));
  EXPECT_THAT(Invalidate(view.data()), SucceedsWith(0))
      << "one munlock undoes any number of mlock calls";
}

IPC_TEST(ShmMlock, ForkDoesNotInheritLocks, clause::mlock::fork_not_inherited) {
  NeedsVisibleLocks();
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Lock(view.data(), 1);
  Peer child;
  EXPECT_THAT(child.start([&] { return Invalidate(view.data()); }).result(), SucceedsWith(0))
      << "in the child";
  EXPECT_THAT(Invalidate(view.data()), Fails(EBUSY)) << "the parent keeps its lock";
}

IPC_TEST(ShmMlock, UnmappedPagesFail, clause::mlock::err_enomem_unmapped) {
  Region region(3);
  ShmObject object(Pages(3));
  Setup(CALL(
      mmap(region.data(), Pages(3), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, object, 0)));
  Lock(region.data(), 1);
  Setup(CALL(munlock(region.data(), 1)));
  Setup(CALL(munmap(region.at(1), PageSize())));
  EXPECT_THAT(CALL(mlock(region.at(1), PageSize())), Fails(ENOMEM)) << "nothing mapped";
  EXPECT_THAT(CALL(mlock(region.data(), Pages(3))), Fails(ENOMEM)) << "a hole in the middle";
  EXPECT_THAT(CALL(munlock(region.at(1), PageSize())), Fails(ENOMEM));
  EXPECT_THAT(CALL(munlock(region.data(), Pages(3))), Fails(ENOMEM));
}

IPC_TEST(ShmMlock, FailureChangesNoLocks, clause::mlock::err_enomem_unmapped) {
  NeedsVisibleLocks();
  Region region(3);
  ShmObject object(Pages(3));
  Setup(CALL(
      mmap(region.data(), Pages(3), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, object, 0)));
  Setup(CALL(munmap(region.at(1), PageSize())));
  EXPECT_THAT(CALL(mlock(region.data(), Pages(3))), Fails(ENOMEM));
  EXPECT_THAT(Invalidate(region.at(0)), SucceedsWith(0))
      << "mlock failed, but the page before the hole is locked";
  EXPECT_THAT(Invalidate(region.at(2)), SucceedsWith(0))
      << "mlock failed, but the page behind the hole is locked";
}

// Locks the whole of a process that exec() started. A forked one would make all memory that the
// test shares with the harness resident, for good: more than a small machine has. Arguments: the
// name of an object, the flags. Says what came of each step: "locked 0", or the errno.
IPC_ROLE(shm_lock_all) {
  const auto say = [&](const std::string& what, int result) {
    self.Say(what + " " + (result == 0 ? "0" : ErrnoName(errno)));
  };
  const int fd = shm_open(args.at(0).c_str(), O_RDWR, 0);
  const auto map = [fd] {
    return mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  };
  const auto invalidate = [](void* view) { return msync(view, 1, MS_SYNC | MS_INVALIDATE); };
  void* before = map();
  say("unlocked", invalidate(before));
  say("mlockall", mlockall(std::stoi(args.at(1))));
  say("before", invalidate(before));
  void* later = map();
  say("later", invalidate(later));
  say("munlockall", munlockall());
  void* after = map();
  say("before, then unlocked", invalidate(before));
  say("later, then unlocked", invalidate(later));
  say("after", invalidate(after));
  return 0;
}

// What such a process says, line by line. Ends the test where locking is not permitted.
std::vector<std::string> LockedProcess(const ShmObject& object, int flags) {
  ExecSelf process("shm_lock_all", {object.name(), std::to_string(flags)});
  const int status = process.Wait();
  if (status == 128 + SIGKILL)
    Unresolved("a process that locks its memory was killed: give the machine more memory");
  EXPECT_EQ(status, 0) << process.said();
  std::vector<std::string> said = Lines(process.said());
  NoteChecks();
  for (const std::string& line : said) {
    if (line == "mlockall ENOSYS") Unsupported("mlockall() is absent here");
    if (line.starts_with("mlockall E"))
      Unsupported("locking a whole process is not permitted (" + line.substr(9) +
                  "): raise RLIMIT_MEMLOCK");
  }
  return said;
}

IPC_TEST(ShmMlockall, CurrentLocksWhatIsMapped, clause::mlockall::shm_current) {
  NeedsVisibleLocks();
  const std::vector<std::string> said = LockedProcess(ShmObject(PageSize()), MCL_CURRENT);
  EXPECT_THAT(said, Contains("unlocked 0")) << "before mlockall()";
  EXPECT_THAT(said, Contains("before EBUSY"));
}

IPC_TEST(ShmMlockall, FutureLocksWhatIsMappedLater, clause::mlockall::shm_future) {
  NeedsVisibleLocks();
  EXPECT_THAT(LockedProcess(ShmObject(PageSize()), MCL_FUTURE), Contains("later EBUSY"));
}

IPC_TEST(ShmMlockall, MunlockallEndsIt, clause::munlockall::shm) {
  NeedsVisibleLocks();
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Peer holder([&](Peer::Self& self) {
    Lock(view.data(), 1);
    self.step([&] { return Invalidate(view.data()); });
    self.step([&] { return Invalidate(view.data()); });
  });
  EXPECT_THAT(holder.next().result(), Fails(EBUSY));
  const std::vector<std::string> said = LockedProcess(object, MCL_CURRENT | MCL_FUTURE);
  EXPECT_THAT(said, Contains("munlockall 0"));
  EXPECT_THAT(said, Contains("before, then unlocked 0")) << "mapped before mlockall()";
  EXPECT_THAT(said, Contains("later, then unlocked 0")) << "mapped after mlockall()";
  EXPECT_THAT(said, Contains("after 0")) << "mapped after munlockall()";
  EXPECT_THAT(holder.next().result(), Fails(EBUSY)) << "the lock of another process";
}

#ifdef RLIMIT_MEMLOCK
IPC_TEST(ShmMlock, LimitMayBeReported, clause::mlock::err_limit) {
  ShmObject object(Pages(4));
  Mapping view = Mapping::Of(object, Pages(4));
  InChild([&] {
    DropPrivilege();
    for (std::size_t pages : {std::size_t{0}, std::size_t{1}}) {
      ScopedRlimit limit(RLIMIT_MEMLOCK, Pages(pages));
      const CallResult locked = CALL(mlock(view.data(), Pages(4)));
      EXPECT_THAT(locked, SucceedsOrFailsWith(ENOMEM, EPERM, EAGAIN));
      Observe(clause::mlock::err_limit, "four pages with a limit of " + std::to_string(pages),
              locked);
      if (locked.ok()) Setup(CALL(munlock(view.data(), Pages(4))));
    }
  });
}

IPC_TEST(ShmMunmap, RemovesLocks, clause::munmap::locks_removed, clause::mmap::fixed_replaces) {
  NeedsVisibleLocks();
  Region region(2);
  ShmObject object(PageSize());
  // Far more in turn than may be locked at once.
  InChild([&] {
    const bool limited = DropPrivilege();
    ScopedRlimit limit(RLIMIT_MEMLOCK, limited ? Pages(2) : RLIM_INFINITY);
    for (int round = 0; round < 20; ++round) {
      ForClause scope(round % 2 ? clause::munmap::locks_removed : clause::mmap::fixed_replaces);
      Setup(CALL(mmap(region.data(), PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                      object, 0)));
      EXPECT_THAT(Invalidate(region.data()), SucceedsWith(0))
          << "the new mapping is locked, round " << round;
      if (round == 0)
        Lock(region.data(), PageSize());  // the hard limit may permit none
      else
        EXPECT_THAT(CALL(mlock(region.data(), PageSize())), SucceedsWith(0)) << "round " << round;
      EXPECT_THAT(Invalidate(region.data()), Fails(EBUSY));
      if (round % 2 == 0) Setup(CALL(munmap(region.data(), PageSize())));
    }
  });
}

#endif

}  // namespace
}  // namespace ipcsuite::shm_suite
