// Faults of making and naming FIFOs.
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cstring>

#include "faults/preload/state.h"

namespace faults {
namespace {

// A real mkfifoat(), then something done to the new file.
template <void (*After)(int, const char*, mode_t)>
void MkfifoThen(Hooks& h) {
  h.mkfifoat = [](int d, const char* p, mode_t m) {
    int r = real::mkfifoat(d, p, m);
    if (r == 0) After(d, p, m);
    return r;
  };
}

int MakeRegular(int d, const char* p, mode_t m) {
  int fd = real::openat(d, p, O_CREAT | O_EXCL | O_RDWR, m & 07777);
  if (fd < 0) return -1;
  real::close(fd);
  return 0;
}

const Row kFaults[] = {
    {.name = "mkfifo_makes_regular_file",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifo.type"},
     .what = "mkfifo() makes an ordinary file.",
     .arm = [](Hooks& h) { h.mkfifoat = MakeRegular; }},
    {.name = "mkfifo_ignores_umask",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifo.mode_and_umask"},
     .what = "The file mode creation mask is not applied by mkfifo().",
     .arm = MkfifoThen<[](int d, const char* p, mode_t m) { fchmodat(d, p, m & 0777, 0); }>},
    {.name = "mkfifo_mode_ignored",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifo.mode_and_umask"},
     .what = "A new FIFO always has mode 0666 less the mask.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t) { return real::mkfifoat(d, p, 0666); };
         }},
    {.name = "mkfifo_drops_execute_bits",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.mode_and_umask"},
     .what = "A new FIFO never has execute permission.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             return real::mkfifoat(d, p, m & 0666);
           };
         }},
    {.name = "mkfifo_owner_is_wrong",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.owner"},
     .what = "stat() on a FIFO reports another owner.",
     .arm =
         [](Hooks& h) {
           h.stat_fifo = [](int d, const char* p, struct stat* s, int f) {
             int r = real::fstatat(d, p, s, f);
             if (r == 0) s->st_uid += 1;
             return r;
           };
         }},
    {.name = "mkfifo_times_not_set",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.times"},
     .what = "A new FIFO has times of 1970.",
     .arm = MkfifoThen<[](int d, const char* p, mode_t) {
       timespec zero[2] = {};
       utimensat(d, p, zero, 0);
     }>},
    {.name = "mkfifo_directory_times_kept",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"mkfifo.times"},
     .what = "mkfifo() does not mark the times of the directory.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             char dir[PATH_MAX];
             const char* slash = std::strrchr(p, '/');
             size_t n = slash ? static_cast<size_t>(slash - p) : 0;
             if (n >= sizeof dir) return real::mkfifoat(d, p, m);
             std::memcpy(dir, p, n);
             dir[n] = 0;
             const char* name = n ? dir : slash ? "/" : ".";
             struct stat s;
             bool known = real::fstatat(d, name, &s, 0) == 0;
             int r = real::mkfifoat(d, p, m);
             timespec times[2] = {s.st_atim, s.st_mtim};
             if (r == 0 && known) utimensat(d, name, times, 0);
             return r;
           };
         }},
    {.name = "mkfifo_existing_succeeds",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifo.eexist"},
     .what = "mkfifo() of an existing name returns 0.",
     .arm = Edit<&Hooks::mkfifoat>::Accept<EEXIST, 0>},
    {.name = "mkfifo_existing_fifo_succeeds",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.eexist"},
     .what = "mkfifo() of a name that is a FIFO already returns 0; other files give EEXIST.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             int r = real::mkfifoat(d, p, m);
             struct stat s;
             if (r == -1 && errno == EEXIST && real::fstatat(d, p, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
                 S_ISFIFO(s.st_mode)) {
               return 0;
             }
             return r;
           };
         }},
    {.name = "mkfifo_follows_dangling_symlink",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.eexist"},
     .what = "mkfifo() of a symbolic link to nothing makes the FIFO at its target.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             char target[PATH_MAX];
             struct stat s;
             ssize_t n = readlinkat(d, p, target, sizeof target - 1);
             if (n <= 0 || real::fstatat(d, p, &s, 0) == 0) return real::mkfifoat(d, p, m);
             target[n] = 0;
             if (target[0] == '/') return real::mkfifoat(d, target, m);
             char full[2 * PATH_MAX];
             const char* slash = std::strrchr(p, '/');
             size_t k = slash ? static_cast<size_t>(slash - p) + 1 : 0;
             std::memcpy(full, p, k);
             std::memcpy(full + k, target, static_cast<size_t>(n) + 1);
             return real::mkfifoat(d, full, m);
           };
         }},
    {.name = "mkfifo_enoent_as_enotdir",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifo.enoent"},
     .what = "mkfifo() in a missing directory fails with ENOTDIR.",
     .arm = Edit<&Hooks::mkfifoat>::Errno<ENOENT, ENOTDIR>},
    {.name = "mkfifo_empty_path_einval",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.enoent"},
     .what = "mkfifo(\"\") fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             return p && !*p ? Fail(EINVAL) : real::mkfifoat(d, p, m);
           };
         }},
    {.name = "mkfifo_enotdir_as_enoent",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifo.enotdir", "mkfifoat.enotdir"},
     .what = "mkfifo() below a file that is not a directory fails with ENOENT.",
     .arm = Edit<&Hooks::mkfifoat>::Errno<ENOTDIR, ENOENT>},
    {.name = "mkfifo_eloop_as_enoent",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifo.eloop"},
     .what = "A loop of symbolic links is reported as ENOENT.",
     .arm = Edit<&Hooks::mkfifoat>::Errno<ELOOP, ENOENT>},
    {.name = "mkfifo_long_name_enoent",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifo.enametoolong"},
     .what = "A name that is too long is reported as ENOENT.",
     .arm = Edit<&Hooks::mkfifoat>::Errno<ENAMETOOLONG, ENOENT>},
    {.name = "mkfifo_long_name_truncated",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.enametoolong", "mkfifo.failure_creates_nothing"},
     .what = "A name of more than {NAME_MAX} bytes is cut off silently.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             const char* slash = p ? std::strrchr(p, '/') : nullptr;
             const char* name = slash ? slash + 1 : p;
             size_t before = p ? static_cast<size_t>(name - p) : 0;
             if (!p || std::strlen(name) <= NAME_MAX || before + NAME_MAX >= PATH_MAX) {
               return real::mkfifoat(d, p, m);
             }
             char cut[PATH_MAX + 1];
             std::memcpy(cut, p, before + NAME_MAX);
             cut[before + NAME_MAX] = 0;
             return real::mkfifoat(d, cut, m);
           };
         }},
    {.name = "mkfifo_trailing_slash_accepted",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.trailing_slash"},
     .what = "mkfifo(\"name/\") makes the FIFO.",
     .source = "FreeBSD 7.2, Solaris 9 (gnulib manual, mkfifo)",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             size_t n = p ? std::strlen(p) : 0;
             char cut[PATH_MAX];
             if (n < 2 || n >= sizeof cut || p[n - 1] != '/') return real::mkfifoat(d, p, m);
             std::memcpy(cut, p, n);
             while (n > 1 && cut[n - 1] == '/') cut[--n] = 0;
             return real::mkfifoat(d, cut, m);
           };
         }},
    {.name = "mkfifo_eacces_as_eperm",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.eacces"},
     .what = "Missing permission on the directory is reported as EPERM.",
     .arm = Edit<&Hooks::mkfifoat>::Errno<EACCES, EPERM>},
    {.name = "mkfifo_failure_leaves_file",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"mkfifo.failure_creates_nothing"},
     .what = "mkfifo() that fails with EEXIST on a symbolic link makes its target.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             int r = real::mkfifoat(d, p, m);
             if (r == -1 && errno == EEXIST) {
               int fd = real::openat(d, p, O_CREAT | O_WRONLY | O_NONBLOCK, 0600);
               if (fd >= 0) real::close(fd);
               errno = EEXIST;
             }
             return r;
           };
         }},
    {.name = "mkfifoat_ignores_directory",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifoat.relative"},
     .what = "mkfifoat() takes relative paths from the working directory always.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int, const char* p, mode_t m) { return real::mkfifoat(AT_FDCWD, p, m); };
         }},
    {.name = "mkfifoat_ebadf_as_enoent",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifoat.ebadf"},
     .what = "mkfifoat() with a closed directory descriptor fails with ENOENT.",
     .arm = Edit<&Hooks::mkfifoat>::Errno<EBADF, ENOENT>},
    {.name = "mkfifoat_absolute_path_checks_descriptor",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"mkfifoat.ebadf", "mkfifoat.relative"},
     .what = "mkfifoat() with an absolute path and a closed descriptor fails with EBADF.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             if (d != AT_FDCWD && real::fcntl(d, F_GETFD, 0) < 0) return Fail(EBADF);
             return real::mkfifoat(d, p, m);
           };
         }},
    {.name = "mkfifoat_enotdir_as_ebadf",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mkfifoat.enotdir"},
     .what = "mkfifoat() relative to an ordinary file fails with EBADF.",
     .arm = Edit<&Hooks::mkfifoat>::Errno<ENOTDIR, EBADF>},
    {.name = "mknod_fifo_makes_regular_file",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mknod.fifo"},
     .what = "mknod(S_IFIFO) makes an ordinary file.",
     .arm =
         [](Hooks& h) {
           h.mknodat = [](int d, const char* p, mode_t m, dev_t) { return MakeRegular(d, p, m); };
         }},
    {.name = "mknod_fifo_needs_privilege",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"mknod.fifo"},
     .what = "mknod(S_IFIFO) fails with EPERM.",
     .source = "FreeBSD 7.2, NetBSD 8.0 (gnulib manual, mknod)",
     .arm = Edit<&Hooks::mknodat>::Always<EPERM>},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
