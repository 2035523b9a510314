// Faults of pipe(), pipe2() and close().
#include <fcntl.h>
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

// pipe2() with flags masked; then `edit` on both ends.
template <int Add, int Remove>
int Pipe2With(int* p, int flags) {
  return real::pipe2(p, (flags | Add) & ~Remove);
}

const Row kFaults[] = {
    {.name = "pipe_ends_swapped",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.create.two_ends", "pipe.create.access_mode"},
     .what = "fildes[0] is the write end and fildes[1] the read end.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             int r = real::pipe2(p, flags);
             if (r == 0) p[0] ^= p[1], p[1] ^= p[0], p[0] ^= p[1];
             return r;
           };
         }},
    {.name = "pipe_nonblock_by_default",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.create.nonblock_clear"},
     .what = "pipe() sets O_NONBLOCK on both ends.",
     .arm = [](Hooks& h) { h.pipe2 = Pipe2With<O_NONBLOCK, 0>; }},
    {.name = "pipe_nonblock_write_end_by_default",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.create.nonblock_clear"},
     .what = "pipe() sets O_NONBLOCK on the write end only.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             int r = real::pipe2(p, flags);
             if (r == 0) SetFl(p[1], GetFl(p[1]) | O_NONBLOCK);
             return r;
           };
         }},
    {.name = "pipe_cloexec_by_default",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.create.cloexec_clear", "exec.pipe.inherited"},
     .what = "pipe() sets FD_CLOEXEC on both ends.",
     .arm = [](Hooks& h) { h.pipe2 = Pipe2With<O_CLOEXEC, 0>; }},
    {.name = "pipe_not_lowest_numbers",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.create.lowest_fds"},
     .what = "The descriptors are taken from 10 numbers above the lowest free one.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             int r = real::pipe2(p, flags);
             if (r != 0) return r;
             for (int i = 0; i < 2; ++i) {
               int high =
                   real::fcntl(p[i], flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, p[i] + 10l);
               if (high < 0) continue;
               real::close(p[i]);
               p[i] = high;
             }
             return 0;
           };
         }},
    {.name = "pipe_second_number_adjacent",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.create.lowest_fds"},
     .what =
         "The second descriptor is looked for after the last one in use, not in the first hole.",
     .arm =
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
    {.name = "pipe_ends_share_flags",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.create.separate_descriptions"},
     .what = "F_SETFL on one end of a pipe also sets O_NONBLOCK on the other.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int command, long a) {
             int r = real::fcntl(o.fd, command, a);
             if (r == -1 || command != F_SETFL || o.kind != Kind::pipe) return r;
             ForEachObject([&](const Obj& other) {
               if (other.key() == o.key()) {
                 SetFl(other.fd,
                       (GetFl(other.fd) & ~O_NONBLOCK) | (static_cast<int>(a) & O_NONBLOCK));
               }
             });
             return r;
           };
         }},
    {.name = "pipe_getfl_without_access_mode",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.create.access_mode"},
     .what = "F_GETFL does not report the access mode: O_RDONLY for the write end too.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int command, long a) {
             int r = real::fcntl(o.fd, command, a);
             return command == F_GETFL && r >= 0 && o.kind == Kind::pipe ? r & ~O_ACCMODE : r;
           };
         }},
    {.name = "pipe_emfile_leaks_descriptor",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.create.emfile"},
     .what = "When only one number is free, the first descriptor stays allocated after EMFILE.",
     .arm =
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
    {.name = "pipe_failure_writes_array",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.create.failure_leaves_array"},
     .what = "A failing pipe() stores -1 in the array.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             int r = real::pipe2(p, flags);
             if (r == -1 && errno != EFAULT) p[0] = p[1] = -1;
             return r;
           };
         }},
    {.name = "pipe_emfile_as_enfile",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.create.emfile"},
     .what = "A full descriptor table is reported as ENFILE.",
     .arm = Edit<&Hooks::pipe2>::Errno<EMFILE, ENFILE>},
    {.name = "pipe2_cloexec_ignored",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe2.cloexec"},
     .what = "pipe2() ignores O_CLOEXEC.",
     .arm = [](Hooks& h) { h.pipe2 = Pipe2With<0, O_CLOEXEC>; }},
    {.name = "pipe2_cloexec_read_end_only",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe2.cloexec"},
     .what = "pipe2() sets FD_CLOEXEC on the read end only.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             int r = real::pipe2(p, flags);
             if (r == 0 && (flags & O_CLOEXEC)) SetFd(p[1], 0);
             return r;
           };
         }},
    {.name = "pipe2_nonblock_read_end_only",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe2.nonblock"},
     .what = "pipe2() sets O_NONBLOCK on the read end only.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             int r = real::pipe2(p, flags);
             if (r == 0 && (flags & O_NONBLOCK)) SetFl(p[1], GetFl(p[1]) & ~O_NONBLOCK);
             return r;
           };
         }},
    {.name = "pipe2_nonblock_implies_cloexec",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe2.flag_alone_decides"},
     .what = "pipe2() with O_NONBLOCK sets FD_CLOEXEC too.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             return real::pipe2(p, flags & O_NONBLOCK ? flags | O_CLOEXEC : flags);
           };
         }},
    {.name = "close_keeps_number",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"close.pipe.frees_number"},
     .what = "close() of a pipe end returns 0 and leaves the descriptor open.",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) { return o.kind == Kind::pipe ? 0 : real::close(o.fd); };
         }},
    {.name = "close_of_duplicate_ends_pipe",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"close.pipe.other_duplicates_keep_end_open"},
     .what = "Closing one duplicate closes the others of this process as well.",
     .arm =
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
    {.name = "close_leaks_write_reference",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.eof_no_writer", "pipe.read.blocks_until_all_writers_close",
                 "poll.pipe.hup_after_last_writer"},
     .what =
         "close() of a write end frees the number but not the reference: end-of-file never comes.",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) {
             if (o.kind == Kind::pipe && AccessMode(o) == O_WRONLY) {
               real::fcntl(o.fd, F_DUPFD_CLOEXEC, 300l);
             }
             return real::close(o.fd);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
