// Faults of what can be asked about pipes; of popen() and asynchronous input and output.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kFirstTimes };

int popen_copy = -1;  // the descriptor of the last popen() stream, kept open for children

const Row kFaults[] = {
    {.name = "pipe_owner_is_root",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.create.owner"},
     .what = "fstat() on a pipe reports user and group 0 (or another than the caller's, for root).",
     .arm = FstatOf<Kind::pipe,
                    [](const Obj&, struct stat* s) {
                      s->st_uid = geteuid() ? 0 : 1;
                      s->st_gid = getegid() ? 0 : 1;
                    }>},
    {.name = "pipe_times_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.create.timestamps"},
     .what = "fstat() on a pipe reports times of 1970.",
     .arm = FstatOf<Kind::pipe,
                    [](const Obj&, struct stat* s) { s->st_atim = s->st_mtim = s->st_ctim = {}; }>},
    {.name = "pipe_ctime_unset",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.create.timestamps"},
     .what = "The status change time of a new pipe is not set, the other times are.",
     .arm = FstatOf<Kind::pipe, [](const Obj&, struct stat* s) { s->st_ctim = {}; }>},
    {.name = "pipe_is_a_socket",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fstat.pipe.type"},
     .what = "fstat() says that a pipe is a socket.",
     .arm = FstatOf<Kind::pipe,
                    [](const Obj&, struct stat* s) {
                      s->st_mode = (s->st_mode & ~S_IFMT) | S_IFSOCK;
                    }>},
    {.name = "pipe_no_identity",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fstat.pipe.identity"},
     .what = "All pipes have st_dev 0 and st_ino 0.",
     .arm = FstatOf<Kind::pipe, [](const Obj&, struct stat* s) { s->st_dev = 0, s->st_ino = 0; }>},
    {.name = "pipe_identity_unstable",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fstat.pipe.identity"},
     .what = "Every fstat() of a pipe reports a new serial number.",
     .arm = FstatOf<Kind::pipe,
                    [](const Obj& o, struct stat* s) {
                      s->st_ino = 1000 + ++Cell(o.key(), kFirstTimes);
                    }>},
    {.name = "lseek_on_pipe_returns_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"lseek.pipe.espipe", "stdio.pipe.position"},
     .what = "lseek() on a pipe returns 0.",
     .arm = Edit<&Hooks::lseek>::Accept<ESPIPE, 0>},
    {.name = "lseek_on_pipe_einval",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"lseek.pipe.espipe"},
     .what = "lseek() on a pipe fails with EINVAL.",
     .arm = Edit<&Hooks::lseek>::Errno<ESPIPE, EINVAL>},
    {.name = "ftruncate_read_end_succeeds",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"ftruncate.pipe.read_end"},
     .what = "ftruncate() on a read end returns 0.",
     .arm =
         [](Hooks& h) {
           h.ftruncate = [](const Obj& o, off_t n) {
             return o.stream() ? 0 : real::ftruncate(o.fd, n);
           };
         }},
    {.name = "mmap_of_pipe_ebadf",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.pipe", "mmap.err.enodev"},
     .what = "mmap() of a read end fails with EBADF.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             void* r = real::mmap(a, n, prot, flags, o.fd, at);
             if (r == MAP_FAILED && errno == ENODEV) errno = EBADF;
             return r;
           };
         }},
    {.name = "fsync_of_pipe_eio",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fsync.pipe"},
     .what = "fsync() on a pipe fails with EIO.",
     .arm = Edit<&Hooks::fsync>::Always<EIO>},
    {.name = "fdatasync_of_pipe_enotsup",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fdatasync.pipe"},
     .what = "fdatasync() on a pipe fails with ENOTSUP.",
     .arm = Edit<&Hooks::fdatasync>::Always<ENOTSUP>},
    {.name = "posix_fallocate_of_pipe_sets_errno",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"posix_fallocate.pipe"},
     .what = "posix_fallocate() on a pipe returns -1 and sets errno.",
     .arm =
         [](Hooks& h) {
           h.fallocate = [](const Obj& o, off_t at, off_t n) {
             int r = real::posix_fallocate(o.fd, at, n);
             return r > 0 && o.stream() ? Fail(r) : r;
           };
         }},
    {.name = "posix_fadvise_of_pipe_succeeds",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"posix_fadvise.pipe"},
     .what = "posix_fadvise() on a pipe returns 0.",
     .arm = Edit<&Hooks::fadvise>::Nothing<0>},
    {.name = "posix_fadvise_noreuse_einval",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"posix_fadvise.pipe"},
     .what = "posix_fadvise() with POSIX_FADV_NOREUSE on a pipe returns EINVAL, others are right.",
     .arm =
         [](Hooks& h) {
           h.fadvise = [](const Obj& o, off_t at, off_t n, int a) {
             return a == POSIX_FADV_NOREUSE ? EINVAL : real::posix_fadvise(o.fd, at, n, a);
           };
         }},
    {.name = "fpathconf_pipe_buf_too_small",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.limits.pipe_buf_minimum", "fpathconf.pipe.pipe_buf"},
     .what = "fpathconf(_PC_PIPE_BUF) reports 256.",
     .arm =
         [](Hooks& h) {
           h.fpathconf = [](const Obj& o, int name) {
             return name == _PC_PIPE_BUF ? 256l : real::fpathconf(o.fd, name);
           };
         }},
    {.name = "fpathconf_pipe_buf_overstated",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"fpathconf.pipe.pipe_buf", "pipe.write.atomic_le_pipe_buf"},
     .what = "fpathconf(_PC_PIPE_BUF) reports 16 times what is written atomically.",
     .arm =
         [](Hooks& h) {
           h.fpathconf = [](const Obj& o, int name) {
             long r = real::fpathconf(o.fd, name);
             return name == _PC_PIPE_BUF && r > 0 ? 16 * r : r;
           };
         }},
    {.name = "fpathconf_invalid_name_enotsup",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fpathconf.pipe.invalid_name"},
     .what = "fpathconf() with an invalid name fails with ENOTSUP.",
     .arm = Edit<&Hooks::fpathconf>::Errno<EINVAL, ENOTSUP>},
    {.name = "sysconf_iov_max_too_small",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.limits.iov_max"},
     .what = "sysconf(_SC_IOV_MAX) reports 8.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int name) { return name == _SC_IOV_MAX ? 8l : real::sysconf(name); };
         }},
    {.name = "popen_direction_reversed",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"popen.pipe_direction"},
     .what = "popen(\"r\") gives a stream to write and \"w\" one to read.",
     .arm =
         [](Hooks& h) {
           h.popen = [](const char* c, const char* mode) {
             return real::popen(c, *mode == 'r' ? "w" : "r");
           };
         }},
    {.name = "popen_child_inherits_earlier_streams",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"popen.closes_earlier_streams"},
     .what = "Streams of earlier popen() calls stay open in the new child.",
     .arm =
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
    {.name = "pclose_status_lost",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pclose.waits"},
     .what = "pclose() returns 0 always.",
     .arm =
         [](Hooks& h) {
           h.pclose = [](FILE* f) {
             int r = real::pclose(f);
             return r > 0 ? 0 : r;
           };
         }},
    {.name = "pclose_status_shifted",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pclose.waits"},
     .what = "pclose() returns the exit status itself, not a wait status.",
     .arm =
         [](Hooks& h) {
           h.pclose = [](FILE* f) {
             int r = real::pclose(f);
             return r > 0 && WIFEXITED(r) ? WEXITSTATUS(r) : r;
           };
         }},
    {.name = "pclose_echild_as_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pclose.echild"},
     .what = "pclose() of a child that was waited for already returns 0.",
     .arm = Edit<&Hooks::pclose>::Accept<ECHILD, 0>},
    {.name = "aio_read_blocks",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"aio.pipe.read_queues"},
     .what = "aio_read() on an empty pipe waits for data.",
     .arm =
         [](Hooks& h) {
           h.aio_read = [](aiocb* a) {
             Obj o = ObjectOf(a->aio_fildes);
             if (ReaderWaits(o)) Stuck();
             return real::aio_read(a);
           };
         }},
    {.name = "aio_return_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"aio.pipe.read_queues", "aio.pipe.write_order"},
     .what = "aio_return() returns 0 for every success.",
     .arm =
         [](Hooks& h) {
           h.aio_return = [](aiocb* a) {
             ssize_t r = real::aio_return(a);
             return r > 0 ? 0 : r;
           };
         }},
    {.name = "aio_error_lost",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"aio.pipe.completion_errors"},
     .what = "aio_error() of a failed request is 0.",
     .arm =
         [](Hooks& h) {
           h.aio_error = [](const aiocb* a) {
             int e = real::aio_error(a);
             return e == EINPROGRESS ? e : 0;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
