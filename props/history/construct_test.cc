// The construction of linearizations by itself: what it finds is one, step by step, and it finds
// one nearly always where there is one.
#include "props/history/construct.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "props/history/brute.h"
#include "props/history/check.h"
#include "props/history/generate.h"
#include "props/history/rules.h"
#include "props/model/queue.h"

namespace ipcsuite::props {
namespace {

// Whether `order` is a linearization: each step is allowed by the model, the order keeps that of
// the tickets, nothing that returned is left out, and what was shown blocked may stay so.
bool IsLinearization(const std::vector<Op>& ops, const std::vector<std::uint32_t>& order,
                     std::uint64_t max_messages) {
  QueueModel::Config config;
  config.max_messages = max_messages;
  const QueueModel model(config);
  QueueState state;
  std::vector<bool> placed(ops.size());
  std::uint64_t latest_invoke = 0;
  for (const std::uint32_t i : order) {
    if (placed[i] || ops[i].fate == Fate::kBlocked) return false;
    placed[i] = true;
    if (ops[i].ret != 0 && ops[i].ret < latest_invoke) return false;
    latest_invoke = std::max(latest_invoke, ops[i].invoke);
    std::vector<QueueState> next;
    model.Step(state, ops[i], next);
    if (next.size() != 1) return false;
    state = next.front();
  }
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    if (ops[i].Returned() && !placed[i]) return false;
    if (ops[i].fate == Fate::kBlocked && !model.MayBlock(state, ops[i])) return false;
  }
  return true;
}

Construction Construct(const History& history) {
  ConstructOptions options;
  options.max_messages = history.model.max_messages;
  options.keep_order = true;
  return ConstructQueue(history.ops, options);
}

// Random right histories: the share for which an order is found, and that all found are right.
double ShareFound(GenerateOptions options, int histories) {
  int found = 0;
  for (int i = 1; i <= histories; ++i) {
    options.seed = static_cast<std::uint64_t>(i);
    const History history = GenerateQueueHistory(options);
    const Construction construction = Construct(history);
    if (!construction.found) continue;
    ++found;
    EXPECT_TRUE(IsLinearization(history.ops, construction.order, options.max_messages))
        << "seed " << i;
  }
  return static_cast<double>(found) / histories;
}

GenerateOptions Crowd(std::size_t processes, std::size_t ops, std::uint64_t max_messages) {
  GenerateOptions options;
  options.processes = processes;
  options.ops_per_process = ops;
  options.max_messages = max_messages;
  return options;
}

TEST(ConstructQueue, FindsOrdersOfManyProcesses) {
  EXPECT_GE(ShareFound(Crowd(64, 40, 10), 20), 0.97);
  EXPECT_GE(ShareFound(Crowd(64, 40, 1), 20), 0.97);
  EXPECT_GE(ShareFound(Crowd(64, 40, 10'000), 20), 0.97);
  EXPECT_GE(ShareFound(Crowd(8, 200, 10), 20), 0.97);
  EXPECT_GE(ShareFound(Crowd(64, 250, 200), 10), 0.97);
}

TEST(ConstructQueue, FindsOrdersOfOnePriority) {
  GenerateOptions options = Crowd(32, 50, 8);
  options.priorities = 1;
  EXPECT_GE(ShareFound(options, 20), 0.9);
}

TEST(ConstructQueue, FindsOrdersOfManyPriorities) {
  GenerateOptions options = Crowd(32, 50, 8);
  options.priorities = 32'768;
  EXPECT_GE(ShareFound(options, 20), 0.7);
}

TEST(ConstructQueue, FindsOrdersWithKilledProcesses) {
  GenerateOptions options = Crowd(16, 60, 6);
  options.kills = 0.01;
  EXPECT_GE(ShareFound(options, 50), 0.9);
}

TEST(ConstructQueue, FindsOrdersWithBlockedReceivers) {
  GenerateOptions options = Crowd(16, 30, 5);
  options.leave_blocked = true;
  options.drain = false;
  EXPECT_GE(ShareFound(options, 50), 0.9);
}

// Operations of two or three processes with random times and outcomes: right or wrong.
History Small(std::mt19937_64& random) {
  History history;
  struct Lane {
    Op op;
    bool busy = false;
    bool dead = false;
  };
  std::vector<Lane> lanes(2 + random() % 2);
  std::uint64_t ticket = 0;
  std::uint64_t values = 0;
  const std::size_t count = 4 + random() % 4;
  while (history.ops.size() < count) {
    const auto alive = [](const Lane& lane) { return !lane.dead; };
    if (std::none_of(lanes.begin(), lanes.end(), alive)) break;
    const std::size_t p = random() % lanes.size();
    Lane& lane = lanes[p];
    if (lane.dead) continue;
    if (lane.busy) {
      lane.busy = false;
      lane.op.ret = ++ticket;
      lane.dead = random() % 12 == 0;
      if (lane.dead) lane.op.fate = Fate::kKilled;
      history.ops.push_back(lane.op);
      continue;
    }
    Op op;
    op.process = static_cast<std::uint16_t>(p);
    const bool send = random() % 2 == 0;
    op.call = send ? Call::kMqSend : Call::kMqReceive;
    op.value = send ? ++values : 1 + random() % (values + 1);
    op.priority = static_cast<std::uint32_t>(random() % 2);
    if (!send) {  // of what was sent, if it was: the rules see to the rest
      for (const Op& sent : history.ops) {
        if (IsSend(sent.call) && sent.value == op.value) op.priority = sent.priority;
      }
    }
    op.amount = send ? 1 : 0;
    op.result = send ? 0 : 1;
    if (random() % 4 == 0) {
      op.flags = kNonblock;
      op.error = EAGAIN;
      op.result = -1;
    }
    op.invoke = ++ticket;
    lane.op = op;
    lane.busy = true;
  }
  for (Lane& lane : lanes) {
    if (!lane.busy || random() % 2 == 0) continue;
    lane.op.fate = random() % 2 == 0 ? Fate::kBlocked : Fate::kUnknown;
    lane.op.flags = 0;
    lane.op.error = 0;
    history.ops.push_back(lane.op);
  }
  SortByInvoke(history.ops);
  return history;
}

// Against the definition: what is found exists, and what exists is found in nearly all cases.
TEST(ConstructQueue, AgreesWithBruteForce) {
  std::mt19937_64 random(4321);
  int right = 0;
  int found = 0;
  for (int i = 0; i < 20'000; ++i) {
    History history = Small(random);
    history.model.max_messages = 1 + random() % 3;
    if (!CheckQueueRules(history.ops, false).empty()) continue;
    QueueModel::Config config;
    config.max_messages = history.model.max_messages;
    const bool exists = LinearizableByBruteForce(QueueModel(config), history.ops);
    const Construction construction = Construct(history);
    right += exists;
    found += construction.found;
    ASSERT_TRUE(exists || !construction.found);
    if (construction.found) {
      ASSERT_TRUE(IsLinearization(history.ops, construction.order, config.max_messages));
    }
  }
  EXPECT_GT(right, 800);
  EXPECT_GE(found, right * 97 / 100);
  RecordProperty("right", right);
  RecordProperty("found", found);
}

TEST(ConstructQueue, FindsNothingWithoutRoom) {
  GenerateOptions options = Crowd(4, 20, 4);
  History history = GenerateQueueHistory(options);
  history.model.max_messages = 0;
  EXPECT_FALSE(Construct(history).found);
}

TEST(ConstructQueue, LeavesWhatItDoesNotKnow) {
  History history = GenerateQueueHistory(Crowd(2, 10, 4));
  ASSERT_TRUE(Construct(history).found);
  history.ops.back().call = Call::kMqNotify;
  EXPECT_FALSE(Construct(history).found);
}

}  // namespace
}  // namespace ipcsuite::props
