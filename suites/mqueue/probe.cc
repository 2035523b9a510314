// Whether this platform has message queues at all, and as it claims. Some have a part: gVisor's
// mq_open() succeeds and every other call is ENOSYS. Sandboxes refuse them with EPERM, which no
// mq_open() of POSIX says.
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <unistd.h>

#include "harness/core/patience.h"
#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

bool IsAbsence(const CallResult& result) {
  return result.failed_with(ENOSYS) || result.failed_with(EPERM);
}

bool IsLackOfRoom(const CallResult& result) {
  return result.failed_with(EMFILE) || result.failed_with(ENOSPC) || result.failed_with(ENFILE);
}

// Others may use up all room for a moment.
CallResult OpenPatiently(const char* name, mq_attr& attr) {
  Patience patience(1s);
  for (Backoff backoff;; backoff.Pause()) {
    const CallResult opened =
        CALL(mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr));
    if (!IsLackOfRoom(opened) || !QueueRoomMayReturn() || patience.over()) return opened;
  }
}

// Why queues of the size that tests use can't be made where smaller ones can; empty: they can.
std::string LimitOnSize() {
  UniqueName name = UniqueName::Mq();
  mq_attr attr{};
  attr.mq_maxmsg = 10;
  attr.mq_msgsize = 64;
  const CallResult opened = OpenPatiently(name.c_str(), attr);
  if (opened.ok()) mq_close(ToMqd(opened));
  if (!opened.failed_with(EINVAL)) return "";
  return "queues of 10 messages of 64 bytes can't be made here: raise fs.mqueue.msg_max and "
         "fs.mqueue.msgsize_max";
}

// Notifications are signals that carry a value: the system must have room to queue one.
std::string LackOfSignals() {
  sigset_t one, old;
  sigemptyset(&one);
  sigaddset(&one, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &one, &old);
  const CallResult queued = CALL(sigqueue(getpid(), SIGRTMIN, sigval{}));
  if (queued.ok()) sigwaitinfo(&one, nullptr);
  sigprocmask(SIG_SETMASK, &old, nullptr);
  if (!queued.failed_with(EAGAIN)) return "";
  return "no signal can be queued here (sigqueue() fails with EAGAIN): raise RLIMIT_SIGPENDING";
}

struct Absence {
  std::string calls;     // "mq_send(), mq_notify()": those that are absent; empty: none
  std::string reason;    // why no test of the suite can run; empty: they can
  bool refused = false;  // EPERM: by a sandbox, which says nothing about the platform
};

Absence FindAbsence() {
  Absence found;
  const auto add = [&](const CallResult& result) {
    if (!IsAbsence(result)) return;
    const std::string text = result.text;
    found.calls += (found.calls.empty() ? "" : ", ") + text.substr(0, text.find('(')) + "()";
    found.refused = found.refused || result.failed_with(EPERM);
  };
  UniqueName name = UniqueName::Mq();
  mq_attr attr{};
  attr.mq_maxmsg = 1;
  attr.mq_msgsize = 16;
  const CallResult opened = OpenPatiently(name.c_str(), attr);
  add(opened);
  if (IsAbsence(opened)) {
    found.reason =
        "message queues are absent here (mq_open() fails with " + ErrnoName(opened.error) + ")";
  } else if (opened.failed_with(EMFILE) && !QueueRoomMayReturn()) {
    found.reason = "no message queue fits into the share of this user: raise RLIMIT_MSGQUEUE";
  } else if (IsLackOfRoom(opened)) {
    found.reason = "no room for a message queue (mq_open() fails with " + ErrnoName(opened.error) +
                   "): raise RLIMIT_MSGQUEUE and the limit on queues (fs.mqueue.queues_max), or "
                   "remove queues";
  }
  if (!opened.ok()) return found;  // not permitted: the tests tell
  const mqd_t queue = ToMqd(opened);
  char buffer[16];
  add(CALL(mq_getattr(queue, &attr)));
  add(CALL(mq_send(queue, "x", 1, 0)));
  add(CALL(mq_receive(queue, buffer, sizeof buffer, nullptr)));
  add(CALL(mq_notify(queue, nullptr)));
  mq_close(queue);
  // With mq_notify() alone missing the rest can be judged.
  if (!found.calls.empty() && found.calls != "mq_notify()") {
    found.reason = "message queues are absent here (" + found.calls + " fail with ENOSYS or EPERM)";
  }
  return found;
}

IPC_SUITE_PROBE(mqueue) {
  std::string reason = FindAbsence().reason;
  if (reason.empty()) reason = LimitOnSize();
  if (reason.empty()) reason = LackOfSignals();
  return reason;
}

IPC_TEST(MqPromise, OptionThatIsClaimedIsThere, clause::unistd::posix_message_passing, promise) {
  long claimed = sysconf(_SC_MESSAGE_PASSING);
#ifdef _POSIX_MESSAGE_PASSING
  if (claimed <= 0) claimed = _POSIX_MESSAGE_PASSING;
#endif
  if (claimed <= 0) Unsupported("the Message Passing option is not claimed here");
  const Absence absence = FindAbsence();
  if (absence.refused) Unsupported("a sandbox refuses " + absence.calls);
  NoteChecks();
  EXPECT_EQ(absence.calls, "")
      << "fail with ENOSYS, although the Message Passing option is claimed "
         "(_SC_MESSAGE_PASSING, _POSIX_MESSAGE_PASSING: "
      << claimed << ')';
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
