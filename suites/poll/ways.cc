#include "suites/poll/ways.h"

#include <limits.h>
#include <poll.h>
#include <sys/select.h>

#include <limits>

#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"
#include "suites/poll/descriptors.h"

namespace ipcsuite::poll_suite {
namespace {

Said WaitByPoll(const Way& way, int fd) {
  std::vector<pollfd> entries(static_cast<std::size_t>(way.entries),
                              pollfd{fd, static_cast<short>(way.events), 0});
  Said said;
#ifdef IPC_HAVE_PPOLL
  if (way.by == By::kPpoll) {
    timespec largest{std::numeric_limits<time_t>::max(), 999'999'999};
    said.result = CALL(ppoll(entries.data(), entries.size(),
                             way.limit == Limit::kLargest ? &largest : nullptr, nullptr));
  } else
#endif
  {
    said.result =
        CALL(poll(entries.data(), entries.size(), way.limit == Limit::kLargest ? INT_MAX : -1));
  }
  for (const pollfd& entry : entries) {
    said.bits |= entry.revents;
    said.ready_entries += entry.revents != 0;
  }
  return said;
}

Said WaitBySelect(const Way& way, int fd) {
  fd_set rd, wr;
  FD_ZERO(&rd);
  FD_ZERO(&wr);
  if (way.events & POLLIN) FD_SET(NeedSelectable(fd), &rd);
  if (way.events & POLLOUT) FD_SET(NeedSelectable(fd), &wr);
  Said said;
  if (way.by == By::kSelect) {
    timeval largest{std::int64_t{31} * 86'400, 999'999};
    said.result =
        CALL(select(fd + 1, &rd, &wr, nullptr, way.limit == Limit::kLargest ? &largest : nullptr));
  } else {
    const timespec largest{std::int64_t{31} * 86'400, 999'999'999};
    said.result = CALL(pselect(fd + 1, &rd, &wr, nullptr,
                               way.limit == Limit::kLargest ? &largest : nullptr, nullptr));
  }
  if (FD_ISSET(fd, &rd)) said.bits |= POLLIN;
  if (FD_ISSET(fd, &wr)) said.bits |= POLLOUT;
  said.ready_entries = ((said.bits & POLLIN) != 0) + ((said.bits & POLLOUT) != 0);
  return said;
}

}  // namespace

Said Wait(const Way& way, int fd) {
  return way.selects() ? WaitBySelect(way, fd) : WaitByPoll(way, fd);
}

const char* NameOf(By by) {
  switch (by) {
    case By::kPoll: return "Poll";
    case By::kPpoll: return "Ppoll";
    case By::kSelect: return "Select";
    case By::kPselect: break;
  }
  return "Pselect";
}

ClauseRef WaitsClause(By by) {
  switch (by) {
    case By::kPoll: return clause::poll::timeout_infinite;
    case By::kPpoll: return clause::ppoll::timespec;
    default: return clause::select::timeouts;
  }
}

std::vector<By> Functions() {
  std::vector<By> all = {By::kPoll, By::kSelect, By::kPselect};
#ifdef IPC_HAVE_PPOLL
  all.push_back(By::kPpoll);
#endif
  return all;
}

std::vector<Way> WaysFor(By by, Ends ends) {
  const bool selects = by == By::kSelect || by == By::kPselect;
  std::vector<int> sets;
  if (selects) {
    sets = ends == Ends::kReading || ends == Ends::kHangUp ? std::vector<int>{POLLIN}
                                                           : std::vector<int>{POLLOUT};
  } else {
    switch (ends) {
      case Ends::kReading: sets = {POLLIN, POLLRDNORM, kInBits, POLLIN | POLLPRI}; break;
      case Ends::kWriting: sets = {POLLOUT, POLLWRNORM, kOutBits, POLLOUT | POLLPRI}; break;
      case Ends::kHangUp: sets = {0, POLLIN, POLLRDNORM, POLLPRI, kInBits}; break;
      case Ends::kError: sets = {0, POLLOUT, POLLWRNORM, POLLPRI, kOutBits}; break;
    }
  }
  std::vector<Way> ways;
  for (const int set : sets) ways.push_back({by, set});
  ways.push_back({.by = by, .events = sets.back(), .limit = Limit::kLargest});
  if (!selects) ways.push_back({.by = by, .events = sets.front(), .entries = 3});
  return ways;
}

int Expected(const Way& way, Ends ends) {
  if (way.selects()) return ends == Ends::kReading || ends == Ends::kHangUp ? POLLIN : POLLOUT;
  switch (ends) {
    case Ends::kHangUp: return POLLHUP;
    case Ends::kError: return POLLERR;
    default: return way.events & (kInBits | kOutBits);
  }
}

}  // namespace ipcsuite::poll_suite
