// mkfifoat(): the directory that relative paths are taken from; mknod() of a FIFO.
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/place.h"

namespace ipcsuite::fifo_suite {
namespace {

Fd OpenDir(const TestDir& dir) {
  return Fd(CALL(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
}

bool IsFifo(const std::string& path) {
  struct stat st {};
  return lstat(path.c_str(), &st) == 0 && S_ISFIFO(st.st_mode);
}

IPC_TEST(Mkfifoat, TakesRelativePathFromTheDescriptorsDirectory, clause::mkfifoat::relative) {
  TestDir dir, elsewhere;
  const Fd at = OpenDir(dir);
  ScopedCwd here(elsewhere.path());
  EXPECT_THAT(CALL(mkfifoat(at, "f", 0600)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(dir / "f"));
  EXPECT_TRUE(Snapshot(elsewhere).empty());
  EXPECT_THAT(CALL(mkfifoat(at, "f", 0600)), Fails(EEXIST));
  Setup(CALL(mkdir((dir / "inner").c_str(), 0700)));
  EXPECT_THAT(CALL(mkfifoat(at, "inner/../inner/f", 0600)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(dir / "inner/f"));
}

IPC_TEST(Mkfifoat, AtFdcwdMeansTheWorkingDirectory, clause::mkfifoat::relative) {
  TestDir dir;
  ScopedCwd here(dir.path());
  EXPECT_THAT(CALL(mkfifoat(AT_FDCWD, "f", 0600)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(dir / "f"));
}

IPC_TEST(Mkfifoat, AbsolutePathNeedsNoDescriptor, clause::mkfifoat::relative) {
  TestDir dir, elsewhere;
  EXPECT_THAT(CALL(mkfifoat(-1, (dir / "a").c_str(), 0600)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(dir / "a"));
  const Fd file(CALL(open(MakeFile(elsewhere / "file").c_str(), O_RDONLY | O_CLOEXEC)));
  EXPECT_THAT(CALL(mkfifoat(file, (dir / "b").c_str(), 0600)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(dir / "b"));
}

IPC_TEST(Mkfifoat, ModeIsCutByTheMask, clause::mkfifoat::relative, clause::mkfifo::mode_and_umask) {
  TestDir dir;
  const Fd at = OpenDir(dir);
  {
    ScopedUmask mask(027);
    EXPECT_THAT(CALL(mkfifoat(at, "f", 0777)), SucceedsWith(0));
  }
  const ForClause scope(clause::mkfifo::mode_and_umask);
  NoteChecks();
  EXPECT_EQ(Lstat(dir / "f").st_mode & 0777, 0750u);
}

IPC_TEST(Mkfifoat, FailsWithEbadfForADescriptorThatIsNotOpen, clause::mkfifoat::ebadf,
         clause::mkfifo::failure_creates_nothing) {
  TestDir dir;
  ScopedCwd here(dir.path());
  const int closed = LowestFreeFd();
  EXPECT_THAT(CALL(mkfifoat(closed, "f", 0600)), Fails(EBADF));
  if (AT_FDCWD != -1) {
    EXPECT_THAT(CALL(mkfifoat(-1, "f", 0600)), Fails(EBADF));
  }
  ForClause charged(clause::mkfifo::failure_creates_nothing);
  NoteChecks();
  EXPECT_TRUE(Snapshot(dir).empty());
}

IPC_TEST(Mkfifoat, FailsWithEnotdirForADescriptorOfAnotherType, clause::mkfifoat::enotdir,
         clause::mkfifo::failure_creates_nothing) {
  TestDir dir, elsewhere;
  ScopedCwd here(dir.path());
  const Fd file(CALL(open(MakeFile(elsewhere / "file").c_str(), O_RDONLY | O_CLOEXEC)));
  EXPECT_THAT(CALL(mkfifoat(file, "f", 0600)), Fails(ENOTDIR));
  Pipe pipe;
  EXPECT_THAT(CALL(mkfifoat(pipe.rd(), "f", 0600)), Fails(ENOTDIR));
  ForClause charged(clause::mkfifo::failure_creates_nothing);
  NoteChecks();
  EXPECT_TRUE(Snapshot(dir).empty());
}

// An unprivileged user opens the directory with these flags, loses the permission to search it, and
// makes a FIFO in it. Returns the outcome of the last step; the one before must have succeeded.
CallResult MakeWithoutSearch(int flags) {
  TestDir dir(0777);
  const Unprivileged user;
  Peer peer([&](Peer::Self& self) {
    user.Enter();
    Fd at;
    self.step([&] {
      const CallResult opened = CALL(open(dir.c_str(), flags | O_DIRECTORY | O_CLOEXEC));
      if (opened.ok()) at.reset(opened.fd());
      return opened;
    });
    self.step([&] { return CALL(mkfifoat(at, "f", 0600)); });
  });
  Setup(peer.next().result());
  dir.Chmod(0666);
  return peer.next().result();
}

IPC_TEST(Mkfifoat, FailsWithEaccesOnceTheDirectoryMayNotBeSearched,
         clause::mkfifoat::search_permission) {
  EXPECT_THAT(MakeWithoutSearch(O_RDONLY), Fails(EACCES));
}

IPC_TEST(Mkfifoat, NeedsNoPermissionWhenOpenedForSearch,
         clause::mkfifoat::search_permission_osearch) {
#ifdef O_SEARCH
  EXPECT_THAT(MakeWithoutSearch(O_SEARCH), SucceedsWith(0));
#else
  Unsupported("O_SEARCH is not defined here");
#endif
}

IPC_TEST(Mkfifo, TakesRelativePathFromTheWorkingDirectory, clause::mkfifo::type) {
  TestDir dir;
  ScopedCwd here(dir.path());
  EXPECT_THAT(CALL(mkfifo("f", 0600)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(dir / "f"));
  Setup(CALL(mkdir((dir / "inner").c_str(), 0700)));
  EXPECT_THAT(CALL(mkfifo("./inner/../inner/f", 0600)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(dir / "inner/f"));
}

// A link in the prefix leads on.
IPC_TEST(Mkfifo, FollowsALinkInThePrefix, clause::mkfifo::type) {
  TestDir dir, place;
  Setup(CALL(symlink(place.c_str(), (dir / "link").c_str())));
  EXPECT_THAT(CALL(mkfifo((dir / "link/f").c_str(), 0600)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(place / "f"));
}

IPC_TEST(Mknodat, TakesRelativePathFromTheDescriptorsDirectory, clause::mknod::fifo) {
  TestDir dir, elsewhere;
  const Fd at = OpenDir(dir);
  ScopedCwd here(elsewhere.path());
  EXPECT_THAT(CALL(mknodat(at, "f", S_IFIFO | 0600, 0)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(dir / "f"));
  EXPECT_THAT(CALL(mknodat(AT_FDCWD, "g", S_IFIFO | 0600, 0)), SucceedsWith(0));
  EXPECT_TRUE(IsFifo(elsewhere / "g"));
  EXPECT_THAT(CALL(mknodat(at, "f", S_IFIFO | 0600, 0)), Fails(EEXIST));
}

// openat() waits, meets and fails as open() does.
IPC_TEST(FifoOpenat, OpensTheFifoOfTheDescriptorsDirectory, clause::fifo::open_openat) {
  TestDir dir, elsewhere;
  const Fd at = OpenDir(dir);
  ScopedCwd here(elsewhere.path());
  Setup(CALL(mkfifo((dir / "f").c_str(), 0600)));
  EXPECT_THAT(CALL(openat(at, "f", O_WRONLY | O_NONBLOCK | O_CLOEXEC)), Fails(ENXIO));
  EXPECT_THAT(CALL(openat(AT_FDCWD, "f", O_RDONLY | O_NONBLOCK | O_CLOEXEC)), Fails(ENOENT));
  Fd rd, wr;
  {
    ThreadPeer reader;
    const Call call = reader.start([&] { return CALL(openat(at, "f", O_RDONLY | O_CLOEXEC)); });
    EXPECT_THAT(call, Blocks());
    wr = Fd(CALL(open((dir / "f").c_str(), O_WRONLY | O_CLOEXEC)));
    const CallResult opened = call.result();
    ASSERT_THAT(opened, Succeeds());
    rd.reset(opened.fd());
  }
  EXPECT_THAT(CALL(write(wr, "abc", 3)), SucceedsWith(3));
  char buffer[8];
  EXPECT_THAT(CALL(read(rd, buffer, sizeof buffer)), SucceedsWith(3));
}

IPC_TEST(Mknod, FailsOnALinkAndDoesNotFollowIt, clause::mknod::fifo) {
  TestDir dir;
  Setup(CALL(symlink((dir / "target").c_str(), (dir / "link").c_str())));
  EXPECT_THAT(CALL(mknod((dir / "link").c_str(), S_IFIFO | 0600, 0)), Fails(EEXIST));
  EXPECT_FALSE(IsFifo(dir / "target"));
}

IPC_TEST(Mknod, MadeFifoCarriesData, clause::mknod::fifo) {
  TestDir dir;
  const std::string path = dir / "f";
  ASSERT_THAT(CALL(mknod(path.c_str(), S_IFIFO | 0600, 0)), SucceedsWith(0));
  const Fd rd(CALL(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  const Fd wr(CALL(open(path.c_str(), O_WRONLY | O_CLOEXEC)));
  EXPECT_THAT(CALL(write(wr, "abc", 3)), SucceedsWith(3));
  char buffer[8];
  EXPECT_THAT(CALL(read(rd, buffer, sizeof buffer)), SucceedsWith(3));
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
