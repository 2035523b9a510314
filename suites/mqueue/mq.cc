#include "suites/mqueue/mq.h"

#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "harness/objects/cancel.h"
#include "harness/test/test.h"

namespace ipcsuite::mqueue_suite {

Mqd& Mqd::operator=(Mqd&& other) noexcept {
  Close();
  mqd_ = other.release();
  return *this;
}

mqd_t Mqd::release() { return std::exchange(mqd_, kNoQueue); }

void Mqd::Close() {
  const int saved = errno;
  if (mqd_ != kNoQueue) mq_close(mqd_);
  mqd_ = kNoQueue;
  errno = saved;
}

mq_attr Sized(long maxmsg, long msgsize) {
  mq_attr attr{};
  attr.mq_maxmsg = maxmsg;
  attr.mq_msgsize = msgsize;
  return attr;
}

CallResult Patiently(const std::function<CallResult()>& call) {
  const bool may_return = QueueRoomMayReturn();
  const Deadline end(may_return ? 3s : 0s);
  for (Backoff backoff;; backoff.Pause()) {
    const CallResult result = call();
    if (result.failed_with(ENOSYS)) Unsupported("mq_open() is absent here (ENOSYS)");
    const bool exhausted = result.failed_with(EMFILE) || result.failed_with(ENFILE) ||
                           result.failed_with(ENOSPC) || result.failed_with(ENOMEM);
    if (!exhausted) return result;
    if (!end.passed()) continue;
    Unresolved(
        "set-up failed: " + Describe(result) +
        (may_return ? "; others use the limit up" : "; the limit is below what one queue takes") +
        ": raise RLIMIT_MSGQUEUE, RLIMIT_NOFILE or the system's number of queues");
  }
}

void NeedSize(long maxmsg, long msgsize) {
  const UniqueName name = UniqueName::Mq();
  mq_attr attr = Sized(maxmsg, msgsize);
  const Mqd q(Patiently(
      [&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); }));
  if (q.get() != static_cast<mqd_t>(-1)) return;
  Unresolved("no queue of " + std::to_string(maxmsg) + " messages of " + std::to_string(msgsize) +
             " bytes is permitted here: raise the limits on queues (on Linux fs.mqueue.msg_max and "
             "fs.mqueue.msgsize_max)");
}

Mqd CreateQueue(const char* name, long maxmsg, long msgsize, int oflag, mode_t mode) {
  mq_attr attr = Sized(maxmsg, msgsize);
  return Mqd(
      Setup(Patiently([&] { return CALL(mq_open(name, oflag | O_CREAT | O_EXCL, mode, &attr)); })));
}

mq_attr AttributesOf(mqd_t q) {
  mq_attr attr{};
  Setup(CALL(mq_getattr(q, &attr)));
  return attr;
}

void SetQueueNonblocking(mqd_t q, bool on) {
  mq_attr attr{};
  attr.mq_flags = on ? O_NONBLOCK : 0;
  Setup(CALL(mq_setattr(q, &attr, nullptr)));
}

unsigned PriorityCount() {
  const long count = sysconf(_SC_MQ_PRIO_MAX);
  if (count > 0)
    return static_cast<unsigned>(
        std::min<unsigned long>(static_cast<unsigned long>(count), UINT_MAX));
  return 32;  // {_POSIX_MQ_PRIO_MAX}: what every system has
}

std::ostream& operator<<(std::ostream& out, const Message& message) {
  return out << '"' << message.text << "\" at priority " << message.priority;
}

void Put(mqd_t q, const std::string& text, unsigned priority) {
  Setup(CALL(mq_send(q, text.data(), text.size(), priority)));
}

Messages Fill(mqd_t q, unsigned priority) {
  const mq_attr attr = AttributesOf(q);
  Messages put;
  for (long i = attr.mq_curmsgs; i < attr.mq_maxmsg; ++i) {
    put.push_back({"f" + std::to_string(i), priority});
    Put(q, put.back().text, priority);
  }
  return put;
}

Messages Drain(mqd_t q) {
  const mq_attr attr = AttributesOf(q);
  std::string buffer(static_cast<std::size_t>(attr.mq_msgsize), '\0');
  Messages all;
  while (CountOf(q) > 0 && all.size() < 100000) {
    const timespec past{0, 0};
    unsigned priority = 0;
    const CallResult got = CALL(mq_timedreceive(q, buffer.data(), buffer.size(), &priority, &past));
    if (!got.ok()) break;
    all.push_back({buffer.substr(0, static_cast<std::size_t>(got.value)), priority});
  }
  return all;
}

Receipt ReceiveOne(mqd_t q) {
  Receipt receipt;
  // The receive is judged, not mq_getattr(): where that fails, a size that the suite never exceeds.
  mq_attr attr{};
  const bool known = mq_getattr(q, &attr) == 0 && attr.mq_msgsize > 0;
  std::string buffer(known ? static_cast<std::size_t>(attr.mq_msgsize) : 8192, '\0');
  receipt.call = CALL(mq_receive(q, buffer.data(), buffer.size(), &receipt.priority));
  if (receipt.call.ok())
    receipt.text = buffer.substr(0, static_cast<std::size_t>(receipt.call.value));
  return receipt;
}

std::string UniqueComponent(std::size_t length) {
  static std::atomic<std::uint64_t> counter{0};
  const RunHeader* run = CurrentRun();
  std::uint64_t number = HashSeed(static_cast<std::uint64_t>(getpid()) << 32 | counter.fetch_add(1),
                                  run ? run->run_id : "0");
  std::string name = "i";
  for (int i = 0; i < 12; ++i, number /= 32)
    name += "abcdefghijklmnopqrstuvwxyz012345"[number % 32];
  name.resize(length, 'x');
  return name;
}

std::string ToString(Way way, bool send) {
  return std::string(way == Way::kPlain ? "mq_" : "mq_timed") + (send ? "send" : "receive");
}

CallResult SendBy(Way way, mqd_t q, const char* data, std::size_t length, unsigned priority) {
  if (way == Way::kPlain) return CALL(mq_send(q, data, length, priority));
  const timespec minute = RealtimeIn(60'000);
  return CALL(mq_timedsend(q, data, length, priority, &minute));
}

CallResult ReceiveBy(Way way, mqd_t q, char* buffer, std::size_t length, unsigned* priority) {
  if (way == Way::kPlain) return CALL(mq_receive(q, buffer, length, priority));
  const timespec minute = RealtimeIn(60'000);
  return CALL(mq_timedreceive(q, buffer, length, priority, &minute));
}

void WaitInVain(mqd_t q, Gone how) {
  if (how == Gone::kCancel) {
    ThreadReceiver waiting(q);
    EXPECT_THAT(waiting.call(), Blocks());
    RequestCancellation(waiting.peer().handle());
    EXPECT_THAT(waiting.call().result(), IsCancelled());
    waiting.peer().Join();
  } else if (how == Gone::kTimeout) {
    Peer peer;
    EXPECT_THAT(peer.start([q] {
                      char buffer[64];
                      const timespec deadline = RealtimeIn(10);
                      return CALL(mq_timedreceive(q, buffer, sizeof buffer, nullptr, &deadline));
                    })
                    .result(),
                Fails(ETIMEDOUT));
  } else {
    const ScopedSignal handler(SIGUSR1, CountSignal);
    Receiver waiting(q);
    EXPECT_THAT(waiting.call(), Blocks());
    Setup(CALL(waiting.peer().Signal(how == Gone::kKill ? SIGKILL : SIGUSR1)));
    const CallResult end = waiting.call().result();
    if (how == Gone::kKill) {
      EXPECT_THAT(end, DiesBy(SIGKILL));
    } else {
      EXPECT_THAT(end, Fails(EINTR));
    }
  }
}

namespace {
void Nothing(int, siginfo_t*, void*) {}
}  // namespace

NoticeSignal::NoticeSignal(int offset)
    : number_(SIGRTMIN + offset), mask_({SIGRTMIN + offset}), action_(SIGRTMIN + offset, Nothing) {}

sigevent NoticeSignal::Event(int value) const {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = number_;
  event.sigev_value.sival_int = value;
  return event;
}

CallResult NoticeSignal::Register(mqd_t q, int value) const {
  const sigevent event = Event(value);
  return CALL(mq_notify(q, &event));
}

std::optional<siginfo_t> NoticeSignal::Await() const {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number_);
  const timespec patience{5, 0};
  siginfo_t info{};
  int got = -1;
  do {
    got = sigtimedwait(&set, &info, &patience);
  } while (got < 0 && errno == EINTR);
  if (got != number_) return std::nullopt;
  return info;
}

bool NoticeSignal::Pending() const {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, number_) == 1;
}

CallResult RegisterSilently(mqd_t q) {
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  return CALL(mq_notify(q, &event));
}

CallResult RegisterElsewhere(mqd_t q) {
  Peer other;
  return other.start([q] { return RegisterSilently(q); }).result();
}

}  // namespace ipcsuite::mqueue_suite
