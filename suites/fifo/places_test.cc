// FIFOs by file system: in the directories that the user gave, on tmpfs, on overlayfs, and by
// several names of one directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/os/file_system.h"
#include "base/os/os.h"
#include "base/text.h"
#include "harness/peers/child.h"
#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/place.h"
#include "suites/fifo/sides.h"

namespace ipcsuite::fifo_suite {
namespace {

// By whichever of these paths it is opened, it is one FIFO.
void ExpectOneFifo(const std::string& a, const std::string& b) {
  for (const Side& side : {kReading, kWriting}) {
    ThreadPeer waits;
    const Call call = waits.start([&] { return CALL(open(a.c_str(), side.flags | O_CLOEXEC)); });
    EXPECT_THAT(call, Blocks());
    const Fd other(CALL(open(b.c_str(), side.other_flags() | O_CLOEXEC)));
    const CallResult opened = call.result();
    EXPECT_THAT(opened, Succeeds());
    if (!opened.ok()) return;
    const Fd own(opened.fd());
    const int wr = side.flags == O_WRONLY ? own.get() : other.get();
    const int rd = side.flags == O_WRONLY ? other.get() : own.get();
    char byte = 0;
    EXPECT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
    EXPECT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(1));
    EXPECT_EQ(byte, 'x');
  }
}

// What FIFOs are about, in this directory.
void ExpectFifosWorkIn(const std::string& dir) {
  SCOPED_TRACE("in " + dir);
  ObserveFact("file system of FIFOs", os::FileSystemOf(dir));
  const std::string path = dir + "/ipcsuite-fifo-" + std::to_string(getpid());
  const std::string second = path + "-link", third = path + "-renamed";
  for (const std::string* name : {&path, &second, &third}) RegisterName(NameEntry::kPath, *name);
  ASSERT_THAT(CALL(mkfifo(path.c_str(), 0600)), SucceedsWith(0));
  struct stat st {};
  EXPECT_THAT(CALL(lstat(path.c_str(), &st)), SucceedsWith(0));
  EXPECT_TRUE(S_ISFIFO(st.st_mode));
  EXPECT_THAT(CALL(mkfifo(path.c_str(), 0600)), Fails(EEXIST));
  EXPECT_THAT(CALL(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)), Fails(ENXIO));
  const ForClause scope(clause::fifo::names_links_and_unlink);
  ExpectOneFifo(path, path);
  ExpectNobodyThere(path.c_str(), kReading);
  const CallResult linked = CALL(link(path.c_str(), second.c_str()));
  if (linked.ok()) {
    ExpectOneFifo(path, second);
    EXPECT_THAT(CALL(unlink(path.c_str())), SucceedsWith(0));
    EXPECT_THAT(CALL(rename(second.c_str(), third.c_str())), SucceedsWith(0));
  } else {
    ObserveFact("hard links of FIFOs on " + os::FileSystemOf(dir), ErrnoName(linked.error));
    EXPECT_THAT(CALL(rename(path.c_str(), third.c_str())), SucceedsWith(0));
  }
  ExpectOneFifo(third, third);
  EXPECT_THAT(CALL(unlink(third.c_str())), SucceedsWith(0));
}

IPC_TEST(FifoPlaces, GivenDirectories, clause::mkfifo::type, clause::fifo::names_links_and_unlink) {
  std::vector<std::string> dirs = {ScratchDir()};
  if (*CurrentRun()->fifo_dirs) dirs = Split(CurrentRun()->fifo_dirs, "\n");
  for (const std::string& dir : dirs) ExpectFifosWorkIn(dir);
}

// In a child: a tmpfs of its own, in this directory.
void MountTmpfs(const TestDir& dir) {
  const CallResult mounted = MountPrivately(dir.path(), "size=1m");
  if (!mounted.ok())
    Unsupported("a tmpfs can't be mounted here (" + ErrnoName(mounted.error) + ")");
}

IPC_TEST(FifoPlaces, Tmpfs, clause::mkfifo::type, clause::fifo::names_links_and_unlink) {
  const TestDir dir;
  InChild([&] {
    MountTmpfs(dir);
    ExpectFifosWorkIn(dir.path());
  });
}

// In a child: an overlayfs of its own, in this directory.
std::string MountOverlay(const TestDir& dir) {
  MountTmpfs(dir);
  for (const char* name : {"lower", "upper", "work", "merged"})
    Setup(CALL(mkdir((dir / name).c_str(), 0700)));
  const int error = os::Mount("overlay", dir / "merged",
                              {.data = "lowerdir=" + dir / "lower" + ",upperdir=" + dir / "upper" +
                                       ",workdir=" + dir / "work"});
  if (error != 0) Unsupported("overlayfs can't be mounted here (" + ErrnoName(error) + ")");
  return dir / "merged";
}

IPC_TEST(FifoPlaces, Overlay, clause::mkfifo::type, clause::fifo::names_links_and_unlink) {
  const TestDir dir;
  InChild([&] { ExpectFifosWorkIn(MountOverlay(dir)); });
}

IPC_TEST(FifoPlaces, WriteOnOverlayMarksTimes, clause::fifo::times_io) {
  const TestDir dir;
  InChild([&] {
    const std::string path = MountOverlay(dir) + "/fifo";
    Setup(CALL(mkfifo(path.c_str(), 0600)));
    const Fd rd(CALL(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
    const Fd wr(CALL(open(path.c_str(), O_WRONLY | O_CLOEXEC)));
    const timespec long_ago[2] = {};
    Setup(CALL(utimensat(AT_FDCWD, path.c_str(), long_ago, 0)));
    EXPECT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
    struct stat after {};
    Setup(CALL(stat(path.c_str(), &after)));
    EXPECT_GT(after.st_mtim.tv_sec, 0) << "the time of the last modification is the old one";
  });
}

IPC_TEST(FifoPlaces, TwoMountsAndTwoLinks, clause::fifo::names_links_and_unlink) {
  const TestDir dir;
  for (const char* name : {"one", "other"}) Setup(CALL(mkdir((dir / name).c_str(), 0700)));
  const std::string path = dir / "one/fifo";
  Setup(CALL(mkfifo(path.c_str(), 0600)));
  Setup(CALL(link(path.c_str(), (dir / "one/link").c_str())));
  InChild([&] {
    EnterPrivateNamespaces(os::kMounts);
    const int error = os::MountAgain(dir / "one", dir / "other");
    if (error != 0)
      Unsupported("a directory can't be mounted twice here (" + ErrnoName(error) + ")");
    ExpectOneFifo(path, dir / "other/fifo");
    ExpectOneFifo(dir / "other/fifo", dir / "one/link");
    ExpectOneFifo(dir / "other/link", path);
  });
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
