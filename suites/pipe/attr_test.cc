// Limits, fpathconf and fstat of pipes.
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/pipe_attr.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeAttributes);

IPC_TEST(PipeLimits, PosixPipeBufIs512, clause::pipe::limits_posix_pipe_buf) {
  NoteChecks();
#ifdef _POSIX_PIPE_BUF
  EXPECT_EQ(_POSIX_PIPE_BUF, 512);
#else
  ADD_FAILURE() << "_POSIX_PIPE_BUF is not defined";
#endif
}

IPC_TEST(PipeLimits, PipeBufIsAtLeast512WhereDefined, clause::pipe::limits_pipe_buf_minimum) {
#ifdef PIPE_BUF
  NoteChecks();
  EXPECT_GE(PIPE_BUF, 512);
#else
  Unsupported("PIPE_BUF is not defined in <limits.h>, which is allowed");
#endif
}

IPC_TEST(PipeLimits, PipeBufMayBeUndefined, clause::pipe::limits_pipe_buf_undefined) {
#ifdef PIPE_BUF
  Observe(clause::pipe::limits_pipe_buf_undefined, "PIPE_BUF", PIPE_BUF);
#else
  Observe(clause::pipe::limits_pipe_buf_undefined, "PIPE_BUF", "undefined");
#endif
}

IPC_TEST(PipeLimits, IovMaxIsAtLeast16, clause::pipe::limits_iov_max) {
#ifdef IOV_MAX
  EXPECT_GE(IOV_MAX, 16);
#endif
  errno = 0;
  const CallResult limit = CALL(sysconf(_SC_IOV_MAX));
  NoteChecks();
  if (limit.value == -1) {
    EXPECT_EQ(limit.error, 0) << "sysconf(_SC_IOV_MAX) failed";
  } else {
    EXPECT_GE(limit.value, 16);
#ifdef IOV_MAX
    EXPECT_GE(limit.value, IOV_MAX);
#endif
  }
}

IPC_TEST_P(PipeAttributes, FpathconfTellsPipeBuf, clause::fpathconf::pipe_pipe_buf) {
  Pipe p = Make();
  const CallResult of_rd = CALL(fpathconf(p.rd(), _PC_PIPE_BUF)),
                   of_wr = CALL(fpathconf(p.wr(), _PC_PIPE_BUF));
  NoteChecks();
  EXPECT_EQ(of_rd.value, of_wr.value) << "both ends";
  for (const CallResult& result : {of_rd, of_wr}) {
    if (result.value == -1) {
      EXPECT_EQ(result.error, 0) << Describe(result);
      continue;
    }
    EXPECT_GE(result.value, _POSIX_PIPE_BUF);
#ifdef PIPE_BUF
    EXPECT_GE(result.value, PIPE_BUF);
#endif
  }
  if (of_wr.value <= 0) return;
  // The write rules use this value: so much goes into an empty pipe at once.
  SetNonblocking(p.wr(), true);
  const std::string data = Noise(static_cast<std::size_t>(of_wr.value), TestSeed());
  EXPECT_THAT(CALL(write(p.wr(), data.data(), data.size())), SucceedsWith(data.size()));
  EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), data), "");
}

IPC_TEST_P(PipeAttributes, FpathconfOfAnInvalidNameFails, clause::fpathconf::pipe_invalid_name) {
  Pipe p = Make();
  for (const int fd : {p.rd(), p.wr()}) {
    EXPECT_THAT(CALL(fpathconf(fd, -1)), Fails(EINVAL));
    EXPECT_THAT(CALL(fpathconf(fd, INT_MAX)), Fails(EINVAL));
  }
}

IPC_TEST_P(PipeAttributes, FpathconfOfAClosedDescriptor, clause::fpathconf::pipe_ebadf) {
  Pipe p = Make();
  const CallResult result = CALL(fpathconf(LowestFreeFd(), _PC_PIPE_BUF));
  EXPECT_TRUE(result.failed_with(EBADF) || result.failed_with(0) || result.value >= _POSIX_PIPE_BUF)
      << result;
  Observe(clause::fpathconf::pipe_ebadf, "closed_number", result);
}

IPC_TEST_P(PipeAttributes, FstatSaysFifo, clause::fstat::pipe_type) {
  Pipe p = Make();
  for (const int fd : {p.rd(), p.wr()}) {
    struct stat status {};
    ASSERT_THAT(CALL(fstat(fd, &status)), SucceedsWith(0));
    const mode_t mode = status.st_mode;
    EXPECT_TRUE(S_ISFIFO(mode));
    EXPECT_FALSE(S_ISREG(mode) || S_ISDIR(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
                 S_ISLNK(mode) || S_ISSOCK(mode));
  }
}

IPC_TEST_P(PipeAttributes, FstatUnspecifiedFields, clause::fstat::pipe_unspecified_fields) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "12345", 5)), SucceedsWith(5));
  const ClauseRef open = clause::fstat::pipe_unspecified_fields;
  for (const int fd : {p.rd(), p.wr()}) {
    const std::string end = fd == p.rd() ? "read_end_" : "write_end_";
    struct stat status {};
    ASSERT_THAT(CALL(fstat(fd, &status)), SucceedsWith(0));
    char mode[16];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    Observe(open, end + "st_size_with_5_bytes", static_cast<std::int64_t>(status.st_size));
    Observe(open, end + "permissions", mode);
    Observe(open, end + "st_nlink", static_cast<std::int64_t>(status.st_nlink));
  }
}

IPC_TEST_P(PipeAttributes, TwoPipesHaveDifferentIdentities, clause::fstat::pipe_identity) {
  Pipe p = Make(), q = Make();
  const auto differ = [](int a, int b, const char* what) {
    struct stat of_a {
    }, of_b{};
    ASSERT_THAT(CALL(fstat(a, &of_a)), SucceedsWith(0));
    ASSERT_THAT(CALL(fstat(b, &of_b)), SucceedsWith(0));
    EXPECT_FALSE(of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino) << what;
  };
  differ(p.rd(), q.rd(), "the read ends");
  differ(p.wr(), q.wr(), "the write ends");
}

IPC_TEST_P(PipeAttributes, IdentityOfTheTwoEnds, clause::fstat::pipe_both_ends_same_identity) {
  Pipe p = Make();
  struct stat of_rd {
  }, of_wr{};
  ASSERT_THAT(CALL(fstat(p.rd(), &of_rd)), SucceedsWith(0));
  ASSERT_THAT(CALL(fstat(p.wr(), &of_wr)), SucceedsWith(0));
  const bool same = of_rd.st_dev == of_wr.st_dev && of_rd.st_ino == of_wr.st_ino;
  Observe(clause::fstat::pipe_both_ends_same_identity, "both_ends", same ? "same" : "different");
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
