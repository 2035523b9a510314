// Faults of making, naming and asking about FIFOs, and of their data.
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

namespace faults {
namespace {

enum Use : uint32_t { kEnded = 400, kBroken, kReaders };

// A real mkfifoat(), then something done to the new file.
template <void (*After)(int, const char*, mode_t)>
void MkfifoThen(Hooks& h) {
  h.mkfifoat = [](int d, const char* p, mode_t m) {
    int r = real::mkfifoat(d, p, m);
    if (r == 0) After(d, p, m);
    return r;
  };
}

uint64_t Here(const Obj& o) { return o.key() * 31 + static_cast<uint64_t>(getpid()) * 4099 + o.fd; }

int MakeRegular(int d, const char* p, mode_t m) {
  int fd = real::openat(d, p, O_CREAT | O_EXCL | O_RDWR, m & 07777);
  if (fd < 0) return -1;
  real::close(fd);
  return 0;
}

const Fault kFaults[] = {
    {"mkfifo_makes_regular_file", "fifo", "easy", "mkfifo.type", "mkfifo() makes an ordinary file.",
     "", [](Hooks& h) { h.mkfifoat = MakeRegular; }},
    {"mkfifo_ignores_umask", "fifo", "easy", "mkfifo.mode_and_umask",
     "The file mode creation mask is not applied by mkfifo().", "",
     MkfifoThen<[](int d, const char* p, mode_t m) { fchmodat(d, p, m & 0777, 0); }>},
    {"mkfifo_mode_ignored", "fifo", "easy", "mkfifo.mode_and_umask",
     "A new FIFO always has mode 0666 less the mask.", "",
     [](Hooks& h) {
       h.mkfifoat = [](int d, const char* p, mode_t) { return real::mkfifoat(d, p, 0666); };
     }},
    {"mkfifo_drops_execute_bits", "fifo", "medium", "mkfifo.mode_and_umask",
     "A new FIFO never has execute permission.", "",
     [](Hooks& h) {
       h.mkfifoat = [](int d, const char* p, mode_t m) { return real::mkfifoat(d, p, m & 0666); };
     }},
    {"mkfifo_owner_is_wrong", "fifo", "medium", "mkfifo.owner",
     "stat() on a FIFO reports another owner.", "",
     [](Hooks& h) {
       h.stat_fifo = [](int d, const char* p, struct stat* s, int f) {
         int r = real::fstatat(d, p, s, f);
         if (r == 0) s->st_uid += 1;
         return r;
       };
     }},
    {"mkfifo_times_not_set", "fifo", "medium", "mkfifo.times", "A new FIFO has times of 1970.", "",
     MkfifoThen<[](int d, const char* p, mode_t) {
       timespec zero[2] = {};
       utimensat(d, p, zero, 0);
     }>},
    {"mkfifo_directory_times_kept", "fifo", "hard", "mkfifo.times",
     "mkfifo() does not mark the times of the directory.", "",
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
    {"mkfifo_existing_succeeds", "fifo", "easy", "mkfifo.eexist",
     "mkfifo() of an existing name returns 0.", "", Edit<&Hooks::mkfifoat>::Accept<EEXIST, 0>},
    {"mkfifo_existing_fifo_succeeds", "fifo", "medium", "mkfifo.eexist",
     "mkfifo() of a name that is a FIFO already returns 0; other files give EEXIST.", "",
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
    {"mkfifo_follows_dangling_symlink", "fifo", "medium", "mkfifo.eexist",
     "mkfifo() of a symbolic link to nothing makes the FIFO at its target.", "",
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
    {"mkfifo_enoent_as_enotdir", "fifo", "easy", "mkfifo.enoent",
     "mkfifo() in a missing directory fails with ENOTDIR.", "",
     Edit<&Hooks::mkfifoat>::Errno<ENOENT, ENOTDIR>},
    {"mkfifo_empty_path_einval", "fifo", "medium", "mkfifo.enoent",
     "mkfifo(\"\") fails with EINVAL.", "",
     [](Hooks& h) {
       h.mkfifoat = [](int d, const char* p, mode_t m) {
         return p && !*p ? Fail(EINVAL) : real::mkfifoat(d, p, m);
       };
     }},
    {"mkfifo_enotdir_as_enoent", "fifo", "easy", "mkfifo.enotdir mkfifoat.enotdir",
     "mkfifo() below a file that is no directory fails with ENOENT.", "",
     Edit<&Hooks::mkfifoat>::Errno<ENOTDIR, ENOENT>},
    {"mkfifo_eloop_as_enoent", "fifo", "easy", "mkfifo.eloop",
     "A loop of symbolic links is reported as ENOENT.", "",
     Edit<&Hooks::mkfifoat>::Errno<ELOOP, ENOENT>},
    {"mkfifo_long_name_enoent", "fifo", "easy", "mkfifo.enametoolong",
     "A name that is too long is reported as ENOENT.", "",
     Edit<&Hooks::mkfifoat>::Errno<ENAMETOOLONG, ENOENT>},
    {"mkfifo_long_name_truncated", "fifo", "medium",
     "mkfifo.enametoolong mkfifo.failure_creates_nothing",
     "A name of more than {NAME_MAX} bytes is cut off silently.", "",
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
    {"mkfifo_trailing_slash_accepted", "fifo", "medium", "mkfifo.trailing_slash",
     "mkfifo(\"name/\") makes the FIFO.", "FreeBSD 7.2, Solaris 9 (gnulib manual, mkfifo)",
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
    {"mkfifo_eacces_as_eperm", "fifo", "medium", "mkfifo.eacces",
     "Missing permission on the directory is reported as EPERM.", "",
     Edit<&Hooks::mkfifoat>::Errno<EACCES, EPERM>},
    {"mkfifo_failure_leaves_file", "fifo", "hard", "mkfifo.failure_creates_nothing",
     "mkfifo() that fails with EEXIST on a symbolic link makes its target.", "",
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
    {"mkfifoat_ignores_directory", "fifo", "easy", "mkfifoat.relative",
     "mkfifoat() takes relative paths from the working directory always.", "",
     [](Hooks& h) {
       h.mkfifoat = [](int, const char* p, mode_t m) { return real::mkfifoat(AT_FDCWD, p, m); };
     }},
    {"mkfifoat_ebadf_as_enoent", "fifo", "easy", "mkfifoat.ebadf",
     "mkfifoat() with a closed directory descriptor fails with ENOENT.", "",
     Edit<&Hooks::mkfifoat>::Errno<EBADF, ENOENT>},
    {"mkfifoat_absolute_path_checks_descriptor", "fifo", "hard", "mkfifoat.ebadf mkfifoat.relative",
     "mkfifoat() with an absolute path and a closed descriptor fails with EBADF.", "",
     [](Hooks& h) {
       h.mkfifoat = [](int d, const char* p, mode_t m) {
         if (d != AT_FDCWD && real::fcntl(d, F_GETFD, 0) < 0) return Fail(EBADF);
         return real::mkfifoat(d, p, m);
       };
     }},
    {"mkfifoat_enotdir_as_ebadf", "fifo", "easy", "mkfifoat.enotdir",
     "mkfifoat() relative to an ordinary file fails with EBADF.", "",
     Edit<&Hooks::mkfifoat>::Errno<ENOTDIR, EBADF>},
    {"mknod_fifo_makes_regular_file", "fifo", "easy", "mknod.fifo",
     "mknod(S_IFIFO) makes an ordinary file.", "",
     [](Hooks& h) {
       h.mknodat = [](int d, const char* p, mode_t m, dev_t) { return MakeRegular(d, p, m); };
     }},
    {"mknod_fifo_needs_privilege", "fifo", "easy", "mknod.fifo", "mknod(S_IFIFO) fails with EPERM.",
     "FreeBSD 7.2, NetBSD 8.0 (gnulib manual, mknod)", Edit<&Hooks::mknodat>::Always<EPERM>},
    {"fifo_eof_sticky", "fifo", "medium", "fifo.io.eof_not_sticky",
     "A descriptor that has seen end-of-file sees nothing but end-of-file, new writer or not.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (o.kind != Kind::fifo || n == 0) return real::read(o.fd, b, n);
         auto& ended = Cell(Here(o), kEnded);
         if (ended.load()) return static_cast<ssize_t>(0);
         ssize_t r = real::read(o.fd, b, n);
         if (r == 0) ended = 1;
         return r;
       };
     }},
    {"fifo_epipe_sticky", "fifo", "medium", "fifo.io.epipe_not_sticky",
     "A descriptor that has seen EPIPE fails with EPIPE also when there is a reader again.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (o.kind != Kind::fifo) return real::write(o.fd, b, n);
         auto& broken = Cell(Here(o), kBroken);
         if (broken.load()) return static_cast<ssize_t>(Fail(EPIPE));
         ssize_t r = real::write(o.fd, b, n);
         if (r == -1 && errno == EPIPE) broken = 1;
         return r;
       };
     }},
    {"fifo_eof_at_first_writer_close", "fifo", "medium", "fifo.io.eof_after_all_writers",
     "A reader blocked on a FIFO returns 0 when one of several writers closes.", "",
     [](Hooks& h) {
       UseKicks();
       h.read = [](const Obj& o, void* b, size_t n) -> ssize_t {
         if (o.kind != Kind::fifo || !ReaderWaits(o)) return real::read(o.fd, b, n);
         Waiting wait(o.key(), kReaders);
         ssize_t r = real::read(o.fd, b, n);
         return r == -1 && errno == EINTR && wait.Kicked() ? 0 : r;
       };
       h.close = [](const Obj& o) {
         bool writer = o.kind == Kind::fifo && AccessMode(o) != O_RDONLY;
         int r = real::close(o.fd);
         if (writer) Kick(o.key(), kReaders, true);
         return r;
       };
     }},
    {"fifo_keeps_data_after_last_close", "fifo", "medium", "fifo.io.discard_on_last_close",
     "Data left in a FIFO is there for those who open it later.", "",
     [](Hooks& h) {
       h.close = [](const Obj& o) {
         if (o.kind == Kind::fifo && AccessMode(o) == O_RDONLY && Available(o) > 0) {
           real::fcntl(o.fd, F_DUPFD_CLOEXEC, 300l);
         }
         return real::close(o.fd);
       };
     }},
    {"fifo_unlinked_is_stale", "fifo", "medium", "fifo.names.links_and_unlink",
     "Reading and writing a FIFO without a name left fails with ESTALE.", "NFS",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         struct stat s;
         if (o.kind == Kind::fifo && real::fstat(o.fd, &s) == 0 && s.st_nlink == 0) {
           return static_cast<ssize_t>(Fail(ESTALE));
         }
         return real::read(o.fd, b, n);
       };
     }},
    {"fifo_unlink_has_no_effect", "fifo", "easy", "fifo.names.links_and_unlink",
     "unlink() of a FIFO that is open returns 0 and leaves the name.", "",
     [](Hooks& h) {
       h.unlink_fifo = [](int d, const char* p) {
         bool open = false;
         struct stat s;
         real::fstatat(d, p, &s, AT_SYMLINK_NOFOLLOW);
         ForEachObject([&](const Obj& o) { open |= o.dev == s.st_dev && o.ino == s.st_ino; });
         return open ? 0 : real::unlinkat(d, p, 0);
       };
     }},
    {"fifo_not_atomic", "fifo", "hard", "fifo.io.same_as_pipe",
     "Small writes to FIFOs are split, writes to pipes are atomic.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (o.kind != Kind::fifo || n < 2 || n > 4096 || Nonblocking(o)) {
           return real::write(o.fd, b, n);
         }
         ssize_t r = real::write(o.fd, b, n / 2);
         if (r < 0) return r;
         sched_yield();
         ssize_t more = real::write(o.fd, static_cast<const char*>(b) + r, n - r);
         return more < 0 ? r : r + more;
       };
     }},
    {"fifo_write_times_not_marked", "fifo", "medium", "fifo.times.io",
     "Writing to a FIFO leaves its times alone.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         struct stat s;
         bool known = o.kind == Kind::fifo && real::fstat(o.fd, &s) == 0;
         ssize_t r = real::write(o.fd, b, n);
         timespec times[2] = {s.st_atim, s.st_mtim};
         int saved = errno;
         if (known && r > 0) futimens(o.fd, times);
         errno = saved;
         return r;
       };
     }},
    {"fifo_read_times_not_marked", "fifo", "hard", "fifo.times.io",
     "Reading from a FIFO leaves its access time alone.", "mounts with noatime",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         struct stat s;
         bool known = o.kind == Kind::fifo && real::fstat(o.fd, &s) == 0;
         ssize_t r = real::read(o.fd, b, n);
         timespec times[2] = {s.st_atim, s.st_mtim};
         int saved = errno;
         if (known && r > 0) futimens(o.fd, times);
         errno = saved;
         return r;
       };
     }},
    {"pathconf_pipe_buf_too_small", "fifo", "easy", "fifo.pathconf.pipe_buf",
     "pathconf(_PC_PIPE_BUF) on a FIFO reports 255.", "",
     [](Hooks& h) {
       h.pathconf_fifo = [](const char* p, int name) {
         return name == _PC_PIPE_BUF ? 255l : real::pathconf(p, name);
       };
     }},
};

}  // namespace

Bank FifoBank() { return BankOf(kFaults); }

}  // namespace faults
