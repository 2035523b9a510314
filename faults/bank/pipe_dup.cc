// Faults of duplicating the descriptors of pipes and of their flags.
#include <fcntl.h>
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

const Row kFaults[] = {
    {.name = "dup_copies_cloexec",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"dup.pipe.fd_flags_clear"},
     .what = "dup() copies FD_CLOEXEC to the new descriptor.",
     .arm =
         [](Hooks& h) {
           h.dup = [](const Obj& o) {
             int fd = real::dup(o.fd);
             if (fd >= 0) SetFd(fd, real::fcntl(o.fd, F_GETFD, 0));
             return fd;
           };
         }},
    {.name = "dup2_copies_cloexec",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"dup.pipe.fd_flags_clear"},
     .what = "dup2() copies FD_CLOEXEC to the new descriptor; dup() is right.",
     .arm =
         [](Hooks& h) {
           h.dup2 = [](const Obj& a, const Obj& b) {
             int flags = real::fcntl(a.fd, F_GETFD, 0);
             int fd = real::dup2(a.fd, b.fd);
             if (fd >= 0 && a.fd != b.fd) SetFd(fd, flags);
             return fd;
           };
         }},
    {.name = "dup_makes_new_description",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"dup.pipe.shares_description"},
     .what = "dup() of a pipe end is a new open of the pipe: status flags are not shared.",
     .arm =
         [](Hooks& h) {
           h.dup = [](const Obj& o) {
             int fd = real::dup(o.fd);
             if (fd < 0 || !o.stream()) return fd;
             int fresh = Reopen(o.fd, GetFl(o.fd) & (O_ACCMODE | O_NONBLOCK));
             if (fresh < 0) return fd;
             real::dup2(fresh, fd);
             real::close(fresh);
             return fd;
           };
         }},
    {.name = "dup_emfile_as_ebadf",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"dup.errors"},
     .what = "dup() in a full table fails with EBADF.",
     .arm = Edit<&Hooks::dup>::Errno<EMFILE, EBADF>},
    {.name = "dup2_leaks_target",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"dup2.pipe.closes_target"},
     .what = "dup2() onto a pipe end does not drop the reference of the old target.",
     .arm =
         [](Hooks& h) {
           h.dup2 = [](const Obj& a, const Obj& b) {
             if (b.stream() && a.fd != b.fd && a.kind != Kind::bad) {
               real::fcntl(b.fd, F_DUPFD_CLOEXEC, 300l);
             }
             return real::dup2(a.fd, b.fd);
           };
         }},
    {.name = "dup2_same_number_clears_cloexec",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"dup2.same_number"},
     .what = "dup2(fd, fd) clears FD_CLOEXEC.",
     .source = "Haiku (gnulib manual, dup2)",
     .arm =
         [](Hooks& h) {
           h.dup2 = [](const Obj& a, const Obj& b) {
             if (a.fd == b.fd) SetFd(a.fd, 0);
             return real::dup2(a.fd, b.fd);
           };
         }},
    {.name = "dup2_same_number_closes",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"dup2.same_number"},
     .what = "dup2(fd, fd) closes fd and returns it.",
     .arm =
         [](Hooks& h) {
           h.dup2 = [](const Obj& a, const Obj& b) {
             if (a.fd == b.fd) return real::close(a.fd), a.fd;
             return real::dup2(a.fd, b.fd);
           };
         }},
    {.name = "dup2_bad_source_closes_target",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"dup2.invalid_source_keeps_target"},
     .what = "dup2() closes the target before it finds that the source is not open.",
     .arm =
         [](Hooks& h) {
           h.dup2 = [](const Obj& a, const Obj& b) {
             if (a.kind == Kind::bad && b.ipc()) {
               real::close(b.fd);
               return Fail(EBADF);
             }
             return real::dup2(a.fd, b.fd);
           };
         }},
    {.name = "dup2_range_einval",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"dup2.range"},
     .what = "dup2() to a negative number or one above the limit fails with EINVAL or EMFILE.",
     .arm =
         [](Hooks& h) {
           h.dup2 = [](const Obj& a, const Obj& b) {
             int r = real::dup2(a.fd, b.fd);
             if (r == -1 && errno == EBADF && a.ipc()) errno = b.fd < 0 ? EINVAL : EMFILE;
             return r;
           };
         }},
    {.name = "dup2_above_limit_emfile",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"dup2.range"},
     .what =
         "dup2() to a number at or above {OPEN_MAX} fails with EMFILE, negative ones are right.",
     .source = "AIX 7.1, FreeBSD 6.1, Cygwin 1.5 (gnulib manual, dup2)",
     .arm =
         [](Hooks& h) {
           h.dup2 = [](const Obj& a, const Obj& b) {
             int r = real::dup2(a.fd, b.fd);
             if (r == -1 && errno == EBADF && a.ipc() && b.fd > 0) errno = EMFILE;
             return r;
           };
         }},
    {.name = "dup3_cloexec_ignored",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"dup3.flags"},
     .what = "dup3() ignores O_CLOEXEC.",
     .arm =
         [](Hooks& h) {
           h.dup3 = [](const Obj& a, const Obj& b, int f) {
             return real::dup3(a.fd, b.fd, f & ~O_CLOEXEC);
           };
         }},
    {.name = "dup3_equal_numbers_succeeds",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"dup3.equal_numbers"},
     .what = "dup3(fd, fd, flags) returns fd.",
     .arm =
         [](Hooks& h) {
           h.dup3 = [](const Obj& a, const Obj& b, int f) {
             return a.fd == b.fd ? a.fd : real::dup3(a.fd, b.fd, f);
           };
         }},
    {.name = "dupfd_minimum_ignored",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fcntl.dupfd.minimum"},
     .what = "F_DUPFD takes the lowest free number whatever its argument.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             return real::fcntl(o.fd, c, c == F_DUPFD || c == F_DUPFD_CLOEXEC ? 0l : a);
           };
         }},
    {.name = "dupfd_minimum_off_by_one",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fcntl.dupfd.minimum"},
     .what = "F_DUPFD takes numbers above its argument, never the argument itself.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             return real::fcntl(o.fd, c, c == F_DUPFD ? a + 1 : a);
           };
         }},
    {.name = "dupfd_cloexec_not_set",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fcntl.dupfd_cloexec"},
     .what = "F_DUPFD_CLOEXEC leaves FD_CLOEXEC clear.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             return real::fcntl(o.fd, c == F_DUPFD_CLOEXEC ? F_DUPFD : c, a);
           };
         }},
    {.name = "dupfd_range_ebadf",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fcntl.dupfd.range"},
     .what = "F_DUPFD with a minimum out of range fails with EBADF.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             if (r == -1 && errno == EINVAL && (c == F_DUPFD || c == F_DUPFD_CLOEXEC))
               errno = EBADF;
             return r;
           };
         }},
    {.name = "setfl_per_descriptor",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fcntl.setfl.visible_through_duplicates"},
     .what = "F_SETFL changes this descriptor only, not its duplicates.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             if (c == F_SETFL && o.kind == Kind::pipe) {
               int fresh = Reopen(o.fd, GetFl(o.fd) & (O_ACCMODE | O_NONBLOCK));
               int keep = real::fcntl(o.fd, F_GETFD, 0);
               if (fresh >= 0) {
                 real::dup2(fresh, o.fd);
                 real::close(fresh);
                 SetFd(o.fd, keep);
               }
             }
             return real::fcntl(o.fd, c, a);
           };
         }},
    {.name = "setfl_ignored",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fcntl.setfl.takes_effect"},
     .what = "F_SETFL returns 0 and changes nothing.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             return c == F_SETFL && o.stream() ? 0 : real::fcntl(o.fd, c, a);
           };
         }},
    {.name = "setfl_cannot_clear_nonblock",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fcntl.setfl.takes_effect"},
     .what = "F_SETFL can set O_NONBLOCK but not clear it.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             if (c == F_SETFL && o.stream()) a |= GetFl(o.fd) & O_NONBLOCK;
             return real::fcntl(o.fd, c, a);
           };
         }},
    {.name = "setfl_drops_append",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fcntl.setfl.append"},
     .what = "F_SETFL drops O_APPEND.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             return real::fcntl(o.fd, c, c == F_SETFL ? a & ~long{O_APPEND} : a);
           };
         }},
    {.name = "setfl_rejects_creation_bits",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fcntl.setfl.ignores_access_and_creation_bits"},
     .what = "F_SETFL fails with EINVAL when access-mode or creation bits are given.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             if (c == F_SETFL && o.stream() && (a & (O_CREAT | O_EXCL | O_TRUNC)))
               return Fail(EINVAL);
             return real::fcntl(o.fd, c, a);
           };
         }},
    {.name = "setfd_shared_by_duplicates",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fcntl.setfd.per_descriptor"},
     .what = "F_SETFD applies to all duplicates of the description.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             if (c == F_SETFD && o.stream()) {
               int mode = AccessMode(o);
               ForEachObject([&](const Obj& other) {
                 if (other.key() == o.key() && AccessMode(other) == mode) SetFd(other.fd, a);
               });
             }
             return r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
