#include "suites/poll/waiters.h"

#include <poll.h>
#include <sys/select.h>

#include <climits>

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"
#include "suites/poll/descriptors.h"

namespace ipcsuite::poll_suite {
namespace {

short EventsFor(For what) {
  switch (what) {
    case For::kReading: return POLLIN;
    case For::kWriting: return POLLOUT;
    case For::kHangUp: break;
  }
  return 0;
}

Answer Finish(const CallResult& result, const pollfd& entry, int fd, For what) {
  return {result, static_cast<unsigned short>(entry.revents),
          entry.fd == fd && entry.events == EventsFor(what)};
}

Answer WaitByPoll(int fd, For what, const timespec* timeout, const sigset_t*) {
  pollfd entry{fd, EventsFor(what), 0};
  long long ms = -1;
  if (timeout)
    ms = static_cast<long long>(timeout->tv_sec) * 1000 + (timeout->tv_nsec + 999'999) / 1'000'000;
  const int wait = ms > INT_MAX ? INT_MAX : static_cast<int>(ms);
  const CallResult result = CALL(poll(&entry, 1, wait));
  return Finish(result, entry, fd, what);
}

#ifdef IPC_HAVE_PPOLL
Answer WaitByPpoll(int fd, For what, const timespec* timeout, const sigset_t* mask) {
  pollfd entry{fd, EventsFor(what), 0};
  timespec copy = timeout ? *timeout : timespec{};
  const CallResult result = CALL(ppoll(&entry, 1, timeout ? &copy : nullptr, mask));
  Answer answer = Finish(result, entry, fd, what);
  if (timeout && (copy.tv_sec != timeout->tv_sec || copy.tv_nsec != timeout->tv_nsec))
    answer.timeout_kept = false;
  return answer;
}
#endif

Answer FinishSets(const CallResult& result, int fd, const fd_set& rd, const fd_set& wr) {
  Answer answer{result, 0, true};
  if (FD_ISSET(fd, &rd)) answer.bits |= POLLIN;
  if (FD_ISSET(fd, &wr)) answer.bits |= POLLOUT;
  return answer;
}

void FillSets(int fd, For what, fd_set& rd, fd_set& wr) {
  NeedSelectable(fd);
  FD_ZERO(&rd);
  FD_ZERO(&wr);
  FD_SET(fd, what == For::kWriting ? &wr : &rd);
}

Answer WaitBySelect(int fd, For what, const timespec* timeout, const sigset_t*) {
  fd_set rd, wr;
  FillSets(fd, what, rd, wr);
  timeval time{};
  if (timeout) {
    time.tv_sec = timeout->tv_sec;
    time.tv_usec = static_cast<suseconds_t>((timeout->tv_nsec + 999) / 1000);
  }
  const CallResult result = CALL(select(fd + 1, &rd, &wr, nullptr, timeout ? &time : nullptr));
  return FinishSets(result, fd, rd, wr);
}

Answer WaitByPselect(int fd, For what, const timespec* timeout, const sigset_t* mask) {
  fd_set rd, wr;
  FillSets(fd, what, rd, wr);
  timespec copy = timeout ? *timeout : timespec{};
  const CallResult result =
      CALL(pselect(fd + 1, &rd, &wr, nullptr, timeout ? &copy : nullptr, mask));
  Answer answer = FinishSets(result, fd, rd, wr);
  if (timeout && (copy.tv_sec != timeout->tv_sec || copy.tv_nsec != timeout->tv_nsec))
    answer.timeout_kept = false;
  return answer;
}

}  // namespace

const std::vector<Waiter>& Waiters() {
  static const std::vector<Waiter> all = {
      {"Poll", false, false, 7, clause::poll::timeout_infinite, clause::poll::eintr, WaitByPoll},
#ifdef IPC_HAVE_PPOLL
      {"Ppoll", false, true, 8, clause::ppoll::timespec, clause::ppoll::eintr, WaitByPpoll},
#endif
      {"Select", true, false, 7, clause::select::timeouts, clause::select::eintr, WaitBySelect},
      {"Pselect", true, true, 7, clause::select::timeouts, clause::select::eintr, WaitByPselect},
  };
  return all;
}

}  // namespace ipcsuite::poll_suite
