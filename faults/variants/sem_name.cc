// Variants of named semaphores: names, flags, handles and what they need.
#include <fcntl.h>

#include <cstdio>
#include <cstring>

#include "faults/preload/sems.h"
#include "faults/variants/names.h"

namespace faults {
namespace {

sem_t* OpenRefused(int error) {
  Refuse(error);
  return SEM_FAILED;
}

// sem_open() and sem_unlink() that fail for such names.
template <int Error, bool (*Such)(const char*)>
void NamesFail(Hooks& h) {
  h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
    return Such(n) ? OpenRefused(Error) : OpenSem(n, f, m, v);
  };
  h.sem_unlink = [](const char* n) { return Such(n) ? Refuse(Error) : real::sem_unlink(n); };
}
bool Empty(const char* n) { return n && !Unreadable(n) && *n == '\0'; }
bool Over64(const char* n) { return names::Length(n) > 64; }
bool Over255(const char* n) { return names::Length(n) > 256; }

// sem_open() and sem_unlink() with names that are changed.
template <const char* (*Change)(const char* n, char* room)>
void NamesChanged(Hooks& h) {
  h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
    char room[512];
    const char* changed = Change(n, room);
    return OpenSem(changed == n ? n : Instead(changed), f, m, v);
  };
  h.sem_unlink = [](const char* n) {
    char room[512];
    const char* changed = Change(n, room);
    return real::sem_unlink(changed == n ? n : Instead(changed));
  };
}

// Each open gets a handle of its own: glibc knows open semaphores by the spelling of their names.
sem_t* OpenApart(const char* n, int f, mode_t m, unsigned v) {
  static std::atomic<unsigned> spelling{0};
  const size_t length = names::Length(n);
  if (length < 2 || length > 250 || n[0] != '/' || names::InnerSlash(n)) return OpenSem(n, f, m, v);
  char room[512];
  const unsigned more = ++spelling % 200;
  std::memset(room, '/', more);
  std::memcpy(room + more, n, length + 1);
  return OpenSem(Instead(static_cast<const char*>(room)), f, m, v);
}

// The descriptor that each open handle of this process keeps.
struct Held {
  std::atomic<sem_t*> by;
  std::atomic<int> fd;
};
Held held[2048];

sem_t* OpenHolding(const char* n, int f, mode_t m, unsigned v) {
  // System calls, since open() and close() of libc are cancellation points.
  const auto fd =
      static_cast<int>(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC));
  if (fd < 0) return SEM_FAILED;
  sem_t* s = OpenSem(n, f, m, v);
  const int saved = errno;
  for (Held& entry : held) {
    sem_t* nobody = nullptr;
    if (s == SEM_FAILED || !entry.by.compare_exchange_strong(nobody, s)) continue;
    entry.fd = fd;
    Differ();
    return s;
  }
  syscall(SYS_close, fd);
  errno = saved;
  return s;
}
int CloseHolding(sem_t* s) {
  for (Held& entry : held) {
    if (entry.by.load() != s) continue;
    // Not what a process that closed all descriptors opened under this number.
    struct stat status {};
    const int fd = entry.fd.exchange(-1);
    if (fd >= 0 && real::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode)) syscall(SYS_close, fd);
    entry.by = nullptr;
    break;
  }
  return real::sem_close(s);
}

const Row kVariants[] = {
    {.name = "sem_no_slash_einval",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.name.no_leading_slash"},
     .observed = "sem_open() of the form \"%\"",
     .what = "A name without a leading slash fails with EINVAL.",
     .source = "FreeBSD",
     .arm = NamesFail<EINVAL, names::NoSlash>},
    {.name = "sem_inner_slash_enoent",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.name.embedded_slash"},
     .observed = "sem_open() of the form \"/%/x\"",
     .what = "A name with a slash within fails with ENOENT.",
     .arm = NamesFail<ENOENT, names::InnerSlash>},
    {.name = "sem_inner_slash_accepted",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.name.embedded_slash"},
     .observed = "sem_open() of the form \"/%/\"",
     .what = "Slashes within the name of a semaphore are characters like others.",
     .arm = NamesChanged<names::SlashesReplaced>},
    {.name = "sem_dots_einval",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.err.einval_name"},
     .observed = "sem_open() of the form \"/.\"",
     .what = "The names /. and /.. fail with EINVAL.",
     .source = "musl",
     .arm = NamesFail<EINVAL, names::Dots>},
    {.name = "sem_empty_name_enoent",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.err.einval_name"},
     .observed = "sem_open() of the form \"\"",
     .what = "An empty name fails with ENOENT.",
     .arm = NamesFail<ENOENT, Empty>},
    {.name = "sem_names_are_short",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.name.length_limits"},
     .observed = "longest of the lengths tried",
     .what = "Names have 64 bytes at most: ENAMETOOLONG.",
     .source = "macOS, where they have 31",
     .arm = NamesFail<ENAMETOOLONG, Over64>},
    {.name = "sem_names_are_long",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.name.length_limits"},
     .observed = "longest of the lengths tried",
     .what = "Names may have thousands of bytes.",
     .arm = NamesChanged<names::Shortened>},
    {.name = "sem_open_long_name_enametoolong",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.err.enametoolong"},
     .observed = "1000 bytes",
     .what = "sem_open() of a name beyond NAME_MAX fails with ENAMETOOLONG.",
     .source = "glibc 2.41",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             return Over255(n) ? OpenRefused(ENAMETOOLONG) : OpenSem(n, f, m, v);
           };
         }},
    {.name = "sem_unlink_long_name_einval",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_unlink.err.enametoolong"},
     .observed = "1000 bytes",
     .what = "sem_unlink() of a name beyond NAME_MAX fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.sem_unlink = [](const char* n) {
             return Over255(n) ? Refuse(EINVAL) : real::sem_unlink(n);
           };
         }},
    {.name = "sem_open_other_flags_refused",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.oflag.other"},
     .observed = "O_RDWR",
     .what = "sem_open() with flags other than O_CREAT and O_EXCL fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             return f & ~(O_CREAT | O_EXCL) ? OpenRefused(EINVAL) : OpenSem(n, f, m, v);
           };
         }},
    {.name = "sem_open_checks_value_always",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.err.einval_value"},
     .observed = "too large a value for an existing semaphore",
     .what = "O_CREAT with too large a value fails with EINVAL for an existing semaphore too.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             const bool other = (f & O_CREAT) && !(f & O_EXCL) && v > SEM_VALUE_MAX && SemExists(n);
             return other ? OpenRefused(EINVAL) : OpenSem(n, f, m, v);
           };
         }},
    {.name = "sem_open_is_interrupted",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.err.eintr"},
     .observed = "calls interrupted",
     .what = "sem_open() fails with EINTR when a signal is caught meanwhile.",
     .arm =
         [](Hooks& h) {
           h.sem_open = [](const char* n, int f, mode_t m, unsigned v) {
             return SignalNow() ? OpenRefused(EINTR) : OpenSem(n, f, m, v);
           };
         }},
    {.name = "sem_open_returns_other_handles",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_open.same_or_unique_handle"},
     .observed = "repeated opens",
     .what = "Each sem_open() of a name returns an address of its own.",
     .arm = [](Hooks& h) { h.sem_open = OpenApart; }},
    {.name = "sem_open_holds_descriptor",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem.fd_backed"},
     .observed = "a named semaphore holds a descriptor",
     .what = "An open named semaphore holds a descriptor.",
     .arm =
         [](Hooks& h) {
           h.sem_open = OpenHolding;
           h.sem_close = CloseHolding;
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
