// Variants of FIFOs: making, opening, sizing.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "faults/preload/streams.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

enum Use : uint32_t { kReadOpeners, kReadOnce };

bool OtherBits(int, const char*, mode_t m) { return m & ~0777u; }
bool HasNewline(int, const char* p, mode_t) { return !Unreadable(p) && std::strchr(p, '\n'); }
bool Truncates(const Obj& o, off_t) { return o.kind == Kind::fifo && CanWrite(o); }

int Access(int flags) { return flags & O_ACCMODE; }
bool ReadWrite(int, const char*, int flags, mode_t) { return Access(flags) == O_RDWR; }

uint64_t KeyOf(int d, const char* p) {
  struct stat s;
  int saved = errno;
  bool found = real::fstatat(d, p, &s, 0) == 0;
  errno = saved;
  return found ? s.st_ino * 31 + 7 : 0;
}

// Whether the open of an existing FIFO for writing would fail with ENXIO.
bool NobodyReads(int d, const char* p, int flags) {
  if (Access(flags) != O_WRONLY || !(flags & O_NONBLOCK)) return false;
  int saved = errno;
  int fd = real::openat(d, p, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0);
  bool nobody = fd < 0 && errno == ENXIO;
  if (fd >= 0) real::close(fd);
  errno = saved;
  return nobody;
}
bool ExclusiveAndUnread(int d, const char* p, int flags, mode_t) {
  return (flags & O_CREAT) && (flags & O_EXCL) && NobodyReads(d, p, flags);
}

const Row kVariants[] = {
    {.name = "mkfifo_other_bits_cleared",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"mkfifo.other_mode_bits"},
     .observed = "mode_bits_kept",
     .what = "mkfifo() ignores bits of the mode beyond the permissions.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             return real::mkfifoat(d, p, m & ~0777u ? Instead(m & 0777u) : m);
           };
         }},
    {.name = "mkfifo_other_bits_refused",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"mkfifo.other_mode_bits"},
     .observed = "mkfifo_with_suid_sgid_sticky",
     .what = "mkfifo() with bits of the mode beyond the permissions fails with EINVAL.",
     .arm = Vary<&Hooks::mkfifoat>::Fails<EINVAL, OtherBits>},
    {.name = "mkfifo_group_of_directory",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"mkfifo.owner"},
     .observed = "group_in_plain_directory",
     .what = "A new FIFO has the group of its directory.",
     .source = "FreeBSD, macOS",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             int r = real::mkfifoat(d, p, m);
             char folder[4096] = ".";
             const char* slash = r == 0 ? std::strrchr(p, '/') : nullptr;
             if (r != 0 || (slash && slash - p >= 4095)) return r;
             if (slash == p) slash = p + 1;
             if (slash) {
               std::memcpy(folder, p, static_cast<size_t>(slash - p));
               folder[slash - p] = 0;
             }
             struct stat s, made;
             int saved = errno;
             if (real::fstatat(d, folder, &s, 0) == 0 && real::fstatat(d, p, &made, 0) == 0 &&
                 s.st_gid != made.st_gid &&
                 fchownat(d, p, static_cast<uid_t>(-1), s.st_gid, AT_SYMLINK_NOFOLLOW) == 0) {
               Differ();
             }
             errno = saved;
             return r;
           };
         }},
    {.name = "mkfifo_newline_refused",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"mkfifo.unportable_name"},
     .observed = "mkfifo_name_with_newline",
     .what = "mkfifo() of a name with a newline fails with EILSEQ, as Issue 8 encourages.",
     .arm = Vary<&Hooks::mkfifoat>::Fails<EILSEQ, HasNewline>},
    {.name = "fifo_truncate_does_nothing",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.truncate"},
     .observed = "ftruncate_of_an_open_fifo",
     .what = "ftruncate() of a FIFO succeeds and does nothing.",
     .arm = Vary<&Hooks::ftruncate>::Returns<0, Truncates>},
    {.name = "fifo_open_rdwr_refused",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.open.rdwr_issue8"},
     .observed = "open_rdwr_nonblock",
     .what = "A FIFO can't be opened for reading and writing at the same time: EINVAL.",
     .arm = Vary<&Hooks::open_fifo>::Fails<EINVAL, ReadWrite>},
    {.name = "fifo_open_trunc_marks_times",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.open.trunc_times"},
     .observed = "times_marked_by_o_trunc",
     .what = "open() of a FIFO with O_TRUNC marks its modification and status change times.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int fd = real::openat(d, p, f, m);
             int saved = errno;
             const timespec now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
             if (fd >= 0 && (f & O_TRUNC) && utimensat(d, p, now, 0) == 0) Differ();
             errno = saved;
             return fd;
           };
         }},
    {.name = "fifo_blocked_opener_is_not_a_reader",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.open.nonblock_writer_meets_blocked_reader"},
     .observed = "nonblocking_writer_while_a_reader_waits_in_open",
     .what = "A reader that waits in open() does not count: a non-blocking writer gets ENXIO.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             uint64_t key = KeyOf(d, p);
             if (Access(f) == O_RDONLY && !(f & O_NONBLOCK)) {
               Waiting wait(key, kReadOpeners);
               return real::openat(d, p, f, m);
             }
             if (Access(f) == O_WRONLY && (f & O_NONBLOCK) && WaiterCount(key, kReadOpeners) > 0) {
               return Refuse(ENXIO);
             }
             return real::openat(d, p, f, m);
           };
         }},
    {.name = "fifo_without_readers_forgets_data",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.io.reader_gap"},
     .observed = "data_after_last_reader_closed",
     .what = "When the last reader of a FIFO closes, unread data is discarded.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) {
             bool candidate =
                 o.kind == Kind::fifo && CanRead(o) && !CanWrite(o) && Available(o) > 0;
             int hold = candidate ? Reopen(o.fd, O_WRONLY | O_NONBLOCK) : -1;
             int r = real::close(o.fd);
             int saved = errno;
             if (hold >= 0 && !HasReader(ObjectOf(hold))) {
               char bytes[4096];
               int fd = Reopen(hold, O_RDONLY | O_NONBLOCK);
               while (fd >= 0 && real::read(fd, bytes, sizeof bytes) > 0) Differ();
               real::close(fd);
             }
             if (hold >= 0) real::close(hold);
             errno = saved;
             return r;
           };
         }},
    {.name = "fifo_exclusive_and_unread_is_enxio",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"pipe.error_precedence"},
     .what = "O_CREAT|O_EXCL|O_WRONLY|O_NONBLOCK of a FIFO that nobody reads fails with ENXIO.",
     .arm = Vary<&Hooks::open_fifo>::Fails<ENXIO, ExclusiveAndUnread>},
    {.name = "fifo_unread_and_forbidden_is_enxio",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"pipe.error_precedence"},
     .what =
         "A non-blocking open for writing fails with ENXIO, not EACCES, where nobody ever read.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int fd = real::openat(d, p, f, m);
             auto& read_once = Cell(KeyOf(d, p), kReadOnce);
             if (fd >= 0 && Access(f) != O_WRONLY) read_once = 1;
             bool unread = Access(f) == O_WRONLY && (f & O_NONBLOCK) && read_once == 0;
             if (fd == -1 && errno == EACCES && unread) Refuse(ENXIO);
             return fd;
           };
         }},
    {.name = "fifo_directory_and_unread_is_enxio",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"pipe.error_precedence"},
     .what = "O_DIRECTORY|O_WRONLY|O_NONBLOCK of a FIFO that nobody reads fails with ENXIO.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             int fd = real::openat(d, p, f, m);
             bool unread = Access(f) == O_WRONLY && (f & O_NONBLOCK) && (f & O_DIRECTORY);
             if (fd == -1 && errno == ENOTDIR && unread) Refuse(ENXIO);
             return fd;
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
