// Faults of opening FIFOs.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "faults/preload/state.h"

namespace faults {
namespace {

enum Use : uint32_t { kReadOpeners, kWriteOpeners, kCrowd, kReleased };

int Open(int d, const char* p, int f, mode_t m) { return real::openat(d, p, f, m); }
bool Reads(int flags) { return (flags & O_ACCMODE) == O_RDONLY; }
bool Writes(int flags) { return (flags & O_ACCMODE) == O_WRONLY; }
bool MayWait(int flags) { return !(flags & O_NONBLOCK) && (Reads(flags) || Writes(flags)); }

uint64_t KeyOf(int d, const char* p) {
  struct stat s;
  Obj o;
  if (real::fstatat(d, p, &s, 0) == 0) o.dev = s.st_dev, o.ino = s.st_ino;
  return o.key();
}

// Whether an open for writing (reading) would find a peer, seen from a short-lived descriptor.
bool HasPeer(int d, const char* p, int flags) {
  int saved = errno;
  bool yes = false;
  if (Writes(flags)) {
    int fd = Open(d, p, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0);
    yes = fd >= 0;
    if (fd >= 0) real::close(fd);
  } else {
    // A reader sees POLLHUP only after a writer was there; ask who is announced instead.
    yes = WaiterCount(KeyOf(d, p), kWriteOpeners) > 0;
  }
  errno = saved;
  return yes;
}

int ClearNonblock(int fd) {
  if (fd >= 0) {
    real::fcntl(fd, F_SETFL, static_cast<long>(real::fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK));
  }
  return fd;
}

bool IsLink(int d, const char* p) {
  struct stat s;
  return real::fstatat(d, p, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(s.st_mode);
}

const Row kFaults[] = {
    {.name = "fifo_open_nofollow_follows",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.nofollow"},
     .what = "open() with O_NOFOLLOW opens the FIFO that a symbolic link leads to.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             return Open(d, p, f & ~O_NOFOLLOW, m);
           };
         }},
    {.name = "fifo_open_nofollow_releases_peer",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.nofollow"},
     .what =
         "O_NOFOLLOW is checked too late: open() of a symbolic link to a FIFO fails with ELOOP, "
         "but a peer that waits in open() has met it.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if (!(f & O_NOFOLLOW) || !IsLink(d, p)) return Open(d, p, f, m);
             const int met = Open(d, p, (f & ~O_NOFOLLOW) | O_NONBLOCK, m);
             if (met >= 0) real::close(met);
             return Fail(ELOOP);
           };
         }},
    {.name = "fifo_open_read_does_not_wait",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.rdonly_waits_for_writer"},
     .what = "open(O_RDONLY) of a FIFO returns without a writer.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             return Reads(f) && MayWait(f) ? ClearNonblock(Open(d, p, f | O_NONBLOCK, m))
                                           : Open(d, p, f, m);
           };
         }},
    {.name = "fifo_open_write_does_not_wait",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.wronly_waits_for_reader"},
     .what = "open(O_WRONLY) of a FIFO returns without a reader.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if (!Writes(f) || !MayWait(f)) return Open(d, p, f, m);
             int both = MoveHigh(Open(d, p, O_RDWR | O_CLOEXEC, 0));
             int fd = Open(d, p, f, m);
             if (both >= 0) real::close(both);
             return fd;
           };
         }},
    {.name = "fifo_open_write_fails_at_once",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.wronly_waits_for_reader"},
     .what = "open(O_WRONLY) without a reader fails with ENXIO, O_NONBLOCK or not.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             return ClearNonblock(Open(d, p, Writes(f) ? f | O_NONBLOCK : f, m));
           };
         }},
    {.name = "fifo_open_hangs_with_peer_present",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.peer_present"},
     .what = "open(O_WRONLY) waits although there is a reader.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if (Writes(f) && MayWait(f) && HasPeer(d, p, f)) Stuck();
             return Open(d, p, f, m);
           };
         }},
    {.name = "fifo_open_releases_one_waiter",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.all_waiters_released"},
     .what = "Of several openers that wait, the peer's open releases one.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if (!MayWait(f)) return Open(d, p, f, m);
             uint64_t key = KeyOf(d, p);
             uint32_t use = Writes(f) ? kWriteOpeners : kReadOpeners;
             bool late = !HasPeer(d, p, f);
             Waiting wait(key, use);
             if (WaiterCount(key, use) > 1) Cell(key, kCrowd) = 1;
             int fd = Open(d, p, f, m);
             if (late && Cell(key, kCrowd).load() && Cell(key, kReleased)++ > 0) Stuck();
             return fd;
           };
         }},
    {.name = "fifo_open_misses_fleeting_peer",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.fleeting_peer"},
     .what =
         "A waiting open(O_WRONLY) is released only if the reader is still there when it looks.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int fd = Open(d, p, f, m);
             if (fd < 0 || !Writes(f) || !MayWait(f)) return fd;
             PauseMs(5);
             Obj o = ObjectOf(fd);
             int64_t end = NowNs(CLOCK_MONOTONIC) + StuckMs() * 1000000ll;
             while (!HasReader(o) && NowNs(CLOCK_MONOTONIC) < end) PauseMs(2);
             return fd;
           };
         }},
    {.name = "fifo_open_read_nonblock_enxio",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.rdonly_nonblock"},
     .what = "open(O_RDONLY|O_NONBLOCK) without a writer fails with ENXIO.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if (Reads(f) && (f & O_NONBLOCK)) return Fail(ENXIO);
             return Open(d, p, f, m);
           };
         }},
    {.name = "fifo_open_read_nonblock_waits",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.rdonly_nonblock"},
     .what = "open(O_RDONLY|O_NONBLOCK) waits for a writer.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if (Reads(f) && (f & O_NONBLOCK)) Stuck();
             return Open(d, p, f, m);
           };
         }},
    {.name = "fifo_open_loses_nonblock",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.rdonly_nonblock"},
     .what = "O_NONBLOCK governs open() only and is clear afterwards.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             return ClearNonblock(Open(d, p, f, m));
           };
         }},
    {.name = "fifo_open_write_nonblock_succeeds",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.wronly_nonblock_enxio"},
     .what = "open(O_WRONLY|O_NONBLOCK) without a reader succeeds.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int fd = Open(d, p, f, m);
             if (fd >= 0 || errno != ENXIO) return fd;
             int both = MoveHigh(Open(d, p, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0));
             fd = Open(d, p, f, m);
             if (both >= 0) real::close(both);
             return fd;
           };
         }},
    {.name = "fifo_open_write_nonblock_eagain",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.wronly_nonblock_enxio"},
     .what = "open(O_WRONLY|O_NONBLOCK) without a reader fails with EAGAIN.",
     .arm = Edit<&Hooks::open_fifo>::Errno<ENXIO, EAGAIN>},
    {.name = "fifo_open_never_eintr",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.eintr"},
     .what = "A waiting open() goes on after every signal handler.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int fd;
             do fd = Open(d, p, f, m);
             while (fd == -1 && errno == EINTR);
             return fd;
           };
         }},
    {.name = "fifo_open_interrupted_releases_peer",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.eintr"},
     .what = "An open() for reading that is interrupted releases writers that wait.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int fd = Open(d, p, f, m);
             if (fd == -1 && errno == EINTR && (f & O_ACCMODE) == O_RDONLY) {
               int shortly = Open(d, p, O_RDONLY | O_NONBLOCK, 0);
               PauseMs(100);
               real::close(shortly);
               errno = EINTR;
             }
             return fd;
           };
         }},
    {.name = "fifo_open_eintr_despite_sa_restart",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.sa_restart"},
     .what = "A waiting open() fails with EINTR though the handler was set with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if (!MayWait(f)) return Open(d, p, f, m);
             Disturbed signals(Disturb::restarting);
             return Open(d, p, f, m);
           };
         }},
    {.name = "fifo_open_not_cancellation_point",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.cancellation"},
     .what = "A thread that waits in open() cannot be cancelled.",
     .arm =
         [](Hooks& h) {
           UseKicks();
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int before, fd;
             pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
             bool fired;
             {
               Bounded bound;
               fd = Open(d, p, f, m);
               int saved = errno;
               fired = fd == -1 && saved == EINTR && bound.Fired();
               errno = saved;
             }
             pthread_setcancelstate(before, nullptr);
             return fired ? Open(d, p, f, m) : fd;
           };
         }},
    {.name = "fifo_open_excl_ignored",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.creat_excl"},
     .what = "O_CREAT|O_EXCL opens an existing FIFO.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             return Open(d, p, f & ~(O_CREAT | O_EXCL), m);
           };
         }},
    {.name = "fifo_open_trunc_discards_data",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.trunc_keeps_data"},
     .what = "O_TRUNC empties the FIFO.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int fd = Open(d, p, f, m);
             if (fd < 0 || !(f & O_TRUNC)) return fd;
             int in = Open(d, p, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
             char junk[512];
             while (in >= 0 && real::read(in, junk, sizeof junk) > 0) {
             }
             if (in >= 0) real::close(in);
             return fd;
           };
         }},
    {.name = "fifo_open_directory_flag_ignored",
     .family = Family::fifo,
     .difficulty = Difficulty::easy,
     .clauses = {"fifo.open.directory_flag"},
     .what = "O_DIRECTORY has no effect on FIFOs.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             return Open(d, p, f & ~O_DIRECTORY, m);
           };
         }},
    {.name = "fifo_open_eacces_as_enxio",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.eacces"},
     .what = "Missing permission is reported as ENXIO.",
     .arm = Edit<&Hooks::open_fifo>::Errno<EACCES, ENXIO>},
    {.name = "fifo_open_reuses_description",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.new_description"},
     .what = "A second open() of a FIFO in the same way duplicates the first description.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             uint64_t key = KeyOf(d, p);
             int found = -1;
             ForEachObject([&](const Obj& o) {
               if (o.kind == Kind::fifo && o.key() == key && AccessMode(o) == (f & O_ACCMODE) &&
                   found < 0) {
                 found = o.fd;
               }
             });
             if (found < 0 || (f & O_EXCL)) return Open(d, p, f, m);
             return real::fcntl(found, f & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 0l);
           };
         }},
    {.name = "fifo_open_rdwr_waits",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.rdwr_issue8"},
     .what = "open(O_RDWR) of a FIFO waits for another process.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if ((f & O_ACCMODE) == O_RDWR) Stuck();
             return Open(d, p, f, m);
           };
         }},
    {.name = "fifo_open_ignores_cloexec",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"exec.pipe.cloexec"},
     .what = "O_CLOEXEC has no effect when a FIFO is opened.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             return Open(d, p, f & ~O_CLOEXEC, m);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
