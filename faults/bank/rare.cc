// Faults in corners of all the interfaces: what is asked less often.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kSenders = 1400, kLocked };

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

const Fault kFaults[] = {
    {"pipe_is_cancellation_point", "pipe", "medium", "pipe.not_cancellation_point",
     "pipe() acts on a pending cancellation request.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) {
         pthread_testcancel();
         return real::pipe2(p, flags);
       };
     }},
    {"popen_e_ignored", "pipe", "medium", "popen.mode_e",
     "popen() ignores the letter e of its mode: FD_CLOEXEC stays clear.", "",
     [](Hooks& h) {
       h.popen = [](const char* c, const char* mode) {
         return real::popen(c, *mode == 'r' ? "r" : *mode == 'w' ? "w" : mode);
       };
     }},
    {"ppoll_never_eintr", "poll", "medium", "ppoll.eintr",
     "ppoll() starts again after every signal handler.", "",
     [](Hooks& h) {
       h.ppoll = [](pollfd* p, nfds_t n, Time t, const sigset_t* m) {
         int r;
         do r = real::ppoll(p, n, t, m);
         while (r == -1 && errno == EINTR);
         return r;
       };
     }},
    {"poll_not_cancellation_point", "poll", "medium", "poll.cancellation_points",
     "A thread blocked in poll() cannot be cancelled.", "",
     [](Hooks& h) {
       UseKicks();
       h.poll = [](pollfd* p, nfds_t n, int ms) {
         return Uncancelled([&] { return real::poll(p, n, ms); });
       };
     }},
    {"ppoll_not_cancellation_point", "poll", "medium", "ppoll.cancellation_point",
     "A thread blocked in ppoll() cannot be cancelled.", "",
     [](Hooks& h) {
       UseKicks();
       h.ppoll = [](pollfd* p, nfds_t n, Time t, const sigset_t* m) {
         return Uncancelled([&] { return real::ppoll(p, n, t, m); });
       };
     }},
    {"select_not_cancellation_point", "poll", "medium", "poll.cancellation_points",
     "A thread blocked in select() cannot be cancelled.", "",
     [](Hooks& h) {
       UseKicks();
       h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
         return Uncancelled([&] { return real::select(n, r, w, e, t); });
       };
     }},
    {"shm_creat_does_not_create", "shm", "easy", "shm_open.creat.creates",
     "O_CREAT of a new name fails with ENOENT.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) {
         return real::shm_open(n, f & ~(O_CREAT | O_EXCL), m);
       };
     }},
    {"shm_exec_closes_all", "shm", "easy", "shm_open.fd.kept_over_exec_when_cleared",
     "Shared memory descriptors are closed by exec though FD_CLOEXEC was cleared.", "",
     [](Hooks& h) {
       h.before_exec = [] {
         ForEachObject([](const Obj& o) {
           if (o.kind == Kind::shm) real::fcntl(o.fd, F_SETFD, static_cast<long>(FD_CLOEXEC));
         });
       };
     }},
    {"shm_open_reuses_description", "shm", "medium", "shm_open.fd.new_description",
     "A second shm_open() of an object in a process duplicates the first descriptor.", "",
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
    {"shm_unlink_eacces_as_eperm", "shm", "medium", "shm_unlink.err.eacces",
     "shm_unlink() without permission fails with EPERM.", "the raw Linux system call",
     Edit<&Hooks::shm_unlink>::Errno<EACCES, EPERM>},
    {"shm_close_of_duplicate_empties_unlinked", "shm", "hard",
     "close.shm.dup_reference shm_unlink.deferred.open_fd",
     "Closing any descriptor of an unlinked object throws its contents away.", "",
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
    {"sysconf_mapped_files_unsupported", "shm", "easy", "sysconf.mapped_files_always",
     "sysconf(_SC_MAPPED_FILES) is -1.", "",
     [](Hooks& h) {
       h.sysconf = [](int n) { return n == _SC_MAPPED_FILES ? -1l : real::sysconf(n); };
     }},
    {"mmap_failure_returns_null", "shm", "easy", "mmap.ret.failure",
     "mmap() that fails returns a null pointer.", "",
     [](Hooks& h) {
       h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
         void* p = real::mmap(a, n, prot, flags, o.fd, at);
         return p == MAP_FAILED ? nullptr : p;
       };
     }},
    {"mmap_negative_offset_is_zero", "shm", "medium", "mmap.err.enxio_range",
     "A negative offset is taken for 0.", "",
     [](Hooks& h) {
       h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
         return real::mmap(a, n, prot, flags, o.fd, at < 0 ? 0 : at);
       };
     }},
    {"munmap_writes_private_pages", "shm", "medium",
     "munmap.private_discarded mmap.private.isolated",
     "munmap() writes the pages of a private mapping to the object.", "",
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
    {"fork_drops_private_pages", "shm", "medium", "mmap.fork.private_before",
     "The child of fork() sees the object in private mappings, not the parent's stores.", "",
     [](Hooks& h) {
       h.after_fork_in_child = [] {
         for (int i = 0; MappingEntry* m = AnyMapping(i); ++i) {
           if (m->flags & MAP_PRIVATE) {
             madvise(reinterpret_cast<void*>(m->address), m->length, MADV_DONTNEED);
           }
         }
       };
     }},
    {"mlock_nests", "shm", "medium", "mlock.shm.no_nesting",
     "A range locked twice must be unlocked twice.", "",
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
    {"mlock_inherited_by_fork", "shm", "hard", "mlock.fork_not_inherited",
     "Locks on shared memory are inherited by the child of fork().", "",
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
    {"mq_open_failure_returns_minus_two", "mqueue", "easy",
     "mq_open.basic.failure_returns_minus_one",
     "mq_open() that fails returns another value than -1.", "older FreeBSD librt (a null pointer)",
     [](Hooks& h) {
       h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
         mqd_t q = OpenQueue(n, f, m, a);
         return q == -1 ? -2 : q;
       };
     }},
    {"mq_new_queue_holds_message", "mqueue", "easy", "mq_open.create.new_queue_empty",
     "A new queue holds an empty message.", "",
     [](Hooks& h) {
       h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
         bool there = QueueExists(n);
         mqd_t q = OpenQueue(n, f, m, a);
         int fd = q >= 0 && (f & O_CREAT) && !there ? Reopen(q, O_WRONLY | O_NONBLOCK) : -1;
         if (fd >= 0) real::mq_send(fd, "", 0, 0), real::mq_close(fd);
         return q;
       };
     }},
    {"mq_close_returns_one", "mqueue", "easy", "mq_close.basic.returns_zero",
     "mq_close() returns 1 for success.", "",
     [](Hooks& h) {
       h.mq_close = [](const Obj& o) {
         int r = real::mq_close(o.fd);
         return r == 0 ? 1 : r;
       };
     }},
    {"mq_unlink_eacces_as_eperm", "mqueue", "medium", "mq_unlink.error.eacces",
     "mq_unlink() without permission fails with EPERM.", "the raw Linux system call",
     Edit<&Hooks::mq_unlink>::Errno<EACCES, EPERM>},
    {"mq_getattr_counts_waiting_senders", "mqueue", "hard",
     "mq_getattr.curmsgs.waiting_senders_not_counted",
     "mq_curmsgs counts the messages of senders that wait.", "",
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
    {"mq_receive_ignores_pending_cancellation", "mqueue", "hard",
     "threads.cancel.pending_request_acted_on",
     "mq_receive() acts on a pending cancellation only if it has to wait.", "",
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
    {"mq_close_is_cancellation_point", "mqueue", "hard",
     "threads.cancel.other_functions_are_not_points",
     "mq_close() acts on a pending cancellation request.", "mq_close() that calls close()",
     [](Hooks& h) {
       h.mq_close = [](const Obj& o) {
         pthread_testcancel();
         return real::mq_close(o.fd);
       };
     }},
};

}  // namespace

Bank RareBank() { return BankOf(kFaults); }

}  // namespace faults
