// Places in the file system in which tests of FIFOs work: directories of their own, the time stamps
// of files, processes to which permissions apply, and private file systems.
#pragma once

#include <sys/stat.h>
#include <time.h>

#include <map>
#include <optional>
#include <string>

#include "harness/test/test.h"

namespace ipcsuite::fifo_suite {

// A new directory below the test's scratch directory. Its contents are swept with the scratch
// directory; its mode is made 0700 again before, so that whoever runs the test may do that.
class TestDir {
 public:
  // The mode is set by chmod(2), whatever the umask is.
  explicit TestDir(mode_t mode = 0700);
  ~TestDir();
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;
  const std::string& path() const { return path_; }
  const char* c_str() const { return path_.c_str(); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  void Chmod(mode_t mode) const;

 private:
  std::string path_;
};

// Goes to a directory and comes back at the end.
class ScopedCwd {
 public:
  explicit ScopedCwd(const std::string& path);
  ~ScopedCwd();
  ScopedCwd(const ScopedCwd&) = delete;
  ScopedCwd& operator=(const ScopedCwd&) = delete;

 private:
  int old_;
};

// Makes an empty regular file (UNRESOLVED if that fails) and returns its path.
std::string MakeFile(const std::string& path);

// All entries below a directory with type, mode, inode, links, size and time of modification: equal
// before and after a call that must change nothing.
std::map<std::string, std::string> Snapshot(const TestDir& dir);

// stat(2) and lstat(2) as set-up: UNRESOLVED when they fail.
struct stat Stat(const std::string& path);
struct stat Lstat(const std::string& path);

// Waits until the clock of the scratch directory's file system shows more than `past`, and returns
// a time that it showed then. Stamps made later are not earlier. (File systems stamp with a clock
// tick, or with 2 s: two changes within one are not told apart.)
timespec FileClockAfter(const timespec& past);
inline bool Later(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}
// "1732650000.123456789".
std::string ToString(const timespec& time);

// A process to which permission checks apply: the caller's own user where they apply to it,
// otherwise another user, or else the caller's without the privilege to pass over them. Modes that
// deny everybody deny all of these. UNSUPPORTED where there is no such process.
class Unprivileged {
 public:
  Unprivileged();
  // In a peer: becomes that user for good.
  void Enter() const;

 private:
  std::optional<User> user_;
  bool drop_ = false;
};

// Performs `step` (returning CallResult) in such a process.
template <typename F>
CallResult CallUnprivileged(F step) {
  const Unprivileged user;
  Peer peer;
  return peer
      .start([&] {
        user.Enter();
        return step();
      })
      .result();
}

// In a peer: mounts an empty tmpfs with these options on `dir`, seen by this process only. Fails
// where that is not permitted.
CallResult MountPrivately(const std::string& dir, const char* options);
// In a peer, after MountPrivately: makes it read-only.
CallResult MakeReadOnly(const std::string& dir);

}  // namespace ipcsuite::fifo_suite
