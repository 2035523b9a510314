// Variants of shared memory objects as files, and of their size.
#include <fcntl.h>
#include <sys/vfs.h>

#include <cstring>

#include "faults/preload/shm.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

// fstat() of shared memory with the result changed.
template <void (*Change)(const Obj&, struct stat*)>
void FstatAs(Hooks& h) {
  h.fstat = [](const Obj& o, struct stat* s) {
    int r = real::fstat(o.fd, s);
    if (r == 0 && o.kind == Kind::shm) {
      Differ();
      Change(o, s);
    }
    return r;
  };
}

bool IsShmRange(const Obj& o, off_t, off_t) { return o.kind == Kind::shm; }
bool AnySeek(const Obj&, off_t, int) { return true; }
bool SeeksEnd(const Obj&, off_t, int whence) { return whence == SEEK_END; }
bool AnyRead(const Obj&, void*, size_t) { return true; }
bool AnyWrite(const Obj&, const void*, size_t) { return true; }

// Bytes that the file system below still has for growing.
off_t RoomBelow(const Obj& o) {
  struct statfs s;
  int saved = errno;
  bool known = fstatfs(o.fd, &s) == 0 && s.f_blocks > 0;
  errno = saved;
  return known ? static_cast<off_t>(s.f_bavail) * s.f_bsize : -1;
}

template <int... Commands>
void FcntlFails(Hooks& h) {
  h.fcntl = [](const Obj& o, int c, long a) {
    return o.kind == Kind::shm && ((c == Commands) || ...) ? Refuse(EINVAL)
                                                           : real::fcntl(o.fd, c, a);
  };
}

const Row kVariants[] = {
    {.name = "shm_is_no_regular_file",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"fstat.shm.other_fields"},
     .observed = "type",
     .what = "st_mode of a shared memory object has no file type.",
     .source = "macOS",
     .arm =
         FstatAs<[](const Obj&, struct stat* s) { s->st_mode &= ~static_cast<mode_t>(S_IFMT); }>},
    {.name = "shm_without_links",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"fstat.shm.other_fields"},
     .observed = "st_nlink",
     .what = "st_nlink of a shared memory object is 0.",
     .source = "macOS",
     .arm = FstatAs<[](const Obj&, struct stat* s) { s->st_nlink = 0; }>},
    {.name = "shm_without_blocks",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"fstat.shm.other_fields"},
     .observed = "st_blocks grow with stores",
     .what = "st_blocks of a shared memory object is 0.",
     .source = "FreeBSD",
     .arm = FstatAs<[](const Obj&, struct stat* s) { s->st_blocks = 0; }>},
    {.name = "shm_without_times",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.timestamps"},
     .observed = "st_mtime after a store and msync",
     .what = "The times of a shared memory object are the Epoch.",
     .source = "macOS",
     .arm = FstatAs<[](const Obj&, struct stat* s) {
       s->st_atim = s->st_mtim = s->st_ctim = timespec{};
     }>},
    {.name = "shm_is_not_seekable",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"lseek.shm", "shm_open.fd.offset"},
     .observed = "lseek(SEEK_CUR)",
     .what = "lseek() on shared memory fails with ESPIPE.",
     .source = "macOS",
     .arm = Vary<&Hooks::lseek_shm>::Fails<ESPIPE, AnySeek>},
    {.name = "shm_end_is_unknown",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"lseek.shm"},
     .observed = "lseek(SEEK_END) on 10 bytes",
     .what = "lseek() on shared memory with SEEK_END fails with EINVAL.",
     .arm = Vary<&Hooks::lseek_shm>::Fails<EINVAL, SeeksEnd>},
    {.name = "shm_is_not_readable",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"read.shm"},
     .observed = "read",
     .what = "read() on shared memory fails with ENXIO.",
     .source = "macOS",
     .arm = Vary<&Hooks::read_shm>::Fails<ENXIO, AnyRead>},
    {.name = "shm_is_not_writable",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"write.shm"},
     .observed = "write",
     .what = "write() on shared memory fails with ENXIO.",
     .source = "macOS",
     .arm = Vary<&Hooks::write_shm>::Fails<ENXIO, AnyWrite>},
    {.name = "shm_setfl_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"fcntl.shm.setfl_and_locks"},
     .observed = "F_SETFL O_NONBLOCK",
     .what = "F_SETFL on shared memory fails with EINVAL.",
     .arm = FcntlFails<F_SETFL>},
    {.name = "shm_locks_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"fcntl.shm.setfl_and_locks"},
     .observed = "F_SETLK",
     .what = "Record locks on shared memory fail with EINVAL.",
     .arm = FcntlFails<F_GETLK, F_SETLK, F_SETLKW>},
    {.name = "shm_getfd_reports_more_flags",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"fcntl.shm.setfl_and_locks"},
     .what = "F_GETFD reports flags besides FD_CLOEXEC.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             return c == F_GETFD && r >= 0 ? Instead(r | 0x40) : r;
           };
         }},
    {.name = "shm_getfl_reports_more_flags",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"fcntl.shm.setfl_and_locks"},
     .what = "F_GETFL reports flags that no header names.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, c == F_SETFL ? a & ~0x10000000l : a);
             return c == F_GETFL && r >= 0 && o.kind == Kind::shm ? Instead(r | 0x10000000) : r;
           };
         }},
    {.name = "shm_fallocate_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"posix_fallocate.shm"},
     .observed = "posix_fallocate",
     .what = "posix_fallocate() on shared memory fails with EINVAL.",
     .source = "FreeBSD 12",
     .arm = Vary<&Hooks::fallocate>::Returns<EINVAL, IsShmRange>},
    {.name = "ftruncate_needs_memory",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.end.sigbus_no_space"},
     .observed = "ftruncate to four times the room",
     .what = "ftruncate() fails with ENOSPC where there is not memory for all of the new size.",
     .arm =
         [](Hooks& h) {
           h.ftruncate = [](const Obj& o, off_t n) {
             off_t old = o.kind == Kind::shm ? SizeOf(o) : -1, room = RoomBelow(o);
             int r = real::ftruncate(o.fd, n);
             if (r != 0 || old < 0 || room < 0 || n - old <= room) return r;
             real::ftruncate(o.fd, old);
             return Refuse(ENOSPC);
           };
         }},
    {.name = "ftruncate_clears_beyond_old_end",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"ftruncate.shm.stores_beyond_end_after_grow"},
     .observed = "store at 200 of 100 bytes, then grown",
     .what = "Growing clears what was stored in the last page beyond the old end.",
     .source = "macOS",
     .arm =
         [](Hooks& h) {
           h.ftruncate = [](const Obj& o, off_t n) {
             off_t old = o.kind == Kind::shm ? SizeOf(o) : 0;
             if (old > 0 && n > old && (AccessMode(o) == O_RDWR)) {
               View v(o, old);
               if (v.data) {
                 Differ();
                 std::memset(v.data + old, 0, v.length - static_cast<size_t>(old));
               }
             }
             return real::ftruncate(o.fd, n);
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
