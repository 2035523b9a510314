// Faults of pipes over fork, exec and exit; of what can be asked about them; of popen() and aio.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

namespace faults {
namespace {

enum Use : uint32_t { kFirstTimes = 300, kCloexecMark, kLastStream };

bool Cloexec(int fd) { return real::fcntl(fd, F_GETFD, 0) & FD_CLOEXEC; }

template <class F>
void ForEachStream(F f) {
  ForEachObject([&](const Obj& o) {
    if (o.stream()) f(o);
  });
}

// fstat() on streams of this kind, with `edit` applied to the result.
template <Kind K, void (*Change)(const Obj&, struct stat*)>
void FstatOf(Hooks& h) {
  h.fstat = [](const Obj& o, struct stat* s) {
    int r = real::fstat(o.fd, s);
    if (r == 0 && o.kind == K) Change(o, s);
    return r;
  };
}

int popen_copy = -1;  // the descriptor of the last popen() stream, kept open for children

const Fault kFaults[] = {
    {"fork_child_loses_pipes", "pipe", "easy", "fork.pipe.descriptors_shared",
     "Pipe descriptors are not open in the child of fork().", "",
     [](Hooks& h) {
       h.after_fork_in_child = [] { ForEachStream([](const Obj& o) { real::close(o.fd); }); };
     }},
    {"fork_child_loses_write_ends", "pipe", "medium",
     "fork.pipe.child_copy_delays_eof fork.pipe.descriptors_shared",
     "Write ends are not inherited by the child of fork(), read ends are.", "",
     [](Hooks& h) {
       h.after_fork_in_child = [] {
         ForEachStream([](const Obj& o) {
           if (AccessMode(o) == O_WRONLY) real::close(o.fd);
         });
       };
     }},
    {"fork_child_gets_new_descriptions", "pipe", "hard", "fork.pipe.descriptors_shared",
     "The child has its own descriptions: O_NONBLOCK set by one process is not seen by the other.",
     "",
     [](Hooks& h) {
       h.after_fork_in_child = [] {
         ForEachStream([](const Obj& o) {
           if (o.kind != Kind::pipe) return;
           int keep = real::fcntl(o.fd, F_GETFD, 0);
           int fresh = Reopen(o.fd, real::fcntl(o.fd, F_GETFL, 0) & (O_ACCMODE | O_NONBLOCK));
           if (fresh < 0) return;
           real::dup2(fresh, o.fd);
           real::close(fresh);
           real::fcntl(o.fd, F_SETFD, static_cast<long>(keep));
         });
       };
     }},
    {"exec_keeps_cloexec_pipes", "pipe", "easy", "exec.pipe.cloexec",
     "Pipe ends with FD_CLOEXEC stay open over exec.", "",
     [](Hooks& h) {
       h.before_exec = [] {
         ForEachStream([](const Obj& o) {
           if (!Cloexec(o.fd)) return;
           Cell(o.fd, kCloexecMark) = getpid();
           real::fcntl(o.fd, F_SETFD, 0l);
         });
       };
       h.failed_exec = [] {
         ForEachStream([](const Obj& o) {
           if (Cell(o.fd, kCloexecMark) == static_cast<uint64_t>(getpid())) {
             real::fcntl(o.fd, F_SETFD, static_cast<long>(FD_CLOEXEC));
           }
         });
       };
     }},
    {"exec_closes_pipes", "pipe", "easy", "exec.pipe.inherited",
     "All pipe descriptors are closed by exec.", "",
     [](Hooks& h) {
       h.before_exec = [] {
         ForEachStream([](const Obj& o) {
           if (Cloexec(o.fd)) return;
           Cell(o.fd, kCloexecMark) = getpid();
           real::fcntl(o.fd, F_SETFD, static_cast<long>(FD_CLOEXEC));
         });
       };
       h.failed_exec = [] {
         ForEachStream([](const Obj& o) {
           if (Cell(o.fd, kCloexecMark) == static_cast<uint64_t>(getpid())) {
             real::fcntl(o.fd, F_SETFD, 0l);
           }
         });
       };
     }},
    {"failed_exec_closes_cloexec_pipes", "pipe", "hard", "exec.pipe.failed_exec_keeps_open",
     "An exec that fails has already closed the descriptors with FD_CLOEXEC.", "",
     [](Hooks& h) {
       h.failed_exec = [] {
         ForEachStream([](const Obj& o) {
           if (Cloexec(o.fd)) real::close(o.fd);
         });
       };
     }},
    {"spawn_adddup2_same_number_stays_cloexec", "pipe", "medium", "spawn.pipe.adddup2_same_number",
     "adddup2 of a descriptor onto itself leaves FD_CLOEXEC set in the child.",
     "glibc before 2.29 (BZ 23640)",
     [](Hooks& h) {
       h.spawn_adddup2 = [](posix_spawn_file_actions_t* a, int from, int to) {
         return from == to ? 0 : real::posix_spawn_file_actions_adddup2(a, from, to);
       };
     }},
    {"spawn_adddup2_ignored", "pipe", "easy", "spawn.pipe.adddup2",
     "adddup2 actions of posix_spawn() are dropped.", "", Edit<&Hooks::spawn_adddup2>::Nothing<0>},
    {"exit_keeps_write_ends", "pipe", "medium", "exit.closes_pipe_ends",
     "The write ends of a process that ended stay open for a while.", "",
     [](Hooks& h) {
       h.before_exit = [] {
         bool any = false;
         ForEachStream([&](const Obj& o) { any |= AccessMode(o) == O_WRONLY; });
         if (!any || real::fork() != 0) return;
         if (real::fork() != 0) real::_exit(0);
         ForEachObject([](const Obj& o) {
           if (!o.stream() || AccessMode(o) != O_WRONLY) real::close(o.fd);
         });
         Stuck();
         real::_exit(0);
       };
     }},
    {"pipe_owner_is_root", "pipe", "easy", "pipe.create.owner",
     "fstat() on a pipe reports user and group 0 (or another than the caller's, for root).", "",
     FstatOf<Kind::pipe,
             [](const Obj&, struct stat* s) {
               s->st_uid = geteuid() ? 0 : 1;
               s->st_gid = getegid() ? 0 : 1;
             }>},
    {"pipe_times_zero", "pipe", "easy", "pipe.create.timestamps",
     "fstat() on a pipe reports times of 1970.", "",
     FstatOf<Kind::pipe,
             [](const Obj&, struct stat* s) { s->st_atim = s->st_mtim = s->st_ctim = {}; }>},
    {"pipe_ctime_unset", "pipe", "medium", "pipe.create.timestamps",
     "The status change time of a new pipe is not set, the other times are.", "",
     FstatOf<Kind::pipe, [](const Obj&, struct stat* s) { s->st_ctim = {}; }>},
    {"pipe_is_a_socket", "pipe", "easy", "fstat.pipe.type", "fstat() says that a pipe is a socket.",
     "",
     FstatOf<Kind::pipe,
             [](const Obj&, struct stat* s) { s->st_mode = (s->st_mode & ~S_IFMT) | S_IFSOCK; }>},
    {"pipe_no_identity", "pipe", "medium", "fstat.pipe.identity",
     "All pipes have st_dev 0 and st_ino 0.", "",
     FstatOf<Kind::pipe, [](const Obj&, struct stat* s) { s->st_dev = 0, s->st_ino = 0; }>},
    {"pipe_identity_unstable", "pipe", "medium", "fstat.pipe.identity",
     "Every fstat() of a pipe reports a new serial number.", "",
     FstatOf<Kind::pipe, [](const Obj& o,
                            struct stat* s) { s->st_ino = 1000 + ++Cell(o.key(), kFirstTimes); }>},
    {"lseek_on_pipe_returns_zero", "pipe", "easy", "lseek.pipe.espipe stdio.pipe.position",
     "lseek() on a pipe returns 0.", "", Edit<&Hooks::lseek>::Accept<ESPIPE, 0>},
    {"lseek_on_pipe_einval", "pipe", "easy", "lseek.pipe.espipe",
     "lseek() on a pipe fails with EINVAL.", "", Edit<&Hooks::lseek>::Errno<ESPIPE, EINVAL>},
    {"ftruncate_read_end_succeeds", "pipe", "easy", "ftruncate.pipe.read_end",
     "ftruncate() on a read end returns 0.", "",
     [](Hooks& h) {
       h.ftruncate = [](const Obj& o, off_t n) {
         return o.stream() ? 0 : real::ftruncate(o.fd, n);
       };
     }},
    {"mmap_of_pipe_ebadf", "pipe", "easy", "mmap.pipe mmap.err.enodev",
     "mmap() of a read end fails with EBADF.", "",
     [](Hooks& h) {
       h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
         void* r = real::mmap(a, n, prot, flags, o.fd, at);
         if (r == MAP_FAILED && errno == ENODEV) errno = EBADF;
         return r;
       };
     }},
    {"fsync_of_pipe_eio", "pipe", "easy", "fsync.pipe", "fsync() on a pipe fails with EIO.", "",
     Edit<&Hooks::fsync>::Always<EIO>},
    {"fdatasync_of_pipe_enotsup", "pipe", "easy", "fdatasync.pipe",
     "fdatasync() on a pipe fails with ENOTSUP.", "", Edit<&Hooks::fdatasync>::Always<ENOTSUP>},
    {"posix_fallocate_of_pipe_sets_errno", "pipe", "medium", "posix_fallocate.pipe",
     "posix_fallocate() on a pipe returns -1 and sets errno.", "",
     [](Hooks& h) {
       h.fallocate = [](const Obj& o, off_t at, off_t n) {
         int r = real::posix_fallocate(o.fd, at, n);
         return r > 0 && o.stream() ? Fail(r) : r;
       };
     }},
    {"posix_fadvise_of_pipe_succeeds", "pipe", "easy", "posix_fadvise.pipe",
     "posix_fadvise() on a pipe returns 0.", "", Edit<&Hooks::fadvise>::Nothing<0>},
    {"posix_fadvise_noreuse_einval", "pipe", "hard", "posix_fadvise.pipe",
     "posix_fadvise() with POSIX_FADV_NOREUSE on a pipe returns EINVAL, others are right.", "",
     [](Hooks& h) {
       h.fadvise = [](const Obj& o, off_t at, off_t n, int a) {
         return a == POSIX_FADV_NOREUSE ? EINVAL : real::posix_fadvise(o.fd, at, n, a);
       };
     }},
    {"fpathconf_pipe_buf_too_small", "pipe", "easy",
     "pipe.limits.pipe_buf_minimum fpathconf.pipe.pipe_buf", "fpathconf(_PC_PIPE_BUF) reports 256.",
     "",
     [](Hooks& h) {
       h.fpathconf = [](const Obj& o, int name) {
         return name == _PC_PIPE_BUF ? 256l : real::fpathconf(o.fd, name);
       };
     }},
    {"fpathconf_pipe_buf_overstated", "pipe", "hard",
     "fpathconf.pipe.pipe_buf pipe.write.atomic_le_pipe_buf",
     "fpathconf(_PC_PIPE_BUF) reports 16 times what is written atomically.", "",
     [](Hooks& h) {
       h.fpathconf = [](const Obj& o, int name) {
         long r = real::fpathconf(o.fd, name);
         return name == _PC_PIPE_BUF && r > 0 ? 16 * r : r;
       };
     }},
    {"fpathconf_invalid_name_enotsup", "pipe", "easy", "fpathconf.pipe.invalid_name",
     "fpathconf() with an invalid name fails with ENOTSUP.", "",
     Edit<&Hooks::fpathconf>::Errno<EINVAL, ENOTSUP>},
    {"sysconf_iov_max_too_small", "pipe", "easy", "pipe.limits.iov_max",
     "sysconf(_SC_IOV_MAX) reports 8.", "",
     [](Hooks& h) {
       h.sysconf = [](int name) { return name == _SC_IOV_MAX ? 8l : real::sysconf(name); };
     }},
    {"popen_direction_reversed", "pipe", "easy", "popen.pipe_direction",
     "popen(\"r\") gives a stream to write and \"w\" one to read.", "",
     [](Hooks& h) {
       h.popen = [](const char* c, const char* mode) {
         return real::popen(c, *mode == 'r' ? "w" : "r");
       };
     }},
    {"popen_child_inherits_earlier_streams", "pipe", "hard", "popen.closes_earlier_streams",
     "Streams of earlier popen() calls stay open in the new child.", "",
     [](Hooks& h) {
       h.popen = [](const char* c, const char* mode) {
         FILE* f = real::popen(c, mode);
         if (popen_copy >= 0) real::close(popen_copy), popen_copy = -1;
         if (f) popen_copy = real::fcntl(fileno(f), F_DUPFD, 250l);
         return f;
       };
       h.pclose = [](FILE* f) {
         if (popen_copy >= 0) real::close(popen_copy), popen_copy = -1;
         return real::pclose(f);
       };
     }},
    {"pclose_status_lost", "pipe", "easy", "pclose.waits", "pclose() returns 0 always.", "",
     [](Hooks& h) {
       h.pclose = [](FILE* f) {
         int r = real::pclose(f);
         return r > 0 ? 0 : r;
       };
     }},
    {"pclose_status_shifted", "pipe", "medium", "pclose.waits",
     "pclose() returns the exit status itself, not a wait status.", "",
     [](Hooks& h) {
       h.pclose = [](FILE* f) {
         int r = real::pclose(f);
         return r > 0 && WIFEXITED(r) ? WEXITSTATUS(r) : r;
       };
     }},
    {"pclose_echild_as_zero", "pipe", "medium", "pclose.echild",
     "pclose() of a child that was waited for already returns 0.", "",
     Edit<&Hooks::pclose>::Accept<ECHILD, 0>},
    {"aio_read_blocks", "pipe", "easy", "aio.pipe.read_queues",
     "aio_read() on an empty pipe waits for data.", "",
     [](Hooks& h) {
       h.aio_read = [](aiocb* a) {
         Obj o = ObjectOf(a->aio_fildes);
         if (ReaderWaits(o)) Stuck();
         return real::aio_read(a);
       };
     }},
    {"aio_return_zero", "pipe", "easy", "aio.pipe.read_queues aio.pipe.write_order",
     "aio_return() returns 0 for every success.", "",
     [](Hooks& h) {
       h.aio_return = [](aiocb* a) {
         ssize_t r = real::aio_return(a);
         return r > 0 ? 0 : r;
       };
     }},
    {"aio_error_lost", "pipe", "medium", "aio.pipe.completion_errors",
     "aio_error() of a failed request is 0.", "",
     [](Hooks& h) {
       h.aio_error = [](const aiocb* a) {
         int e = real::aio_error(a);
         return e == EINPROGRESS ? e : 0;
       };
     }},
};

}  // namespace

Bank PipeOtherBank() { return BankOf(kFaults); }

}  // namespace faults
