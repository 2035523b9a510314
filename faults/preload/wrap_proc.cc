// fork, exec, exit, spawn and popen, seen from the descriptors under test.
#include <unistd.h>

#include <cstdarg>

#include "faults/preload/wrap.h"

using namespace faults;

namespace {

template <class Call>
int Exec(Call call) {
  if (Active()) hooks.before_exec();
  int r = call();
  if (Active()) {
    int saved = errno;
    hooks.failed_exec();
    errno = saved;
  }
  return r;
}

constexpr int kMostArguments = 1024;

// Copies the arguments of an execl*() up to the null; the list continues after it.
void Collect(char** to, const char* first, va_list list) {
  int n = 0;
  to[n++] = const_cast<char*>(first);
  while (to[n - 1] && n < kMostArguments) to[n++] = va_arg(list, char*);
  to[n < kMostArguments ? n : kMostArguments - 1] = nullptr;
}

}  // namespace

IPC_WRAP(pid_t, fork) {
  pid_t pid = real::fork();
  if (pid == 0 && Active()) hooks.after_fork_in_child();
  return pid;
}
IPC_WRAP(int, execve, const char* path, char* const* argv, char* const* env) {
  return Exec([&] { return real::execve(path, argv, env); });
}
IPC_WRAP(int, execv, const char* path, char* const* argv) {
  return Exec([&] { return real::execve(path, argv, environ); });
}
IPC_WRAP(int, execvp, const char* file, char* const* argv) {
  return Exec([&] { return real::execvp(file, argv); });
}
IPC_WRAP(int, execvpe, const char* file, char* const* argv, char* const* env) {
  return Exec([&] { return real::execvpe(file, argv, env); });
}
IPC_WRAP(int, fexecve, int fd, char* const* argv, char* const* env) {
  return Exec([&] { return real::fexecve(fd, argv, env); });
}
IPC_WRAP(int, execl, const char* path, const char* first, ...) {
  char* argv[kMostArguments + 1];
  va_list list;
  va_start(list, first);
  Collect(argv, first, list);
  va_end(list);
  return Exec([&] { return real::execve(path, argv, environ); });
}
IPC_WRAP(int, execlp, const char* file, const char* first, ...) {
  char* argv[kMostArguments + 1];
  va_list list;
  va_start(list, first);
  Collect(argv, first, list);
  va_end(list);
  return Exec([&] { return real::execvp(file, argv); });
}
IPC_WRAP(int, execle, const char* path, const char* first, ...) {
  char* argv[kMostArguments + 1];
  va_list list;
  va_start(list, first);
  Collect(argv, first, list);
  char* const* env = va_arg(list, char* const*);
  va_end(list);
  return Exec([&] { return real::execve(path, argv, env); });
}
IPC_WRAP(void, _exit, int status) {
  if (Active()) hooks.before_exit();
  real::_exit(status);
}
IPC_WRAP(void, _Exit, int status) {
  if (Active()) hooks.before_exit();
  real::_exit(status);
}
IPC_WRAP(void, exit, int status) {
  if (Active()) hooks.before_exit();
  real::exit(status);
}
IPC_WRAP(int, posix_spawn, pid_t* pid, const char* path, const posix_spawn_file_actions_t* acts,
         const posix_spawnattr_t* attr, char* const* argv, char* const* env) {
  if (Active()) hooks.before_exec();
  int r = real::posix_spawn(pid, path, acts, attr, argv, env);
  if (Active()) hooks.failed_exec();
  return r;
}
IPC_WRAP(int, posix_spawnp, pid_t* pid, const char* file, const posix_spawn_file_actions_t* acts,
         const posix_spawnattr_t* attr, char* const* argv, char* const* env) {
  if (Active()) hooks.before_exec();
  int r = real::posix_spawnp(pid, file, acts, attr, argv, env);
  if (Active()) hooks.failed_exec();
  return r;
}
