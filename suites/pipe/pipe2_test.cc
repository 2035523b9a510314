// pipe2() with flags (Issue 8).
#include <cerrno>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

#ifdef IPC_HAVE_PIPE2

struct Flag {
  int value;
  const char* name;
};
const std::vector<Flag>& Flags() {
  static const std::vector<Flag> flags{
      {O_CLOEXEC, "O_CLOEXEC"},
      {O_NONBLOCK, "O_NONBLOCK"},
#ifdef O_CLOFORK
      {O_CLOFORK, "O_CLOFORK"},
#endif
  };
  return flags;
}

// Every subset of the flags that the platform has.
IPC_TEST(Pipe2, FlagAloneDecides, clause::pipe2::flag_alone_decides) {
  for (unsigned subset = 0; subset < 1u << Flags().size(); ++subset) {
    int flag = 0;
    std::string names = "0";
    for (std::size_t i = 0; i < Flags().size(); ++i) {
      if (subset >> i & 1) flag |= Flags()[i].value, names += std::string("|") + Flags()[i].name;
    }
    {
      // The numbers had the opposite flags before.
      Pipe old(PipeKind::kPipe, ~flag & (O_NONBLOCK | O_CLOEXEC));
    }
    int ends[2] = {-1, -1};
    ASSERT_THAT(CALL(pipe2(ends, flag)), SucceedsWith(0)) << names;
    Fd rd(ends[0]), wr(ends[1]);
    for (const int fd : ends) {
      const int descriptor = fcntl(fd, F_GETFD);
      EXPECT_EQ((descriptor & FD_CLOEXEC) != 0, (flag & O_CLOEXEC) != 0) << names;
#ifdef O_CLOFORK
      EXPECT_EQ((descriptor & FD_CLOFORK) != 0, (flag & O_CLOFORK) != 0) << names;
#endif
      EXPECT_EQ(IsNonblocking(fd), (flag & O_NONBLOCK) != 0) << names;
    }
    EXPECT_THAT(fcntl(rd, F_GETFL) & O_ACCMODE, testing::AnyOf(O_RDONLY, O_RDWR));
    EXPECT_THAT(fcntl(wr, F_GETFL) & O_ACCMODE, testing::AnyOf(O_WRONLY, O_RDWR));
    EXPECT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1)) << names;
    EXPECT_EQ(DrainPipe(rd), "x");
  }
}

IPC_ROLE(pipe_report_open) {
  for (const std::string& number : args)
    self.Say(fcntl(std::stoi(number), F_GETFD) >= 0 ? "open" : "closed");
  return 0;
}

IPC_TEST(Pipe2, CloexecIsSetOnBothEnds, clause::pipe2::cloexec) {
  int ends[2] = {-1, -1}, kept[2] = {-1, -1};
  ASSERT_THAT(CALL(pipe2(ends, O_CLOEXEC)), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  ASSERT_THAT(CALL(pipe2(kept, 0)), SucceedsWith(0));
  Fd kept_rd(kept[0]), kept_wr(kept[1]);
  EXPECT_EQ(fcntl(rd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(fcntl(wr, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  ExecSelf program("pipe_report_open", {std::to_string(rd), std::to_string(wr),
                                        std::to_string(kept_rd), std::to_string(kept_wr)});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(program.said(), "closed\nclosed\nopen\nopen\n");
}

IPC_TEST(Pipe2, CloforkIsSetOnBothEnds, clause::pipe2::clofork) {
#ifdef O_CLOFORK
  int ends[2] = {-1, -1};
  ASSERT_THAT(CALL(pipe2(ends, O_CLOFORK)), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  EXPECT_EQ(fcntl(rd, F_GETFD) & FD_CLOFORK, FD_CLOFORK);
  EXPECT_EQ(fcntl(wr, F_GETFD) & FD_CLOFORK, FD_CLOFORK);
  Peer of_rd, of_wr;
  EXPECT_THAT(of_rd.start([&] { return CALL(fcntl(rd, F_GETFD)); }).result(), Fails(EBADF));
  EXPECT_THAT(of_wr.start([&] { return CALL(fcntl(wr, F_GETFD)); }).result(), Fails(EBADF));
  EXPECT_THAT(CALL(fcntl(rd, F_GETFD)), Succeeds());
#else
  Unsupported("O_CLOFORK is not defined here");
#endif
}

IPC_TEST(Pipe2, NonblockIsSetInBothDescriptions, clause::pipe2::nonblock) {
  int ends[2] = {-1, -1};
  ASSERT_THAT(CALL(pipe2(ends, O_NONBLOCK)), SucceedsWith(0));
  Fd rd(ends[0]), wr(ends[1]);
  EXPECT_TRUE(IsNonblocking(rd));
  EXPECT_TRUE(IsNonblocking(wr));
  char byte;
  EXPECT_THAT(Bounded([&] { return CALL(read(rd, &byte, 1)); }), Fails(EAGAIN));
  const std::string data(PipeBufOf(wr), 'x');
  EXPECT_THAT(Bounded([&] {
                CallResult wrote;
                while ((wrote = CALL(write(wr, data.data(), data.size()))).ok()) {
                }
                return wrote;
              }),
              Fails(EAGAIN));
}

IPC_TEST(Pipe2, OtherFlagBits, clause::pipe2::invalid_flag) {
  const auto judge = [](const char* name, int flag) {
    const int lowest = LowestFreeFd();
    int ends[2] = {-77, -78};
    const CallResult made = CALL(pipe2(ends, flag));
    EXPECT_THAT(made, SucceedsOrFailsWith(EINVAL)) << name;
    Observe(clause::pipe2::invalid_flag, name, made);
    if (made.ok()) {
      Fd rd(ends[0]), wr(ends[1]);
      return;
    }
    EXPECT_EQ(ends[0], -77) << name << ": fildes was changed";
    EXPECT_EQ(ends[1], -78) << name << ": fildes was changed";
    EXPECT_EQ(LowestFreeFd(), lowest) << name << ": a descriptor was allocated";
  };
  judge("O_CREAT", O_CREAT);
  judge("O_RDWR", O_RDWR);
  judge("O_APPEND", O_APPEND);
  judge("O_NONBLOCK_and_O_CREAT", O_NONBLOCK | O_CREAT);
  judge("bit_30", 1 << 30);
}

#else

IPC_TEST(Pipe2, FlagAloneDecides, clause::pipe2::flag_alone_decides, clause::pipe2::cloexec,
         clause::pipe2::clofork, clause::pipe2::nonblock, clause::pipe2::invalid_flag) {
  Unsupported("pipe2() is not declared");
}

#endif

}  // namespace
}  // namespace ipcsuite::pipe_suite
