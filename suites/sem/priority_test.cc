// Which of several waiters a post releases.
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

void NeedRealtime() {
  if (sysconf(_SC_PRIORITY_SCHEDULING) <= 0 || sysconf(_SC_THREAD_PRIORITY_SCHEDULING) <= 0)
    Unsupported("the order is unspecified without the Priority Scheduling options");
  if (!CanUseRealtime())
    Unsupported("SCHED_FIFO is not available: needs CAP_SYS_NICE or RLIMIT_RTPRIO");
}

// A thread that takes a scheduling priority (-1: none) and then waits.
class Waiter {
 public:
  Waiter(sem_t* sem, int level) {
    call_ = peer_.start([=] {
      if (level >= 0) {
        sched_param param{};
        param.sched_priority = sched_get_priority_min(SCHED_FIFO) + 1 + level;
        NoteTrace(TraceEntry::Kind::kOther, {}, "changes how it is scheduled");
        if (const int error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param); error != 0)
          Unresolved("set-up failed: pthread_setschedparam: " + ErrnoName(error));
      }
      return CALL(sem_wait(sem));
    });
    EXPECT_THAT(call_, Blocks());
  }
  const Call& call() const { return call_; }

 private:
  ThreadPeer peer_;
  Call call_;
};

// The order in which posts, one after the other, release waiters of these levels.
std::vector<std::size_t> OrderOf(sem_t* sem, const std::vector<int>& levels) {
  std::vector<std::unique_ptr<Waiter>> waiters;
  std::vector<Call> calls;
  for (const int level : levels) {
    waiters.push_back(std::make_unique<Waiter>(sem, level));
    calls.push_back(waiters.back()->call());
  }
  std::vector<std::size_t> order;
  for (std::size_t round = 1; round <= levels.size(); ++round) {
    Post(sem);
    for (const std::size_t i : Returned(calls, round)) {
      if (std::count(order.begin(), order.end(), i) == 0) order.push_back(i);
    }
  }
  for (const Call& call : calls) EXPECT_THAT(call.result(), SucceedsWith(0));
  return order;
}

class SemPriority : public SemTest {};
INSTANTIATE_TEST_SUITE_P(Kinds, SemPriority,
                         testing::Values(Setting{"Named", SemKind::kNamed, false},
                                         Setting{"Shared", SemKind::kShared, false},
                                         Setting{"Private", SemKind::kPrivate, false}),
                         SettingName);

IPC_TEST_P(SemPriority, HighestThenLongestWaiting, clause::sem_post::priority_order) {
  NeedRealtime();
  const Semaphore sem = Make();
  EXPECT_EQ(OrderOf(sem, {1, 3, 2, 3}), (std::vector<std::size_t>{1, 3, 2, 0}))
      << "of waiters at priorities 1, 3, 2, 3";
}

IPC_TEST_P(SemPriority, WithoutRealtimeAnyOrder, clause::sem_post::unblock_choice_without_ps) {
  const Semaphore sem = Make();
  const std::vector<std::size_t> order = OrderOf(sem, {-1, -1, -1});
  std::string text;
  for (const std::size_t i : order) text += std::to_string(i);
  EXPECT_EQ(order.size(), 3u);
  Observe(clause::sem_post::unblock_choice_without_ps, "order of three waiters", text);
}

}  // namespace
}  // namespace ipcsuite::sem_suite
