// What the message-queue tests share: descriptors that close themselves, set-up sends and receives,
// blocked senders and receivers, and a signal to be notified by.
#pragma once

#include <mqueue.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "harness/peers/start_line.h"
#include "harness/test/test.h"

namespace ipcsuite::mqueue_suite {

inline const mqd_t kNoQueue = static_cast<mqd_t>(-1);

// The descriptor that a successful mq_open() returned.
inline mqd_t ToMqd(const CallResult& opened) {
  return (mqd_t)opened.value;
}  // NOLINT: integer or pointer

// Owns a message queue descriptor; kNoQueue owns nothing.
class Mqd {
 public:
  Mqd() = default;
  explicit Mqd(mqd_t mqd) : mqd_(mqd) {}
  // Adopts what mq_open() returned; a failed one is kept as kNoQueue (its test judges it).
  explicit Mqd(const CallResult& opened) : mqd_(opened.ok() ? ToMqd(opened) : kNoQueue) {}
  ~Mqd() { Close(); }
  Mqd(Mqd&& other) noexcept : mqd_(other.release()) {}
  Mqd& operator=(Mqd&& other) noexcept;
  operator mqd_t() const { return mqd_; }  // NOLINT: stands for the descriptor
  mqd_t get() const { return mqd_; }
  mqd_t release();
  void Close();

 private:
  mqd_t mqd_ = kNoQueue;
};

// Attributes for mq_open().
mq_attr Sized(long maxmsg, long msgsize);
// Creates (O_CREAT|O_EXCL) a queue of this size under a name that the caller owns. Ends the test as
// UNRESOLVED or UNSUPPORTED when the surroundings don't permit it.
Mqd CreateQueue(const char* name, long maxmsg = 4, long msgsize = 64, int oflag = O_RDWR,
                mode_t mode = 0600);
// Ends the test as UNRESOLVED, with what to raise, where queues of this size are not permitted.
void NeedSize(long maxmsg, long msgsize);
// Makes a call that creates: repeats it for up to 3 s while it fails only because others use the
// limits up (EMFILE, ENFILE, ENOSPC, ENOMEM). Ends the test when they stay used up (UNRESOLVED,
// with what to raise) or the interface is absent; every other outcome is returned for judgement.
CallResult Patiently(const std::function<CallResult()>& call);

// mq_getattr() as set-up.
mq_attr AttributesOf(mqd_t q);
inline long CountOf(mqd_t q) { return AttributesOf(q).mq_curmsgs; }
inline bool IsNonblocking(mqd_t q) { return (AttributesOf(q).mq_flags & O_NONBLOCK) != 0; }
// mq_setattr() as set-up.
void SetQueueNonblocking(mqd_t q, bool on);
// Number of message priorities, at least 32; priorities run from 0 to one less.
unsigned PriorityCount();

struct Message {
  std::string text;
  unsigned priority = 0;
  friend bool operator==(const Message&, const Message&) = default;
};
std::ostream& operator<<(std::ostream& out, const Message& message);
using Messages = std::vector<Message>;

// Sends as set-up: UNRESOLVED when it fails. The queue must have room.
void Put(mqd_t q, const std::string& text, unsigned priority = 0);
// Fills the queue with "f0", "f1", ... of this priority; returns what it put.
Messages Fill(mqd_t q, unsigned priority = 0);
// Receives everything, without waiting: stops when mq_getattr() says that the queue is empty or a
// receive with a deadline long past finds nothing.
Messages Drain(mqd_t q);

// One receive with a buffer of mq_msgsize bytes, and what it stored.
struct Receipt {
  CallResult call;
  std::string text;
  unsigned priority = 0;
};
// mq_receive(): the queue must hold a message or be non-blocking, else the test hangs.
Receipt ReceiveOne(mqd_t q);

// A name component of this length (3 or more bytes), of portable filename characters, unique like
// UniqueName's. Its queue is not registered: see RegisterName().
std::string UniqueComponent(std::size_t length);

// The two ways to send and to receive; the timed one has a deadline a minute ahead.
enum class Way { kPlain, kTimed };
std::string ToString(Way way, bool send);
CallResult SendBy(Way way, mqd_t q, const char* data, std::size_t length, unsigned priority = 0);
CallResult ReceiveBy(Way way, mqd_t q, char* buffer, std::size_t length,
                     unsigned* priority = nullptr);

// A peer that receives once.
template <typename P>
class ReceiverOf {
 public:
  explicit ReceiverOf(mqd_t q, Way way = Way::kPlain)
      : buffer_(static_cast<std::size_t>(AttributesOf(q).mq_msgsize)) {
    char* data = buffer_.data();
    const std::size_t size = buffer_.size();
    unsigned* priority = priority_.get();
    call_ = peer_.start([=] { return ReceiveBy(way, q, data, size, priority); });
  }
  const Call& call() const { return call_; }
  P& peer() { return peer_; }
  // What it received; valid once its call has returned `length`.
  std::string text(const CallResult& result) const {
    return buffer_.str(result.ok() ? static_cast<std::size_t>(result.value) : 0);
  }
  unsigned priority() const { return *priority_; }

 private:
  SharedBuffer buffer_;
  Shared<unsigned> priority_;
  P peer_;
  Call call_;
};
using Receiver = ReceiverOf<Peer>;
using ThreadReceiver = ReceiverOf<ThreadPeer>;

// A peer that sends once.
template <typename P>
class SenderOf {
 public:
  SenderOf(mqd_t q, const std::string& text, unsigned priority = 0, Way way = Way::kPlain) {
    call_ = peer_.start([=] { return SendBy(way, q, text.data(), text.size(), priority); });
  }
  const Call& call() const { return call_; }
  P& peer() { return peer_; }

 private:
  P peer_;
  Call call_;
};
using Sender = SenderOf<Peer>;
using ThreadSender = SenderOf<ThreadPeer>;

// Ways in which a receiver's wait ends without a message.
enum class Gone { kSignal, kTimeout, kCancel, kKill };
// Starts a receiver on the empty queue, shows it blocked and ends its wait.
void WaitInVain(mqd_t q, Gone how);

// A realtime signal to be notified by: blocked in the calling thread (and in its peers), with an
// SA_SIGINFO action so that it is queued, and accepted on request.
class NoticeSignal {
 public:
  explicit NoticeSignal(int offset = 2);
  int number() const { return number_; }
  sigevent Event(int value) const;
  // mq_notify() for this signal.
  CallResult Register(mqd_t q, int value) const;
  // Accepts one, waiting at most 5 s.
  std::optional<siginfo_t> Await() const;
  bool Pending() const;

 private:
  int number_;
  ScopedSigmask mask_;
  ScopedSignal action_;
};

// mq_notify() with SIGEV_NONE.
CallResult RegisterSilently(mqd_t q);
// The same in another process, which then ends: EBUSY says that some other process is registered.
CallResult RegisterElsewhere(mqd_t q);

// A signal that was accepted and carries this value, raised for a message arrival.
MATCHER_P(CarriesValue, value, "is a notification with value " + std::to_string(value)) {
  NoteChecks();
  if (!arg) {
    *result_listener << "none came in 5 s";
    return false;
  }
  *result_listener << "value " << arg->si_value.sival_int << ", code " << arg->si_code;
  return arg->si_value.sival_int == value;
}

}  // namespace ipcsuite::mqueue_suite
