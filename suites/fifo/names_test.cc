// The names of a FIFO that is in use: hard links, unlink, rename; time stamps; pathconf; truncate.
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "spec/clauses/pipe_attr.h"
#include "suites/fifo/place.h"

namespace ipcsuite::fifo_suite {
namespace {

CallResult OpenFifo(const std::string& path, int flags) {
  return CALL(open(path.c_str(), flags | O_CLOEXEC));
}

std::string NewFifo(const TestDir& dir, const char* name) {
  const std::string path = dir / name;
  Setup(CALL(mkfifo(path.c_str(), 0600)));
  return path;
}

std::string NewLink(const TestDir& dir, const std::string& path, const char* name) {
  const std::string other = dir / name;
  const CallResult linked = CALL(link(path.c_str(), other.c_str()));
  if (linked.failed_with(EPERM) || linked.failed_with(EOPNOTSUPP))
    Unsupported("this file system has no hard links");
  Setup(linked);
  return other;
}

IPC_TEST(FifoNames, HardLinksNameTheSameFifo, clause::fifo::names_links_and_unlink) {
  TestDir dir;
  const std::string a = NewFifo(dir, "a"), b = NewLink(dir, a, "b");
  EXPECT_EQ(Lstat(a).st_nlink, 2u);
  const Fd rd(OpenFifo(a, O_RDONLY | O_NONBLOCK));
  const CallResult writer = OpenFifo(b, O_WRONLY | O_NONBLOCK);
  ASSERT_THAT(writer, Succeeds()) << "the reader by the other name counts";
  const Fd wr(writer.fd());
  EXPECT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
  char byte = 0;
  EXPECT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(1));
  EXPECT_EQ(byte, 'x');
}

IPC_TEST(FifoNames, DescriptorsOutliveTheNames, clause::fifo::names_links_and_unlink) {
  TestDir dir;
  const std::string a = NewFifo(dir, "a"), b = NewLink(dir, a, "b");
  const Fd rd(OpenFifo(a, O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(b, O_WRONLY));
  struct stat st {};
  EXPECT_THAT(CALL(unlink(a.c_str())), SucceedsWith(0));
  EXPECT_THAT(CALL(lstat(a.c_str(), &st)), Fails(ENOENT));
  EXPECT_THAT(CALL(fstat(rd, &st)), SucceedsWith(0));
  EXPECT_EQ(st.st_nlink, 1u);
  EXPECT_THAT(CALL(unlink(b.c_str())), SucceedsWith(0));
  EXPECT_THAT(CALL(fstat(rd, &st)), SucceedsWith(0));
  EXPECT_EQ(st.st_nlink, 0u);
  EXPECT_THAT(CALL(fstat(wr, &st)), SucceedsWith(0));
  EXPECT_EQ(st.st_nlink, 0u);
  EXPECT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
  char byte = 0;
  EXPECT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(1));
  EXPECT_EQ(byte, 'x');
}

IPC_TEST(FifoNames, NewFifoUnderAnOldNameIsAnotherOne, clause::fifo::names_links_and_unlink) {
  TestDir dir;
  const std::string path = NewFifo(dir, "a");
  const Fd old_rd(OpenFifo(path, O_RDONLY | O_NONBLOCK));
  const Fd old_wr(OpenFifo(path, O_WRONLY));
  ASSERT_THAT(CALL(write(old_wr, "old", 3)), SucceedsWith(3));
  ASSERT_THAT(CALL(unlink(path.c_str())), SucceedsWith(0));
  NewFifo(dir, "a");
  EXPECT_THAT(OpenFifo(path, O_WRONLY | O_NONBLOCK), Fails(ENXIO))
      << "the old reader reads another FIFO";
  const Fd new_rd(OpenFifo(path, O_RDONLY | O_NONBLOCK));
  char buffer[8] = {};
  EXPECT_THAT(CALL(read(new_rd, buffer, sizeof buffer)), SucceedsWith(0))
      << "neither its writer nor its data";
  EXPECT_THAT(CALL(read(old_rd, buffer, sizeof buffer)), SucceedsWith(3));
}

IPC_TEST(FifoNames, WaitingOpenerIsMetByAnotherLink, clause::fifo::names_links_and_unlink) {
  TestDir dir;
  const std::string a = NewFifo(dir, "a"), b = NewLink(dir, a, "b");
  Peer reader;
  const Call call = reader.start([&] { return OpenFifo(a, O_RDONLY); });
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(CALL(unlink(a.c_str())), SucceedsWith(0));
  EXPECT_THAT(call, StaysBlocked());
  const Fd wr(OpenFifo(b, O_WRONLY));
  EXPECT_THAT(call.result(), Succeeds());
}

IPC_TEST(FifoNames, SymbolicLinkNamesTheFifo, clause::fifo::names_links_and_unlink) {
  TestDir dir;
  const std::string fifo = NewFifo(dir, "fifo"), link = dir / "link";
  Setup(CALL(symlink("fifo", link.c_str())));
  Peer reader;
  const Call waiting = reader.start([&] { return OpenFifo(link, O_RDONLY); });
  EXPECT_THAT(waiting, Blocks());
  const Fd wr(OpenFifo(fifo, O_WRONLY));
  EXPECT_THAT(waiting.result(), Succeeds()) << "met by the name itself";
}

// A slash at the end asks for a directory, also after a symbolic link: the call fails and does not
// wait.
IPC_TEST(FifoNames, SlashAtTheEndFailsWithEnotdir, clause::fifo::names_trailing_slash) {
  TestDir dir;
  const std::string fifo = NewFifo(dir, "fifo"), link = dir / "link";
  Setup(CALL(symlink("fifo", link.c_str())));
  for (const std::string& name : {fifo + "/", link + "/", link + "//"}) {
    for (const int flags : {O_RDONLY, O_RDONLY | O_NONBLOCK, O_WRONLY}) {
      Peer opener;
      EXPECT_THAT(opener.start([&] { return OpenFifo(name, flags); }).result(), Fails(ENOTDIR))
          << name << ", flags " << flags;
    }
    struct stat st {};
    EXPECT_THAT(CALL(stat(name.c_str(), &st)), Fails(ENOTDIR)) << name;
  }
}

IPC_TEST(FifoNames, RenameMovesTheNameOnly, clause::fifo::names_rename) {
  TestDir dir, other;
  const std::string from = NewFifo(dir, "from"), to = other / "to";
  const Fd rd(OpenFifo(from, O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(from, O_WRONLY));
  ASSERT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(rename(from.c_str(), to.c_str())), SucceedsWith(0));
  EXPECT_THAT(OpenFifo(from, O_RDONLY | O_NONBLOCK), Fails(ENOENT));
  const CallResult opened = OpenFifo(to, O_WRONLY | O_NONBLOCK);
  ASSERT_THAT(opened, Succeeds()) << "the old reader counts";
  const Fd wr2(opened.fd());
  EXPECT_THAT(CALL(write(wr2, "y", 1)), SucceedsWith(1));
  char buffer[8] = {};
  EXPECT_THAT(CALL(read(rd, buffer, sizeof buffer)), SucceedsWith(2));
  EXPECT_STREQ(buffer, "xy");
}

IPC_TEST(FifoNames, WaitingOpenerIsMetByTheNewName, clause::fifo::names_rename) {
  TestDir dir;
  const std::string from = NewFifo(dir, "from"), to = dir / "to";
  Peer writer;
  const Call call = writer.start([&] { return OpenFifo(from, O_WRONLY); });
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(CALL(rename(from.c_str(), to.c_str())), SucceedsWith(0));
  EXPECT_THAT(call, StaysBlocked());
  const Fd rd(OpenFifo(to, O_RDONLY | O_NONBLOCK));
  EXPECT_THAT(call.result(), Succeeds());
}

IPC_TEST(FifoNames, RenameReplacesAFifoInUse, clause::fifo::names_rename) {
  TestDir dir;
  const std::string from = NewFifo(dir, "from"), to = NewFifo(dir, "to");
  const Fd old_rd(OpenFifo(to, O_RDONLY | O_NONBLOCK));
  const Fd old_wr(OpenFifo(to, O_WRONLY));
  EXPECT_THAT(CALL(rename(from.c_str(), to.c_str())), SucceedsWith(0));
  struct stat st {};
  EXPECT_THAT(CALL(fstat(old_rd, &st)), SucceedsWith(0));
  EXPECT_EQ(st.st_nlink, 0u);
  EXPECT_THAT(OpenFifo(to, O_WRONLY | O_NONBLOCK), Fails(ENXIO))
      << "the replaced FIFO's reader does not count";
  EXPECT_THAT(CALL(write(old_wr, "x", 1)), SucceedsWith(1));
  char byte;
  EXPECT_THAT(CALL(read(old_rd, &byte, 1)), SucceedsWith(1));
}

IPC_TEST(FifoNames, UnlinkMarksTimes, clause::fifo::unlink_times) {
  TestDir dir;
  const std::string a = NewFifo(dir, "a"), b = NewLink(dir, a, "b");
  const struct stat before = Stat(dir.path()), fifo = Lstat(b);
  timespec past = Later(before.st_mtim, before.st_ctim) ? before.st_mtim : before.st_ctim;
  if (Later(fifo.st_ctim, past)) past = fifo.st_ctim;
  FileClockAfter(past);
  ASSERT_THAT(CALL(unlink(a.c_str())), SucceedsWith(0));
  const struct stat after = Stat(dir.path()), left = Lstat(b);
  EXPECT_TRUE(Later(after.st_mtim, past)) << "directory, modification: " << ToString(after.st_mtim);
  EXPECT_TRUE(Later(after.st_ctim, past))
      << "directory, status change: " << ToString(after.st_ctim);
  EXPECT_TRUE(Later(left.st_ctim, past)) << "FIFO, status change: " << ToString(left.st_ctim);
}

IPC_TEST(FifoTimes, WriteMarksModificationAndStatusChange, clause::fifo::times_io) {
  FifoNode fifo;
  const Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(fifo.path(), O_WRONLY));
  const struct stat before = Lstat(fifo.path());
  const timespec past = Later(before.st_mtim, before.st_ctim) ? before.st_mtim : before.st_ctim;
  FileClockAfter(past);
  ASSERT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
  const struct stat after = Lstat(fifo.path());
  EXPECT_TRUE(Later(after.st_mtim, past)) << "modification: " << ToString(after.st_mtim);
  EXPECT_TRUE(Later(after.st_ctim, past)) << "status change: " << ToString(after.st_ctim);
}

// UNSUPPORTED where the file system was mounted so that it leaves access times alone.
void NeedAccessTimes() {
#ifdef ST_NOATIME
  struct statvfs vfs {};
  if (statvfs(ScratchDir().c_str(), &vfs) == 0 && (vfs.f_flag & ST_NOATIME)) {
    Unsupported(ScratchDir() + " is mounted noatime: set TMPDIR to another file system");
  }
#endif
}

// Whether a read that returns `expected` marks the access time, beginning from an older one.
void JudgeRead(const FifoNode& fifo, int rd, std::int64_t expected) {
  const timespec past = Lstat(fifo.path()).st_atim;
  FileClockAfter(past);
  char byte;
  ASSERT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(expected));
  const timespec after = Lstat(fifo.path()).st_atim;
  EXPECT_TRUE(Later(after, past)) << "access: " << ToString(after);
}

IPC_TEST(FifoTimes, ReadMarksAccess, clause::fifo::times_io) {
  NeedAccessTimes();
  FifoNode fifo;
  const Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(fifo.path(), O_WRONLY));
  ASSERT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
  JudgeRead(fifo, rd, 1);
}

IPC_TEST(FifoTimes, ReadOfEndOfFileMarksAccess, clause::pipe::times_read_eof) {
  NeedAccessTimes();
  FifoNode fifo;
  const Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  JudgeRead(fifo, rd, 0);
}

IPC_TEST(FifoTimes, ReadOfNoBytesMarksNothing, clause::pipe::times_read_zero) {
  FifoNode fifo;
  const Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(fifo.path(), O_WRONLY));
  ASSERT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
  const timespec past = Lstat(fifo.path()).st_atim;
  FileClockAfter(past);
  char byte;
  EXPECT_THAT(CALL(read(rd, &byte, 0)), SucceedsWith(0));
  const timespec after = Lstat(fifo.path()).st_atim;
  EXPECT_FALSE(Later(after, past)) << "access: " << ToString(after);
}

IPC_TEST(FifoPathconf, PipeBufIsTheSameByPathAndByDescriptor, clause::fifo::pathconf_pipe_buf) {
  TestDir dir;
  const std::string path = NewFifo(dir, "f");
  const Fd rd(OpenFifo(path, O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(path, O_WRONLY));
  const CallResult by_path = CALL(pathconf(path.c_str(), _PC_PIPE_BUF));
  const CallResult by_dir = CALL(pathconf(dir.c_str(), _PC_PIPE_BUF));
  const CallResult by_rd = CALL(fpathconf(rd, _PC_PIPE_BUF));
  const CallResult by_wr = CALL(fpathconf(wr, _PC_PIPE_BUF));
  for (const CallResult& result : {by_path, by_dir, by_rd, by_wr}) {
    // -1 with errno 0: no limit, which is no less than any value.
    const bool unlimited = result.value == -1 && result.error == 0;
    NoteChecks();
    EXPECT_TRUE(unlimited || result.ok()) << result;
    EXPECT_TRUE(unlimited || result.value >= _POSIX_PIPE_BUF) << result;
#ifdef PIPE_BUF
    EXPECT_TRUE(unlimited || result.value >= PIPE_BUF) << result;
#endif
  }
  EXPECT_EQ(by_path.value, by_rd.value);
  EXPECT_EQ(by_path.value, by_wr.value);
  EXPECT_EQ(by_path.value, by_dir.value);
  Observe(clause::fifo::pathconf_pipe_buf, "pipe_buf_bytes", by_path.value);
}

IPC_TEST(FifoTruncate, IsItsOwnChoice, clause::fifo::truncate) {
  FifoNode fifo;
  Observe(clause::fifo::truncate, "truncate_of_a_fifo", CALL(truncate(fifo.path(), 0)));
  const Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(fifo.path(), O_WRONLY));
  Observe(clause::fifo::truncate, "ftruncate_of_an_open_fifo", CALL(ftruncate(wr, 0)));
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
