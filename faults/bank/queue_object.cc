// Faults of message queues as objects: attributes, closing, unlinking, fork and exec.
#include <fcntl.h>
#include <unistd.h>

#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kFirstFlags };

// mq_getattr() with the result changed.
template <void (*Change)(const Obj&, mq_attr*)>
void GetThen(Hooks& h) {
  h.mq_getattr = [](const Obj& o, mq_attr* a) {
    int r = real::mq_getattr(o.fd, a);
    if (r == 0) Change(o, a);
    return r;
  };
}

void SetNonblock(mqd_t q, bool on) {
  mq_attr a{};
  a.mq_flags = on ? O_NONBLOCK : 0;
  real::mq_setattr(q, &a, nullptr);
}

const Row kFaults[] = {
    {.name = "mq_close_destroys_queue",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_close.basic.queue_survives"},
     .what = "Closing the last descriptor of a process empties the queue.",
     .arm =
         [](Hooks& h) {
           h.mq_close = [](const Obj& o) {
             if (o.kind == Kind::queue && !QueueOpenHere(o.key(), o.fd)) DrainQueue(o.fd);
             return real::mq_close(o.fd);
           };
         }},
    {.name = "mq_close_bad_descriptor_succeeds",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_close.error.ebadf"},
     .what = "mq_close() of a closed descriptor returns 0.",
     .arm = Edit<&Hooks::mq_close>::Accept<EBADF, 0>},
    {.name = "mq_unlink_does_nothing",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_unlink.basic.removes_name"},
     .what = "mq_unlink() returns 0 and leaves the name.",
     .arm =
         [](Hooks& h) {
           h.mq_unlink = [](const char* n) { return QueueExists(n) ? 0 : real::mq_unlink(n); };
         }},
    {.name = "mq_unlink_busy",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_unlink.deferred.open_descriptors_keep_working"},
     .what = "mq_unlink() of an open queue fails with EBUSY.",
     .arm =
         [](Hooks& h) {
           h.mq_unlink = [](const char* n) {
             mqd_t q = OpenQueue(n, O_RDONLY, 0, nullptr);
             if (q < 0) return real::mq_unlink(n);
             bool busy = QueueOpenHere(ObjectOf(q).key(), q);
             real::mq_close(q);
             return busy ? Fail(EBUSY) : real::mq_unlink(n);
           };
         }},
    {.name = "mq_unlink_waits_for_last_close",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_unlink.basic.removes_name", "mq_unlink.recreate.new_independent_queue"},
     .what = "The name of an open queue disappears with the last close.",
     .arm =
         [](Hooks& h) {
           h.mq_unlink = [](const char* n) {
             mqd_t q = OpenQueue(n, O_RDONLY, 0, nullptr);
             if (q < 0) return real::mq_unlink(n);
             bool busy = QueueOpenHere(ObjectOf(q).key(), q);
             real::mq_close(q);
             return busy ? 0 : real::mq_unlink(n);
           };
         }},
    {.name = "mq_unlink_empties_queue",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_unlink.deferred.open_descriptors_keep_working"},
     .what = "mq_unlink() throws the messages away though the queue is open.",
     .arm =
         [](Hooks& h) {
           h.mq_unlink = [](const char* n) {
             mqd_t q = OpenQueue(n, O_RDWR, 0, nullptr);
             if (q >= 0) DrainQueue(q), real::mq_close(q);
             return real::mq_unlink(n);
           };
         }},
    {.name = "mq_unlink_missing_succeeds",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_unlink.error.enoent"},
     .what = "mq_unlink() of a missing name returns 0.",
     .arm = Edit<&Hooks::mq_unlink>::Accept<ENOENT, 0>},
    {.name = "mq_unlinked_queue_leaks",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_unlink.deferred.destroyed_after_last_close"},
     .what = "An unlinked queue is not destroyed by its last close.",
     .source = "FreeBSD reference leaks (SA-19:15, SA-19:24)",
     .arm =
         [](Hooks& h) {
           h.mq_close = [](const Obj& o) {
             struct stat s;
             if (o.kind == Kind::queue && real::fstat(o.fd, &s) == 0 && s.st_nlink == 0) {
               real::fcntl(o.fd, F_DUPFD_CLOEXEC, 400l);
             }
             return real::mq_close(o.fd);
           };
         }},
    {.name = "mq_getattr_curmsgs_zero",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_getattr.curmsgs.exact_count"},
     .what = "mq_curmsgs is 0 always.",
     .arm = GetThen<([](const Obj&, mq_attr* a) { a->mq_curmsgs = 0; })>},
    {.name = "mq_getattr_curmsgs_saturates",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_getattr.curmsgs.exact_count"},
     .what = "mq_curmsgs of a full queue is one less than mq_maxmsg.",
     .arm =
         GetThen<([](const Obj&, mq_attr* a) { a->mq_curmsgs -= a->mq_curmsgs == a->mq_maxmsg; })>},
    {.name = "mq_getattr_flags_stale",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_getattr.flags.follow_open_and_setattr"},
     .what = "mq_flags shows what mq_open() was given, whatever mq_setattr() did.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             mqd_t q = OpenQueue(n, f, m, a);
             if (q >= 0) Cell(ObjectOf(q).key() * 977 + q, kFirstFlags) = f & O_NONBLOCK;
             return q;
           };
           h.mq_getattr = [](const Obj& o, mq_attr* a) {
             int r = real::mq_getattr(o.fd, a);
             if (r == 0)
               a->mq_flags = static_cast<long>(Cell(o.key() * 977 + o.fd, kFirstFlags).load());
             return r;
           };
         }},
    {.name = "mq_getattr_of_write_only_fails",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_getattr.access.any_mode"},
     .what = "mq_getattr() on an O_WRONLY descriptor fails with EBADF.",
     .arm =
         [](Hooks& h) {
           h.mq_getattr = [](const Obj& o, mq_attr* a) {
             return o.kind == Kind::queue && AccessMode(o) == O_WRONLY ? Fail(EBADF)
                                                                       : real::mq_getattr(o.fd, a);
           };
         }},
    {.name = "mq_setattr_checks_other_members",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_setattr.basic.other_members_ignored"},
     .what = "mq_setattr() fails with EINVAL if mq_maxmsg is not the queue's.",
     .arm =
         [](Hooks& h) {
           h.mq_setattr = [](const Obj& o, const mq_attr* now, mq_attr* old) {
             if (now && now->mq_maxmsg != Attributes(o).mq_maxmsg && now->mq_maxmsg != 0) {
               return Fail(EINVAL);
             }
             return real::mq_setattr(o.fd, now, old);
           };
         }},
    {.name = "mq_setattr_ignored",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_setattr.basic.toggle_nonblock"},
     .what = "mq_setattr() returns 0 and changes nothing.",
     .arm =
         [](Hooks& h) {
           h.mq_setattr = [](const Obj& o, const mq_attr*, mq_attr* old) {
             return real::mq_setattr(o.fd, nullptr, old);
           };
         }},
    {.name = "mq_setattr_cannot_clear",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_setattr.basic.toggle_nonblock"},
     .what = "mq_setattr() can set O_NONBLOCK but not clear it.",
     .arm =
         [](Hooks& h) {
           h.mq_setattr = [](const Obj& o, const mq_attr* now, mq_attr* old) {
             return real::mq_setattr(o.fd, now && now->mq_flags == 0 ? nullptr : now, old);
           };
         }},
    {.name = "mq_setattr_reports_new_state",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_setattr.omqstat.previous_state"},
     .what = "omqstat gets the attributes after the change.",
     .arm =
         [](Hooks& h) {
           h.mq_setattr = [](const Obj& o, const mq_attr* now, mq_attr* old) {
             int r = real::mq_setattr(o.fd, now, old);
             if (r == 0 && old) real::mq_getattr(o.fd, old);
             return r;
           };
         }},
    {.name = "mq_setattr_whole_queue",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_setattr.scope.this_description_only"},
     .what = "mq_setattr() changes all descriptions of the queue in the process.",
     .arm =
         [](Hooks& h) {
           h.mq_setattr = [](const Obj& o, const mq_attr* now, mq_attr* old) {
             int r = real::mq_setattr(o.fd, now, old);
             if (r == 0 && now) {
               ForEachQueue([&](const Obj& other) {
                 if (other.key() == o.key()) SetNonblock(other.fd, now->mq_flags & O_NONBLOCK);
               });
             }
             return r;
           };
         }},
    {.name = "mq_setattr_bad_descriptor_succeeds",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_setattr.error.ebadf"},
     .what = "mq_setattr() of a closed descriptor returns 0.",
     .arm = Edit<&Hooks::mq_setattr>::Accept<EBADF, 0>},
    {.name = "fork_child_loses_queues",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"fork.descriptors.inherited"},
     .what = "Queue descriptors are not open in the child of fork().",
     .source = "FreeBSD 9.0 to 12.1 (PR 243103)",
     .arm =
         [](Hooks& h) {
           h.after_fork_in_child = [] { ForEachQueue([](const Obj& o) { real::mq_close(o.fd); }); };
         }},
    {.name = "fork_child_gets_new_queue_descriptions",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"fork.descriptors.same_description"},
     .what = "O_NONBLOCK set by the child is not seen by the parent.",
     .arm =
         [](Hooks& h) {
           h.after_fork_in_child = [] {
             ForEachQueue([](const Obj& o) {
               int flags = real::fcntl(o.fd, F_GETFL, 0) & (O_ACCMODE | O_NONBLOCK);
               int fresh = Reopen(o.fd, flags);
               if (fresh < 0) return;
               real::dup3(fresh, o.fd, O_CLOEXEC);
               real::close(fresh);
             });
           };
         }},
    {.name = "fork_child_close_closes_parent",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"fork.descriptors.closed_independently"},
     .what = "Queue descriptors closed in the child cannot be used by the parent any more.",
     .arm =
         [](Hooks& h) {
           h.mq_close = [](const Obj& o) {
             if (o.kind == Kind::queue)
               Cell(o.key(), kFirstFlags) = static_cast<uint64_t>(getpid());
             return real::mq_close(o.fd);
           };
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, const timespec* t) {
             uint64_t closer = o.kind == Kind::queue ? Cell(o.key(), kFirstFlags).load() : 0;
             if (closer && closer != static_cast<uint64_t>(getpid())) return Fail(EBADF);
             return DefaultHooks().mq_send(o, b, n, p, t);
           };
         }},
    {.name = "exec_keeps_queues",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"exec.descriptors.closed", "posix_spawn.descriptors.closed"},
     .what = "Queue descriptors stay open over exec.",
     .arm =
         [](Hooks& h) {
           h.before_exec = [] {
             ForEachQueue([](const Obj& o) { real::fcntl(o.fd, F_SETFD, 0l); });
           };
           h.failed_exec = [] {
             ForEachQueue(
                 [](const Obj& o) { real::fcntl(o.fd, F_SETFD, static_cast<long>(FD_CLOEXEC)); });
           };
         }},
    {.name = "mq_messages_go_when_unreferenced",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"persistence.unreferenced_queue"},
     .what = "Messages are lost when no process has the queue open.",
     .arm =
         [](Hooks& h) {
           h.before_exit = [] { ForEachQueue([](const Obj& o) { DrainQueue(o.fd); }); };
           h.mq_close = [](const Obj& o) {
             if (o.kind == Kind::queue && !QueueOpenHere(o.key(), o.fd)) DrainQueue(o.fd);
             return real::mq_close(o.fd);
           };
         }},
    {.name = "sysconf_no_message_passing",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"sysconf.message_passing"},
     .what = "sysconf(_SC_MESSAGE_PASSING) is -1.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int n) { return n == _SC_MESSAGE_PASSING ? -1l : real::sysconf(n); };
         }},
    {.name = "sysconf_mq_prio_max_too_small",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"sysconf.mq_prio_max"},
     .what = "sysconf(_SC_MQ_PRIO_MAX) is 16.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int n) { return n == _SC_MQ_PRIO_MAX ? 16l : real::sysconf(n); };
         }},
    {.name = "sysconf_mq_open_max_too_small",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"sysconf.mq_open_max"},
     .what = "sysconf(_SC_MQ_OPEN_MAX) is 4.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int n) { return n == _SC_MQ_OPEN_MAX ? 4l : real::sysconf(n); };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
