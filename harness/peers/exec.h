// Programs of our own: a test that needs an unrelated process, or the effects of exec, starts this
// very executable in a role.
//
// ```cpp test
// IPC_ROLE(example_reports_flags) {
//   self.Say(fcntl(std::stoi(args[0]), F_GETFD) < 0 ? "closed" : "open");
//   return 0;
// }
//
// IPC_TEST(ExecExample, KeepsDescriptors, clause::exec::pipe_inherited) {
//   const Pipe p;
//   ExecSelf child("example_reports_flags", {std::to_string(p.rd())});
//   EXPECT_EQ(child.Wait(), 0);
//   EXPECT_EQ(child.said(), "open\n");
// }
// ```
//
// A role's arena is gone (exec dropped it): it talks through a regular file of the scratch
// directory, by lines, and through its exit status.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace ipcsuite {

// What a role's code sees.
class RoleSelf {
 public:
  explicit RoleSelf(std::string path) : path_(std::move(path)) {}
  // Appends a line for the test, visible immediately.
  void Say(const std::string& line);
  // Waits until the test has said this word (ExecSelf::Tell); false after `seconds`.
  bool Await(const std::string& word, nanoseconds limit = 20s);

 private:
  std::string path_;
};

using RoleFunction = int (*)(RoleSelf& self, const std::vector<std::string>& args);
bool RegisterRole(const char* name, RoleFunction function);

#define IPC_ROLE(name)                                                                             \
  static int ipc_role_##name##_(::ipcsuite::RoleSelf& self, const std::vector<std::string>& args); \
  [[maybe_unused]] static const bool ipc_role_registered_##name##_ =                               \
      ::ipcsuite::RegisterRole(#name, &ipc_role_##name##_);                                        \
  static int ipc_role_##name##_([[maybe_unused]] ::ipcsuite::RoleSelf& self,                       \
                                [[maybe_unused]] const std::vector<std::string>& args)

// To be called first in main(): performs a role and exits if this process was started for one, and
// notes how this executable is found again.
void MaybeRunRole(int argc, char** argv);
// Absolute path of this executable, usable by exec.
const std::string& SelfPath();
// argv of a role, for tests that call exec or posix_spawn themselves; `said_path` gets the lines.
std::vector<std::string> RoleCommand(const std::string& role, const std::string& said_path,
                                     const std::vector<std::string>& args);

// fork() and exec of this executable in a role; killed and reaped when the object goes.
class ExecSelf {
 public:
  // `before_exec` runs in the child just before exec. UNRESOLVED when the process can't be started.
  ExecSelf(const std::string& role, std::vector<std::string> args = {},
           const std::function<void()>& before_exec = {});
  ~ExecSelf();
  ExecSelf(const ExecSelf&) = delete;
  ExecSelf& operator=(const ExecSelf&) = delete;
  pid_t pid() const { return pid_; }
  // Waits for the end; exit status, or 128 + signal. UNRESOLVED after 20 s.
  int Wait();
  // Waits until the role has said this line; UNRESOLVED when it ends or 20 s pass without.
  void AwaitSaid(const std::string& line);
  void Tell(const std::string& word);
  std::string said() const;  // all lines so far

 private:
  pid_t pid_ = -1;
  bool reaped_ = false;
  int status_ = 0;
  std::string path_;
  bool Poll();
};

}  // namespace ipcsuite
