// Variants of pipes as files: what fstat() and the calls for other types of file say.
#include <fcntl.h>

#include "faults/preload/streams.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

bool WritableEnd(const Obj& o, off_t) { return o.stream() && CanWrite(o); }
bool IsPipeMode(const Obj& o, mode_t) { return o.kind == Kind::pipe; }
bool IsPipeOwner(const Obj& o, uid_t, gid_t) { return o.kind == Kind::pipe; }
bool IsStreamRange(const Obj& o, off_t, off_t) { return o.stream(); }
bool SeeksDataOrHole(const Obj& o, off_t, int whence) {
  return o.stream() && (whence == SEEK_DATA || whence == SEEK_HOLE);
}
bool SeeksFar(const Obj& o, off_t at, int) { return o.stream() && at > (off_t{1} << 60); }
bool BadWhence(const Obj&, off_t, int whence) { return whence < SEEK_SET || whence > SEEK_END + 2; }
bool AsksAio(const Obj&, int name) { return name == _PC_ASYNC_IO; }
bool ClosedDescriptor(const Obj& o, int) { return o.kind == Kind::bad; }
bool MapsWriteEnd(const Obj& o, void*, size_t, int, int, off_t) {
  return o.stream() && !CanRead(o);
}
bool ReadEnd(const Obj& o, off_t) { return o.stream() && !CanWrite(o); }
bool ReadsWriteEnd(const Obj& o, void*, size_t, off_t) { return !CanRead(o); }
bool WritesReadEnd(const Obj& o, const void*, size_t, off_t) { return !CanWrite(o); }
bool Always(aiocb*) { return true; }

const Row kVariants[] = {
    {.name = "pipe_size_counts_bytes",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fstat.pipe.unspecified_fields"},
     .observed = "read_end_st_size_with_5_bytes",
     .what = "st_size of a pipe or FIFO is the number of bytes in it.",
     .source = "macOS, FreeBSD",
     .arm =
         [](Hooks& h) {
           h.fstat = [](const Obj& o, struct stat* s) {
             int r = real::fstat(o.fd, s);
             if (r == 0 && o.stream()) s->st_size = Instead(Available(o));
             return r;
           };
         }},
    {.name = "pipe_without_permissions",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fstat.pipe.unspecified_fields"},
     .observed = "read_end_permissions",
     .what = "The permission bits of a pipe are 0.",
     .source = "macOS",
     .arm = FstatOf<Kind::pipe,
                    [](const Obj&, struct stat* s) { s->st_mode = Instead(s->st_mode & S_IFMT); }>},
    {.name = "pipe_without_links",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fstat.pipe.unspecified_fields"},
     .observed = "read_end_st_nlink",
     .what = "st_nlink of a pipe is 0.",
     .source = "FreeBSD",
     .arm = FstatOf<Kind::pipe, [](const Obj&, struct stat* s) { s->st_nlink = Instead(0); }>},
    {.name = "pipe_ends_are_two_files",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fstat.pipe.both_ends_same_identity"},
     .observed = "both_ends",
     .what = "The two ends of a pipe have different file serial numbers.",
     .source = "FreeBSD",
     .arm = FstatOf<Kind::pipe,
                    [](const Obj& o, struct stat* s) {
                      if (!CanRead(o)) s->st_ino = Instead(s->st_ino + (1ull << 40));
                    }>},
    {.name = "pipe_without_identity",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fstat.pipe.unspecified_fields"},
     .what = "A pipe has a device number of its own, 0, and block size and count are 0.",
     .arm = FstatOf<Kind::pipe,
                    [](const Obj&, struct stat* s) {
                      s->st_blksize = 0;
                      s->st_blocks = 0;
                      s->st_dev = Instead(0);
                    }>},
    {.name = "lseek_bad_whence_is_espipe",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"lseek.pipe.bad_whence"},
     .observed = "bad_whence",
     .what = "lseek() on a pipe fails with ESPIPE before it looks at whence.",
     .arm = Vary<&Hooks::lseek>::Fails<ESPIPE, BadWhence>},
    {.name = "lseek_far_is_eoverflow",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .what = "lseek() on a pipe to an offset that can't be represented fails with EOVERFLOW.",
     .arm = Vary<&Hooks::lseek>::Fails<EOVERFLOW, SeeksFar>},
    {.name = "lseek_data_is_enxio",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .what =
         "lseek() on a pipe with SEEK_DATA or SEEK_HOLE fails with ENXIO: it has no data there.",
     .arm = Vary<&Hooks::lseek>::Fails<ENXIO, SeeksDataOrHole>},
    {.name = "ftruncate_of_pipe_does_nothing",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"ftruncate.pipe.write_end"},
     .observed = "write_end",
     .what = "ftruncate() on the write end of a pipe or FIFO succeeds and does nothing.",
     .arm = Vary<&Hooks::ftruncate>::Returns<0, WritableEnd>},
    {.name = "ftruncate_of_pipe_empties_it",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"ftruncate.pipe.write_end"},
     .observed = "unread_data",
     .what = "ftruncate() on the write end of a pipe or FIFO succeeds and discards unread data.",
     .arm =
         [](Hooks& h) {
           h.ftruncate = [](const Obj& o, off_t n) {
             if (!WritableEnd(o, n) || n < 0) return real::ftruncate(o.fd, n);
             char bytes[4096];
             int fd = Reopen(o.fd, O_RDONLY | O_NONBLOCK);
             while (fd >= 0 && real::read(fd, bytes, sizeof bytes) > 0) {
             }
             real::close(fd);
             return Instead(0);
           };
         }},
    {.name = "ftruncate_read_end_is_ebadf",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .what = "ftruncate() on the read end of a pipe or FIFO fails with EBADF.",
     .arm = Vary<&Hooks::ftruncate>::Fails<EBADF, ReadEnd>},
    {.name = "fchmod_of_pipe_refused",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fchmod.pipe"},
     .observed = "fchmod",
     .what = "fchmod() on a pipe fails with EINVAL.",
     .source = "macOS, FreeBSD",
     .arm = Vary<&Hooks::fchmod>::Fails<EINVAL, IsPipeMode>},
    {.name = "fchown_of_pipe_refused",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fchmod.pipe"},
     .observed = "fchown",
     .what = "fchown() on a pipe fails with EINVAL.",
     .source = "macOS, FreeBSD",
     .arm = Vary<&Hooks::fchown>::Fails<EINVAL, IsPipeOwner>},
    {.name = "posix_fallocate_of_pipe_is_enodev",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .what = "posix_fallocate() on a pipe fails with ENODEV: it is not a regular file.",
     .arm = Vary<&Hooks::fallocate>::Returns<ENODEV, IsStreamRange>},
    {.name = "mmap_of_write_end_is_eacces",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .what = "mmap() on the write end of a pipe fails with EACCES: it is not open for reading.",
     .arm = Vary<&Hooks::mmap>::Fails<EACCES, MapsWriteEnd>},
    {.name = "pread_of_write_end_is_ebadf",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .what = "pread() on the write end of a pipe fails with EBADF.",
     .arm = Vary<&Hooks::pread>::Fails<EBADF, ReadsWriteEnd>},
    {.name = "pwrite_of_read_end_is_ebadf",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .what = "pwrite() on the read end of a pipe fails with EBADF.",
     .arm = Vary<&Hooks::pwrite>::Fails<EBADF, WritesReadEnd>},
    {.name = "fpathconf_checks_descriptor",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fpathconf.pipe.ebadf"},
     .observed = "closed_number",
     .what = "fpathconf() of a closed descriptor fails with EBADF.",
     .arm = Vary<&Hooks::fpathconf>::Fails<EBADF, ClosedDescriptor>},
    {.name = "fpathconf_says_aio_works",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"aio.pipe.support"},
     .observed = "fpathconf_PC_ASYNC_IO",
     .what = "fpathconf() says that asynchronous input and output work on pipes (they do).",
     .arm = Vary<&Hooks::fpathconf>::Returns<1, AsksAio>},
    {.name = "aio_of_pipe_refused",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"aio.pipe.support"},
     .observed = "aio_read",
     .what = "Asynchronous input and output on pipes and FIFOs fail with EINVAL.",
     .arm =
         [](Hooks& h) {
           Vary<&Hooks::aio_read>::Fails<EINVAL, Always>(h);
           Vary<&Hooks::aio_write>::Fails<EINVAL, Always>(h);
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
