// Thread cancellation in waits, and in the functions that are not cancellation points. A cancelled
// thread unwinds (glibc) or only runs its clean-up handlers (musl).
#include <fcntl.h>
#include <pthread.h>

#include <string>

#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

IPC_FOR_ALL_SEMAPHORES(SemCancel);

void NoteCleanup(void* ran) { static_cast<std::atomic<int>*>(ran)->fetch_add(1); }

void PendRequest() {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  pthread_cancel(pthread_self());
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
}

ClauseRef PointOf(Way way) {
  if (way == Way::kWait) return clause::sem_wait::cancellation_point;
  return way == Way::kTimed ? clause::sem_timedwait::cancellation_point
                            : clause::sem_clockwait::cancellation_point;
}

IPC_TEST_P(SemCancel, EndsABlockedWait, clause::sem_wait::cancellation_point,
           clause::sem_timedwait::cancellation_point, clause::sem_clockwait::cancellation_point,
           clause::sem_wait::cancel_keeps_token) {
  for (const Way way : AllWays()) {
    const Semaphore sem = Make();
    Shared<std::atomic<int>> cleaned;
    ThreadPeer peer;
    const Call call = peer.start([&] {
      CallResult result;
      pthread_cleanup_push(NoteCleanup, cleaned.get());
      result = WaitBy(way, sem);
      pthread_cleanup_pop(0);
      return result;
    });
    {
      const ForClause scope(PointOf(way));
      EXPECT_THAT(call, Blocks()) << ToString(way);
      Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
      EXPECT_THAT(call.result(), IsCancelled()) << ToString(way);
      EXPECT_EQ(cleaned->load(), 1) << "clean-up handlers run";
    }
    const ForClause scope(clause::sem_wait::cancel_keeps_token);
    NoteChecks();
    EXPECT_EQ(ValueOf(sem), 0);
    Post(sem);
    EXPECT_EQ(Drain(sem), 1) << "a post after the cancellation";
  }
}

// A request that is pending when the call is made is acted upon, though the call need not wait.
void ExpectActsOnPendingRequest(const Setting& setting, Way way) {
  const Semaphore sem(setting.kind, 1);
  ThreadPeer peer;
  const Call call = peer.start([&] {
    PendRequest();
    return WaitBy(way, sem);
  });
  const CallResult end = call.result();
  {
    const ForClause scope(PointOf(way));
    EXPECT_THAT(end, IsCancelled()) << ToString(way);
  }
  if (end.fate != Fate::kCancelled) return;
  peer.Join();
  const ForClause scope(clause::sem_wait::cancel_keeps_token);
  EXPECT_EQ(Drain(sem), 1) << ToString(way);
}
IPC_TEST_P(SemCancel, PendingRequestIsActedUpon, clause::sem_wait::cancellation_point,
           clause::sem_timedwait::cancellation_point, clause::sem_wait::cancel_keeps_token) {
  ExpectActsOnPendingRequest(GetParam(), Way::kWait);
  ExpectActsOnPendingRequest(GetParam(), Way::kTimed);
}
IPC_TEST_P(SemCancel, PendingRequestIsActedUponByClockwait,
           clause::sem_clockwait::cancellation_point, clause::sem_wait::cancel_keeps_token) {
  NeedClockwait();
  ExpectActsOnPendingRequest(GetParam(), Way::kClockRealtime);
  ExpectActsOnPendingRequest(GetParam(), Way::kClockMonotonic);
}

// A post and a request meet a blocked thread: it has the token, or the token is still there.
IPC_TEST_P(SemCancel, RaceWithAPostLosesNoToken, clause::sem_wait::cancel_race_loses_no_token) {
  int cancelled = 0, lost = 0;
  constexpr int kRounds = 16;
  for (int round = 0; round < kRounds; ++round) {
    const Way way = AllWays()[static_cast<std::size_t>(round) % AllWays().size()];
    const Semaphore sem = Make();
    ThreadPeer peer;
    const Call call = peer.start([&] { return WaitBy(way, sem); });
    ASSERT_THAT(call, Blocks());
    if (round % 2) Post(sem);
    Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
    if (round % 2 == 0) Post(sem);
    const CallResult end = call.result();
    peer.Join();
    const int left = Drain(sem);
    if (end.fate == Fate::kCancelled) {
      ++cancelled;
      lost += left == 0;
      EXPECT_LE(left, 1);
    } else {
      EXPECT_THAT(end, SucceedsWith(0));
      EXPECT_EQ(left, 0) << "the wait has the token";
    }
  }
  EXPECT_EQ(lost, 0) << "tokens that went with one of " << cancelled << " cancelled threads";
  Evidence(std::to_string(cancelled) + " of " + std::to_string(kRounds) + " cancelled");
}

// The cancelled waiter is one of two: the post is for the other.
IPC_TEST_P(SemCancel, CancelledWaiterTakesNothingFromAnother,
           clause::sem_wait::cancel_keeps_token) {
  const Semaphore sem = Make();
  ThreadPeer peer;
  const Call call = peer.start([&] { return CALL(sem_wait(sem)); });
  EXPECT_THAT(call, Blocks());
  const Worker other(GetParam(), [&] { return CALL(sem_wait(sem)); });
  EXPECT_THAT(other.call(), Blocks());
  Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
  EXPECT_THAT(call.result(), IsCancelled());
  EXPECT_THAT(other.call(), StaysBlocked());
  Post(sem);
  EXPECT_THAT(other.result(), SucceedsWith(0));
}

IPC_TEST(SemCancelPoints, OtherFunctionsAreNone, clause::sem::not_cancellation_points) {
  const UniqueName name = UniqueName::Sem();
  constexpr const char* kSteps[] = {"sem_open",  "sem_post",   "sem_trywait", "sem_getvalue",
                                    "sem_close", "sem_unlink", "sem_init",    "sem_destroy"};
  constexpr int kCount = 8;
  std::atomic<int> steps{0};
  bool ok[kCount] = {};
  ThreadPeer peer;
  const Call call = peer.start([&] {
    PendRequest();
    // No CALL and no check up to the end: the harness must not be the cancellation point.
    int value = 0;
    sem_t unnamed;
    sem_t* const sem = sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1);
    ok[steps++] = sem != SEM_FAILED;
    ok[steps++] = sem_post(sem) == 0;
    ok[steps++] = sem_trywait(sem) == 0;
    ok[steps++] = sem_getvalue(sem, &value) == 0 && value == 1;
    ok[steps++] = sem_close(sem) == 0;
    ok[steps++] = sem_unlink(name.c_str()) == 0;
    ok[steps++] = sem_init(&unnamed, 0, 1) == 0;
    ok[steps++] = sem_destroy(&unnamed) == 0;
    pthread_testcancel();
    ++steps;
  });
  EXPECT_THAT(call.result(), IsCancelled());
  ASSERT_EQ(steps.load(), kCount) << (steps < kCount ? kSteps[steps] : "pthread_testcancel")
                                  << " acted on the request or did not";
  for (int i = 0; i < kCount; ++i) EXPECT_TRUE(ok[i]) << kSteps[i] << " failed";
}

}  // namespace
}  // namespace ipcsuite::sem_suite
