// Faults of pipe(), pipe2() and of the descriptors of pipes.
#include <fcntl.h>
#include <unistd.h>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

namespace faults {
namespace {

int SetFd(int fd, int flags) { return real::fcntl(fd, F_SETFD, static_cast<long>(flags)); }
int SetFl(int fd, int flags) { return real::fcntl(fd, F_SETFL, static_cast<long>(flags)); }
int GetFl(int fd) { return real::fcntl(fd, F_GETFL, 0); }

// pipe2() with flags masked; then `edit` on both ends.
template <int Add, int Remove>
int Pipe2With(int* p, int flags) {
  return real::pipe2(p, (flags | Add) & ~Remove);
}

const Fault kFaults[] = {
    {"pipe_ends_swapped", "pipe", "easy", "pipe.create.two_ends pipe.create.access_mode",
     "fildes[0] is the write end and fildes[1] the read end.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         int r = real::pipe2(p, flags);
         if (r == 0) p[0] ^= p[1], p[1] ^= p[0], p[0] ^= p[1];
         return r;
       };
     }},
    {"pipe_nonblock_by_default", "pipe", "easy", "pipe.create.nonblock_clear",
     "pipe() sets O_NONBLOCK on both ends.", "",
     [](Hooks& h) { h.pipe2 = Pipe2With<O_NONBLOCK, 0>; }},
    {"pipe_nonblock_write_end_by_default", "pipe", "medium", "pipe.create.nonblock_clear",
     "pipe() sets O_NONBLOCK on the write end only.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         int r = real::pipe2(p, flags);
         if (r == 0) SetFl(p[1], GetFl(p[1]) | O_NONBLOCK);
         return r;
       };
     }},
    {"pipe_cloexec_by_default", "pipe", "easy", "pipe.create.cloexec_clear exec.pipe.inherited",
     "pipe() sets FD_CLOEXEC on both ends.", "",
     [](Hooks& h) { h.pipe2 = Pipe2With<O_CLOEXEC, 0>; }},
    {"pipe_not_lowest_numbers", "pipe", "easy", "pipe.create.lowest_fds",
     "The descriptors are taken from 10 numbers above the lowest free one.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         int r = real::pipe2(p, flags);
         if (r != 0) return r;
         for (int i = 0; i < 2; ++i) {
           int high = real::fcntl(p[i], flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, p[i] + 10l);
           if (high < 0) continue;
           real::close(p[i]);
           p[i] = high;
         }
         return 0;
       };
     }},
    {"pipe_second_number_adjacent", "pipe", "medium", "pipe.create.lowest_fds",
     "The second descriptor is looked for behind the last one in use, not in the first hole.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         int r = real::pipe2(p, flags);
         if (r != 0 || p[1] <= p[0] + 1) return r;
         int high = real::fcntl(p[1], flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, p[1] + 1l);
         if (high < 0) return r;
         real::close(p[1]);
         p[1] = high;
         return 0;
       };
     }},
    {"pipe_ends_share_flags", "pipe", "medium", "pipe.create.separate_descriptions",
     "F_SETFL on one end of a pipe also sets O_NONBLOCK on the other.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int command, long a) {
         int r = real::fcntl(o.fd, command, a);
         if (r == -1 || command != F_SETFL || o.kind != Kind::pipe) return r;
         ForEachObject([&](const Obj& other) {
           if (other.key() == o.key()) {
             SetFl(other.fd, (GetFl(other.fd) & ~O_NONBLOCK) | (static_cast<int>(a) & O_NONBLOCK));
           }
         });
         return r;
       };
     }},
    {"pipe_getfl_without_access_mode", "pipe", "easy", "pipe.create.access_mode",
     "F_GETFL does not report the access mode: O_RDONLY for the write end too.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int command, long a) {
         int r = real::fcntl(o.fd, command, a);
         return command == F_GETFL && r >= 0 && o.kind == Kind::pipe ? r & ~O_ACCMODE : r;
       };
     }},
    {"pipe_emfile_leaks_descriptor", "pipe", "hard", "pipe.create.emfile",
     "When only one number is free, the first descriptor stays allocated after EMFILE.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         int r = real::pipe2(p, flags);
         if (r == -1 && errno == EMFILE) {
           real::open("/dev/null", O_RDONLY | O_CLOEXEC, 0);
           errno = EMFILE;
         }
         return r;
       };
     }},
    {"pipe_failure_writes_array", "pipe", "medium", "pipe.create.failure_leaves_array",
     "A failing pipe() stores -1 in the array.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         int r = real::pipe2(p, flags);
         if (r == -1 && errno != EFAULT) p[0] = p[1] = -1;
         return r;
       };
     }},
    {"pipe_emfile_as_enfile", "pipe", "easy", "pipe.create.emfile",
     "A full descriptor table is reported as ENFILE.", "",
     Edit<&Hooks::pipe2>::Errno<EMFILE, ENFILE>},
    {"pipe2_cloexec_ignored", "pipe", "easy", "pipe2.cloexec", "pipe2() ignores O_CLOEXEC.", "",
     [](Hooks& h) { h.pipe2 = Pipe2With<0, O_CLOEXEC>; }},
    {"pipe2_cloexec_read_end_only", "pipe", "medium", "pipe2.cloexec",
     "pipe2() sets FD_CLOEXEC on the read end only.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         int r = real::pipe2(p, flags);
         if (r == 0 && (flags & O_CLOEXEC)) SetFd(p[1], 0);
         return r;
       };
     }},
    {"pipe2_nonblock_read_end_only", "pipe", "medium", "pipe2.nonblock",
     "pipe2() sets O_NONBLOCK on the read end only.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         int r = real::pipe2(p, flags);
         if (r == 0 && (flags & O_NONBLOCK)) SetFl(p[1], GetFl(p[1]) & ~O_NONBLOCK);
         return r;
       };
     }},
    {"pipe2_nonblock_implies_cloexec", "pipe", "medium", "pipe2.flag_alone_decides",
     "pipe2() with O_NONBLOCK sets FD_CLOEXEC too.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         return real::pipe2(p, flags & O_NONBLOCK ? flags | O_CLOEXEC : flags);
       };
     }},
    {"close_keeps_number", "pipe", "easy", "close.pipe.frees_number",
     "close() of a pipe end returns 0 and leaves the descriptor open.", "",
     [](Hooks& h) {
       h.close = [](const Obj& o) { return o.kind == Kind::pipe ? 0 : real::close(o.fd); };
     }},
    {"close_of_duplicate_ends_pipe", "pipe", "medium", "close.pipe.other_duplicates_keep_end_open",
     "Closing one duplicate closes the others of this process as well.", "",
     [](Hooks& h) {
       h.close = [](const Obj& o) {
         int mode = AccessMode(o);
         int r = real::close(o.fd);
         if (o.kind != Kind::pipe) return r;
         ForEachObject([&](const Obj& other) {
           if (other.key() == o.key() && AccessMode(other) == mode) real::close(other.fd);
         });
         return r;
       };
     }},
    {"close_leaks_write_reference", "pipe", "easy",
     "pipe.read.eof_no_writer pipe.read.blocks_until_all_writers_close "
     "poll.pipe.hup_after_last_writer",
     "close() of a write end frees the number but not the reference: end-of-file never comes.", "",
     [](Hooks& h) {
       h.close = [](const Obj& o) {
         if (o.kind == Kind::pipe && AccessMode(o) == O_WRONLY) {
           real::fcntl(o.fd, F_DUPFD_CLOEXEC, 300l);
         }
         return real::close(o.fd);
       };
     }},
    {"dup_copies_cloexec", "pipe", "easy", "dup.pipe.fd_flags_clear",
     "dup() copies FD_CLOEXEC to the new descriptor.", "",
     [](Hooks& h) {
       h.dup = [](const Obj& o) {
         int fd = real::dup(o.fd);
         if (fd >= 0) SetFd(fd, real::fcntl(o.fd, F_GETFD, 0));
         return fd;
       };
     }},
    {"dup2_copies_cloexec", "pipe", "medium", "dup.pipe.fd_flags_clear",
     "dup2() copies FD_CLOEXEC to the new descriptor; dup() is right.", "",
     [](Hooks& h) {
       h.dup2 = [](const Obj& a, const Obj& b) {
         int flags = real::fcntl(a.fd, F_GETFD, 0);
         int fd = real::dup2(a.fd, b.fd);
         if (fd >= 0 && a.fd != b.fd) SetFd(fd, flags);
         return fd;
       };
     }},
    {"dup_makes_new_description", "pipe", "medium", "dup.pipe.shares_description",
     "dup() of a pipe end is a new open of the pipe: status flags are not shared.", "",
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
    {"dup_emfile_as_ebadf", "pipe", "easy", "dup.errors", "dup() in a full table fails with EBADF.",
     "", Edit<&Hooks::dup>::Errno<EMFILE, EBADF>},
    {"dup2_leaks_target", "pipe", "medium", "dup2.pipe.closes_target",
     "dup2() onto a pipe end does not drop the reference of the old target.", "",
     [](Hooks& h) {
       h.dup2 = [](const Obj& a, const Obj& b) {
         if (b.stream() && a.fd != b.fd && a.kind != Kind::bad) {
           real::fcntl(b.fd, F_DUPFD_CLOEXEC, 300l);
         }
         return real::dup2(a.fd, b.fd);
       };
     }},
    {"dup2_same_number_clears_cloexec", "pipe", "medium", "dup2.same_number",
     "dup2(fd, fd) clears FD_CLOEXEC.", "Haiku (gnulib manual, dup2)",
     [](Hooks& h) {
       h.dup2 = [](const Obj& a, const Obj& b) {
         if (a.fd == b.fd) SetFd(a.fd, 0);
         return real::dup2(a.fd, b.fd);
       };
     }},
    {"dup2_same_number_closes", "pipe", "medium", "dup2.same_number",
     "dup2(fd, fd) closes fd and returns it.", "",
     [](Hooks& h) {
       h.dup2 = [](const Obj& a, const Obj& b) {
         if (a.fd == b.fd) return real::close(a.fd), a.fd;
         return real::dup2(a.fd, b.fd);
       };
     }},
    {"dup2_bad_source_closes_target", "pipe", "medium", "dup2.invalid_source_keeps_target",
     "dup2() closes the target before it finds that the source is not open.", "",
     [](Hooks& h) {
       h.dup2 = [](const Obj& a, const Obj& b) {
         if (a.kind == Kind::bad && b.ipc()) {
           real::close(b.fd);
           return Fail(EBADF);
         }
         return real::dup2(a.fd, b.fd);
       };
     }},
    {"dup2_range_einval", "pipe", "easy", "dup2.range",
     "dup2() to a negative number or one above the limit fails with EINVAL or EMFILE.", "",
     [](Hooks& h) {
       h.dup2 = [](const Obj& a, const Obj& b) {
         int r = real::dup2(a.fd, b.fd);
         if (r == -1 && errno == EBADF && a.ipc()) errno = b.fd < 0 ? EINVAL : EMFILE;
         return r;
       };
     }},
    {"dup2_above_limit_emfile", "pipe", "medium", "dup2.range",
     "dup2() to a number at or above {OPEN_MAX} fails with EMFILE, negative ones are right.",
     "AIX 7.1, FreeBSD 6.1, Cygwin 1.5 (gnulib manual, dup2)",
     [](Hooks& h) {
       h.dup2 = [](const Obj& a, const Obj& b) {
         int r = real::dup2(a.fd, b.fd);
         if (r == -1 && errno == EBADF && a.ipc() && b.fd > 0) errno = EMFILE;
         return r;
       };
     }},
    {"dup3_cloexec_ignored", "pipe", "easy", "dup3.flags", "dup3() ignores O_CLOEXEC.", "",
     [](Hooks& h) {
       h.dup3 = [](const Obj& a, const Obj& b, int f) {
         return real::dup3(a.fd, b.fd, f & ~O_CLOEXEC);
       };
     }},
    {"dup3_equal_numbers_succeeds", "pipe", "easy", "dup3.equal_numbers",
     "dup3(fd, fd, flags) returns fd.", "",
     [](Hooks& h) {
       h.dup3 = [](const Obj& a, const Obj& b, int f) {
         return a.fd == b.fd ? a.fd : real::dup3(a.fd, b.fd, f);
       };
     }},
    {"dupfd_minimum_ignored", "pipe", "easy", "fcntl.dupfd.minimum",
     "F_DUPFD takes the lowest free number whatever its argument.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         return real::fcntl(o.fd, c, c == F_DUPFD || c == F_DUPFD_CLOEXEC ? 0l : a);
       };
     }},
    {"dupfd_minimum_off_by_one", "pipe", "medium", "fcntl.dupfd.minimum",
     "F_DUPFD takes numbers above its argument, never the argument itself.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         return real::fcntl(o.fd, c, c == F_DUPFD ? a + 1 : a);
       };
     }},
    {"dupfd_cloexec_not_set", "pipe", "easy", "fcntl.dupfd_cloexec",
     "F_DUPFD_CLOEXEC leaves FD_CLOEXEC clear.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         return real::fcntl(o.fd, c == F_DUPFD_CLOEXEC ? F_DUPFD : c, a);
       };
     }},
    {"dupfd_range_ebadf", "pipe", "easy", "fcntl.dupfd.range",
     "F_DUPFD with a minimum out of range fails with EBADF.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         int r = real::fcntl(o.fd, c, a);
         if (r == -1 && errno == EINVAL && (c == F_DUPFD || c == F_DUPFD_CLOEXEC)) errno = EBADF;
         return r;
       };
     }},
    {"setfl_per_descriptor", "pipe", "medium", "fcntl.setfl.visible_through_duplicates",
     "F_SETFL changes this descriptor only, not its duplicates.", "",
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
    {"setfl_ignored", "pipe", "easy", "fcntl.setfl.takes_effect",
     "F_SETFL returns 0 and changes nothing.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         return c == F_SETFL && o.stream() ? 0 : real::fcntl(o.fd, c, a);
       };
     }},
    {"setfl_cannot_clear_nonblock", "pipe", "medium", "fcntl.setfl.takes_effect",
     "F_SETFL can set O_NONBLOCK but not clear it.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         if (c == F_SETFL && o.stream()) a |= GetFl(o.fd) & O_NONBLOCK;
         return real::fcntl(o.fd, c, a);
       };
     }},
    {"setfl_rejects_creation_bits", "pipe", "medium",
     "fcntl.setfl.ignores_access_and_creation_bits",
     "F_SETFL fails with EINVAL when access-mode or creation bits are given.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         if (c == F_SETFL && o.stream() && (a & (O_CREAT | O_EXCL | O_TRUNC))) return Fail(EINVAL);
         return real::fcntl(o.fd, c, a);
       };
     }},
    {"setfd_shared_by_duplicates", "pipe", "medium", "fcntl.setfd.per_descriptor",
     "F_SETFD applies to all duplicates of the description.", "",
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

}  // namespace

Bank PipeDescriptorBank() { return BankOf(kFaults); }

}  // namespace faults
