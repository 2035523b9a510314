// pipe() and pipe2(..., 0): what a new pipe is.
#include <sys/stat.h>

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/create.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_BOTH_CREATORS(PipeCreate);

IPC_TEST_P(PipeCreate, GivesTwoConnectedEnds, clause::pipe::create_two_ends,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_two_ends);
  int ends[2] = {-1, -1};
  ASSERT_THAT(Create(ends), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  EXPECT_NE(ends[0], ends[1]);
  EXPECT_THAT(CALL(fcntl(ends[0], F_GETFD)), Succeeds());
  EXPECT_THAT(CALL(fcntl(ends[1], F_GETFD)), Succeeds());
  char got[6] = {};
  EXPECT_THAT(CALL(write(wr, "hello", 5)), SucceedsWith(5));
  EXPECT_THAT(Bounded([&] { return CALL(read(rd, got, 5)); }), SucceedsWith(5));
  EXPECT_STREQ(got, "hello");
}

// Two pipes at once have nothing in common.
IPC_TEST_P(PipeCreate, GivesANewPipeEachTime, clause::pipe::create_two_ends,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_two_ends);
  int a[2], b[2];
  ASSERT_THAT(Create(a), SucceedsWith(0));
  Fd a_rd(a[0]), a_wr(a[1]);
  ASSERT_THAT(Create(b), SucceedsWith(0));
  Fd b_rd(b[0]), b_wr(b[1]);
  EXPECT_EQ(std::set<int>({a[0], a[1], b[0], b[1]}).size(), 4u);
  EXPECT_THAT(CALL(write(a_wr, "a", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(write(b_wr, "b", 1)), SucceedsWith(1));
  EXPECT_EQ(DrainPipe(a_rd), "a");
  EXPECT_EQ(DrainPipe(b_rd), "b");
}

// Occupies the lowest free numbers but for the ones at these places among them; returns those.
std::set<int> MakeHoles(const std::set<int>& places, std::vector<Fd>& keep) {
  std::set<int> holes;
  std::vector<Fd> all;
  for (int i = 0; i <= *places.rbegin(); ++i) all.emplace_back(CALL(dup(0)));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (places.count(static_cast<int>(i))) {
      holes.insert(all[i]);
      all[i].reset();
    } else {
      keep.push_back(std::move(all[i]));
    }
  }
  return holes;
}

IPC_TEST_P(PipeCreate, UsesTheLowestFreeNumbers, clause::pipe::create_lowest_fds,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_lowest_fds);
  Fd zero;
  if (fcntl(0, F_GETFD) < 0) zero = Fd(CALL(open("/", O_RDONLY)));  // something to copy
  for (const std::set<int>& places :
       {std::set<int>{0, 1}, std::set<int>{3, 5}, std::set<int>{0, 7}}) {
    std::vector<Fd> keep;
    const std::set<int> holes = MakeHoles(places, keep);
    int ends[2] = {-1, -1};
    ASSERT_THAT(Create(ends), SucceedsWith(0));
    Fd rd(ends[0]), wr(ends[1]);
    EXPECT_EQ((std::set<int>{ends[0], ends[1]}), holes);
  }
}

IPC_TEST_P(PipeCreate, OrderOfTheTwoNumbers, clause::pipe::create_fd_order) {
  int ends[2] = {-1, -1};
  ASSERT_THAT(Create(ends), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  Observe(clause::pipe::create_fd_order, "lower_number",
          ends[0] < ends[1] ? "read end" : "write end");
}

// Numbers whose slots had other flags before: stale state would show.
IPC_TEST_P(PipeCreate, LeavesNonblockClear, clause::pipe::create_nonblock_clear,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_nonblock_clear);
  UsedSlots();
  int ends[2] = {-1, -1};
  ASSERT_THAT(Create(ends), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  for (const int fd : ends) {
    const CallResult flags = CALL(fcntl(fd, F_GETFL));
    ASSERT_THAT(flags, Succeeds());
    EXPECT_EQ(flags.value & O_NONBLOCK, 0);
  }
}

IPC_TEST_P(PipeCreate, LeavesCloexecClear, clause::pipe::create_cloexec_clear,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_cloexec_clear);
  UsedSlots();
  int ends[2] = {-1, -1};
  ASSERT_THAT(Create(ends), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  for (const int fd : ends) {
    const CallResult flags = CALL(fcntl(fd, F_GETFD));
    ASSERT_THAT(flags, Succeeds());
    EXPECT_EQ(flags.value & FD_CLOEXEC, 0);
  }
}

IPC_TEST_P(PipeCreate, LeavesCloforkClear, clause::pipe::create_clofork_clear,
           clause::pipe2::flag_alone_decides) {
#ifdef FD_CLOFORK
  Scope scope(*this, clause::pipe::create_clofork_clear);
  UsedSlots();
  int ends[2] = {-1, -1};
  ASSERT_THAT(Create(ends), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  for (const int fd : ends) {
    const CallResult flags = CALL(fcntl(fd, F_GETFD));
    ASSERT_THAT(flags, Succeeds());
    EXPECT_EQ(flags.value & FD_CLOFORK, 0);
  }
#else
  Unsupported("FD_CLOFORK is not defined here");
#endif
}

IPC_TEST_P(PipeCreate, MakesADescriptionPerEnd, clause::pipe::create_separate_descriptions,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_separate_descriptions);
  for (const int first : {0, 1}) {
    int ends[2] = {-1, -1};
    ASSERT_THAT(Create(ends), SucceedsWith(0));
    Fd rd(ends[0]), wr(ends[1]);
    ASSERT_THAT(CALL(fcntl(ends[first], F_SETFL, O_NONBLOCK)), Succeeds());
    EXPECT_TRUE(IsNonblocking(ends[first]));
    EXPECT_FALSE(IsNonblocking(ends[1 - first]))
        << "set through the " << (first ? "write" : "read") << " end";
  }
}

IPC_TEST_P(PipeCreate, Direction, clause::pipe::create_direction) {
  int ends[2] = {-1, -1};
  ASSERT_THAT(Create(ends), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  const auto mode = [](int fd) {
    const int bits = fcntl(fd, F_GETFL) & O_ACCMODE;
    return bits == O_RDONLY   ? "O_RDONLY"
           : bits == O_WRONLY ? "O_WRONLY"
           : bits == O_RDWR   ? "O_RDWR"
                              : "other";
  };
  Observe(clause::pipe::create_direction, "mode_of_read_end", mode(rd));
  Observe(clause::pipe::create_direction, "mode_of_write_end", mode(wr));
  Observe(clause::pipe::create_direction, "write_to_read_end",
          Bounded([&] { return CALL(write(rd, "x", 1)); }));
}

IPC_TEST_P(PipeCreate, AccessModesPermitTheirDirection, clause::pipe::create_access_mode,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_access_mode);
  int ends[2] = {-1, -1};
  ASSERT_THAT(Create(ends), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  const CallResult of_rd = CALL(fcntl(rd, F_GETFL)), of_wr = CALL(fcntl(wr, F_GETFL));
  ASSERT_THAT(of_rd, Succeeds());
  ASSERT_THAT(of_wr, Succeeds());
  EXPECT_THAT(of_rd.value & O_ACCMODE, testing::AnyOf(O_RDONLY, O_RDWR));
  EXPECT_THAT(of_wr.value & O_ACCMODE, testing::AnyOf(O_WRONLY, O_RDWR));
  // O_RDWR is said only of an end that is open for both: EBADF would deny that.
  char byte;
  if ((of_rd.value & O_ACCMODE) == O_RDWR) {
    EXPECT_THAT(Bounded([&] { return CALL(write(rd, "x", 1)); }), testing::Not(Fails(EBADF)));
  }
  if ((of_wr.value & O_ACCMODE) == O_RDWR) {
    SetNonblocking(wr, true);
    EXPECT_THAT(Bounded([&] { return CALL(read(wr, &byte, 1)); }), testing::Not(Fails(EBADF)));
  }
}

void ExpectOwner(const CallResult& made, const int (&ends)[2]) {
  ASSERT_THAT(made, SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  for (const int fd : ends) {
    struct stat status {};
    ASSERT_THAT(CALL(fstat(fd, &status)), Succeeds());
    EXPECT_EQ(status.st_uid, geteuid());
    EXPECT_EQ(status.st_gid, getegid());
  }
}

IPC_TEST_P(PipeCreate, BelongsToTheEffectiveUser, clause::pipe::create_owner,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_owner);
  int ends[2] = {-1, -1};
  const CallResult made = Create(ends);
  ExpectOwner(made, ends);
}

// Effective IDs that differ from the real ones: the effective ones count.
IPC_TEST_P(PipeCreate, BelongsToTheEffectiveNotTheRealUser, clause::pipe::create_owner,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_owner);
  const auto other = OtherUser();
  if (!other)
    Unsupported("needs the privilege to change the effective user (CAP_SETUID, CAP_SETGID)");
  Peer peer([&](Peer::Self& self) {
    self.step([&] {
      NoteTrace(TraceEntry::Kind::kOther, {}, "changes its effective user");
      if (setegid(other->gid) != 0 || seteuid(other->uid) != 0)
        Unresolved("the effective user could not be changed");
      int ends[2] = {-1, -1};
      const CallResult made = Create(ends);
      ExpectOwner(made, ends);
      return made;
    });
  });
  EXPECT_THAT(peer.next().result(), SucceedsWith(0));
}

IPC_TEST_P(PipeCreate, MarksAllTimesForUpdate, clause::pipe::create_timestamps,
           clause::pipe2::flag_alone_decides) {
  Scope scope(*this, clause::pipe::create_timestamps);
  timespec before{}, after{};
  int ends[2] = {-1, -1};
  clock_gettime(CLOCK_REALTIME, &before);
  ASSERT_THAT(Create(ends), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  for (const int fd : ends) {
    struct stat status {};
    ASSERT_THAT(CALL(fstat(fd, &status)), Succeeds());
    clock_gettime(CLOCK_REALTIME, &after);
    const auto judge = [&](const char* name, const timespec& time) {
      // File times may lag by their resolution, at worst a second.
      EXPECT_GE(time.tv_sec, before.tv_sec - 1) << name;
      EXPECT_FALSE(Before(after, time)) << name << " is later than the clock after the call";
    };
    judge("st_atim", status.st_atim);
    judge("st_mtim", status.st_mtim);
    judge("st_ctim", status.st_ctim);
  }
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
