// dup(), dup2(), dup3() and F_DUPFD of pipe ends.
#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include "harness/peers/descriptor_table.h"
#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeDup);

#ifdef FD_CLOFORK
constexpr int kDescriptorFlags = FD_CLOEXEC | FD_CLOFORK;
#else
constexpr int kDescriptorFlags = FD_CLOEXEC;
#endif

int DescriptorFlags(int fd) { return Setup(CALL(fcntl(fd, F_GETFD))).fd() & kDescriptorFlags; }
void SetDescriptorFlags(int fd, int flags) { Setup(CALL(fcntl(fd, F_SETFD, flags))); }

// The first of `count` free numbers in a row; others may be taken by whoever started this program.
int FreeRun(int count) {
  int first = LowestFreeFd();
  for (int fd = first; fd < first + count; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) first = fd + 1;
  }
  return first;
}

IPC_TEST_P(PipeDup, SharesTheDescription, clause::dup::pipe_shares_description) {
  Pipe p = Make();
  const int expected = LowestFreeFd();
  const CallResult made = CALL(dup(p.wr()));
  ASSERT_THAT(made, SucceedsWith(expected)) << "the lowest free number";
  Fd wr_copy(made), rd_copy(CALL(dup(p.rd())));
  // One stream.
  EXPECT_THAT(CALL(write(wr_copy, "ab", 2)), SucceedsWith(2));
  EXPECT_THAT(CALL(write(p.wr(), "cd", 2)), SucceedsWith(2));
  char got[2];
  EXPECT_THAT(CALL(read(rd_copy, got, 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(read(p.rd(), got + 1, 1)), SucceedsWith(1));
  EXPECT_EQ(std::string(got, 2), "ab");
  EXPECT_EQ(DrainPipe(rd_copy), "cd");
  // One set of status flags, in both directions.
  SetNonblocking(p.rd(), true);
  EXPECT_TRUE(IsNonblocking(rd_copy));
  EXPECT_THAT(Bounded([&] { return CALL(read(rd_copy, got, 1)); }), Fails(EAGAIN));
  SetNonblocking(rd_copy, false);
  EXPECT_FALSE(IsNonblocking(p.rd()));
  EXPECT_FALSE(IsNonblocking(p.wr()));
}

IPC_TEST_P(PipeDup, CopiesHaveNoDescriptorFlags, clause::dup::pipe_fd_flags_clear) {
  Pipe p = Make();
  for (const int fd : {p.rd(), p.wr()}) {
    SetDescriptorFlags(fd, kDescriptorFlags);
    Fd target(CALL(dup(fd)));
    SetDescriptorFlags(target, kDescriptorFlags);
    const CallResult plain = CALL(dup(fd)), by_fcntl = CALL(fcntl(fd, F_DUPFD, 0)),
                     onto = CALL(dup2(fd, target));
    ASSERT_THAT(plain, Succeeds());
    ASSERT_THAT(by_fcntl, Succeeds());
    ASSERT_THAT(onto, SucceedsWith(target.get()));
    Fd a(plain), b(by_fcntl);
    EXPECT_EQ(DescriptorFlags(a), 0) << "dup";
    EXPECT_EQ(DescriptorFlags(b), 0) << "F_DUPFD";
    EXPECT_EQ(DescriptorFlags(target), 0) << "dup2";
    EXPECT_EQ(DescriptorFlags(fd), kDescriptorFlags) << "the original";
  }
}

IPC_TEST_P(PipeDup, DupErrors, clause::dup::errors) {
  Pipe p = Make();
  const int closed = LowestFreeFd();
  EXPECT_THAT(CALL(dup(closed)), Fails(EBADF));
  EXPECT_THAT(CALL(dup(-1)), Fails(EBADF));
  Peer full;
  Call call = full.start([&] {
    FillDescriptorTable(0, {p.wr()});
    return CALL(dup(p.wr()));
  });
  EXPECT_THAT(call.result(), Fails(EMFILE));
}

IPC_TEST_P(PipeDup, Dup2ClosesTheTarget, clause::dup2::pipe_closes_target) {
  Pipe p = Make(O_NONBLOCK), q = Make(O_NONBLOCK);
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  char byte;
  // The target was the last write descriptor of p.
  EXPECT_THAT(CALL(dup2(q.wr(), p.wr())), SucceedsWith(p.wr()));
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(0));
  EXPECT_THAT(CALL(write(p.wr(), "q", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(read(q.rd(), &byte, 1)), SucceedsWith(1));
  EXPECT_EQ(byte, 'q');
  // ... and of another pipe the last read descriptor.
  Pipe r = Make(O_NONBLOCK);
  EXPECT_THAT(CALL(dup2(q.rd(), r.rd())), SucceedsWith(r.rd()));
  EXPECT_THAT(CALL(write(r.wr(), "x", 1)), Fails(EPIPE));
  EXPECT_THAT(CALL(write(q.wr(), "y", 1)), SucceedsWith(1));
  EXPECT_EQ(DrainPipe(r.rd()), "y");
}

IPC_TEST_P(PipeDup, Dup2OntoItselfChangesNothing, clause::dup2::same_number) {
  Pipe p = Make(O_NONBLOCK);
  ASSERT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  for (const int flags : {kDescriptorFlags, 0}) {
    for (const int fd : {p.rd(), p.wr()}) {
      SetDescriptorFlags(fd, flags);
      EXPECT_THAT(CALL(dup2(fd, fd)), SucceedsWith(fd));
      const CallResult after = CALL(fcntl(fd, F_GETFD));
      ASSERT_THAT(after, Succeeds()) << "dup2() closed the number";
      EXPECT_EQ(after.value & kDescriptorFlags, flags);
    }
  }
  EXPECT_EQ(DrainPipe(p.rd()), "x");
  char byte;
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), Fails(EAGAIN)) << "the write end is closed";
}

IPC_TEST_P(PipeDup, Dup2OfAClosedNumberKeepsTheTarget, clause::dup2::invalid_source_keeps_target) {
  Pipe p = Make(O_NONBLOCK);
  const int closed = LowestFreeFd();
  EXPECT_THAT(CALL(dup2(closed, p.wr())), Fails(EBADF));
  EXPECT_THAT(CALL(dup2(-1, p.wr())), Fails(EBADF));
  EXPECT_THAT(CALL(dup2(closed, closed)), Fails(EBADF));
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  EXPECT_EQ(DrainPipe(p.rd()), "x");
}

// At a limit of its own: a table of the size that some systems permit could not be had.
IPC_TEST_P(PipeDup, Dup2Range, clause::dup2::range) {
  Pipe p = Make();
  EXPECT_THAT(CALL(dup2(p.rd(), -1)), Fails(EBADF));
  EXPECT_THAT(CALL(dup2(p.rd(), INT_MIN)), Fails(EBADF));
  Peer limited([&](Peer::Self& self) {
    const int limit = LowerOpenFilesLimit({p.rd()});
    self.step([&] { return CALL(dup2(p.rd(), limit)); });
    self.step([&] {
      CallResult last = CALL(dup2(p.rd(), limit - 1));
      if (last.ok()) last.value -= limit - 1;
      return last;
    });
  });
  EXPECT_THAT(limited.next().result(), Fails(EBADF)) << "the first number out of range";
  EXPECT_THAT(limited.next().result(), SucceedsWith(0)) << "the last number in range";
  const int in_range = FreeRun(4) + 3;
  EXPECT_THAT(CALL(dup2(p.rd(), in_range)), SucceedsWith(in_range)) << "a closed number";
  close(in_range);
}

#ifdef IPC_HAVE_PIPE2

IPC_TEST_P(PipeDup, Dup3FlagAloneDecides, clause::dup3::flags) {
  Pipe p = Make(O_NONBLOCK), q = Make(O_NONBLOCK);
  std::vector<int> flags{0, O_CLOEXEC};
#ifdef O_CLOFORK
  flags.insert(flags.end(), {O_CLOFORK, O_CLOEXEC | O_CLOFORK});
#endif
  for (const int flag : flags) {
    int expected = flag & O_CLOEXEC ? FD_CLOEXEC : 0;
#ifdef O_CLOFORK
    expected |= flag & O_CLOFORK ? FD_CLOFORK : 0;
#endif
    Fd target(CALL(dup(q.wr())));
    SetDescriptorFlags(target, kDescriptorFlags & ~expected);  // the opposite, before
    SetDescriptorFlags(p.wr(), kDescriptorFlags & ~expected);
    EXPECT_THAT(CALL(dup3(p.wr(), target, flag)), SucceedsWith(target.get()));
    EXPECT_EQ(DescriptorFlags(target), expected) << "flag " << flag;
    EXPECT_EQ(DescriptorFlags(p.wr()), kDescriptorFlags & ~expected)
        << "the original, flag " << flag;
    EXPECT_THAT(CALL(write(target, "x", 1)), SucceedsWith(1));
    EXPECT_EQ(DrainPipe(p.rd()), "x");
  }
  // It closes the target first, as dup2() does.
  EXPECT_THAT(CALL(dup3(p.wr(), q.wr(), 0)), SucceedsWith(q.wr()));
  char byte;
  EXPECT_THAT(CALL(read(q.rd(), &byte, 1)), SucceedsWith(0));
}

IPC_TEST_P(PipeDup, Dup3OfEqualNumbersFails, clause::dup3::equal_numbers) {
  Pipe p = Make();
  for (const int flag : {0, O_CLOEXEC}) {
    EXPECT_THAT(CALL(dup3(p.wr(), p.wr(), flag)), Fails(EINVAL));
    EXPECT_EQ(DescriptorFlags(p.wr()), 0);
  }
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  EXPECT_EQ(DrainPipe(p.rd()), "x");
}

IPC_TEST_P(PipeDup, Dup3OtherFlagBits, clause::dup3::invalid_flag) {
  Pipe p = Make(), q = Make();
  const auto judge = [&](const char* name, int flag) {
    Fd target(CALL(dup(q.wr())));
    const CallResult made = CALL(dup3(p.wr(), target, flag));
    EXPECT_THAT(made, SucceedsOrFailsWith(EINVAL)) << name;
    Observe(clause::dup3::invalid_flag, name, made);
  };
  judge("O_NONBLOCK", O_NONBLOCK);
  judge("O_CREAT", O_CREAT);
  judge("bit_30", 1 << 30);
}

#else

IPC_TEST(PipeDup3, IsDeclared, clause::dup3::flags, clause::dup3::equal_numbers,
         clause::dup3::invalid_flag) {
  Unsupported("dup3() is not declared");
}

#endif

IPC_TEST_P(PipeDup, DupfdTakesTheLowestNumberNotBelow, clause::fcntl::dupfd_minimum) {
  Pipe p = Make();
  const int lowest_free = LowestFreeFd(), base = FreeRun(20) + 10;
  Fd at_base(CALL(fcntl(p.rd(), F_DUPFD, base)));
  EXPECT_EQ(at_base, base) << "the number is free";
  Fd after(CALL(fcntl(p.rd(), F_DUPFD, base)));
  EXPECT_EQ(after, base + 1) << "the number is taken, lower ones are free";
  Fd far(CALL(fcntl(p.rd(), F_DUPFD, base + 5)));
  EXPECT_EQ(far, base + 5);
  Fd gap(CALL(fcntl(p.rd(), F_DUPFD, base)));
  EXPECT_EQ(gap, base + 2) << "the lowest in a gap";
  const CallResult zero = CALL(fcntl(p.rd(), F_DUPFD, 0));
  EXPECT_THAT(zero, SucceedsWith(lowest_free));
  Fd lowest(zero);
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  EXPECT_EQ(DrainPipe(far), "x") << "the same open file description";
}

IPC_TEST_P(PipeDup, DupfdCloexecSetsTheFlagOfTheCopyOnly, clause::fcntl::dupfd_cloexec) {
  Pipe p = Make();
  const int minimum = FreeRun(3) + 2;
  for (const int flags : {0, kDescriptorFlags}) {
    SetDescriptorFlags(p.rd(), flags);
    const CallResult made = CALL(fcntl(p.rd(), F_DUPFD_CLOEXEC, minimum));
    EXPECT_THAT(made, SucceedsWith(minimum));
    Fd copy(made);
    EXPECT_EQ(DescriptorFlags(copy), FD_CLOEXEC);
    EXPECT_EQ(DescriptorFlags(p.rd()), flags);
    EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
    EXPECT_EQ(DrainPipe(copy), "x");
  }
}

IPC_TEST_P(PipeDup, DupfdCloforkSetsTheFlagOfTheCopyOnly, clause::fcntl::dupfd_clofork) {
#ifdef F_DUPFD_CLOFORK
  Pipe p = Make();
  SetDescriptorFlags(p.rd(), FD_CLOEXEC);
  const int minimum = FreeRun(3) + 2;
  const CallResult made = CALL(fcntl(p.rd(), F_DUPFD_CLOFORK, minimum));
  EXPECT_THAT(made, SucceedsWith(minimum));
  Fd copy(made);
  EXPECT_EQ(DescriptorFlags(copy), FD_CLOFORK);
  EXPECT_EQ(DescriptorFlags(p.rd()), FD_CLOEXEC);
  Peer of_copy, of_original;
  EXPECT_THAT(of_copy.start([&] { return CALL(fcntl(copy, F_GETFD)); }).result(), Fails(EBADF));
  EXPECT_THAT(of_original.start([&] { return CALL(fcntl(p.rd(), F_GETFD)); }).result(), Succeeds());
#else
  Unsupported("F_DUPFD_CLOFORK is not defined here");
#endif
}

IPC_TEST_P(PipeDup, DupfdRange, clause::fcntl::dupfd_range) {
  Pipe p = Make();
  std::vector<int> commands{F_DUPFD, F_DUPFD_CLOEXEC};
#ifdef F_DUPFD_CLOFORK
  commands.push_back(F_DUPFD_CLOFORK);
#endif
  for (const int command : commands) {
    EXPECT_THAT(CALL(fcntl(p.rd(), command, -1)), Fails(EINVAL));
    Peer limited;
    const Call at_limit = limited.start([&] {
      const int limit = LowerOpenFilesLimit({p.rd()});
      return CALL(fcntl(p.rd(), command, limit));
    });
    // The argument is out of range, and no number from it upwards is available.
    EXPECT_THAT(at_limit.result(), FailsWithAnyOf(EINVAL, EMFILE));
    // Full from some number upwards, free below it.
    Peer full;
    const Call call = full.start([&] {
      FillDescriptorTable(0, {p.rd()});
      const int top = static_cast<int>(OpenFilesLimit());
      close(top - 4);
      return CALL(fcntl(p.rd(), command, top - 3));
    });
    EXPECT_THAT(call.result(), Fails(EMFILE));
  }
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
