#include "suites/fifo/place.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/os/os.h"
#include "harness/test/test.h"

namespace ipcsuite::fifo_suite {

TestDir::TestDir(mode_t mode) {
  path_ = ScratchDir() + "/dir-XXXXXX";
  if (!mkdtemp(path_.data()))
    Unresolved("set-up failed: can't make " + path_ + " (" + ErrnoName(errno) + ")");
  Chmod(mode);
}

TestDir::~TestDir() { chmod(path_.c_str(), 0700); }

void TestDir::Chmod(mode_t mode) const { Setup(CALL(chmod(path_.c_str(), mode))); }

ScopedCwd::ScopedCwd(const std::string& path)
    : old_(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  NoteTrace(TraceEntry::Kind::kOther, {}, "changes its working directory");
  if (chdir(path.c_str()) != 0)
    Unresolved("set-up failed: can't go to " + path + " (" + ErrnoName(errno) + ")");
}

ScopedCwd::~ScopedCwd() {
  // Where the old place can't be opened (no permission), the root serves: the test ends anyway.
  if (old_ < 0 || fchdir(old_) != 0) {
    if (chdir("/") != 0) Evidence("can't leave the test's directory");
  }
  if (old_ >= 0) close(old_);
}

std::string MakeFile(const std::string& path) {
  Fd made(CALL(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)));
  return path;
}

std::map<std::string, std::string> Snapshot(const TestDir& dir) {
  std::map<std::string, std::string> all;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(dir.path(), error), end;
       !error && it != end; it.increment(error)) {
    const std::string path = it->path().string();
    const struct stat st = Lstat(path);
    all[path.substr(dir.path().size())] =
        "mode " + std::to_string(st.st_mode) + " inode " + std::to_string(st.st_ino) + " links " +
        std::to_string(st.st_nlink) + " size " + std::to_string(st.st_size) + " modified " +
        ToString(st.st_mtim);
  }
  if (error) Unresolved("set-up failed: can't list " + dir.path() + ": " + error.message());
  return all;
}

struct stat Stat(const std::string& path) {
  struct stat st {};
  Setup(CALL(stat(path.c_str(), &st)));
  return st;
}

struct stat Lstat(const std::string& path) {
  struct stat st {};
  Setup(CALL(lstat(path.c_str(), &st)));
  return st;
}

timespec FileClockAfter(const timespec& past) {
  const std::string path = ScratchDir() + "/clock";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) Unresolved("set-up failed: can't make " + path + " (" + ErrnoName(errno) + ")");
  const Fd owner(file);
  const timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  const Deadline end(5s);
  Backoff backoff;
  struct stat st {};
  while (!end.passed()) {
    if (futimens(owner, now) != 0 || fstat(owner, &st) != 0) break;
    if (Later(st.st_mtim, past)) return st.st_mtim;
    backoff.Pause();
  }
  Unresolved("the time stamps of files in " + ScratchDir() +
             " don't move: set TMPDIR to another file system");
}

std::string ToString(const timespec& time) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%09ld", static_cast<long long>(time.tv_sec),
                static_cast<long>(time.tv_nsec));
  return text;
}

Unprivileged::Unprivileged() {
  if (PermissionsApply()) return;
  user_ = OtherUser();
  if (user_) {
    ScratchDirForAll();
    return;
  }
  Peer attempt;
  const Call tried = attempt.start([] {
    CallResult result = CALL(getpid());
    result.failed = !DropPrivilege();
    return result;
  });
  drop_ = tried.result().ok();
  if (!drop_)
    Unsupported("permission checks don't apply to this user, and it can't become another one");
}

void Unprivileged::Enter() const {
  if (user_) Become(*user_);
  if (drop_ && !DropPrivilege()) Unresolved("set-up failed: giving up capabilities");
}

CallResult MountPrivately(const std::string& dir, const char* options) {
  EnterPrivateNamespaces(os::kMounts);
  return CALL_ERRNO(os::Mount("tmpfs", dir, {.data = options}));
}

CallResult MakeReadOnly(const std::string& dir) {
  return CALL_ERRNO(os::Mount("tmpfs", dir, {.remount = true, .read_only = true}));
}

}  // namespace ipcsuite::fifo_suite
