// Faults of the data of FIFOs and of what can be asked about them.
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include "faults/preload/state.h"

namespace faults {
namespace {

enum Use : uint32_t { kEnded, kBroken, kReaders };

uint64_t Here(const Obj& o) { return o.key() * 31 + static_cast<uint64_t>(getpid()) * 4099 + o.fd; }

const Row kFaults[] = {
    {.name = "fifo_eof_sticky",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.io.eof_not_sticky"},
     .what =
         "A descriptor that has seen end-of-file sees nothing but end-of-file, new writer or not.",
     .arm =
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
    {.name = "fifo_epipe_sticky",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.io.epipe_not_sticky"},
     .what = "A descriptor that has seen EPIPE fails with EPIPE also when there is a reader again.",
     .arm =
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
    {.name = "fifo_eof_at_first_writer_close",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.io.eof_after_all_writers"},
     .what = "A reader blocked on a FIFO returns 0 when one of several writers closes.",
     .arm =
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
    {.name = "fifo_keeps_data_after_last_close",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.io.discard_on_last_close"},
     .what = "Data left in a FIFO is there for those who open it later.",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) {
             if (o.kind == Kind::fifo && AccessMode(o) == O_RDONLY && Available(o) > 0) {
               real::fcntl(o.fd, F_DUPFD_CLOEXEC, 300l);
             }
             return real::close(o.fd);
           };
         }},
    {.name = "fifo_unlinked_is_stale",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.names.links_and_unlink"},
     .what = "Reading and writing a FIFO without a name left fails with ESTALE.",
     .source = "NFS",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             struct stat s;
             if (o.kind == Kind::fifo && real::fstat(o.fd, &s) == 0 && s.st_nlink == 0) {
               return static_cast<ssize_t>(Fail(ESTALE));
             }
             return real::read(o.fd, b, n);
           };
         }},
    {.name = "fifo_unlink_has_no_effect",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.names.links_and_unlink"},
     .what = "unlink() of a FIFO that is open returns 0 and leaves the name.",
     .arm =
         [](Hooks& h) {
           h.unlink_fifo = [](int d, const char* p) {
             bool open = false;
             struct stat s;
             real::fstatat(d, p, &s, AT_SYMLINK_NOFOLLOW);
             ForEachObject([&](const Obj& o) { open |= o.dev == s.st_dev && o.ino == s.st_ino; });
             return open ? 0 : real::unlinkat(d, p, 0);
           };
         }},
    {.name = "fifo_not_atomic",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.io.same_as_pipe"},
     .what = "Small writes to FIFOs are split, writes to pipes are atomic.",
     .arm =
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
    {.name = "fifo_write_times_not_marked",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.times.io"},
     .what = "Writing to a FIFO leaves its times alone.",
     .arm =
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
    {.name = "fifo_read_times_not_marked",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.times.io"},
     .what = "Reading from a FIFO leaves its access time alone.",
     .source = "mounts with noatime",
     .arm =
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
    {.name = "pathconf_pipe_buf_too_small",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.pathconf.pipe_buf"},
     .what = "pathconf(_PC_PIPE_BUF) on a FIFO reports 255.",
     .arm =
         [](Hooks& h) {
           h.pathconf_fifo = [](const char* p, int name) {
             return name == _PC_PIPE_BUF ? 255l : real::pathconf(p, name);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
