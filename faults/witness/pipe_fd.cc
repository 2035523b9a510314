// Witnesses of bank_pipe_fd.cc and bank_pipe_other.cc.
#include <aio.h>
#include <limits.h>
#include <spawn.h>
#include <sys/uio.h>

#include <cstdio>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
bool Cloexec(int fd) { return fcntl(fd, F_GETFD) & FD_CLOEXEC; }
bool Nonblock(int fd) { return fcntl(fd, F_GETFL) & O_NONBLOCK; }
struct stat Stat(int fd) {
  struct stat s {};
  fstat(fd, &s);
  return s;
}
// What waitpid says about a spawned copy of this program.
int Spawned(const posix_spawn_file_actions_t* actions, const char* command, int number) {
  std::string self = SelfPath(), text = std::to_string(number);
  char* argv[] = {self.data(), const_cast<char*>(command), text.data(), nullptr};
  pid_t pid;
  int status = -1;
  if (posix_spawn(&pid, self.c_str(), actions, nullptr, argv, environ) != 0) return -1;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}
}  // namespace

WITNESS(pipe_ends_swapped) {
  int p[2];
  pipe(p);
  return Fails(write(p[1], "x", 1), EBADF);
}
WITNESS(pipe_nonblock_by_default) { return Nonblock(Pipe().r); }
WITNESS(pipe_nonblock_write_end_by_default) {
  Pipe p;
  return Nonblock(p.w) && !Nonblock(p.r);
}
WITNESS(pipe_cloexec_by_default) { return Cloexec(Pipe().w); }
WITNESS(pipe_not_lowest_numbers) {
  int low = dup(0);
  close(low);
  Pipe p;
  return p.r != low && p.w != low;
}
WITNESS(pipe_second_number_adjacent) {
  int a = dup(0), b = dup(0), c = dup(0);
  close(a), close(c);
  Pipe p;
  return b >= 0 && p.w != c && p.r == a;
}
WITNESS(pipe_ends_share_flags) {
  Pipe p;
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  return Nonblock(p.w);
}
WITNESS(pipe_getfl_without_access_mode) {
  return (fcntl(Pipe().w, F_GETFL) & O_ACCMODE) == O_RDONLY;
}
WITNESS(pipe_emfile_leaks_descriptor) {
  return Child([] {
           LimitDescriptors(1);
           int p[2];
           pipe(p);
           return open("/dev/null", O_RDONLY) < 0 ? 1 : 0;
         }).Exit() == 1;
}
WITNESS(pipe_failure_writes_array) {
  return Child([] {
           LimitDescriptors(0);
           int p[2] = {7, 7};
           pipe(p);
           return p[0] != 7;
         }).Exit() == 1;
}
WITNESS(pipe_emfile_as_enfile) {
  return Child([] {
           LimitDescriptors(0);
           int p[2];
           return Fails(pipe(p), ENFILE);
         }).Exit() == 1;
}
WITNESS(pipe2_cloexec_ignored) { return !Cloexec(Pipe(O_CLOEXEC).r); }
WITNESS(pipe2_cloexec_read_end_only) {
  Pipe p(O_CLOEXEC);
  return Cloexec(p.r) && !Cloexec(p.w);
}
WITNESS(pipe2_nonblock_read_end_only) {
  Pipe p(O_NONBLOCK);
  return Nonblock(p.r) && !Nonblock(p.w);
}
WITNESS(pipe2_nonblock_implies_cloexec) { return Cloexec(Pipe(O_NONBLOCK).r); }
WITNESS(close_keeps_number) {
  Pipe p;
  return close(p.r) == 0 && fcntl(p.r, F_GETFD) >= 0;
}
WITNESS(close_of_duplicate_ends_pipe) {
  Pipe p;
  close(dup(p.w));
  return Fails(write(p.w, "x", 1), EBADF);
}
WITNESS(close_leaks_write_reference) {
  Pipe p;
  close(p.w);
  char c;
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  return Fails(read(p.r, &c, 1), EAGAIN);
}
WITNESS(dup_copies_cloexec) { return Cloexec(dup(Pipe(O_CLOEXEC).r)); }
WITNESS(dup2_copies_cloexec) {
  Pipe p(O_CLOEXEC);
  return Cloexec(dup2(p.r, 50)) && !Cloexec(dup(p.r));
}
WITNESS(dup_makes_new_description) {
  Pipe p;
  int d = dup(p.r);
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  return !Nonblock(d);
}
WITNESS(dup_emfile_as_ebadf) {
  return Child([] {
           Pipe p;
           LimitDescriptors(0);
           return Fails(dup(p.r), EBADF);
         }).Exit() == 1;
}
WITNESS(dup2_leaks_target) {
  Pipe p;
  int null = open("/dev/null", O_RDWR);
  dup2(null, p.w);
  char c;
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  return Fails(read(p.r, &c, 1), EAGAIN);
}
WITNESS(dup2_same_number_clears_cloexec) {
  Pipe p(O_CLOEXEC);
  return dup2(p.r, p.r) == p.r && fcntl(p.r, F_GETFD) == 0;
}
WITNESS(dup2_same_number_closes) {
  Pipe p;
  return dup2(p.r, p.r) == p.r && fcntl(p.r, F_GETFD) < 0;
}
WITNESS(dup2_bad_source_closes_target) {
  Pipe p;
  return Fails(dup2(900, p.r), EBADF) && fcntl(p.r, F_GETFD) < 0;
}
WITNESS(dup2_range_einval) { return Fails(dup2(Pipe().r, -1), EINVAL); }
WITNESS(dup2_above_limit_emfile) {
  rlimit l{};
  getrlimit(RLIMIT_NOFILE, &l);
  Pipe p;
  return Fails(dup2(p.r, static_cast<int>(l.rlim_cur)), EMFILE) && Fails(dup2(p.r, -1), EBADF);
}
WITNESS(dup3_cloexec_ignored) { return !Cloexec(dup3(Pipe().r, 60, O_CLOEXEC)); }
WITNESS(dup3_equal_numbers_succeeds) {
  Pipe p;
  return dup3(p.r, p.r, 0) == p.r;
}
WITNESS(dupfd_minimum_ignored) { return fcntl(Pipe().r, F_DUPFD, 50) < 50; }
WITNESS(dupfd_minimum_off_by_one) { return fcntl(Pipe().r, F_DUPFD, 50) == 51; }
WITNESS(dupfd_cloexec_not_set) { return !Cloexec(fcntl(Pipe().r, F_DUPFD_CLOEXEC, 0)); }
WITNESS(dupfd_range_ebadf) { return Fails(fcntl(Pipe().r, F_DUPFD, -1), EBADF); }
WITNESS(setfl_per_descriptor) {
  Pipe p;
  int d = dup(p.r);
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  return !Nonblock(d);
}
WITNESS(setfl_ignored) {
  Pipe p;
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  return !Nonblock(p.r);
}
WITNESS(setfl_cannot_clear_nonblock) {
  Pipe p(O_NONBLOCK);
  fcntl(p.r, F_SETFL, 0);
  return Nonblock(p.r);
}
WITNESS(setfl_drops_append) {
  Pipe p;
  return fcntl(p.w, F_SETFL, O_APPEND) == 0 && !(fcntl(p.w, F_GETFL) & O_APPEND);
}
WITNESS(setfl_rejects_creation_bits) {
  return Fails(fcntl(Pipe().r, F_SETFL, O_RDWR | O_CREAT | O_NONBLOCK), EINVAL);
}
WITNESS(setfd_shared_by_duplicates) {
  Pipe p;
  int d = dup(p.r);
  fcntl(p.r, F_SETFD, FD_CLOEXEC);
  return Cloexec(d);
}

WITNESS(fork_child_loses_pipes) {
  Pipe p;
  return Child([&] { return fcntl(p.r, F_GETFD) < 0; }).Exit() == 1;
}
WITNESS(fork_child_loses_write_ends) {
  Pipe p;
  return Child([&] { return fcntl(p.w, F_GETFD) < 0 && fcntl(p.r, F_GETFD) >= 0; }).Exit() == 1;
}
WITNESS(fork_child_gets_new_descriptions) {
  Pipe p;
  Child([&] { return fcntl(p.r, F_SETFL, O_NONBLOCK); }).Exit();
  return !Nonblock(p.r);
}
WITNESS(exec_keeps_cloexec_pipes) {
  Pipe p(O_CLOEXEC);
  return Child([&] { return ExecSelf("fd-open", p.r); }).Exit(5000) == 1;
}
WITNESS(exec_closes_pipes) {
  Pipe p;
  return Child([&] { return ExecSelf("fd-open", p.r); }).Exit(5000) == 0;
}
WITNESS(failed_exec_closes_cloexec_pipes) {
  Pipe p(O_CLOEXEC);
  execl("/nonexistent", "x", nullptr);
  return fcntl(p.r, F_GETFD) < 0;
}
WITNESS(spawn_adddup2_same_number_stays_cloexec) {
  Pipe p(O_CLOEXEC);
  posix_spawn_file_actions_t a;
  posix_spawn_file_actions_init(&a);
  posix_spawn_file_actions_adddup2(&a, p.r, p.r);
  return Spawned(&a, "fd-open", p.r) == 0;
}
WITNESS(spawn_adddup2_ignored) {
  Pipe p(O_CLOEXEC);
  posix_spawn_file_actions_t a;
  posix_spawn_file_actions_init(&a);
  posix_spawn_file_actions_adddup2(&a, p.r, 70);
  return Spawned(&a, "fd-open", 70) == 0;
}
WITNESS(exit_keeps_write_ends) {
  Pipe p;
  Child([&] { return 0; }).Exit();
  close(p.w);
  char c;
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  return Fails(read(p.r, &c, 1), EAGAIN);
}
WITNESS(pipe_owner_is_root) {
  struct stat s = Stat(Pipe().r);
  return s.st_uid != geteuid() || s.st_gid != getegid();
}
WITNESS(pipe_times_zero) { return Stat(Pipe().r).st_mtim.tv_sec == 0; }
WITNESS(pipe_ctime_unset) {
  struct stat s = Stat(Pipe().r);
  return s.st_ctim.tv_sec == 0 && s.st_mtim.tv_sec != 0;
}
WITNESS(pipe_is_a_socket) { return S_ISSOCK(Stat(Pipe().r).st_mode); }
WITNESS(pipe_no_identity) { return Stat(Pipe().r).st_ino == 0; }
WITNESS(pipe_identity_unstable) {
  Pipe p;
  return Stat(p.r).st_ino != Stat(p.r).st_ino;
}
WITNESS(lseek_on_pipe_returns_zero) { return lseek(Pipe().r, 0, SEEK_CUR) == 0; }
WITNESS(lseek_on_pipe_einval) { return Fails(lseek(Pipe().r, 0, SEEK_CUR), EINVAL); }
WITNESS(ftruncate_read_end_succeeds) { return ftruncate(Pipe().r, 0) == 0; }
WITNESS(mmap_of_pipe_ebadf) {
  Pipe p;
  return mmap(nullptr, 10, PROT_READ, MAP_SHARED, p.r, 0) == MAP_FAILED && errno == EBADF;
}
WITNESS(fsync_of_pipe_eio) { return Fails(fsync(Pipe().r), EIO); }
WITNESS(fdatasync_of_pipe_enotsup) { return Fails(fdatasync(Pipe().w), ENOTSUP); }
WITNESS(posix_fallocate_of_pipe_sets_errno) { return posix_fallocate(Pipe().w, 0, 1) == -1; }
WITNESS(posix_fadvise_of_pipe_succeeds) { return posix_fadvise(Pipe().r, 0, 0, 0) == 0; }
WITNESS(posix_fadvise_noreuse_einval) {
  return posix_fadvise(Pipe().r, 0, 0, POSIX_FADV_NOREUSE) == EINVAL;
}
WITNESS(fpathconf_pipe_buf_too_small) { return fpathconf(Pipe().r, _PC_PIPE_BUF) == 256; }
WITNESS(fpathconf_pipe_buf_overstated) { return fpathconf(Pipe().r, _PC_PIPE_BUF) > 16 * 512 * 7; }
WITNESS(fpathconf_invalid_name_enotsup) { return Fails(fpathconf(Pipe().r, -5), ENOTSUP); }
WITNESS(sysconf_iov_max_too_small) { return sysconf(_SC_IOV_MAX) == 8; }
WITNESS(popen_direction_reversed) {
  FILE* f = popen("cat >/dev/null", "w");
  bool wrong = (fcntl(fileno(f), F_GETFL) & O_ACCMODE) == O_RDONLY;
  pclose(f);
  return wrong;
}
WITNESS(popen_child_inherits_earlier_streams) {
  auto count = [] {
    FILE* f = popen("ls -l /proc/self/fd | grep -c pipe:", "r");
    int pipes = 0;
    fscanf(f, "%d", &pipes);
    pclose(f);
    return pipes;
  };
  int before = count();
  FILE* first = popen("cat >/dev/null", "w");
  int after = count();
  pclose(first);
  return after > before;
}
WITNESS(pclose_status_lost) { return pclose(popen("exit 3", "r")) == 0; }
WITNESS(pclose_status_shifted) { return pclose(popen("exit 3", "r")) == 3; }
WITNESS(pclose_echild_as_zero) {
  FILE* f = popen("exit 3", "r");
  while (waitpid(-1, nullptr, 0) > 0) {
  }
  return pclose(f) == 0;
}

namespace {
aiocb Request(int fd, char* c) {
  aiocb a{};
  a.aio_fildes = fd;
  a.aio_buf = c;
  a.aio_nbytes = 1;
  return a;
}
}  // namespace
WITNESS(aio_read_blocks) {
  return Hangs([] {
    Pipe p;
    static char c;
    static aiocb a;
    a = Request(p.r, &c);
    aio_read(&a);
    _exit(0);
  });
}
WITNESS(aio_return_zero) {
  Pipe p;
  static char c;
  static aiocb a;
  write(p.w, "x", 1);
  a = Request(p.r, &c);
  aio_read(&a);
  while (aio_error(&a) == EINPROGRESS) Nap(1);
  return aio_return(&a) == 0;
}
WITNESS(aio_error_lost) {
  signal(SIGPIPE, SIG_IGN);
  Pipe p;
  close(p.r);
  static char c;
  static aiocb a;
  a = Request(p.w, &c);
  aio_write(&a);
  while (aio_error(&a) == EINPROGRESS) Nap(1);
  return aio_error(&a) == 0;
}
