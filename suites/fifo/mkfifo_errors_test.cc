// mkfifo(), mkfifoat() and mknod() that must fail: the error, and that nothing was made or changed.
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/makers.h"
#include "suites/fifo/place.h"

namespace ipcsuite::fifo_suite {
namespace {

// A socket needs a short path: it is made from within its directory.
void MakeSocket(const TestDir& dir, const char* name) {
  ScopedCwd here(dir.path());
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) Unsupported("no AF_UNIX sockets here");
  const Fd owner(fd);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, name, sizeof address.sun_path - 1);
  Setup(CALL(bind(owner, reinterpret_cast<sockaddr*>(&address), sizeof address)));
}

void Link(const std::string& target, const std::string& path) {
  Setup(CALL(symlink(target.c_str(), path.c_str())));
}

std::string LongName(const TestDir& dir) {
  const long limit = pathconf(dir.c_str(), _PC_NAME_MAX);
  if (limit < 0) Unsupported("{NAME_MAX} is unlimited here");
  return std::string(static_cast<std::size_t>(limit) + 1, 'n');
}

struct ErrorCase {
  const char* name;
  ClauseRef clause;
  std::vector<int> errors;
  std::string (*scene)(const TestDir& dir);  // makes what is there before; returns the path to make
  Claims claims = {clause, clause::mkfifo::failure_creates_nothing, clause::mknod::fifo};
};

const ErrorCase kErrors[] = {
    {"RegularFileExists",
     clause::mkfifo::eexist,
     {EEXIST},
     [](const TestDir& d) { return MakeFile(d / "x"); }},
    {"DirectoryExists",
     clause::mkfifo::eexist,
     {EEXIST},
     [](const TestDir& d) {
       Setup(CALL(mkdir((d / "x").c_str(), 0700)));
       return d / "x";
     }},
    {"FifoExists",
     clause::mkfifo::eexist,
     {EEXIST},
     [](const TestDir& d) {
       Setup(CALL(mkfifo((d / "x").c_str(), 0640)));
       return d / "x";
     }},
    {"SocketExists",
     clause::mkfifo::eexist,
     {EEXIST},
     [](const TestDir& d) {
       MakeSocket(d, "x");
       return d / "x";
     }},
    {"DanglingLinkExists",
     clause::mkfifo::eexist,
     {EEXIST},
     [](const TestDir& d) {
       Link(d / "target", d / "x");
       return d / "x";
     }},
    {"LinkToItselfExists",
     clause::mkfifo::eexist,
     {EEXIST},
     [](const TestDir& d) {
       Link("x", d / "x");
       return d / "x";
     }},
    {"LinkToRegularFileExists",
     clause::mkfifo::eexist,
     {EEXIST},
     [](const TestDir& d) {
       Link(MakeFile(d / "target"), d / "x");
       return d / "x";
     }},
    {"PrefixMissing",
     clause::mkfifo::enoent,
     {ENOENT},
     [](const TestDir& d) { return d / "missing/x"; }},
    {"PrefixDanglingLink",
     clause::mkfifo::enoent,
     {ENOENT},
     [](const TestDir& d) {
       Link(d / "target", d / "link");
       return d / "link/x";
     }},
    {"EmptyPath", clause::mkfifo::enoent, {ENOENT}, [](const TestDir&) { return std::string(); }},
    {"PrefixRegularFile",
     clause::mkfifo::enotdir,
     {ENOTDIR},
     [](const TestDir& d) { return MakeFile(d / "file") + "/x"; }},
    {"PrefixFifo",
     clause::mkfifo::enotdir,
     {ENOTDIR},
     [](const TestDir& d) {
       Setup(CALL(mkfifo((d / "fifo").c_str(), 0600)));
       return d / "fifo/x";
     }},
    {"PrefixLinkToFile",
     clause::mkfifo::enotdir,
     {ENOTDIR},
     [](const TestDir& d) {
       Link(MakeFile(d / "file"), d / "link");
       return d / "link/x";
     }},
    {"TrailingSlashOnNewName",
     clause::mkfifo::trailing_slash,
     {ENOENT, ENOTDIR},
     [](const TestDir& d) { return d / "x/"; }},
    {"TrailingSlashesOnNewName",
     clause::mkfifo::trailing_slash,
     {ENOENT, ENOTDIR},
     [](const TestDir& d) { return d / "x///"; }},
    {"TrailingSlashOnFifo",
     clause::mkfifo::trailing_slash,
     {ENOTDIR, EEXIST},
     [](const TestDir& d) {
       Setup(CALL(mkfifo((d / "x").c_str(), 0600)));
       return d / "x/";
     }},
    {"TrailingSlashOnRegularFile",
     clause::mkfifo::trailing_slash,
     {ENOTDIR, EEXIST},
     [](const TestDir& d) { return MakeFile(d / "x") + "/"; }},
    {"LoopInPrefix",
     clause::mkfifo::eloop,
     {ELOOP},
     [](const TestDir& d) {
       Link("a", d / "a");
       return d / "a/x";
     }},
    {"LoopOfTwoInPrefix",
     clause::mkfifo::eloop,
     {ELOOP},
     [](const TestDir& d) {
       Link("b", d / "a");
       Link("a", d / "b");
       return d / "a/x";
     }},
    {"LongLastComponent",
     clause::mkfifo::enametoolong,
     {ENAMETOOLONG},
     [](const TestDir& d) { return d / LongName(d); }},
    // Such a component doesn't name an existing file, either (XSH 2.3).
    {"LongPrefixComponent",
     clause::mkfifo::enametoolong,
     {ENAMETOOLONG, ENOENT},
     [](const TestDir& d) { return d / (LongName(d) + "/x"); }},
};

IPC_TABLE_TEST(MkfifoErrors, ErrorCase, kErrors) {
  TestDir dir;
  const std::string path = row.scene(dir);
  const auto before = Snapshot(dir);
  for (const Maker& maker : kMakers) {
    SCOPED_TRACE(maker.name);
    {
      ForClause charged(maker.charged(row.clause));
      EXPECT_THAT(CALL(maker.make(path.c_str(), 0600)), FailsWithAnyOfList(row.errors));
    }
    ForClause charged(clause::mkfifo::failure_creates_nothing);
    NoteChecks();
    EXPECT_EQ(Snapshot(dir), before);
  }
}

// A directory's mode that denies the making of a FIFO at `name` in it.
struct DeniedCase {
  const char* name;
  mode_t mode;
  const char* path;
  Claims claims = {clause::mkfifo::eacces, clause::mkfifo::failure_creates_nothing,
                   clause::mknod::fifo};
};
const DeniedCase kDenied[] = {
    {"NoWritePermissionOnDirectory", 0555, "x"},
    {"NoSearchPermissionOnDirectory", 0666, "x"},
    {"NoSearchPermissionOnPrefix", 0666, "inner/x"},
};
IPC_TABLE_TEST(MkfifoDenied, DeniedCase, kDenied) {
  TestDir dir;
  Setup(CALL(mkdir((dir / "inner").c_str(), 0700)));
  Setup(CALL(chmod((dir / "inner").c_str(), 0777)));
  const std::string path = dir / row.path;
  for (const Maker& maker : kMakers) {
    SCOPED_TRACE(maker.name);
    dir.Chmod(row.mode);
    {
      ForClause charged(maker.charged(clause::mkfifo::eacces));
      EXPECT_THAT(CallUnprivileged([&] { return CALL(maker.make(path.c_str(), 0600)); }),
                  Fails(EACCES));
    }
    dir.Chmod(0700);
    ForClause charged(clause::mkfifo::failure_creates_nothing);
    struct stat st {};
    EXPECT_THAT(CALL(lstat(path.c_str(), &st)), Fails(ENOENT));
  }
}

// Runs `call` for each way to make a FIFO in a private file system that `prepare` has brought into
// the state in which that must fail.
void FailsInPrivateFileSystem(const char* options, int error, ClauseRef clause,
                              CallResult (*prepare)(const std::string& dir)) {
  TestDir dir;
  const std::string path = dir / "x";
  Peer peer([&](Peer::Self& self) {
    self.step([&] {
      const CallResult mounted = MountPrivately(dir.path(), options);
      return mounted.ok() ? prepare(dir.path()) : mounted;
    });
    for (const Maker& maker : kMakers) {
      self.step([&] { return CALL(maker.make(path.c_str(), 0600)); });
      struct stat st {};
      self.step([&] { return CALL(lstat(path.c_str(), &st)); });
    }
  });
  const CallResult ready = peer.next().result();
  if (!ready.ok()) Unsupported("no private file system can be made here: " + Describe(ready));
  for (const Maker& maker : kMakers) {
    SCOPED_TRACE(maker.name);
    {
      ForClause charged(maker.charged(clause));
      EXPECT_THAT(peer.next().result(), Fails(error));
    }
    ForClause charged(clause::mkfifo::failure_creates_nothing);
    EXPECT_THAT(peer.next().result(), Fails(ENOENT));
  }
}

IPC_TEST(MkfifoErrors, ReadOnlyFileSystem, clause::mkfifo::erofs,
         clause::mkfifo::failure_creates_nothing, clause::mknod::fifo) {
  FailsInPrivateFileSystem("size=64k", EROFS, clause::mkfifo::erofs, MakeReadOnly);
}

IPC_TEST(MkfifoErrors, FileSystemOutOfInodes, clause::mkfifo::enospc,
         clause::mkfifo::failure_creates_nothing, clause::mknod::fifo) {
  FailsInPrivateFileSystem(
      "size=64k,nr_inodes=8", ENOSPC, clause::mkfifo::enospc, [](const std::string& dir) {
        // Regular files use up the inodes; the last of them says that they are.
        CallResult last;
        for (int i = 0; i < 64; ++i) {
          const std::string file = dir + "/" + std::to_string(i);
          last = CALL(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
          if (!last.ok()) break;
          close(last.fd());
        }
        last.failed = !last.failed_with(ENOSPC);
        return last;
      });
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
