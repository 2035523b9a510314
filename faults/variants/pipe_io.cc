// Variants of reading from and writing to pipes and FIFOs.
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include <csignal>

#include "faults/preload/streams.h"
#include "faults/variants/vary.h"

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

namespace faults {
namespace {

enum Use : uint32_t { kReaders, kCrowded, kWriter };

bool TooLong(size_t n) { return n > static_cast<size_t>(SSIZE_MAX); }
bool TooLongRead(const Obj&, void*, size_t n) { return TooLong(n); }
bool TooLongWrite(const Obj&, const void*, size_t n) { return TooLong(n); }
bool ZeroRead(const Obj&, void*, size_t n) { return n == 0; }
bool ZeroReadOfEmpty(const Obj& o, void*, size_t n) {
  return n == 0 && CanRead(o) && Nonblocking(o) && Readiness(o, POLLIN) == 0;
}
bool ZeroWriteBroken(const Obj& o, const void*, size_t n) {
  return n == 0 && CanWrite(o) && !HasReader(o);
}
bool ZeroWriteFull(const Obj& o, const void*, size_t n) {
  return n == 0 && CanWrite(o) && HasReader(o) && Readiness(o, POLLOUT) == 0;
}
bool FullAndBroken(const Obj& o, const void*, size_t n) {
  return n > 0 && CanWrite(o) && Nonblocking(o) && !HasReader(o) && Room(o) == 0;
}
bool NoVectors(const Obj&, const iovec*, int n) { return n == 0; }
bool BadRead(const Obj&, void* b, size_t n) { return n > 0 && Unreadable(b); }
bool BadReadWrongEnd(const Obj& o, void* b, size_t n) { return !CanRead(o) && BadRead(o, b, n); }
bool BadReadNotReady(const Obj& o, void* b, size_t n) {
  return CanRead(o) && Nonblocking(o) && Readiness(o, POLLIN) == 0 && BadRead(o, b, n);
}
bool BadWriteBroken(const Obj& o, const void* b, size_t n) {
  return n > 0 && CanWrite(o) && !HasReader(o) && Unreadable(b);
}
bool NegativePread(const Obj&, void*, size_t, off_t at) { return at < 0; }
bool NegativePwrite(const Obj&, const void*, size_t, off_t at) { return at < 0; }

size_t Total(const iovec* v, int n) {
  size_t sum = 0;
  for (int i = 0; i < n; ++i) sum += v[i].iov_len;
  return sum;
}
bool EmptyVectorsBroken(const Obj& o, const iovec* v, int n) {
  return n > 0 && n <= IOV_MAX && Total(v, n) == 0 && CanWrite(o) && !HasReader(o);
}

// Only as many vectors as the call below takes.
int Clip(int n) {
  if (n <= IOV_MAX) return n;
  Differ();
  return IOV_MAX;
}

// A memory fault where the call would say EFAULT.
void Touch(const void* p, size_t n) {
  if (n == 0 || !Unreadable(p)) return;
  Differ();
  *static_cast<volatile char*>(const_cast<void*>(p)) = 0;
}

// One large write at a time on each pipe; the others sleep. A writer that was killed gives up its
// turn.
class Turn {
 public:
  explicit Turn(const Obj& o) : owner_(Cell(o.key(), kWriter)) {
    for (uint64_t other = 0; !owner_.compare_exchange_strong(other, Me()); other = 0) {
      if (kill(static_cast<pid_t>(other), 0) != 0 && owner_.compare_exchange_strong(other, Me())) {
        return;
      }
      Differ();
      timespec second{1, 0};
      syscall(SYS_futex, &owner_, FUTEX_WAIT, static_cast<uint32_t>(other), &second, nullptr, 0);
    }
  }
  ~Turn() {
    int saved = errno;
    owner_ = 0;
    syscall(SYS_futex, &owner_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    errno = saved;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  static uint64_t Me() { return static_cast<uint64_t>(gettid()); }
  std::atomic<uint64_t>& owner_;
};

const Row kVariants[] = {
    {.name = "read_zero_checks_nothing",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.read.zero_nbyte_errors"},
     .observed = "read_0_write_end",
     .what = "read() of 0 bytes returns 0 without looking at the descriptor's access mode.",
     .arm = Vary<&Hooks::read>::Returns<0, ZeroRead>},
    {.name = "read_zero_of_empty_is_eagain",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.read.zero_nbyte_errors"},
     .observed = "read_0_empty_nonblocking",
     .what = "read() of 0 bytes from an empty pipe with O_NONBLOCK fails with EAGAIN.",
     .arm = Vary<&Hooks::read>::Fails<EAGAIN, ZeroReadOfEmpty>},
    {.name = "read_above_ssize_max_is_einval",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.rw.above_ssize_max"},
     .observed = "read_empty_nonblocking",
     .what = "read() of more than {SSIZE_MAX} bytes fails with EINVAL.",
     .source = "FreeBSD",
     .arm = Vary<&Hooks::read>::Fails<EINVAL, TooLongRead>},
    {.name = "write_above_ssize_max_is_einval",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.rw.above_ssize_max"},
     .observed = "write_nonblocking",
     .what = "write() of more than {SSIZE_MAX} bytes fails with EINVAL.",
     .source = "FreeBSD",
     .arm = Vary<&Hooks::write>::Fails<EINVAL, TooLongWrite>},
    {.name = "read_concurrent_bytes_twice",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.read.concurrent_readers"},
     .observed = "every_byte_once",
     .what = "Readers that read the same pipe concurrently may get a byte twice.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             bool crowded = Cell(o.key(), kReaders)++ > 0;
             ssize_t r = real::read(o.fd, b, n);
             int saved = errno;
             --Cell(o.key(), kReaders);
             if (crowded && r > 0 && ++Cell(o.key(), kCrowded) % 2 == 0) {
               int fd = Reopen(o.fd, O_WRONLY | O_NONBLOCK);
               if (fd >= 0 && real::write(fd, b, 1) == 1) Differ();
               real::close(fd);
             }
             errno = saved;
             return r;
           };
         }},
    {.name = "write_partial_goes_on_after_restart",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.sa_restart_after_partial"},
     .observed = "after_the_handler",
     .what = "A blocking write that a handler with SA_RESTART interrupts goes on until all is "
             "written.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t done = real::write(o.fd, b, n);
             while (done > 0 && done < static_cast<ssize_t>(n) && !Nonblocking(o) && HasReader(o) &&
                    AllHandlersRestart()) {
               Differ();
               ssize_t more = real::write(o.fd, static_cast<const char*>(b) + done,
                                          n - static_cast<size_t>(done));
               if (more <= 0) break;
               done += more;
             }
             return done;
           };
         }},
    {.name = "write_full_without_reader_is_eagain",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.epipe_or_eagain_full"},
     .observed = "full_no_reader",
     .what = "A non-blocking write to a full pipe without a reader fails with EAGAIN.",
     .arm = Vary<&Hooks::write>::Fails<EAGAIN, FullAndBroken>},
    {.name = "write_partial_then_broken_is_epipe",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.partial_then_reader_close"},
     .observed = "result",
     .what = "A blocking write fails with EPIPE when the last reader closes after part of it.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r = real::write(o.fd, b, n);
             bool part = r > 0 && r < static_cast<ssize_t>(n) && !Nonblocking(o);
             return part && !HasReader(o) ? static_cast<ssize_t>(Refuse(EPIPE)) : r;
           };
         }},
    {.name = "readv_without_vectors_is_einval",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"readv.pipe.iovcnt_range"},
     .observed = "readv_0",
     .what = "readv() with 0 vectors fails with EINVAL.",
     .source = "macOS, FreeBSD",
     .arm = Vary<&Hooks::readv>::Fails<EINVAL, NoVectors>},
    {.name = "writev_without_vectors_is_einval",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"readv.pipe.iovcnt_range"},
     .observed = "writev_0",
     .what = "writev() with 0 vectors fails with EINVAL.",
     .source = "macOS, FreeBSD",
     .arm = Vary<&Hooks::writev>::Fails<EINVAL, NoVectors>},
    {.name = "readv_takes_more_than_iov_max",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"readv.pipe.iovcnt_range"},
     .observed = "readv_above_iov_max",
     .what = "readv() with more than {IOV_MAX} vectors reads into the first of them.",
     .arm =
         [](Hooks& h) {
           h.readv = [](const Obj& o, const iovec* v, int n) {
             return real::readv(o.fd, v, Clip(n));
           };
         }},
    {.name = "writev_takes_more_than_iov_max",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"readv.pipe.iovcnt_range"},
     .observed = "writev_above_iov_max",
     .what = "writev() with more than {IOV_MAX} vectors writes the first of them.",
     .arm =
         [](Hooks& h) {
           h.writev = [](const Obj& o, const iovec* v, int n) {
             return real::writev(o.fd, v, Clip(n));
           };
         }},
    {.name = "writev_empty_without_reader_is_epipe",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"writev.pipe.all_lengths_zero"},
     .observed = "without_reader",
     .what = "writev() of no bytes to a pipe without a reader fails with EPIPE.",
     .arm = Vary<&Hooks::writev>::Fails<EPIPE, EmptyVectorsBroken>},
    {.name = "write_large_one_at_a_time",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.gt_pipe_buf_interleaving"},
     .observed = "interleaved",
     .what = "Blocking writes of more than {PIPE_BUF} bytes are not interleaved either.",
     .source = "Solaris",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (n <= 4096 || TooLong(n) || Nonblocking(o) || !CanWrite(o)) return Write(o, b, n);
             Turn turn(o);
             return Write(o, b, n);
           };
         }},
    {.name = "write_zero_without_reader_is_epipe",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.zero_nbyte"},
     .observed = "without_reader",
     .what = "write() of 0 bytes to a pipe without a reader fails with EPIPE.",
     .source = "FreeBSD",
     .arm = Vary<&Hooks::write>::Fails<EPIPE, ZeroWriteBroken>},
    {.name = "write_zero_to_full_is_eagain",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.zero_nbyte"},
     .observed = "full",
     .what = "write() of 0 bytes to a full pipe fails with EAGAIN.",
     .arm = Vary<&Hooks::write>::Fails<EAGAIN, ZeroWriteFull>},
    {.name = "read_wrong_end_bad_address_is_efault",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .observed = "read_wrong_end_and_bad_address",
     .what = "read() of the write end into a bad address fails with EFAULT, not EBADF.",
     .arm = Vary<&Hooks::read>::Fails<EFAULT, BadReadWrongEnd>},
    {.name = "pread_negative_offset_is_espipe",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .observed = "pread_seek_and_negative_offset",
     .what = "pread() and pwrite() on a pipe with a negative offset fail with ESPIPE, not EINVAL.",
     .arm =
         [](Hooks& h) {
           Vary<&Hooks::pread>::Fails<ESPIPE, NegativePread>(h);
           Vary<&Hooks::pwrite>::Fails<ESPIPE, NegativePwrite>(h);
         }},
    {.name = "write_broken_bad_address_is_efault",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .observed = "write_no_reader_and_bad_address",
     .what = "write() without a reader from a bad address fails with EFAULT, not EPIPE.",
     .arm = Vary<&Hooks::write>::Fails<EFAULT, BadWriteBroken>},
    {.name = "read_empty_bad_address_is_efault",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .observed = "read_empty_and_bad_address",
     .what = "A non-blocking read() of an empty pipe into a bad address fails with EFAULT.",
     .arm = Vary<&Hooks::read>::Fails<EFAULT, BadReadNotReady>},
    {.name = "read_bad_address_is_a_fault",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.bad_address"},
     .observed = "read",
     .what = "read() into a bad address raises SIGSEGV.",
     .source = "systems whose calls are library functions",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (CanRead(o)) Touch(b, n);
             return real::read(o.fd, b, n);
           };
         }},
    {.name = "write_bad_address_is_a_fault",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.bad_address"},
     .observed = "write",
     .what = "write() from a bad address raises SIGSEGV.",
     .source = "systems whose calls are library functions",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (CanWrite(o) && HasReader(o)) Touch(b, n);
             return real::write(o.fd, b, n);
           };
         }},
    {.name = "pipe_bad_address_is_a_fault",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.bad_address"},
     .observed = "pipe",
     .what = "pipe() with a bad address raises SIGSEGV.",
     .source = "systems whose calls are library functions",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             Touch(p, 1);
             return DefaultHooks().pipe2(p, flags);
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
