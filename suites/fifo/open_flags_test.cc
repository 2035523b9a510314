// open() of a FIFO that need not wait: O_NONBLOCK, O_RDWR, O_CREAT, O_TRUNC, O_DIRECTORY,
// permissions, and the new open file description.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/peers/descriptor_table.h"
#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/place.h"
#include "suites/fifo/sides.h"

namespace ipcsuite::fifo_suite {
namespace {

CallResult OpenFifo(const char* path, int flags) { return CALL(open(path, flags | O_CLOEXEC)); }

IPC_TEST(FifoOpen, NonblockingReaderNeedsNoWriter, clause::fifo::open_rdonly_nonblock) {
  FifoNode fifo;
  const CallResult opened = OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK);
  ASSERT_THAT(opened, Succeeds());
  const Fd rd(opened.fd());
  const CallResult flags = CALL(fcntl(rd, F_GETFL));
  EXPECT_THAT(flags, Succeeds());
  EXPECT_TRUE(flags.value & O_NONBLOCK);
  EXPECT_EQ(flags.value & O_ACCMODE, O_RDONLY);
  char byte;
  EXPECT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(0));
  const Fd wr(OpenFifo(fifo.path(), O_WRONLY));
  EXPECT_THAT(CALL(read(rd, &byte, 1)), Fails(EAGAIN));
  const CallResult second = OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK);
  ASSERT_THAT(second, Succeeds());
  const Fd rd2(second.fd());
  EXPECT_THAT(CALL(read(rd2, &byte, 1)), Fails(EAGAIN));
}

IPC_TEST(FifoOpen, NonblockingWriterFailsWithEnxioWithoutReader,
         clause::fifo::open_wronly_nonblock_enxio) {
  FifoNode fifo;
  const int lowest = LowestFreeFd();
  EXPECT_THAT(OpenFifo(fifo.path(), O_WRONLY | O_NONBLOCK), Fails(ENXIO));
  EXPECT_EQ(LowestFreeFd(), lowest);
  ExpectNobodyThere(fifo.path(), kWriting);
  Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  {
    const CallResult opened = OpenFifo(fifo.path(), O_WRONLY | O_NONBLOCK);
    ASSERT_THAT(opened, Succeeds());
    const Fd wr(opened.fd());
    const CallResult flags = CALL(fcntl(wr, F_GETFL));
    EXPECT_TRUE(flags.value & O_NONBLOCK);
    EXPECT_EQ(flags.value & O_ACCMODE, O_WRONLY);
    EXPECT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
    rd.reset();
    // Another writer is no reader.
    EXPECT_THAT(OpenFifo(fifo.path(), O_WRONLY | O_NONBLOCK), Fails(ENXIO));
  }
  EXPECT_THAT(OpenFifo(fifo.path(), O_WRONLY | O_NONBLOCK), Fails(ENXIO))
      << "after the last reader has gone";
}

// Failures beside a writer, again and again, leave no writer behind: its close is the last one.
IPC_TEST(FifoOpen, FailuresWithEnxioLeaveNoWriter, clause::fifo::open_wronly_nonblock_enxio,
         clause::fifo::io_eof_after_all_writers) {
  FifoNode fifo;
  Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  Fd wr(OpenFifo(fifo.path(), O_WRONLY | O_NONBLOCK));
  rd.reset();
  for (int time = 1; time <= 200; ++time)
    ASSERT_THAT(OpenFifo(fifo.path(), O_WRONLY | O_NONBLOCK), Fails(ENXIO)) << "time " << time;
  const ForClause scope(clause::fifo::io_eof_after_all_writers);
  const Fd later(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  char byte;
  EXPECT_THAT(CALL(read(later, &byte, 1)), Fails(EAGAIN)) << "one writer is there";
  wr.reset();
  EXPECT_THAT(CALL(read(later, &byte, 1)), SucceedsWith(0)) << "nobody is there";
}

IPC_TEST(FifoOpen, ReaderInAnotherProcessServesANonblockingWriter,
         clause::fifo::open_wronly_nonblock_enxio) {
  FifoNode fifo;
  Peer reader([&](Peer::Self& self) {
    Fd own;
    self.step([&] { return Kept(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK), own); });
    self.step([&] { return CALL(close(own.release())); });
  });
  EXPECT_THAT(reader.next().result(), Succeeds());
  const CallResult opened = OpenFifo(fifo.path(), O_WRONLY | O_NONBLOCK);
  EXPECT_THAT(opened, Succeeds());
  Fd wr(opened.ok() ? opened.fd() : -1);
  wr.reset();
  EXPECT_THAT(reader.next().result(), SucceedsWith(0));
  EXPECT_THAT(OpenFifo(fifo.path(), O_WRONLY | O_NONBLOCK), Fails(ENXIO));
}

IPC_TEST(FifoOpen, ReadWriteSucceedsOrFailsWithEinval, clause::fifo::open_rdwr_issue8) {
  FifoNode fifo;
  ThreadPeer peer;  // an open that waits is a finding, not the end of the test
  const CallResult opened =
      peer.start([&] { return OpenFifo(fifo.path(), O_RDWR | O_NONBLOCK); }).result();
  EXPECT_THAT(opened, SucceedsOrFailsWith(EINVAL));
  Observe(clause::fifo::open_rdwr_issue8, "open_rdwr_nonblock", opened);
  if (!opened.ok()) return;
  const Fd both(opened.fd());
  char byte = 0;
  EXPECT_THAT(CALL(write(both, "x", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(read(both, &byte, 1)), SucceedsWith(1));
  EXPECT_EQ(byte, 'x');
}

IPC_TEST(FifoOpen, ReadWriteIsUndefinedInIssue7, clause::fifo::open_rdwr_issue7) {
  FifoNode fifo;
  Peer peer;
  const Call call = peer.start([&] { return OpenFifo(fifo.path(), O_RDWR); });
  if (call.probe().what == Blocking::kShown) {
    Observe(clause::fifo::open_rdwr_issue7, "open_rdwr", std::string_view("waits"));
  } else {
    Observe(clause::fifo::open_rdwr_issue7, "open_rdwr", call.result());
  }
}

IPC_TEST(FifoOpen, CreatChangesNothingOfAFifo, clause::fifo::open_creat_excl) {
  FifoNode fifo(0620);
  const struct stat before = Lstat(fifo.path());
  const CallResult opened =
      CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CREAT | O_CLOEXEC, 0777));
  ASSERT_THAT(opened, Succeeds());
  const Fd rd(opened.fd());
  const struct stat after = Lstat(fifo.path());
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_TRUE(S_ISFIFO(after.st_mode));
}

struct ExclusiveCase {
  const char* name;
  int flags;
  Claims claims = {clause::fifo::open_creat_excl};
};
const ExclusiveCase kExclusive[] = {
    {"Reader", O_RDONLY},
    {"Writer", O_WRONLY},
    {"NonblockingReader", O_RDONLY | O_NONBLOCK},
    {"NonblockingWriter", O_WRONLY | O_NONBLOCK},
    {"TruncatingWriter", O_WRONLY | O_TRUNC},
};
IPC_TABLE_TEST(FifoOpenCreatExcl, ExclusiveCase, kExclusive) {
  FifoNode fifo;
  Peer peer;  // not to hang where it wrongly waits for the other side
  const Call call = peer.start(
      [&] { return CALL(open(fifo.path(), row.flags | O_CREAT | O_EXCL | O_CLOEXEC, 0600)); });
  // Nobody reads it, either: that error applies to the same call (XSH 2.3).
  const bool unread = (row.flags & O_WRONLY) && (row.flags & O_NONBLOCK);
  EXPECT_THAT(call.result(), FailsWithAnyOf(EEXIST, unread ? ENXIO : EEXIST));
  ExpectNobodyThere(fifo.path(), row.flags & O_WRONLY ? kWriting : kReading);
}

IPC_TEST(FifoOpen, TruncKeepsTheData, clause::fifo::open_trunc_keeps_data) {
  FifoNode fifo;
  const Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(fifo.path(), O_WRONLY));
  ASSERT_THAT(CALL(write(wr, "abc", 3)), SucceedsWith(3));
  const CallResult truncating = OpenFifo(fifo.path(), O_WRONLY | O_TRUNC);
  EXPECT_THAT(truncating, Succeeds());
  const Fd wr2(truncating.ok() ? truncating.fd() : -1);
  const CallResult created = CALL(creat(fifo.path(), 0600));
  EXPECT_THAT(created, Succeeds());
  const Fd wr3(created.ok() ? created.fd() : -1);
  const CallResult nonblocking = OpenFifo(fifo.path(), O_WRONLY | O_TRUNC | O_NONBLOCK);
  EXPECT_THAT(nonblocking, Succeeds());
  const Fd wr4(nonblocking.ok() ? nonblocking.fd() : -1);
  char buffer[8] = {};
  EXPECT_THAT(CALL(read(rd, buffer, sizeof buffer)), SucceedsWith(3));
  EXPECT_STREQ(buffer, "abc");
}

IPC_TEST(FifoOpen, TruncMayMarkTimes, clause::fifo::open_trunc_times) {
  FifoNode fifo;
  const Fd rd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  const struct stat before = Lstat(fifo.path());
  FileClockAfter(before.st_ctim);
  const Fd wr(OpenFifo(fifo.path(), O_WRONLY | O_TRUNC));
  const struct stat after = Lstat(fifo.path());
  std::string marked;
  if (Later(after.st_mtim, before.st_mtim)) marked += "modification ";
  if (Later(after.st_ctim, before.st_ctim)) marked += "status_change ";
  Observe(clause::fifo::open_trunc_times, "times_marked_by_o_trunc",
          marked.empty() ? std::string("none") : marked.substr(0, marked.size() - 1));
}

struct DirectoryCase {
  const char* name;
  int flags;
  Claims claims = {clause::fifo::open_directory_flag};
};
const DirectoryCase kDirectory[] = {
    {"Waiting", O_RDONLY | O_DIRECTORY},
    {"Nonblocking", O_RDONLY | O_NONBLOCK | O_DIRECTORY},
    {"WaitingWriter", O_WRONLY | O_DIRECTORY},
    {"NonblockingWriter", O_WRONLY | O_NONBLOCK | O_DIRECTORY},
};
IPC_TABLE_TEST(FifoOpenDirectory, DirectoryCase, kDirectory) {
  FifoNode fifo;
  Peer peer;
  const Call call = peer.start([&] { return OpenFifo(fifo.path(), row.flags); });
  // Nobody reads it, either: that error applies to the same call (XSH 2.3).
  const bool unread = (row.flags & O_WRONLY) && (row.flags & O_NONBLOCK);
  EXPECT_THAT(call.result(), FailsWithAnyOf(ENOTDIR, unread ? ENXIO : ENOTDIR));
  ExpectNobodyThere(fifo.path(), row.flags & O_WRONLY ? kWriting : kReading);
}

struct AccessCase {
  const char* name;
  mode_t mode;
  int flags;
  bool with_peer;  // somebody holds the other side open from before
  Claims claims = {clause::fifo::open_eacces};
};
const AccessCase kAccess[] = {
    {"ReaderOfWriteOnlyFifo", 0222, O_RDONLY, false},
    {"NonblockingReaderOfWriteOnlyFifo", 0222, O_RDONLY | O_NONBLOCK, false},
    {"ReaderOfWriteOnlyFifoWithWriter", 0222, O_RDONLY, true},
    {"WriterOfReadOnlyFifo", 0444, O_WRONLY, false},
    {"NonblockingWriterOfReadOnlyFifo", 0444, O_WRONLY | O_NONBLOCK, false},
    {"WriterOfReadOnlyFifoWithReader", 0444, O_WRONLY, true},
    {"ReaderOfClosedFifo", 0, O_RDONLY, false},
    {"WriterOfClosedFifo", 0, O_WRONLY, false},
};
IPC_TABLE_TEST(FifoOpenDenied, AccessCase, kAccess) {
  FifoNode fifo;
  Fd rd, wr;
  if (row.with_peer) {
    rd = Fd(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
    wr = Fd(OpenFifo(fifo.path(), O_WRONLY));
    (row.flags & O_WRONLY ? wr : rd).reset();
  }
  Setup(CALL(chmod(fifo.path(), row.mode)));
  // Nobody reads it, either: that error applies to the same call (XSH 2.3).
  const bool unread = (row.flags & O_WRONLY) && (row.flags & O_NONBLOCK) && !row.with_peer;
  EXPECT_THAT(CallUnprivileged([&] { return OpenFifo(fifo.path(), row.flags); }),
              FailsWithAnyOf(EACCES, unread ? ENXIO : EACCES));
}

// What a user may do, it may do: the denials above are not the place's.
IPC_TEST(FifoOpenDenied, PermittedDirectionOpens, clause::fifo::open_rdonly_nonblock) {
  FifoNode fifo;
  Setup(CALL(chmod(fifo.path(), 0444)));
  EXPECT_THAT(CallUnprivileged([&] { return OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK); }),
              Succeeds());
}

IPC_TEST(FifoOpen, WriterOnReadOnlyFileSystemFailsWithErofs, clause::fifo::open_erofs) {
  TestDir dir;
  const std::string path = dir / "f";
  Peer peer([&](Peer::Self& self) {
    Fd rd, wr;
    self.step([&] {
      CallResult done = MountPrivately(dir.path(), "size=64k");
      if (done.ok()) done = CALL(mkfifo(path.c_str(), 0600));
      if (done.ok()) done = MakeReadOnly(dir.path());
      return done;
    });
    self.step([&] {
      const CallResult opened = OpenFifo(path.c_str(), O_RDONLY | O_NONBLOCK);
      if (opened.ok()) rd.reset(opened.fd());
      return opened;
    });
    self.step([&] { return OpenFifo(path.c_str(), O_WRONLY); });
  });
  const CallResult ready = peer.next().result();
  if (!ready.ok()) Unsupported("no private file system can be made here: " + Describe(ready));
  Setup(peer.next().result());
  const CallResult writer = peer.next().result();
  Observe(clause::fifo::open_erofs, "open_wronly_on_read_only_file_system", writer);
  EXPECT_THAT(writer, Fails(EROFS));
}

struct LinkCase {
  const char* name;
  Side side;
  Claims claims = {clause::fifo::open_nofollow};
};

const LinkCase kLinks[] = {
    {.name = "ForReadingFailsWithEloop", .side = kReading},
    {.name = "ForWritingFailsWithEloop", .side = kWriting},
};

// Neither waits for a peer nor lets one through.
IPC_TABLE_TEST(FifoOpenNofollow, LinkCase, kLinks) {
  const TestDir dir;
  const std::string fifo = dir / "fifo", link = dir / "link";
  Setup(CALL(mkfifo(fifo.c_str(), 0600)));
  Setup(CALL(symlink("fifo", link.c_str())));
  const auto open_link = [&] {
    Peer opener;
    return opener.start([&] { return OpenFifo(link.c_str(), row.side.flags | O_NOFOLLOW); })
        .result();
  };
  EXPECT_THAT(open_link(), Fails(ELOOP)) << "without a peer";
  ExpectNobodyThere(fifo.c_str(), row.side);
  Peer peer;
  Call waiting = peer.start([&] { return OpenFifo(fifo.c_str(), row.side.other_flags()); });
  EXPECT_THAT(waiting, Blocks());
  EXPECT_THAT(open_link(), Fails(ELOOP)) << "with a peer that waits";
  ASSERT_THAT(waiting, StaysBlocked());
  // The same link, followed, is the FIFO.
  const Fd other(OpenFifo(link.c_str(), row.side.flags));
  EXPECT_THAT(waiting.result(), Succeeds());
}

IPC_TEST(FifoOpen, TakesTheLowestFreeNumber, clause::fifo::open_new_description) {
  FifoNode fifo;
  Fd gap(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  const Fd above(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  Setup(CALL(close(gap.release())));
  const int number = LowestFreeFd();
  const CallResult opened = OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK);
  EXPECT_THAT(opened, SucceedsWith(number));
  const Fd rd(opened.ok() ? opened.fd() : -1);
}

IPC_TEST(FifoOpen, StatusFlagsAreOfEachOpenAlone, clause::fifo::open_new_description) {
  FifoNode fifo;
  const Fd one(OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK));
  const Fd wr(OpenFifo(fifo.path(), O_WRONLY));
  const Fd two(OpenFifo(fifo.path(), O_RDONLY));
  EXPECT_TRUE(CALL(fcntl(one, F_GETFL)).value & O_NONBLOCK);
  EXPECT_FALSE(CALL(fcntl(two, F_GETFL)).value & O_NONBLOCK);
  EXPECT_FALSE(CALL(fcntl(wr, F_GETFL)).value & O_NONBLOCK);
  char byte;
  EXPECT_THAT(CALL(read(one, &byte, 1)), Fails(EAGAIN));
  SetNonblocking(one, false);
  SetNonblocking(two, true);
  EXPECT_FALSE(CALL(fcntl(one, F_GETFL)).value & O_NONBLOCK);
  EXPECT_THAT(CALL(read(two, &byte, 1)), Fails(EAGAIN));
}

IPC_TEST(FifoOpen, DescriptorFlagsAreAsAsked, clause::fifo::open_new_description) {
  FifoNode fifo;
  const Fd plain(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK)));
  const Fd cloexec(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  EXPECT_EQ(DescriptorFlags(plain), 0);
  EXPECT_EQ(DescriptorFlags(cloexec), FD_CLOEXEC);
#if defined(O_CLOFORK) && defined(FD_CLOFORK)
  if (JudgedIssue() < 8) return;
  const Fd clofork(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOFORK)));
  EXPECT_EQ(DescriptorFlags(clofork), FD_CLOFORK);
#endif
}

IPC_TEST(FifoOpen, FailsWithEmfileWhenTheTableIsFull, clause::fifo::open_new_description) {
  FifoNode fifo;
  Peer full([&](Peer::Self& self) {
    FillDescriptorTable(0, {});
    self.step([&] { return OpenFifo(fifo.path(), O_RDONLY | O_NONBLOCK); });
    self.step([] { return CALL(getpid()); });  // never released: what it left behind would show
  });
  EXPECT_THAT(full.next().result(), Fails(EMFILE));
  ExpectNobodyThere(fifo.path(), kReading);
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
