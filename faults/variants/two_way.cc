// Two-way pipes, as on FreeBSD and illumos: what is written to the read end can be read from the
// write end. The way back is a second pipe, made when it is first used.
#include <fcntl.h>

#include "faults/preload/streams.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

// The way back of a pipe that this process uses. Children inherit it with its descriptors.
struct Back {
  uint64_t key;  // of the pipe; 0: free
  int ends[2];
};
Back backs[64];

Back* BackOf(const Obj& o, bool make) {
  Back* free = nullptr;
  for (Back& back : backs) {
    if (back.key == o.key()) return &back;
    if (back.key == 0 && !free) free = &back;
  }
  if (!make || !free || real::pipe2(free->ends, O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
  for (int& fd : free->ends) fd = MoveHigh(fd);
  free->key = o.key();
  return free;
}

bool IsReadEnd(const Obj& o) { return o.kind == Kind::pipe && !CanWrite(o); }
bool IsWriteEnd(const Obj& o) { return o.kind == Kind::pipe && !CanRead(o); }

ssize_t WriteBack(const Obj& o, const void* b, size_t n) {
  Back* back = BackOf(o, true);
  return back ? Instead(real::write(back->ends[1], b, n)) : Fail(EAGAIN);
}

ssize_t ReadBack(const Obj& o, void* b, size_t n) {
  if (!HasReader(o)) return Instead(0);
  Back* back = BackOf(o, true);
  if (!back) return Fail(EAGAIN);
  if (!Nonblocking(o)) {
    pollfd p{back->ends[0], POLLIN, 0};
    if (real::poll(&p, 1, -1) < 0) return -1;
  }
  return Instead(real::read(back->ends[0], b, n));
}

// When the last descriptor of the pipe in this process is closed, the way back goes too.
int CloseWithBack(const Obj& o) {
  Back* back = o.kind == Kind::pipe ? BackOf(o, false) : nullptr;
  int r = real::close(o.fd);
  if (!back) return r;
  bool used = false;
  ForEachObject([&](const Obj& other) { used |= other.key() == o.key(); });
  if (used) return r;
  back->key = 0;
  for (int fd : back->ends) real::close(fd);
  return r;
}

void TwoWay(Hooks& h) {
  h.fcntl = [](const Obj& o, int c, long a) {
    int r = real::fcntl(o.fd, c, a);
    return c == F_GETFL && r >= 0 && o.kind == Kind::pipe ? Instead((r & ~O_ACCMODE) | O_RDWR) : r;
  };
  h.write = [](const Obj& o, const void* b, size_t n) {
    return IsReadEnd(o) ? WriteBack(o, b, n) : real::write(o.fd, b, n);
  };
  h.read = [](const Obj& o, void* b, size_t n) {
    return IsWriteEnd(o) ? ReadBack(o, b, n) : real::read(o.fd, b, n);
  };
  h.close = CloseWithBack;
  h.ready = [](const Obj& o, short events, short revents) {
    int more = 0;
    if (IsReadEnd(o) && !(revents & (POLLHUP | POLLERR))) more = events & (POLLOUT | POLLWRNORM);
    if (IsWriteEnd(o)) {
      Back* back = BackOf(o, false);
      bool data = back && (Readiness(ObjectOf(back->ends[0]), POLLIN) & POLLIN);
      if (data) more = events & (POLLIN | POLLRDNORM);
    }
    if (more) Differ();
    return static_cast<short>(revents | more);
  };
}

const Row kVariants[] = {
    {.name = "pipes_are_two_way",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.create.direction"},
     .observed = "write_to_read_end",
     .what = "Pipes are two-way: both ends are open for reading and writing.",
     .source = "FreeBSD, illumos",
     .arm = TwoWay},
    {.name = "pipes_are_two_way_for_fifos",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.io.reader_gap"},
     .what = "Pipes are two-way, FIFOs are not.",
     .source = "FreeBSD, illumos",
     .arm = TwoWay},
    {.name = "pipes_are_two_way_for_poll",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"poll.pipe.pollout_threshold"},
     .what = "Pipes are two-way: the read end can be ready for writing.",
     .source = "FreeBSD, illumos",
     .arm = TwoWay},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
