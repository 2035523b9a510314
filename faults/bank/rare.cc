// Faults in corners of all the interfaces: what is asked less often.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cstring>

#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kSenders, kLocked };

using Time = const timespec*;

// Runs the call with cancellation disabled, for as long as a hang lasts.
template <class Call>
auto Uncancelled(Call call) {
  int before;
  bool fired;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  decltype(call()) r;
  {
    Bounded bound;
    r = call();
    int saved = errno;
    fired = r == -1 && saved == EINTR && bound.Fired();
    errno = saved;
  }
  pthread_setcancelstate(before, nullptr);
  return fired ? call() : r;
}

MappingEntry* EntryAt(const void* a) {
  return MappingAt(reinterpret_cast<uintptr_t>(a), 1, 0, false);
}

const Row kFaults[] = {
    {.name = "pipe_is_cancellation_point",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.not_cancellation_point"},
     .what = "pipe() acts on a pending cancellation request.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             pthread_testcancel();
             return real::pipe2(p, flags);
           };
         }},
    {.name = "popen_e_ignored",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"popen.mode_e"},
     .what = "popen() ignores the letter e of its mode: FD_CLOEXEC stays clear.",
     .arm =
         [](Hooks& h) {
           h.popen = [](const char* c, const char* mode) {
             return real::popen(c, *mode == 'r' ? "r" : *mode == 'w' ? "w" : mode);
           };
         }},
    {.name = "ppoll_never_eintr",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"ppoll.eintr"},
     .what = "ppoll() starts again after every signal handler.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, Time t, const sigset_t* m) {
             int r;
             do r = real::ppoll(p, n, t, m);
             while (r == -1 && errno == EINTR);
             return r;
           };
         }},
    {.name = "poll_not_cancellation_point",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.cancellation_points"},
     .what = "A thread blocked in poll() cannot be cancelled.",
     .arm =
         [](Hooks& h) {
           UseKicks();
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             return Uncancelled([&] { return real::poll(p, n, ms); });
           };
         }},
    {.name = "ppoll_not_cancellation_point",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"ppoll.cancellation_point"},
     .what = "A thread blocked in ppoll() cannot be cancelled.",
     .arm =
         [](Hooks& h) {
           UseKicks();
           h.ppoll = [](pollfd* p, nfds_t n, Time t, const sigset_t* m) {
             return Uncancelled([&] { return real::ppoll(p, n, t, m); });
           };
         }},
    {.name = "select_not_cancellation_point",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.cancellation_points"},
     .what = "A thread blocked in select() cannot be cancelled.",
     .arm =
         [](Hooks& h) {
           UseKicks();
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             return Uncancelled([&] { return real::select(n, r, w, e, t); });
           };
         }},
    {.name = "shm_creat_does_not_create",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.creat.creates"},
     .what = "O_CREAT of a new name fails with ENOENT.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             return real::shm_open(n, f & ~(O_CREAT | O_EXCL), m);
           };
         }},
    {.name = "shm_exec_closes_all",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.fd.kept_over_exec_when_cleared"},
     .what = "Shared memory descriptors are closed by exec though FD_CLOEXEC was cleared.",
     .arm =
         [](Hooks& h) {
           h.before_exec = [] {
             ForEachObject([](const Obj& o) {
               if (o.kind == Kind::shm) real::fcntl(o.fd, F_SETFD, static_cast<long>(FD_CLOEXEC));
             });
           };
         }},
    {.name = "shm_open_reuses_description",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_open.fd.new_description"},
     .what = "A second shm_open() of an object in a process duplicates the first descriptor.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             int fd = real::shm_open(n, f, m);
             if (fd < 0) return fd;
             Obj mine = ObjectOf(fd);
             int found = -1;
             ForEachObject([&](const Obj& o) {
               if (found < 0 && o.fd != fd && o.key() == mine.key()) found = o.fd;
             });
             if (found >= 0) real::dup3(found, fd, O_CLOEXEC);
             return fd;
           };
         }},
    {.name = "shm_unlink_eacces_as_eperm",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_unlink.err.eacces"},
     .what = "shm_unlink() without permission fails with EPERM.",
     .source = "the raw Linux system call",
     .arm = Edit<&Hooks::shm_unlink>::Errno<EACCES, EPERM>},
    {.name = "shm_close_of_duplicate_empties_unlinked",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"close.shm.dup_reference", "shm_unlink.deferred.open_fd"},
     .what = "Closing any descriptor of an unlinked object throws its contents away.",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) {
             struct stat s;
             if (o.kind == Kind::shm && real::fstat(o.fd, &s) == 0 && s.st_nlink == 0 &&
                 real::ftruncate(o.fd, 0) == 0) {
               real::ftruncate(o.fd, s.st_size);
             }
             return real::close(o.fd);
           };
         }},
    {.name = "sysconf_mapped_files_unsupported",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"sysconf.mapped_files_always"},
     .what = "sysconf(_SC_MAPPED_FILES) is -1.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int n) { return n == _SC_MAPPED_FILES ? -1l : real::sysconf(n); };
         }},
    {.name = "mmap_failure_returns_null",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.ret.failure"},
     .what = "mmap() that fails returns a null pointer.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             void* p = real::mmap(a, n, prot, flags, o.fd, at);
             return p == MAP_FAILED ? nullptr : p;
           };
         }},
    {.name = "mmap_negative_offset_is_zero",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.err.enxio_range"},
     .what = "A negative offset is taken for 0.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             return real::mmap(a, n, prot, flags, o.fd, at < 0 ? 0 : at);
           };
         }},
    {.name = "munmap_writes_private_pages",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"munmap.private_discarded", "mmap.private.isolated"},
     .what = "munmap() writes the pages of a private mapping to the object.",
     .arm =
         [](Hooks& h) {
           h.munmap = [](void* a, size_t n) {
             MappingEntry* m = EntryAt(a);
             if (m && (m->flags & MAP_PRIVATE) && (m->prot & PROT_READ)) {
               ForEachObject([&](const Obj& o) {
                 if (o.key() == m->object.key() && AccessMode(o) == O_RDWR) {
                   real::pwrite(o.fd, a, n, m->offset);
                 }
               });
             }
             return real::munmap(a, n);
           };
         }},
    {.name = "fork_drops_private_pages",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.fork.private_before"},
     .what = "The child of fork() sees the object in private mappings, not the parent's stores.",
     .arm =
         [](Hooks& h) {
           h.after_fork_in_child = [] {
             for (int i = 0; MappingEntry* m = AnyMapping(i); ++i) {
               if (m->flags & MAP_PRIVATE) {
                 madvise(reinterpret_cast<void*>(m->address), m->length, MADV_DONTNEED);
               }
             }
           };
         }},
    {.name = "mlock_nests",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mlock.shm.no_nesting"},
     .what = "A range locked twice must be unlocked twice.",
     .arm =
         [](Hooks& h) {
           h.mlock = [](const void* a, size_t n) {
             int r = real::mlock(a, n);
             if (r == 0)
               ++Cell(reinterpret_cast<uintptr_t>(a) + static_cast<uint64_t>(getpid()), kLocked);
             return r;
           };
           h.munlock = [](const void* a, size_t n) {
             auto& locks =
                 Cell(reinterpret_cast<uintptr_t>(a) + static_cast<uint64_t>(getpid()), kLocked);
             if (locks.load() > 0 && --locks > 0) return 0;
             return real::munlock(a, n);
           };
         }},
    {.name = "mlock_inherited_by_fork",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"mlock.fork_not_inherited"},
     .what = "Locks on shared memory are inherited by the child of fork().",
     .arm =
         [](Hooks& h) {
           static bool locked = false;
           h.mlock = [](const void* a, size_t n) {
             int r = real::mlock(a, n);
             locked |= r == 0;
             return r;
           };
           h.after_fork_in_child = [] {
             for (int i = 0; MappingEntry* m = locked ? AnyMapping(i) : nullptr; ++i) {
               real::mlock(reinterpret_cast<void*>(m->address), m->length);
             }
           };
         }},
    {.name = "mq_open_failure_returns_minus_two",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.basic.failure_returns_minus_one"},
     .what = "mq_open() that fails returns another value than -1.",
     .source = "older FreeBSD librt (a null pointer)",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             mqd_t q = OpenQueue(n, f, m, a);
             return q == -1 ? -2 : q;
           };
         }},
    {.name = "mq_new_queue_holds_message",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.create.new_queue_empty"},
     .what = "A new queue holds an empty message.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             bool there = QueueExists(n);
             mqd_t q = OpenQueue(n, f, m, a);
             int fd = q >= 0 && (f & O_CREAT) && !there ? Reopen(q, O_WRONLY | O_NONBLOCK) : -1;
             if (fd >= 0) real::mq_send(fd, "", 0, 0), real::mq_close(fd);
             return q;
           };
         }},
    {.name = "mq_close_returns_one",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_close.basic.returns_zero"},
     .what = "mq_close() returns 1 for success.",
     .arm =
         [](Hooks& h) {
           h.mq_close = [](const Obj& o) {
             int r = real::mq_close(o.fd);
             return r == 0 ? 1 : r;
           };
         }},
    {.name = "mq_unlink_eacces_as_eperm",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_unlink.error.eacces"},
     .what = "mq_unlink() without permission fails with EPERM.",
     .source = "the raw Linux system call",
     .arm = Edit<&Hooks::mq_unlink>::Errno<EACCES, EPERM>},
    {.name = "mq_getattr_counts_waiting_senders",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_getattr.curmsgs.waiting_senders_not_counted"},
     .what = "mq_curmsgs counts the messages of senders that wait.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             if (!SenderWaits(o)) return SendTo(o, b, n, p, t);
             Waiting wait(o.key(), kSenders);
             return SendTo(o, b, n, p, t);
           };
           h.mq_getattr = [](const Obj& o, mq_attr* a) {
             int r = real::mq_getattr(o.fd, a);
             if (r == 0) a->mq_curmsgs += WaiterCount(o.key(), kSenders);
             return r;
           };
         }},
    {.name = "mq_receive_ignores_pending_cancellation",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.cancel.pending_request_acted_on"},
     .what = "mq_receive() acts on a pending cancellation only if it has to wait.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             if (QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
             int before;
             pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             pthread_setcancelstate(before, nullptr);
             return r;
           };
         }},
    {.name = "mq_close_is_cancellation_point",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.cancel.other_functions_are_not_points"},
     .what = "mq_close() acts on a pending cancellation request.",
     .source = "mq_close() that calls close()",
     .arm =
         [](Hooks& h) {
           h.mq_close = [](const Obj& o) {
             pthread_testcancel();
             return real::mq_close(o.fd);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
