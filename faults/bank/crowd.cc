// Faults that come true once in thousands of calls that meet another process's call on the same
// object, or only when a process is killed in mid-call: what is left for full-speed runs to find.
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kInside, kMet, kWriter, kWaits, kRegistered };

using Time = const timespec*;

constexpr uint64_t kSeldom = 4096;

// While in scope this process counts as inside a call on the object. One that is killed stays
// inside: the object then counts as crowded for the rest of the run, which does no harm.
class Crowd {
 public:
  explicit Crowd(const Obj& o) : key_(o.key()), others_(Cell(key_, kInside)++) {}
  ~Crowd() { --Cell(key_, kInside); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  // Somebody else is in a call on the object, and so it was `every` times less one before.
  bool Seldom(uint64_t every = kSeldom) const {
    return others_ > 0 && ++Cell(key_, kMet) % every == 0;
  }

 private:
  uint64_t key_, others_;
};

// The vector calls stay what they are: through read() and write() they would be other system calls.
void ScalarCallsOnly(Hooks& h) {
  h.readv = [](const Obj& o, const iovec* v, int n) { return real::readv(o.fd, v, n); };
  h.writev = [](const Obj& o, const iovec* v, int n) { return real::writev(o.fd, v, n); };
}

void CountReaders(Hooks& h) {
  ScalarCallsOnly(h);
  h.read = [](const Obj& o, void* b, size_t n) {
    Crowd crowd(o);
    return real::read(o.fd, b, n);
  };
}

ssize_t Receive(const Obj& o, char* b, size_t n, unsigned* p, Time t) {
  Crowd crowd(o);
  return ReceiveFrom(o, b, n, p, t);
}

// A changed copy of a short message.
struct Damaged {
  char bytes[4096];
  Damaged(const void* b, size_t n) {
    memcpy(bytes, b, n);
    bytes[n / 2] ^= 1;
  }
  static bool Fits(size_t n) { return n > 0 && n <= sizeof bytes; }
};

// The message that this process received last of all that come twice.
struct {
  bool held;
  uint64_t key;
  size_t length;
  unsigned priority;
  char bytes[8192];
} again;

// Messages that this process took from a queue for its next receives, in order.
struct {
  uint64_t key;
  int count, next;
  struct {
    size_t length;
    unsigned priority;
    char bytes[8192];
  } messages[4];
} ahead;

ssize_t ReceiveAhead(const Obj& o, char* b, size_t n, unsigned* p, Time t) {
  constexpr uint64_t kEvery = 64;
  if (ahead.next < ahead.count && ahead.key == o.key()) {
    const auto& message = ahead.messages[ahead.next++];
    memcpy(b, message.bytes, message.length);
    if (p) *p = message.priority;
    return static_cast<ssize_t>(message.length);
  }
  Crowd crowd(o);
  const ssize_t r = ReceiveFrom(o, b, n, p, t);
  if (r < 0 || !crowd.Seldom(kEvery)) return r;
  const int saved = errno;
  const timespec past{};
  ahead.key = o.key();
  ahead.next = ahead.count = 0;
  for (auto& message : ahead.messages) {
    const ssize_t more =
        ReceiveFrom(o, message.bytes, sizeof message.bytes, &message.priority, &past);
    if (more < 0) break;
    message.length = static_cast<size_t>(more);
    ++ahead.count;
  }
  errno = saved;
  return r;
}

// Bytes that this process took from a stream for its next reads.
struct {
  uint64_t key;
  size_t begin, end;
  char bytes[PIPE_BUF];
} surplus;

ssize_t ReadAhead(const Obj& o, void* b, size_t n) {
  constexpr uint64_t kEvery = 16;
  if (surplus.begin < surplus.end && surplus.key == o.key()) {
    const size_t given = std::min(n, surplus.end - surplus.begin);
    memcpy(b, surplus.bytes + surplus.begin, given);
    surplus.begin += given;
    return static_cast<ssize_t>(given);
  }
  Crowd crowd(o);
  const ssize_t r = real::read(o.fd, b, n);
  if (r < 8 || n > sizeof surplus.bytes || !crowd.Seldom(kEvery)) return r;
  if (Readiness(o, POLLIN) == 0) return r;
  const int saved = errno;
  const ssize_t more = real::read(o.fd, surplus.bytes, n);
  surplus.key = o.key();
  surplus.begin = 0;
  surplus.end = more > 0 ? static_cast<size_t>(more) : 0;
  errno = saved;
  return r;
}

const Row kFaults[] = {
    {.name = "write_lost_in_a_crowd",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.appends", "pipe.write.blocking_completes"},
     .what =
         "Every 4096th write of 8 bytes or more to a pipe that meets another call on it is lost.",
     .arm =
         [](Hooks& h) {
           CountReaders(h);
           h.write = [](const Obj& o, const void* b, size_t n) {
             Crowd crowd(o);
             return n >= 8 && crowd.Seldom() ? static_cast<ssize_t>(n) : real::write(o.fd, b, n);
           };
         }},
    {.name = "write_damaged_in_a_crowd",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.appends", "pipe.write.atomic_le_pipe_buf"},
     .what = "Every 4096th write of 8 bytes or more to a pipe that meets another call on it "
             "changes a bit.",
     .arm =
         [](Hooks& h) {
           CountReaders(h);
           h.write = [](const Obj& o, const void* b, size_t n) {
             Crowd crowd(o);
             if (n < 8 || !Damaged::Fits(n) || !crowd.Seldom()) return real::write(o.fd, b, n);
             return real::write(o.fd, Damaged(b, n).bytes, n);
           };
         }},
    {.name = "write_halved_by_sigkill",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.le_pipe_buf_never_partial", "pipe.write.atomic_le_pipe_buf"},
     .what = "If the writer is killed during a small write, only half of the data may remain; the "
             "reader sees a short record.",
     .arm =
         [](Hooks& h) {
           ScalarCallsOnly(h);
           h.write = [](const Obj& o, const void* b, size_t n) {
             Cell(o.key(), kWriter) = static_cast<uint64_t>(getpid());
             const ssize_t r = real::write(o.fd, b, n);
             Cell(o.key(), kWriter) = 0;
             return r;
           };
           h.read = [](const Obj& o, void* b, size_t n) {
             const ssize_t r = real::read(o.fd, b, n);
             const auto writer = static_cast<pid_t>(Cell(o.key(), kWriter).load());
             const int saved = errno;
             const bool killed =
                 writer > 0 && r > 1 && r <= 4096 && kill(writer, 0) == -1 && errno == ESRCH;
             errno = saved;
             if (!killed) return r;
             Cell(o.key(), kWriter) = 0;
             return r - r / 2;
           };
         }},
    {.name = "read_wakeup_lost_one_in_1024",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.blocks_until_data"},
     .what = "Every 1024th time that a reader has to wait, its wake-up is lost.",
     .arm =
         [](Hooks& h) {
           ScalarCallsOnly(h);
           h.read = [](const Obj& o, void* b, size_t n) {
             const bool waits = Available(o) == 0;
             const ssize_t r = real::read(o.fd, b, n);
             if (waits && r > 0 && ++Cell(o.key(), kWaits) % 1024 == 0) Stuck();
             return r;
           };
         }},
    {.name = "read_takes_more_in_a_crowd",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.fifo_order"},
     .what = "Every 16th read of 8 bytes or more that meets another call on the pipe takes as much "
             "again for the next read of its process.",
     .arm =
         [](Hooks& h) {
           ScalarCallsOnly(h);
           h.read = ReadAhead;
           h.write = [](const Obj& o, const void* b, size_t n) {
             Crowd crowd(o);
             return real::write(o.fd, b, n);
           };
         }},
    {.name = "mq_send_lost_in_a_crowd",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.safety.no_loss_no_duplication"},
     .what = "Every 4096th message whose sending meets another call on the queue is lost.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = Receive;
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             Crowd crowd(o);
             return crowd.Seldom() ? 0 : SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_damaged_in_a_crowd",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_send.content.bytes_preserved"},
     .what = "Every 4096th message whose sending meets another call on the queue has a wrong bit.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = Receive;
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             Crowd crowd(o);
             if (!Damaged::Fits(n) || !crowd.Seldom()) return SendTo(o, b, n, p, t);
             return SendTo(o, Damaged(b, n).bytes, n, p, t);
           };
         }},
    {.name = "mq_receive_doubled_in_a_crowd",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.safety.no_loss_no_duplication"},
     .what = "Every 4096th message whose receiving meets another call on the queue is given to its "
             "receiver again.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             Crowd crowd(o);
             return SendTo(o, b, n, p, t);
           };
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             if (again.held && again.key == o.key() && again.length <= n) {
               again.held = false;
               memcpy(b, again.bytes, again.length);
               if (p) *p = again.priority;
               return static_cast<ssize_t>(again.length);
             }
             Crowd crowd(o);
             unsigned priority = 0;
             const ssize_t r = ReceiveFrom(o, b, n, &priority, t);
             if (r >= 0 && p) *p = priority;
             if (r > 0 && r <= static_cast<ssize_t>(sizeof again.bytes) && crowd.Seldom()) {
               again.held = true;
               again.key = o.key();
               again.length = static_cast<size_t>(r);
               again.priority = priority;
               memcpy(again.bytes, b, again.length);
             }
             return r;
           };
         }},
    {.name = "mq_receive_reads_ahead_in_a_crowd",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.order.oldest_within_priority",
                 "mq_receive.order.highest_priority_first"},
     .what = "Every 64th receive that meets another call on the queue takes four messages more for "
             "the next receives of its process.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = ReceiveAhead;
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             Crowd crowd(o);
             return SendTo(o, b, n, p, t);
           };
         }},
    {.name = "notify_lost_one_in_1024",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.register.notified_on_arrival_at_empty"},
     .what = "Every 1024th registration for a signal never notifies.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* e) {
             if (!e || e->sigev_notify != SIGEV_SIGNAL || ++Cell(o.key(), kRegistered) % 1024 != 0)
               return real::mq_notify(o.fd, e);
             sigevent silent = *e;
             silent.sigev_notify = SIGEV_NONE;
             return real::mq_notify(o.fd, &silent);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
