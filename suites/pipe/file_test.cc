// Operations on files that a pipe does not have, or has in its own way.
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <limits>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe_attr.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeFile);

// The errors that apply to this very call: ESPIPE always, and what else a system may look at first.
std::vector<int> LseekErrors(off_t offset, [[maybe_unused]] int origin) {
  std::vector<int> errors{ESPIPE};
  // A pipe has no position that the sum could be known of.
  if (offset == std::numeric_limits<off_t>::max()) errors.push_back(EOVERFLOW);
#if defined(SEEK_DATA) && defined(SEEK_HOLE)
  if (origin == SEEK_DATA || origin == SEEK_HOLE) errors.push_back(ENXIO);
#endif
  return errors;
}

IPC_TEST_P(PipeFile, LseekFailsWithEspipe, clause::lseek::pipe_espipe) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "data", 4)), SucceedsWith(4));
  std::vector<int> origins{SEEK_SET, SEEK_CUR, SEEK_END};
#if defined(SEEK_DATA) && defined(SEEK_HOLE)
  if (JudgedIssue() >= 8) origins.insert(origins.end(), {SEEK_DATA, SEEK_HOLE});
#endif
  for (const int fd : {p.rd(), p.wr()}) {
    for (const int origin : origins) {
      for (const off_t offset :
           {off_t{0}, off_t{1}, off_t{-1}, std::numeric_limits<off_t>::max()}) {
        EXPECT_THAT(CALL(lseek(fd, offset, origin)),
                    FailsWithAnyOfList(LseekErrors(offset, origin)))
            << "origin " << origin << ", offset " << offset;
      }
    }
  }
  EXPECT_EQ(DrainPipe(p.rd()), "data");
}

IPC_TEST_P(PipeFile, LseekWithABadWhence, clause::lseek::pipe_bad_whence) {
  Pipe p = Make();
  const CallResult result = CALL(lseek(p.rd(), 0, 4711));
  EXPECT_THAT(result, FailsWithAnyOf(EINVAL, ESPIPE));
  Observe(clause::lseek::pipe_bad_whence, "bad_whence", result);
}

IPC_TEST_P(PipeFile, FtruncateOfTheWriteEnd, clause::ftruncate::pipe_write_end) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "data", 4)), SucceedsWith(4));
  const CallResult result = CALL(ftruncate(p.wr(), 0));
  EXPECT_TRUE(result.returned());
  Observe(clause::ftruncate::pipe_write_end, "write_end", result);
  Observe(clause::ftruncate::pipe_write_end, "unread_data",
          DrainPipe(p.rd()) == "data" ? "stays" : "is changed");
}

IPC_TEST_P(PipeFile, FtruncateOfTheReadEndFails, clause::ftruncate::pipe_read_end) {
  Pipe p = Make();
  if (!IsReadOnly(p.rd())) Unsupported("the read end is open for writing too");
  ASSERT_THAT(CALL(write(p.wr(), "data", 4)), SucceedsWith(4));
  EXPECT_THAT(CALL(ftruncate(p.rd(), 0)), FailsWithAnyOf(EBADF, EINVAL));
  EXPECT_EQ(DrainPipe(p.rd()), "data");
}

IPC_TEST_P(PipeFile, MmapFailsWithEnodevWhereUnsupported, clause::mmap::pipe) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "data", 4)), SucceedsWith(4));
  const auto try_map = [&](int fd, int flags) {
    const CallResult mapped = CALL(mmap(nullptr, PageSize(), PROT_READ, flags, fd, 0));
    if (mapped.ok()) Mapping unmaps(mapped, PageSize());
    return mapped;
  };
  for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
    EXPECT_THAT(try_map(p.rd(), flags), SucceedsOrFailsWith(ENODEV)) << "the read end";
    EXPECT_THAT(try_map(p.wr(), flags), SucceedsOrFailsWith(ENODEV, EACCES)) << "the write end";
  }
  EXPECT_EQ(DrainPipe(p.rd()), "data");
}

IPC_TEST_P(PipeFile, FsyncSucceedsOrFailsWithEinval, clause::fsync::pipe) {
  Pipe p = Make();
  for (const int fd : {p.rd(), p.wr()}) EXPECT_THAT(CALL(fsync(fd)), SucceedsOrFailsWith(EINVAL));
}

IPC_TEST_P(PipeFile, FdatasyncSucceedsOrFailsWithEinval, clause::fdatasync::pipe) {
#if defined(_POSIX_SYNCHRONIZED_IO) && _POSIX_SYNCHRONIZED_IO == -1
  Unsupported("the option Synchronized Input and Output is absent");
#endif
  Pipe p = Make();
  // On the read end EBADF is right as well where the issue asks for a descriptor open for writing.
  EXPECT_THAT(CALL(fdatasync(p.wr())), SucceedsOrFailsWith(EINVAL));
  EXPECT_THAT(CALL(fdatasync(p.rd())), SucceedsOrFailsWith(EINVAL, EBADF));
}

IPC_TEST_P(PipeFile, PosixFallocateReturnsEspipe, clause::posix_fallocate::pipe) {
#if defined(_POSIX_ADVISORY_INFO) && _POSIX_ADVISORY_INFO == -1
  Unsupported("the option Advisory Information is absent");
#endif
  Pipe p = Make();
  errno = 0;
  // ENODEV: not a regular file. EINVAL: where its file system does not support the operation.
  EXPECT_THAT(CALL_ERRNO(posix_fallocate(p.wr(), 0, 1)), FailsWithAnyOf(ESPIPE, ENODEV, EINVAL));
  EXPECT_EQ(DrainPipe(p.rd()), "") << "something was written";
}

IPC_TEST_P(PipeFile, PosixFadviseReturnsEspipe, clause::posix_fadvise::pipe) {
#if defined(_POSIX_ADVISORY_INFO) && _POSIX_ADVISORY_INFO == -1
  Unsupported("the option Advisory Information is absent");
#endif
  Pipe p = Make();
  for (const int fd : {p.rd(), p.wr()}) {
    for (const int advice : {POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                             POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE}) {
      EXPECT_THAT(CALL_ERRNO(posix_fadvise(fd, 0, 0, advice)), Fails(ESPIPE))
          << "advice " << advice;
    }
  }
}

IPC_TEST_P(PipeFile, FchmodAndFchown, clause::fchmod::pipe) {
  Pipe p = Make();
  const CallResult mode = CALL(fchmod(p.rd(), 0600)),
                   owner = CALL(fchown(p.rd(), geteuid(), getegid()));
  EXPECT_THAT(mode, SucceedsOrFailsWith(EINVAL));
  EXPECT_THAT(owner, SucceedsOrFailsWith(EINVAL));
  Observe(clause::fchmod::pipe, "fchmod", mode);
  Observe(clause::fchmod::pipe, "fchown", owner);
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
