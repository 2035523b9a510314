#include "suites/fifo/place.h"

#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#endif

#include <cstdio>
#include <filesystem>

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
  const std::int64_t end = NowNs() + 5'000'000'000;
  Backoff backoff;
  struct stat st {};
  while (NowNs() < end) {
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

namespace {

// Gives up the capabilities that pass over permission checks, for good. True if that was done.
bool DropPermissionOverride() {
#ifdef __linux__
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  const auto keep = ~((1u << CAP_DAC_OVERRIDE) | (1u << CAP_DAC_READ_SEARCH));
  data[0].effective &= keep;
  data[0].permitted &= keep;
  data[0].inheritable &= keep;
  return syscall(SYS_capset, &header, data) == 0;
#else
  return false;
#endif
}

}  // namespace

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
    result.failed = !DropPermissionOverride() || !PermissionsApply();
    return result;
  });
  drop_ = tried.result().ok();
  if (!drop_)
    Unsupported("permission checks don't apply to this user, and it can't become another one");
}

void Unprivileged::Enter() const {
  if (user_) Become(*user_);
  if (drop_ && !DropPermissionOverride()) Unresolved("set-up failed: giving up capabilities");
}

#ifdef __linux__

namespace {

bool WriteFile(const char* path, const std::string& text) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  return file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

CallResult MountPrivately(const std::string& dir, const char* options) {
  const std::string uid = std::to_string(geteuid()), gid = std::to_string(getegid());
  CallResult done = CALL(unshare(CLONE_NEWNS));
  if (!done.ok()) {
    done = CALL(unshare(CLONE_NEWUSER | CLONE_NEWNS));
    if (!done.ok()) return done;
    WriteFile("/proc/self/setgroups", "deny");
    WriteFile("/proc/self/uid_map", uid + " " + uid + " 1");
    WriteFile("/proc/self/gid_map", gid + " " + gid + " 1");
  }
  done = CALL(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
  if (!done.ok()) return done;
  return CALL(mount("ipcsuite", dir.c_str(), "tmpfs", 0, options));
}

CallResult MakeReadOnly(const std::string& dir) {
  return CALL(mount("ipcsuite", dir.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr));
}

#else

CallResult MountPrivately(const std::string&, const char*) {
  Unsupported("no way to mount a private file system is known for this system");
}
CallResult MakeReadOnly(const std::string&) {
  Unsupported("no way to mount a private file system is known for this system");
}

#endif

}  // namespace ipcsuite::fifo_suite
