// Witnesses of bank_fifo.cc and bank_fifo_open.cc.
#include <limits.h>
#include <pthread.h>
#include <sys/time.h>
#include <utime.h>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
int Make(const std::string& path, mode_t mode = 0600) { return mkfifo(path.c_str(), mode); }
struct stat Look(const std::string& path) {
  struct stat s {};
  lstat(path.c_str(), &s);
  return s;
}
mode_t ModeOf(mode_t asked, mode_t mask) {
  Dir d;
  umask(mask);
  Make(d / "f", asked);
  return Look(d / "f").st_mode & 07777;
}
int ReadByte(int fd) {
  char c;
  ssize_t r = read(fd, &c, 1);
  return r < 0 ? -errno : static_cast<int>(r);
}
int Open(const std::string& path, int flags) { return open(path.c_str(), flags, 0600); }
// An open in a child: 0 when it succeeded, else its errno.
int OpenIn(const std::string& path, int flags) { return Open(path, flags) < 0 ? errno : 0; }
int PathLimitName(const std::string& dir, int extra) {
  return Make(dir + "/" + std::string(static_cast<size_t>(NAME_MAX + extra), 'n'));
}
}  // namespace

WITNESS(mkfifo_makes_regular_file) {
  Dir d;
  Make(d / "f");
  return S_ISREG(Look(d / "f").st_mode);
}
WITNESS(mkfifo_ignores_umask) { return ModeOf(0666, 077) == 0666; }
WITNESS(mkfifo_mode_ignored) { return ModeOf(0600, 0) == 0666; }
WITNESS(mkfifo_drops_execute_bits) { return ModeOf(0700, 0) == 0600; }
WITNESS(mkfifo_owner_is_wrong) {
  Dir d;
  Make(d / "f");
  return Look(d / "f").st_uid != geteuid();
}
WITNESS(mkfifo_times_not_set) {
  Dir d;
  Make(d / "f");
  return Look(d / "f").st_mtim.tv_sec == 0;
}
WITNESS(mkfifo_directory_times_kept) {
  Dir d;
  utimbuf old{1000, 1000};
  utime(d.path.c_str(), &old);
  Make(d / "f");
  return Look(d.path).st_mtim.tv_sec == 1000;
}
WITNESS(mkfifo_existing_succeeds) {
  Dir d;
  close(Open(d / "f", O_CREAT | O_RDWR));
  return Make(d / "f") == 0;
}
WITNESS(mkfifo_existing_fifo_succeeds) {
  Dir d;
  Make(d / "f");
  return Make(d / "f") == 0;
}
WITNESS(mkfifo_follows_dangling_symlink) {
  Dir d;
  symlink("target", (d / "f").c_str());
  return Make(d / "f") == 0 && S_ISFIFO(Look(d / "target").st_mode);
}
WITNESS(mkfifo_enoent_as_enotdir) {
  Dir d;
  return Fails(Make(d / "a/b"), ENOTDIR);
}
WITNESS(mkfifo_empty_path_einval) { return Fails(Make(""), EINVAL); }
WITNESS(mkfifo_enotdir_as_enoent) {
  Dir d;
  close(Open(d / "f", O_CREAT | O_RDWR));
  return Fails(Make(d / "f/x"), ENOENT);
}
WITNESS(mkfifo_eloop_as_enoent) {
  Dir d;
  symlink("l", (d / "l").c_str());
  return Fails(Make(d / "l/x"), ENOENT);
}
WITNESS(mkfifo_long_name_enoent) {
  Dir d;
  return Fails(PathLimitName(d.path, 1), ENOENT);
}
WITNESS(mkfifo_long_name_truncated) {
  Dir d;
  return PathLimitName(d.path, 1) == 0;
}
WITNESS(mkfifo_trailing_slash_accepted) {
  Dir d;
  return Make(d / "f/") == 0;
}
WITNESS(mkfifo_eacces_as_eperm) {
  Dir d;
  chmod(d.path.c_str(), 0555);
  return Unprivileged([&] { return Fails(Make(d / "f"), EPERM); }) == 1;
}
WITNESS(mkfifo_failure_leaves_file) {
  Dir d;
  symlink("target", (d / "f").c_str());
  return Fails(Make(d / "f"), EEXIST) && Look(d / "target").st_ino != 0;
}
WITNESS(mkfifoat_ignores_directory) {
  Dir d, other;
  chdir(other.path.c_str());
  int fd = Open(d.path, O_RDONLY | O_DIRECTORY);
  mkfifoat(fd, "f", 0600);
  chdir("/");
  return Look(other / "f").st_ino != 0;
}
WITNESS(mkfifoat_ebadf_as_enoent) { return Fails(mkfifoat(900, "f", 0600), ENOENT); }
WITNESS(mkfifoat_absolute_path_checks_descriptor) {
  Dir d;
  return Fails(mkfifoat(900, (d / "f").c_str(), 0600), EBADF);
}
WITNESS(mkfifoat_enotdir_as_ebadf) {
  Dir d;
  int fd = Open(d / "r", O_CREAT | O_RDWR);
  return Fails(mkfifoat(fd, "f", 0600), EBADF);
}
WITNESS(mknod_fifo_makes_regular_file) {
  Dir d;
  mknod((d / "f").c_str(), S_IFIFO | 0600, 0);
  return S_ISREG(Look(d / "f").st_mode);
}
WITNESS(mknod_fifo_needs_privilege) {
  Dir d;
  return Fails(mknod((d / "f").c_str(), S_IFIFO | 0600, 0), EPERM);
}
WITNESS(fifo_eof_sticky) {
  Fifo f;
  close(f.w);
  ReadByte(f.r);
  f.w = Open(f.path, O_WRONLY);
  write(f.w, "x", 1);
  return ReadByte(f.r) == 0;
}
WITNESS(fifo_epipe_sticky) {
  signal(SIGPIPE, SIG_IGN);
  Fifo f;
  close(f.r);
  write(f.w, "x", 1);
  f.r = Open(f.path, O_RDONLY | O_NONBLOCK);
  return Fails(write(f.w, "x", 1), EPIPE);
}
WITNESS(fifo_eof_at_first_writer_close) {
  Fifo f;
  Child reader([&] { return close(f.w), -ReadByte(f.r); });
  for (int i = 0; i < 40 && reader.Exit(20) == -1; ++i) close(dup(f.w));
  return reader.Exit(0) == 0;
}
WITNESS(fifo_keeps_data_after_last_close) {
  Fifo f;
  write(f.w, "x", 1);
  close(f.w), close(f.r);
  f.r = Open(f.path, O_RDONLY | O_NONBLOCK);
  return ReadByte(f.r) == 1;
}
WITNESS(fifo_unlinked_is_stale) {
  Fifo f;
  write(f.w, "x", 1);
  unlink(f.path.c_str());
  return ReadByte(f.r) == -ESTALE;
}
WITNESS(fifo_unlink_has_no_effect) {
  Fifo f;
  return unlink(f.path.c_str()) == 0 && Look(f.path).st_ino != 0;
}
WITNESS(fifo_not_atomic) {
  Fifo f;
  auto body = [&](char letter) {
    std::string s(1000, letter);
    for (int i = 0; i < 1000; ++i) write(f.w, s.data(), s.size());
    return 0;
  };
  Child a([&] { return body('a'); }), b([&] { return body('b'); });
  close(f.w);
  std::string all;
  char buffer[4096];
  for (ssize_t n; (n = read(f.r, buffer, sizeof buffer)) > 0;)
    all.append(buffer, static_cast<size_t>(n));
  for (size_t at = 0; at + 1000 <= all.size(); at += 1000) {
    if (all.substr(at, 1000) != std::string(1000, all[at])) return true;
  }
  return false;
}
WITNESS(fifo_write_times_not_marked) {
  Fifo f;
  utimbuf old{1000, 1000};
  utime(f.path.c_str(), &old);
  write(f.w, "x", 1);
  return Look(f.path).st_mtim.tv_sec == 1000;
}
WITNESS(fifo_read_times_not_marked) {
  Fifo f;
  write(f.w, "x", 1);
  utimbuf old{1000, 2000};
  utime(f.path.c_str(), &old);
  ReadByte(f.r);
  return Look(f.path).st_atim.tv_sec == 1000;
}
WITNESS(pathconf_pipe_buf_too_small) {
  Fifo f;
  return pathconf(f.path.c_str(), _PC_PIPE_BUF) == 255;
}

WITNESS(fifo_open_nofollow_follows) {
  Fifo f(false);
  symlink(f.path.c_str(), (f.dir / "link").c_str());
  return OpenIn(f.dir / "link", O_RDONLY | O_NONBLOCK | O_NOFOLLOW) == 0;
}
WITNESS(fifo_open_nofollow_releases_peer) {
  Fifo f(false);
  symlink(f.path.c_str(), (f.dir / "link").c_str());
  Child reader([&] { return OpenIn(f.path, O_RDONLY); });
  Nap(100);
  return OpenIn(f.dir / "link", O_WRONLY | O_NONBLOCK | O_NOFOLLOW) == ELOOP &&
         reader.Exit(300) == 0;
}
WITNESS(fifo_open_read_does_not_wait) {
  Fifo f(false);
  return Child([&] { return OpenIn(f.path, O_RDONLY); }).Exit(300) == 0;
}
WITNESS(fifo_open_write_does_not_wait) {
  Fifo f(false);
  return Child([&] { return OpenIn(f.path, O_WRONLY); }).Exit(300) == 0;
}
WITNESS(fifo_open_write_fails_at_once) {
  Fifo f(false);
  return Child([&] { return OpenIn(f.path, O_WRONLY); }).Exit(300) == ENXIO;
}
WITNESS(fifo_open_hangs_with_peer_present) {
  Fifo f;
  return Hangs([&] { OpenIn(f.path, O_WRONLY); });
}
WITNESS(fifo_open_releases_one_waiter) {
  Fifo f(false);
  Child a([&] { return OpenIn(f.path, O_WRONLY); }), b([&] { return OpenIn(f.path, O_WRONLY); });
  Nap(200);
  f.r = Open(f.path, O_RDONLY | O_NONBLOCK);
  return (a.Exit() == -1) != (b.Exit() == -1);
}
WITNESS(fifo_open_misses_fleeting_peer) {
  Fifo f(false);
  Child c([&] { return OpenIn(f.path, O_WRONLY); });
  for (int i = 0; i < 100 && c.Exit(10) == -1; ++i) close(Open(f.path, O_RDONLY | O_NONBLOCK));
  return c.Exit(100) == -1;
}
WITNESS(fifo_open_read_nonblock_enxio) {
  Fifo f(false);
  return OpenIn(f.path, O_RDONLY | O_NONBLOCK) == ENXIO;
}
WITNESS(fifo_open_read_nonblock_waits) {
  Fifo f(false);
  return Hangs([&] { OpenIn(f.path, O_RDONLY | O_NONBLOCK); });
}
WITNESS(fifo_open_loses_nonblock) {
  Fifo f(false);
  return !(fcntl(Open(f.path, O_RDONLY | O_NONBLOCK), F_GETFL) & O_NONBLOCK);
}
WITNESS(fifo_open_write_nonblock_succeeds) {
  Fifo f(false);
  return OpenIn(f.path, O_WRONLY | O_NONBLOCK) == 0;
}
WITNESS(fifo_open_write_nonblock_eagain) {
  Fifo f(false);
  return OpenIn(f.path, O_WRONLY | O_NONBLOCK) == EAGAIN;
}
WITNESS(fifo_open_never_eintr) {
  Fifo f(false);
  Child c([&] { return Handle(SIGUSR1), OpenIn(f.path, O_WRONLY); });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
// A writer comes 50 ms after the reader was interrupted.
WITNESS(fifo_open_interrupted_releases_peer) {
  Fifo f(false);
  Handle(SIGALRM);
  Child reader([&] {
    const itimerval soon{{0, 0}, {0, 50'000}};
    setitimer(ITIMER_REAL, &soon, nullptr);
    return Fails(open(f.path.c_str(), O_RDONLY), EINTR) ? 0 : 1;
  });
  Nap(100);
  int w = open(f.path.c_str(), O_WRONLY | O_NONBLOCK);
  return reader.Exit() == 0 && w >= 0;
}
WITNESS(fifo_open_eintr_despite_sa_restart) {
  Fifo f(false);
  Child c([&] { return Handle(SIGUSR1, SA_RESTART), OpenIn(f.path, O_WRONLY); });
  Nap(100);
  return c.Pester(SIGUSR1, 500) == EINTR;
}
WITNESS(fifo_open_not_cancellation_point) {
  Fifo f(false);
  return Hangs([&] {
    static std::string path;
    path = f.path;
    pthread_t t;
    pthread_create(
        &t, nullptr, [](void*) -> void* { return Open(path, O_WRONLY), nullptr; }, nullptr);
    Nap(50);
    pthread_cancel(t);
    pthread_join(t, nullptr);
  });
}
WITNESS(fifo_open_excl_ignored) {
  Fifo f;
  return OpenIn(f.path, O_CREAT | O_EXCL | O_RDWR) == 0;
}
WITNESS(fifo_open_trunc_discards_data) {
  Fifo f;
  write(f.w, "x", 1);
  close(Open(f.path, O_WRONLY | O_TRUNC));
  pollfd p{f.r, POLLIN, 0};
  return poll(&p, 1, 0) == 0;
}
WITNESS(fifo_open_directory_flag_ignored) {
  Fifo f;
  return OpenIn(f.path, O_RDONLY | O_NONBLOCK | O_DIRECTORY) == 0;
}
WITNESS(fifo_open_eacces_as_enxio) {
  Fifo f(false, 0000);
  return Unprivileged([&] { return OpenIn(f.path, O_RDWR); }) == ENXIO;
}
WITNESS(fifo_open_reuses_description) {
  Fifo f;
  int other = Open(f.path, O_RDONLY | O_NONBLOCK);
  fcntl(f.r, F_SETFL, 0);
  return !(fcntl(other, F_GETFL) & O_NONBLOCK);
}
WITNESS(fifo_open_rdwr_waits) {
  Fifo f(false);
  return Hangs([&] { OpenIn(f.path, O_RDWR); });
}
WITNESS(fifo_open_ignores_cloexec) {
  Fifo f(false);
  return !(fcntl(Open(f.path, O_RDWR | O_CLOEXEC), F_GETFD) & FD_CLOEXEC);
}
