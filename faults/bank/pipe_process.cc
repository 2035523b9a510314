// Faults of pipes over fork, exec and exit.
#include <fcntl.h>
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kCloexecMark };

bool Cloexec(int fd) { return real::fcntl(fd, F_GETFD, 0) & FD_CLOEXEC; }

template <class F>
void ForEachStream(F f) {
  ForEachObject([&](const Obj& o) {
    if (o.stream()) f(o);
  });
}

const Row kFaults[] = {
    {.name = "fork_child_loses_pipes",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"fork.pipe.descriptors_shared"},
     .what = "Pipe descriptors are not open in the child of fork().",
     .arm =
         [](Hooks& h) {
           h.after_fork_in_child = [] { ForEachStream([](const Obj& o) { real::close(o.fd); }); };
         }},
    {.name = "fork_child_loses_write_ends",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"fork.pipe.child_copy_delays_eof", "fork.pipe.descriptors_shared"},
     .what = "Write ends are not inherited by the child of fork(), read ends are.",
     .arm =
         [](Hooks& h) {
           h.after_fork_in_child = [] {
             ForEachStream([](const Obj& o) {
               if (AccessMode(o) == O_WRONLY) real::close(o.fd);
             });
           };
         }},
    {.name = "fork_child_gets_new_descriptions",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"fork.pipe.descriptors_shared"},
     .what = "The child has its own descriptions: O_NONBLOCK set by one process is not seen by the "
             "other.",
     .arm =
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
    {.name = "exec_keeps_cloexec_pipes",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"exec.pipe.cloexec"},
     .what = "Pipe ends with FD_CLOEXEC stay open over exec.",
     .arm =
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
    {.name = "exec_closes_pipes",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"exec.pipe.inherited"},
     .what = "All pipe descriptors are closed by exec.",
     .arm =
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
    {.name = "failed_exec_closes_cloexec_pipes",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"exec.pipe.failed_exec_keeps_open"},
     .what = "An exec that fails has already closed the descriptors with FD_CLOEXEC.",
     .arm =
         [](Hooks& h) {
           h.failed_exec = [] {
             ForEachStream([](const Obj& o) {
               if (Cloexec(o.fd)) real::close(o.fd);
             });
           };
         }},
    {.name = "spawn_adddup2_same_number_stays_cloexec",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"spawn.pipe.adddup2_same_number"},
     .what = "adddup2 of a descriptor onto itself leaves FD_CLOEXEC set in the child.",
     .source = "glibc before 2.29 (BZ 23640)",
     .arm =
         [](Hooks& h) {
           h.posix_spawn_file_actions_adddup2 = [](posix_spawn_file_actions_t* a, int from,
                                                   int to) {
             return from == to ? 0 : real::posix_spawn_file_actions_adddup2(a, from, to);
           };
         }},
    {.name = "spawn_adddup2_ignored",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"spawn.pipe.adddup2"},
     .what = "adddup2 actions of posix_spawn() are dropped.",
     .arm = Edit<&Hooks::posix_spawn_file_actions_adddup2>::Nothing<0>},
    {.name = "exit_keeps_write_ends",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"exit.closes_pipe_ends"},
     .what = "The write ends of a process that ended stay open for a while.",
     .arm =
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
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
