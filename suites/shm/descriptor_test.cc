// The descriptor that shm_open returns: its number, its flags, its description, its duplicates.
#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// Says whether the descriptor is open, and what the object's first byte is.
// Arguments: the number, and "map" to look through it.
IPC_ROLE(shm_report_descriptor) {
  const int fd = std::stoi(args.at(0));
  if (fcntl(fd, F_GETFD) == -1) {
    self.Say(errno == EBADF ? "closed" : "other error");
    return 0;
  }
  self.Say("open");
  if (args.size() < 2) return 0;
  void* mapped = mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return 1;
  auto* byte = static_cast<char*>(mapped);
  self.Say("byte " + std::to_string(*byte));
  *byte = 43;
  return 0;
}

// The lowest number from `from` up that is not open: numbers between may be inherited.
int FreeFdFrom(int from) {
  while (fcntl(from, F_GETFD) != -1) ++from;
  return from;
}

IPC_TEST(ShmDescriptor, IsTheLowestFree, clause::shm_open::fd_lowest) {
  UniqueName name = UniqueName::Shm();
  std::vector<Fd> run;
  for (int i = 0; i < 6; ++i) run.emplace_back(CALL(open("/", O_RDONLY)));
  const int hole = run[2], higher = run[4];
  run[4].reset();
  run[2].reset();
  const CallResult created = Create(name.c_str());
  ASSERT_THAT(created, Succeeds());
  Fd first(created.fd());
  EXPECT_EQ(first.get(), hole) << "of a new object";
  const CallResult opened = CALL(shm_open(name.c_str(), O_RDONLY, 0));
  ASSERT_THAT(opened, Succeeds());
  Fd second(opened.fd());
  EXPECT_EQ(second.get(), higher) << "of an existing object";
  const int next = FreeFdFrom(higher);
  const CallResult beyond = CALL(shm_open(name.c_str(), O_RDONLY, 0));
  EXPECT_THAT(beyond, SucceedsWith(next)) << "behind the run";
  Fd third(beyond.fd());
}

IPC_TEST(ShmDescriptor, AllocationIsAtomicAmongThreads, clause::shm_open::fd_allocation_atomic) {
  constexpr int kThreads = 6, kRounds = 20;
  ShmObject object;
  // Where a thread can't be started, those before it wait until the process ends: this outlives the
  // test.
  static std::atomic<int> arrivals[kRounds], returns[kRounds];
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int>& arrived = arrivals[round];
    std::atomic<int>& returned = returns[round];
    std::vector<int> expected;
    {
      std::vector<Fd> probe;  // which numbers are free
      for (int i = 0; i < kThreads; ++i) probe.emplace_back(CALL(open("/", O_RDONLY)));
      for (const Fd& fd : probe) expected.push_back(fd);
    }
    std::vector<int> got(kThreads, -1);
    {
      std::vector<ThreadPeer> threads(kThreads);
      std::vector<Call> calls;
      for (int i = 0; i < kThreads; ++i) {
        calls.push_back(threads[static_cast<std::size_t>(i)].start([&] {
          arrived.fetch_add(1);
          while (arrived.load() <= kThreads) sched_yield();
          const CallResult opened = CALL(shm_open(object.name(), O_RDWR, 0));
          returned.fetch_add(1);
          return opened;
        }));
      }
      // Meanwhile nothing else here may take a descriptor, as a wait for a result does when it
      // looks at the state of a thread in /proc.
      arrived.fetch_add(1);
      while (returned.load() < kThreads) sched_yield();
      for (int i = 0; i < kThreads; ++i) {
        const CallResult result = calls[static_cast<std::size_t>(i)].result();
        EXPECT_THAT(result, Succeeds());
        got[static_cast<std::size_t>(i)] = result.fd();
      }
      for (ThreadPeer& thread : threads) thread.Join();
    }
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, expected) << "round " << round;
    for (int fd : got) {
      if (fd > 2) close(fd);
    }
  }
}

IPC_TEST(ShmDescriptor, IsCloseOnExec, clause::shm_open::fd_cloexec_set) {
  UniqueName name = UniqueName::Shm();
  const CallResult created = Create(name.c_str());
  ASSERT_THAT(created, Succeeds());
  Fd fd(created.fd());
  for (int flags : {O_RDWR, O_RDONLY, O_RDWR | O_CREAT, O_RDWR | O_TRUNC}) {
    const CallResult opened = CALL(shm_open(name.c_str(), flags, 0600));
    ASSERT_THAT(opened, Succeeds());
    Fd again(opened.fd());
    EXPECT_NE(Setup(CALL(fcntl(again, F_GETFD))).value & FD_CLOEXEC, 0) << "flags " << flags;
  }
  EXPECT_NE(Setup(CALL(fcntl(fd, F_GETFD))).value & FD_CLOEXEC, 0) << "of a new object";
}

IPC_TEST(ShmDescriptor, ExecClosesIt, clause::shm_open::fd_closed_by_exec) {
  ShmObject object(1);
  ExecSelf program("shm_report_descriptor", {std::to_string(object.fd())});
  EXPECT_EQ(program.Wait(), 0);
  NoteChecks();
  EXPECT_EQ(program.said(), "closed\n");
}

IPC_TEST(ShmDescriptor, ExecKeepsItWhenTheFlagIsCleared,
         clause::shm_open::fd_kept_over_exec_when_cleared) {
  ShmObject object(1);
  Mapping view = Mapping::Of(object, 1);
  view[0] = 42;
  Setup(CALL(shm_unlink(object.name())));
  const int number = object.fd();
  ExecSelf program("shm_report_descriptor", {std::to_string(number), "map"},
                   [number] { fcntl(number, F_SETFD, 0); });
  EXPECT_EQ(program.Wait(), 0);
  NoteChecks();
  EXPECT_EQ(program.said(), "open\nbyte 42\n");
  EXPECT_EQ(view[0], 43) << "what the new program stored";
}

IPC_TEST(ShmDescriptor, EachOpenMakesADescriptionOfItsOwn, clause::shm_open::fd_new_description) {
  ShmObject object(10);
  Fd reader(CALL(shm_open(object.name(), O_RDONLY, 0)));
  Fd writer(CALL(shm_open(object.name(), O_RDWR, 0)));
  EXPECT_EQ(Setup(CALL(fcntl(reader, F_GETFL))).value & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(Setup(CALL(fcntl(writer, F_GETFL))).value & O_ACCMODE, O_RDWR);
  EXPECT_THAT(CALL(ftruncate(reader, 5)), FailsWithAnyOf(EBADF, EINVAL));
  EXPECT_THAT(CALL(close(reader.release())), SucceedsWith(0));
  EXPECT_THAT(CALL(ftruncate(writer, 20)), SucceedsWith(0));
  EXPECT_THAT(CALL(close(writer.release())), SucceedsWith(0));
  EXPECT_EQ(SizeOf(object), 20);
}

IPC_TEST(ShmDescriptor, OffsetIsUnspecified, clause::shm_open::fd_offset) {
  ShmObject object(10);
  const CallResult offset = CALL(lseek(object, 0, SEEK_CUR));
  Observe(clause::shm_open::fd_offset, "lseek(SEEK_CUR)",
          offset.ok() ? std::to_string(offset.value) : ErrnoName(offset.error));
}

IPC_TEST(ShmDescriptor, GetflShowsTheAccessMode, clause::shm_open::fd_getfl_access_mode) {
  ShmObject object;
  for (int mode : {O_RDONLY, O_RDWR}) {
    Fd fd(CALL(shm_open(object.name(), mode, 0)));
    const CallResult flags = CALL(fcntl(fd, F_GETFL));
    ASSERT_THAT(flags, Succeeds());
    EXPECT_EQ(flags.value & O_ACCMODE, mode);
  }
  UniqueName name = UniqueName::Shm();
  const CallResult created = Create(name.c_str(), O_RDONLY | O_EXCL, 0600);
  ASSERT_THAT(created, Succeeds());
  Fd fd(created.fd());
  EXPECT_EQ(Setup(CALL(fcntl(fd, F_GETFL))).value & O_ACCMODE, O_RDONLY);
}

IPC_TEST(ShmDescriptor, DupfdDuplicatesAtOrAboveTheArgument, clause::fcntl::shm_dupfd) {
  ShmObject object(10);
  const int base = object.fd() + 5;
  Fd taken(CALL(fcntl(object, F_DUPFD, base)));
  const int minimum = taken.get();
  const int expected = FreeFdFrom(minimum);
  const CallResult duplicated = CALL(fcntl(object, F_DUPFD, minimum));
  ASSERT_THAT(duplicated, SucceedsWith(expected));
  Fd duplicate(duplicated.fd());
  EXPECT_EQ(Setup(CALL(fcntl(duplicate, F_GETFD))).value & FD_CLOEXEC, 0);
  EXPECT_THAT(CALL(ftruncate(duplicate, 77)), SucceedsWith(0));
  EXPECT_EQ(SizeOf(object), 77);
}

IPC_TEST(ShmDescriptor, DupfdCloexecSetsTheFlag, clause::fcntl::shm_dupfd_cloexec) {
  ShmObject object(10);
  const CallResult duplicated = CALL(fcntl(object, F_DUPFD_CLOEXEC, object.fd() + 5));
  ASSERT_THAT(duplicated, Succeeds());
  Fd duplicate(duplicated.fd());
  EXPECT_GE(duplicate.get(), object.fd() + 5);
  EXPECT_NE(Setup(CALL(fcntl(duplicate, F_GETFD))).value & FD_CLOEXEC, 0);
  EXPECT_THAT(CALL(ftruncate(duplicate, 77)), SucceedsWith(0));
  EXPECT_EQ(SizeOf(object), 77);
}

IPC_TEST(ShmDescriptor, SetflAndLocksAreUnspecified, clause::fcntl::shm_setfl_and_locks) {
  const auto& clause = clause::fcntl::shm_setfl_and_locks;
  ShmObject object(10);
  Observe(clause, "F_SETFL O_NONBLOCK", CALL(fcntl(object, F_SETFL, O_NONBLOCK)));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  Observe(clause, "F_GETLK", CALL(fcntl(object, F_GETLK, &lock)));
  lock.l_type = F_WRLCK;
  Observe(clause, "F_SETLK", CALL(fcntl(object, F_SETLK, &lock)));
}

IPC_TEST(ShmDescriptor, CloforkClosesItInChildrenOnly, clause::fcntl::shm_clofork) {
#ifdef FD_CLOFORK
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  view[0] = 42;
  ASSERT_THAT(CALL(fcntl(object, F_SETFD, FD_CLOFORK)), Succeeds());
  InChild([&] {
    EXPECT_THAT(CALL(fcntl(object, F_GETFD)), Fails(EBADF));
    EXPECT_EQ(view[0], 42) << "mappings are inherited all the same";
    view[0] = 43;
  });
  EXPECT_EQ(view[0], 43);
  EXPECT_THAT(CALL(fcntl(object, F_GETFD)), Succeeds()) << "the parent keeps it";
#else
  Unsupported("FD_CLOFORK is not defined");
#endif
}

}  // namespace
}  // namespace ipcsuite::shm_suite
