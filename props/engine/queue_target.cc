#include "props/engine/queue_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <time.h>

#include <cerrno>
#include <cstring>

#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "harness/core/names.h"
#include "props/engine/outcome.h"
#include "props/model/record.h"

namespace ipcsuite::props {
namespace {

int NotifySignal() { return SIGRTMIN + 1; }

}  // namespace

std::size_t MessageLength(std::uint64_t value, std::size_t max_length) {
  return 8 + static_cast<std::size_t>(Mix(value) % (max_length - 7));
}

QueueTarget::QueueTarget(int processes, long max_messages, long max_length)
    : max_length_(max_length) {
  mq_attr attributes{};
  attributes.mq_maxmsg = max_messages;
  attributes.mq_msgsize = max_length;
  const UniqueName name = UniqueName::Mq();
  for (int i = 0; i < processes; ++i) {
    Descriptors pair{};
    pair.blocking = mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, &attributes);
    const int error = errno;
    if (pair.blocking == static_cast<mqd_t>(-1)) {
      if (error == ENOSYS) Unsupported("message queues: mq_open fails with ENOSYS");
      Unresolved(fmt::format("can't make a message queue ({}): raise the limits on message queues",
                             ipcsuite::ErrnoName(error)));
    }
    mq_attr made{};
    if (mq_getattr(pair.blocking, &made) != 0 && errno == ENOSYS) {
      mq_close(pair.blocking);
      mq_unlink(name.c_str());
      Unsupported("message queues: mq_open succeeds and every other call fails with ENOSYS");
    }
    pair.nonblocking = mq_open(name.c_str(), O_RDWR | O_NONBLOCK);
    queues_.push_back(pair);
    if (pair.nonblocking == static_cast<mqd_t>(-1)) {
      Unresolved("can't open a message queue twice: raise the limits on descriptors");
    }
  }
  mq_unlink(name.c_str());
}

QueueTarget::~QueueTarget() {
  for (const Descriptors& pair : queues_) {
    mq_close(pair.blocking);
    mq_close(pair.nonblocking);
  }
}

void QueueTarget::Enter(int process) {
  process_ = process;
  sigset_t notify;
  sigemptyset(&notify);
  sigaddset(&notify, NotifySignal());
  sigprocmask(SIG_BLOCK, &notify, nullptr);
  // What an earlier queue of this process left pending is not this one's.
  const timespec now{};
  while (sigtimedwait(&notify, nullptr, &now) == NotifySignal()) {
  }
  struct sigaction interrupt {};
  interrupt.sa_handler = [](int) {};  // no SA_RESTART: a call that waits ends with EINTR
  sigaction(SIGUSR1, &interrupt, nullptr);
  signal(SIGUSR2, SIG_IGN);
}

void QueueTarget::Perform(Op& op, unsigned char* bytes) {
  const Descriptors& pair = queues_[static_cast<std::size_t>(process_)];
  const mqd_t queue = op.Has(kNonblock) ? pair.nonblocking : pair.blocking;
  switch (op.call) {
    case Call::kMqSend:
    case Call::kMqTimedSend: return Send(op, queue, bytes);
    case Call::kMqReceive:
    case Call::kMqTimedReceive: return Receive(op, queue, bytes);
    case Call::kMqCount: {
      mq_attr attributes{};
      NoteOutcome(op, CALL(mq_getattr(queue, &attributes)));
      op.value = static_cast<std::uint64_t>(attributes.mq_curmsgs);
      return;
    }
    case Call::kMqSignals: return CountSignals(op);
    default: return Notify(op, queue);
  }
}

void QueueTarget::Send(Op& op, mqd_t queue, unsigned char* bytes) {
  const std::size_t length = MessageLength(op.value, static_cast<std::size_t>(max_length_));
  op.amount = length;
  FillRecord(bytes, op.value, 0, length);
  std::memcpy(bytes, &op.value, sizeof op.value);
  const auto* message = reinterpret_cast<const char*>(bytes);
  if (op.call == Call::kMqSend) {
    NoteOutcome(op, CALL(mq_send(queue, message, length, op.priority)));
    return;
  }
  const std::int64_t deadline_ns = DeadlineNs(op);
  const timespec deadline = ToTimespec(nanoseconds(deadline_ns));
  NoteOutcome(op, CALL(mq_timedsend(queue, message, length, op.priority, &deadline)));
  NoteTimeout(op, deadline_ns);
}

void QueueTarget::Receive(Op& op, mqd_t queue, unsigned char* bytes) {
  auto* message = reinterpret_cast<char*>(bytes);
  const auto room = static_cast<std::size_t>(max_length_);
  unsigned priority = 0;
  if (op.call == Call::kMqReceive) {
    NoteOutcome(op, CALL(mq_receive(queue, message, room, &priority)));
  } else {
    const std::int64_t deadline_ns = DeadlineNs(op);
    const timespec deadline = ToTimespec(nanoseconds(deadline_ns));
    NoteOutcome(op, CALL(mq_timedreceive(queue, message, room, &priority, &deadline)));
    NoteTimeout(op, deadline_ns);
  }
  op.value = 0;
  op.priority = 0;
  if (!op.Ok()) return;
  op.priority = priority;
  const auto length = static_cast<std::size_t>(op.result);
  if (length < sizeof op.value || length > room) return;
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  const bool whole = length == MessageLength(value, room);
  const bool intact = whole && MatchRecord(bytes + 8, value, 8, length - 8) == length - 8;
  if (intact) op.value = value;  // otherwise it stays 0: a message that nobody sent
}

void QueueTarget::Notify(Op& op, mqd_t queue) {
  if (op.call == Call::kMqUnnotify) {
    NoteOutcome(op, CALL(mq_notify(queue, nullptr)));
    return;
  }
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = NotifySignal();
  NoteOutcome(op, CALL(mq_notify(queue, &event)));
}

// Takes the notifications that are pending; waits, at most 5 s, until there are op.amount of them,
// since nothing says how soon a notification follows its cause.
void QueueTarget::CountSignals(Op& op) {
  sigset_t notify;
  sigemptyset(&notify);
  sigaddset(&notify, NotifySignal());
  op.value = 0;
  const Deadline end(5s);
  for (;;) {
    const timespec wait{op.value < op.amount ? 5 : 0, 0};
    if (sigtimedwait(&notify, nullptr, &wait) == NotifySignal()) {
      ++op.value;
    } else if (errno != EINTR || end.passed()) {
      break;
    }
  }
  op.result = 0;
  op.error = 0;
  op.fate = Fate::kReturned;
}

}  // namespace ipcsuite::props
