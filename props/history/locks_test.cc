// Histories of locks: the search agrees with the definition, the rules never condemn a right
// history, and each of them finds what it is for.
#include "props/history/locks.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <string>

#include "props/history/brute.h"
#include "props/history/check.h"
#include "props/history/file.h"
#include "props/model/mutex.h"
#include "props/model/rwlock.h"

namespace ipcsuite::props {
namespace {

// The outcome of one call after `last` of the same process, drawn at random: right or wrong. Who
// locked mostly unlocks.
Op RandomMutexOp(std::mt19937_64& random, const Op& last) {
  Op op;
  const bool locked = IsMutexLock(last.call) && last.Ok();
  if (locked && random() % 8 != 0) {
    op.call = Call::kMutexUnlock;
  } else {
    op.call = random() % 2 == 0 ? Call::kMutexLock : Call::kMutexTryLock;
  }
  if (op.call == Call::kMutexTryLock && random() % 2 == 0) op.error = EBUSY;
  return op;
}
Op RandomRwlockOp(std::mt19937_64& random, const Op& last) {
  static constexpr Call kCalls[] = {Call::kReadLock, Call::kWriteLock, Call::kTryWriteLock};
  Op op;
  const bool locked = (IsReadLock(last.call) || IsWriteLock(last.call)) && last.Ok();
  op.call = locked && random() % 8 != 0 ? Call::kRwlockUnlock : kCalls[random() % 3];
  if (op.call == Call::kTryWriteLock && random() % 2 == 0) op.error = EBUSY;
  return op;
}

template <class RandomOp>
History SmallHistory(std::mt19937_64& random, const char* model, RandomOp draw) {
  History history;
  history.model.name = model;
  const std::size_t processes = 2 + random() % 2;
  std::vector<Op> open(processes);
  std::vector<bool> busy(processes);
  std::uint64_t ticket = 0;
  for (std::size_t steps = 8 + random() % 8; steps > 0; --steps) {
    const std::size_t p = random() % processes;
    if (busy[p]) {
      open[p].ret = ++ticket;
      history.ops.push_back(open[p]);
    } else {
      open[p] = draw(random, open[p]);
      open[p].process = static_cast<std::uint16_t>(p);
      open[p].invoke = ++ticket;
    }
    busy[p] = !busy[p];
  }
  for (std::size_t p = 0; p < processes; ++p) {
    if (!busy[p] || random() % 2 == 0) continue;
    open[p].fate = Fate::kBlocked;
    open[p].error = 0;
    history.ops.push_back(open[p]);
  }
  SortByInvoke(history.ops);
  return history;
}

template <class M, class RandomOp, class Rules>
void ExpectAgreement(const char* name, const M& model, RandomOp draw, Rules rules) {
  std::mt19937_64 random(4711);
  int right = 0, condemned = 0;
  for (int i = 0; i < 20000; ++i) {
    const History history = SmallHistory(random, name, draw);
    ASSERT_EQ(FindDefect(history), "");
    const bool expected = LinearizableByBruteForce(model, history.ops);
    const bool broken = !rules(history.ops).empty();
    ASSERT_EQ(CheckHistory(history).verdict == HistoryVerdict::kValid, expected)
        << WriteHistory(history);
    ASSERT_FALSE(broken && expected) << WriteHistory(history);
    right += expected;
    condemned += broken;
  }
  EXPECT_GT(right, 500);
  EXPECT_GT(condemned, 500);
}

TEST(LockHistory, SearchAgreesWithBruteForceAndRulesNeverCondemnARightOne) {
  ExpectAgreement("mutex", MutexModel(), RandomMutexOp, CheckMutexRules);
  ExpectAgreement("rwlock", RwlockModel(), RandomRwlockOp, CheckRwlockRules);
}

// One line of a history: "0 pthread_mutex_lock 1 2" with more fields after a bar.
std::string Line(int process, const std::string& call, int invoke, int ret,
                 const std::string& more = "") {
  return "{\"p\":" + std::to_string(process) + ",\"call\":\"pthread_" + call +
         "\",\"invoke\":" + std::to_string(invoke) +
         (ret == 0 ? ",\"fate\":\"blocked\"" : ",\"return\":" + std::to_string(ret)) + more + "}\n";
}

std::string ReasonOf(const std::string& model, const std::string& lines) {
  std::string error;
  const History history = ReadHistory(
      "{\"ipcsuite_history\":1,\"model\":\"" + model + "\",\"count\":2}\n" + lines, error);
  EXPECT_EQ(error, "");
  const CheckResult result = CheckHistory(history);
  return result.verdict == HistoryVerdict::kValid ? "valid" : result.reason;
}

constexpr char kOwnerDead[] = R"(,"error":"EOWNERDEAD")";

TEST(LockHistory, OwnersAndTheirDeaths) {
  const std::string first = Line(0, "mutex_lock", 1, 2), second = Line(1, "mutex_lock", 3, 4);
  const std::string dead = R"({"p":0,"call":"exit","invoke":9,"fate":"killed"})";
  EXPECT_EQ(ReasonOf("mutex", first), "valid");
  EXPECT_EQ(ReasonOf("mutex", first + second), "exclusion");
  EXPECT_EQ(ReasonOf("mutex", first + Line(1, "mutex_lock", 3, 0)), "valid");
  EXPECT_EQ(ReasonOf("mutex", first + Line(0, "mutex_unlock", 3, 4) + Line(1, "mutex_lock", 5, 0)),
            "stuck");
  EXPECT_EQ(ReasonOf("mutex", first + Line(1, "mutex_lock", 3, 4, kOwnerDead) + dead), "valid");
  EXPECT_EQ(ReasonOf("mutex", first + second + dead), "owner death");
  EXPECT_EQ(ReasonOf("mutex", first + Line(1, "mutex_lock", 3, 4, kOwnerDead) +
                                  Line(1, "mutex_unlock", 5, 6) +
                                  Line(1, "mutex_lock", 7, 8, kOwnerDead) + dead),
            "owner death");
}

// p0 waits; p1 is inside and wakes.
TEST(LockHistory, WakeUpsThatAreOwed) {
  const std::string asleep = Line(0, "mutex_lock", 1, 2) + Line(0, "cond_wait", 3, 0);
  const std::string other = Line(2, "mutex_lock", 4, 5) + Line(2, "cond_wait", 6, 13);
  const std::string inside = Line(1, "mutex_lock", 7, 8), out = Line(1, "mutex_unlock", 11, 12);
  const std::string signal = Line(1, "cond_signal", 9, 10);
  const std::string broadcast = Line(1, "cond_broadcast", 9, 10);
  EXPECT_EQ(ReasonOf("mutex", asleep + inside + out), "valid");
  EXPECT_EQ(ReasonOf("mutex", asleep + inside + signal + out), "lost wake-up");
  EXPECT_EQ(ReasonOf("mutex", asleep + other + inside + signal + out), "valid");
  EXPECT_EQ(ReasonOf("mutex", asleep + other + inside + broadcast + out), "lost wake-up");
  EXPECT_EQ(ReasonOf("mutex", asleep + Line(1, "cond_signal", 9, 10)), "valid") << "not inside";
}

TEST(LockHistory, ReadersAndWriters) {
  const std::string reader = Line(0, "rwlock_rdlock", 1, 2);
  EXPECT_EQ(ReasonOf("rwlock", reader + Line(1, "rwlock_rdlock", 3, 4)), "valid");
  EXPECT_EQ(ReasonOf("rwlock", reader + Line(1, "rwlock_wrlock", 3, 4)), "exclusion");
  EXPECT_EQ(ReasonOf("rwlock", Line(1, "rwlock_wrlock", 3, 4) + Line(0, "rwlock_rdlock", 5, 6)),
            "exclusion");
  EXPECT_EQ(
      ReasonOf("rwlock", reader + Line(0, "rwlock_unlock", 3, 4) + Line(1, "rwlock_wrlock", 5, 0)),
      "stuck");
}

TEST(LockHistory, RoundsOfABarrier) {
  const std::string serial = R"(,"value":1)";
  const std::string both = Line(0, "barrier_wait", 1, 3, serial) + Line(1, "barrier_wait", 2, 4);
  EXPECT_EQ(ReasonOf("barrier", both + Line(0, "barrier_wait", 5, 0)), "valid");
  EXPECT_EQ(ReasonOf("barrier", both + Line(0, "barrier_wait", 5, 6)), "early release");
  EXPECT_EQ(ReasonOf("barrier", Line(0, "barrier_wait", 1, 3) + Line(1, "barrier_wait", 2, 4)),
            "serial thread");
  EXPECT_EQ(ReasonOf("barrier",
                     Line(0, "barrier_wait", 1, 3, serial) + Line(1, "barrier_wait", 2, 4, serial)),
            "serial thread");
  EXPECT_EQ(
      ReasonOf("barrier", Line(0, "barrier_wait", 1, 3, serial) + Line(1, "barrier_wait", 2, 0)),
      "lost wake-up");
}

}  // namespace
}  // namespace ipcsuite::props
