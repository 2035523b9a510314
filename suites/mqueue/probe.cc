// Whether this platform has message queues at all, and as it claims. Some have a part: gVisor's
// mq_open() succeeds and every other call is ENOSYS. Sandboxes refuse them with EPERM, which no
// mq_open() of POSIX says.
#include <fcntl.h>
#include <mqueue.h>
#include <unistd.h>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

bool IsAbsence(const CallResult& result) {
  return result.failed_with(ENOSYS) || result.failed_with(EPERM);
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
  const CallResult opened =
      CALL(mq_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr));
  add(opened);
  if (IsAbsence(opened)) {
    found.reason =
        "message queues are absent here (mq_open() fails with " + ErrnoName(opened.error) + ")";
  } else if (opened.failed_with(EMFILE) && !QueueRoomMayReturn()) {
    found.reason = "no message queue fits into the share of this user: raise RLIMIT_MSGQUEUE";
  }
  if (!opened.ok()) return found;  // not permitted, or no room: the tests tell
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

IPC_SUITE_PROBE(mqueue) { return FindAbsence().reason; }

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
