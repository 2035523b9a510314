// Variants of how much pipes and FIFOs hold, which no program may rely on.
#include <fcntl.h>

#include "faults/preload/streams.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

enum Use : uint32_t { kPipes, kResizes };

void Resize(int fd, long bytes) {
  int saved = errno;
  if (real::fcntl(fd, F_SETPIPE_SZ, bytes) >= 0) Differ();
  errno = saved;
}

// Does something with the descriptor of each new pipe, and of each FIFO that is opened.
template <void (*Change)(int fd)>
void EachStream(Hooks& h) {
  h.pipe2 = [](int* p, int flags) {
    int r = DefaultHooks().pipe2(p, flags);
    if (r == 0) Change(p[1]);
    return r;
  };
  h.open_fifo = [](int d, const char* p, int f, mode_t m) {
    int fd = real::openat(d, p, f, m);
    if (fd >= 0) Change(fd);
    return fd;
  };
}

template <long Bytes>
void ResizeTo(int fd) {
  Resize(fd, Bytes);
}

// Four sizes in turn.
void ResizeInTurn(int fd) { Resize(fd, 4096l << (Cell(0, kPipes)++ % 4) * 2); }

// Another size whenever the pipe is found empty.
void ResizeWhenEmpty(const Obj& o) {
  if (o.stream() && Available(o) == 0) {
    Resize(o.fd, ++Cell(0, kResizes) % 2 ? 16384 : 65536);
  }
}

const Row kVariants[] = {
    {.name = "capacity_16_kib",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.capacity"},
     .observed = "capacity_bytes",
     .what = "Pipes and FIFOs hold 16 KiB.",
     .source = "FreeBSD, macOS",
     .arm = EachStream<ResizeTo<16384>>},
    {.name = "capacity_pipe_buf",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.capacity"},
     .observed = "capacity_bytes",
     .what = "Pipes and FIFOs hold {PIPE_BUF} bytes.",
     .source = "Linux, for a user with too many pipes",
     .arm = EachStream<ResizeTo<4096>>},
    {.name = "capacity_256_kib",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.capacity", "pipe.write.partial_amount"},
     .observed = "bytes_taken_when_empty",
     .what = "Pipes and FIFOs hold 256 KiB.",
     .arm = EachStream<ResizeTo<1 << 18>>},
    {.name = "capacity_differs_between_pipes",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.capacity"},
     .observed = "capacity_bytes",
     .what = "Pipes and FIFOs hold 4, 16, 64 or 256 KiB.",
     .arm = EachStream<ResizeInTurn>},
    {.name = "capacity_changes_in_time",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.capacity"},
     .observed = "capacity_bytes_again",
     .what = "A pipe or FIFO that a read or a write finds empty changes between 16 and 64 KiB.",
     .source = "FreeBSD, macOS",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (CanWrite(o)) ResizeWhenEmpty(o);
             return real::write(o.fd, b, n);
           };
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r = real::read(o.fd, b, n);
             if (r > 0) ResizeWhenEmpty(o);
             return r;
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
