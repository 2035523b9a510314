// Whether this platform has message queues at all. Some have a part: gVisor's mq_open() succeeds
// and every other call is ENOSYS. Sandboxes refuse them with EPERM, which no mq_open() of POSIX
// says.
#include <fcntl.h>
#include <mqueue.h>

#include "harness/test/test.h"

namespace ipcsuite::mqueue_suite {
namespace {

bool IsAbsence(const CallResult& result) {
  return result.failed_with(ENOSYS) || result.failed_with(EPERM);
}

IPC_SUITE_PROBE(mqueue) {
  UniqueName name = UniqueName::Mq();
  mq_attr attr{};
  attr.mq_maxmsg = 1;
  attr.mq_msgsize = 16;
  const CallResult opened =
      CALL(mq_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr));
  if (IsAbsence(opened))
    return "message queues are absent here (mq_open() fails with " + ErrnoName(opened.error) + ")";
  if (opened.failed_with(EMFILE) && !QueueRoomMayReturn())
    return "no message queue fits into the share of this user: raise RLIMIT_MSGQUEUE";
  if (!opened.ok()) return "";  // not permitted, or no room: the tests tell
  const mqd_t queue = static_cast<mqd_t>(opened.value);
  char buffer[16];
  std::string absent;
  for (const CallResult& result :
       {CALL(mq_getattr(queue, &attr)), CALL(mq_send(queue, "x", 1, 0)),
        CALL(mq_receive(queue, buffer, sizeof buffer, nullptr)), CALL(mq_notify(queue, nullptr))}) {
    if (IsAbsence(result))
      absent += (absent.empty() ? "" : ", ") +
                std::string(result.text).substr(0, std::string(result.text).find('(')) + "()";
  }
  mq_close(queue);
  // With mq_notify() alone missing the rest can be judged.
  if (absent.empty() || absent == "mq_notify()") return "";
  return "message queues are absent here (" + absent + " fail with ENOSYS or EPERM)";
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
