// Order from logs: each rule sees its violation and accepts the nearest history that a queue
// explains.
#include "stress/engine/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "base/clock.h"
#include "base/random.h"

namespace ipcsuite::stress {
namespace {

// The logs of some processes, filled by hand; ticks are nanoseconds.
struct Logs {
  std::unique_ptr<SharedRegion> region = std::make_unique<SharedRegion>(std::size_t{64} << 20);
  std::vector<OrderLog> sends, receives;

  Logs(int producers, int consumers, std::uint32_t calls_max = 4096) {
    for (int i = 0; i < producers; ++i) sends.emplace_back(*region, calls_max);
    for (int i = 0; i < consumers; ++i) receives.emplace_back(*region, calls_max);
  }
  void Send(const Stamp& stamp, std::int64_t invoke, std::int64_t end) {
    sends[stamp.producer].Add({stamp.Pack(), invoke, end});
  }
  void Receive(std::size_t consumer, const Stamp& stamp, std::int64_t invoke, std::int64_t end) {
    receives[consumer].Add({stamp.Pack(), invoke, end});
  }
  OrderResult Decide() const { return DecideOrder(sends, receives); }
};

Stamp Message(std::uint64_t sequence, std::uint32_t producer = 0, std::uint32_t priority = 0) {
  return {sequence, producer, priority};
}

TEST(Order, ReceivesThatOverlapProveNothing) {
  Logs logs(1, 2);
  logs.Receive(0, Message(1), 10, 20);
  logs.Receive(1, Message(0), 20, 30);  // begins when the other one ends: concurrent
  const OrderResult result = logs.Decide();
  EXPECT_EQ(result.findings_total, 0u);
  EXPECT_EQ(result.received, 2u);
  EXPECT_EQ(result.decided[static_cast<int>(OrderRule::kProducer)], 2u);
  EXPECT_EQ(result.decided_by_any, 2u);
}

TEST(Order, NumbersOfOneProducerComeOutInOrder) {
  Logs logs(1, 2);
  logs.Receive(0, Message(1), 10, 20);
  logs.Receive(0, Message(2), 20, 40);
  logs.Receive(1, Message(0), 21, 30);
  const OrderResult result = logs.Decide();
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].rule, OrderRule::kProducer);
  EXPECT_EQ(result.findings[0].first.stamp.sequence, 0u);
  EXPECT_EQ(result.findings[0].second.stamp.sequence, 1u);
  EXPECT_EQ(result.findings[0].first.consumer, 1);
}

TEST(Order, PrioritiesAreStreamsOfTheirOwn) {
  Logs logs(1, 2);
  logs.Receive(0, Message(1, 0, 0), 10, 20);
  logs.Receive(1, Message(0, 0, 1), 30, 40);
  const OrderResult result = logs.Decide();
  EXPECT_EQ(result.findings_total, 0u);
  EXPECT_EQ(result.decided[static_cast<int>(OrderRule::kProducer)], 0u);
}

// Two producers; the second sends from `begin` on, after the first's message is there from 10 on.
OrderResult TwoProducers(std::int64_t begin, bool first_send_logged = true) {
  Logs logs(2, 2);
  if (first_send_logged) logs.Send(Message(0, 0), 0, 10);
  logs.Send(Message(0, 1), begin, 20);
  logs.Receive(0, Message(0, 1), 15, 30);
  logs.Receive(1, Message(0, 0), 31, 40);
  return logs.Decide();
}

TEST(Order, AMessageSentEarlierComesOutEarlier) {
  const OrderResult result = TwoProducers(11);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].rule, OrderRule::kQueue);
  EXPECT_EQ(result.findings[0].first.stamp.producer, 0u);
  EXPECT_EQ(TwoProducers(10).findings_total, 0u);  // the sends overlap
  EXPECT_EQ(TwoProducers(11, false).findings_total, 0u);
  EXPECT_EQ(TwoProducers(11, false).decided_by_any, 0u);
}

TEST(Order, OneMessageOvertakenIsOneFinding) {
  Logs logs(1, 2);
  logs.Send(Message(0), 0, 10);
  logs.Send(Message(1), 11, 20);
  logs.Receive(0, Message(1), 15, 30);
  logs.Receive(1, Message(0), 31, 40);
  EXPECT_EQ(logs.Decide().findings_total, 1u);
}

// A message of priority 3 is there from 10 until 50; one of priority 2 is received meanwhile.
OrderResult Inversion(std::int64_t invoke, std::int64_t end, std::uint32_t low = 2) {
  Logs logs(2, 2);
  logs.Send(Message(0, 0, 3), 0, 10);
  logs.Receive(0, Message(0, 1, low), invoke, end);
  logs.Receive(1, Message(0, 0, 3), 50, 60);
  return logs.Decide();
}

TEST(Order, ALowerPriorityWaitsForAHigherOne) {
  const OrderResult result = Inversion(11, 49);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].rule, OrderRule::kPriority);
  EXPECT_EQ(result.findings[0].first.stamp.priority, 3u);
  EXPECT_EQ(result.findings[0].second.stamp.priority, 2u);
  EXPECT_EQ(result.decided[static_cast<int>(OrderRule::kPriority)], 2u);
  EXPECT_EQ(Inversion(10, 49).findings_total, 0u);  // may have been received before the send's end
  EXPECT_EQ(Inversion(11, 50).findings_total, 0u);  // may have been received after the other one
  EXPECT_EQ(Inversion(11, 49, 4).findings_total, 0u);  // the higher one came first
}

TEST(Order, AMessageReceivedTwiceIsNotOutOfOrder) {
  Logs logs(1, 2);
  logs.Receive(0, Message(0), 0, 10);
  logs.Receive(0, Message(1), 10, 20);
  logs.Receive(1, Message(0), 30, 40);
  const OrderResult result = logs.Decide();
  EXPECT_EQ(result.received, 2u);
  EXPECT_EQ(result.findings_total, 0u);
}

TEST(Order, ClocksThatDifferDecideNothing) {
  Logs logs(1, 2);
  logs.Send(Message(0), 0, 10);
  logs.Send(Message(1), 100, 110);
  logs.Receive(0, Message(1), 10, 99);  // before it was sent
  logs.Receive(1, Message(0), 200, 300);
  const OrderResult result = logs.Decide();
  EXPECT_TRUE(result.clocks_differ);
  EXPECT_EQ(result.findings_total, 0u);
  EXPECT_EQ(result.decided_by_any, 0u);
}

TEST(Order, DrawnAreTheFourCallsInOrderOfEvents) {
  const OrderFinding finding = TwoProducers(11).findings.at(0);
  EXPECT_EQ(DrawOrder(finding),
            "producer 0   sends    0 of 0 at 0  |==|                   0.000 to 0.010 us\n"
            "producer 1   sends    0 of 1 at 0        |=====|          0.011 to 0.020 us\n"
            "consumer 0   receives 0 of 1 at 0           |=====|       0.015 to 0.030 us\n"
            "consumer 1   receives 0 of 0 at 0                    |==| 0.031 to 0.040 us\n");
}

// What the rules say, by trying all pairs.
std::array<bool, kOrderRules> BruteForce(const Logs& logs) {
  std::array<bool, kOrderRules> found{};
  struct Seen {
    Stamp stamp;
    LoggedCall receive;
    const LoggedCall* send;
  };
  std::vector<Seen> all;
  for (const OrderLog& log : logs.receives) {
    for (const LoggedCall& receive : log) {
      const LoggedCall* send = nullptr;
      for (const OrderLog& sends : logs.sends) {
        for (const LoggedCall& s : sends) send = s.packed == receive.packed ? &s : send;
      }
      all.push_back({Stamp::Unpack(receive.packed), receive, send});
    }
  }
  for (const Seen& a : all) {
    for (const Seen& b : all) {
      if (b.receive.end >= a.receive.invoke) continue;
      const bool same = a.stamp.priority == b.stamp.priority;
      if (same && a.stamp.producer == b.stamp.producer && a.stamp.sequence < b.stamp.sequence) {
        found[static_cast<int>(OrderRule::kProducer)] = true;
      }
      if (a.send == nullptr) continue;
      if (same && a.stamp.producer != b.stamp.producer && b.send != nullptr &&
          a.send->end < b.send->invoke) {
        found[static_cast<int>(OrderRule::kQueue)] = true;
      }
      if (b.stamp.priority < a.stamp.priority && a.send->end < b.receive.invoke) {
        found[static_cast<int>(OrderRule::kPriority)] = true;
      }
    }
  }
  return found;
}

// The logs of a run on a queue that gives the message of rank `wrong` (0: the right one) with a
// chance of one in four. Each call takes effect at a moment of its own within its interval.
Logs Simulate(SplitMix64& random, int producers, int consumers, int priorities, std::size_t wrong) {
  Logs logs(producers, consumers);
  std::vector<std::int64_t> ended(static_cast<std::size_t>(producers + consumers), 0);
  std::vector<std::vector<std::uint64_t>> next(
      static_cast<std::size_t>(producers),
      std::vector<std::uint64_t>(static_cast<std::size_t>(priorities)));
  std::deque<Stamp> queue;
  std::int64_t now = 100;
  for (int step = 0; step < 60; ++step) {
    now += 1 + static_cast<std::int64_t>(random.Below(5));
    const auto p = static_cast<std::size_t>(random.Below(ended.size()));
    if (ended[p] >= now) continue;  // its call before is under way
    const auto begin = std::max(ended[p], now - static_cast<std::int64_t>(random.Below(12)));
    const auto end = now + static_cast<std::int64_t>(random.Below(12));
    if (p < static_cast<std::size_t>(producers)) {
      const auto priority = static_cast<std::uint32_t>(random.Below(next[p].size()));
      const Stamp stamp{next[p][priority]++, static_cast<std::uint32_t>(p), priority};
      const auto at = std::find_if(queue.begin(), queue.end(),
                                   [&](const Stamp& other) { return other.priority < priority; });
      queue.insert(at, stamp);
      if (random.Below(8) != 0) logs.Send(stamp, begin, end);  // else not logged
    } else {
      if (queue.empty()) continue;
      const std::size_t rank = random.Below(4) == 0 ? std::min(wrong, queue.size() - 1) : 0;
      const auto taken = queue.begin() + static_cast<std::ptrdiff_t>(rank);
      logs.Receive(p - static_cast<std::size_t>(producers), *taken, begin, end);
      queue.erase(taken);
    }
    ended[p] = end;
  }
  return logs;
}

TEST(Order, WhatAQueueDoesIsAlwaysAccepted) {
  SplitMix64 random(1);
  std::uint64_t decided = 0;
  for (int i = 0; i < 300; ++i) {
    const OrderResult result = Simulate(random, 1 + i % 3, 1 + i % 4, 1 + i % 5, 0).Decide();
    ASSERT_EQ(result.findings_total, 0u) << i;
    ASSERT_FALSE(result.clocks_differ) << i;
    decided += result.decided_by_any;
  }
  EXPECT_GT(decided, 1000u);
}

TEST(Order, FindsWhatAllPairsShow) {
  SplitMix64 random(2);
  int seen[kOrderRules] = {};
  for (int i = 0; i < 600; ++i) {
    const Logs logs = Simulate(random, 1 + i % 3, 1 + i % 4, 1 + i % 5, 1 + i % 3);
    const std::array<bool, kOrderRules> expected = BruteForce(logs);
    const OrderResult result = logs.Decide();
    std::array<bool, kOrderRules> found{};
    for (const OrderFinding& f : result.findings) found[static_cast<int>(f.rule)] = true;
    for (const OrderRule rule : {OrderRule::kProducer, OrderRule::kPriority}) {
      const int r = static_cast<int>(rule);
      ASSERT_EQ(found[r], expected[r]) << ToString(rule) << ", run " << i;
    }
    // What two rules say of one message counts for the first.
    ASSERT_EQ(found[0] || found[1], expected[0] || expected[1]) << i;
    for (int r = 0; r < kOrderRules; ++r) seen[r] += found[r] ? 1 : 0;
  }
  for (const int times : seen) EXPECT_GT(times, 20);
}

TEST(OrderLog, KeepsWindowsSpreadOverTheWholeRunWhenItIsFull) {
  constexpr std::uint32_t kCalls = 1024;
  constexpr std::int64_t kPitch = 500;  // from call to call
  Logs logs(0, 2, kCalls);
  for (std::int64_t i = 0; i < 100'000; ++i) {
    for (std::size_t c = 0; c < 2; ++c) {
      logs.Receive(c, Message(static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(c)),
                   i * kPitch, (i + 1) * kPitch);
    }
  }
  const OrderLog& log = logs.receives[0];
  ASSERT_GE(log.size(), kCalls / 4);
  ASSERT_LE(log.size(), kCalls);
  // Each eighth of the run is in it, and both logs have the same windows.
  std::array<int, 8> eighths{};
  for (const LoggedCall& call : log) ++eighths[static_cast<std::size_t>(call.invoke / 6'250'000)];
  for (const int calls : eighths) EXPECT_GT(calls, 0);
  EXPECT_TRUE(std::equal(log.begin(), log.end(), logs.receives[1].begin(), logs.receives[1].end(),
                         [](const LoggedCall& a, const LoggedCall& b) { return a.end == b.end; }));
}

TEST(OrderLog, ACallBeginsNoEarlierThanTheOneBeforeEnded) {
  Logs logs(1, 0);
  OrderLog& log = logs.sends[0];
  const Deadline patience(10s);
  log.Begin();
  for (std::uint64_t i = 0; log.size() < 1000 && !patience.passed(); ++i) {
    log.Returned();
    log.Note(Message(i).Pack());
  }
  ASSERT_EQ(log.size(), 1000u);
  int adjacent = 0;
  for (std::size_t i = 1; i < log.size(); ++i) {
    const LoggedCall &before = log.begin()[i - 1], &call = log.begin()[i];
    ASSERT_LE(before.end, call.invoke);
    ASSERT_LE(call.invoke, call.end);
    adjacent += before.end == call.invoke ? 1 : 0;
  }
  EXPECT_GT(adjacent, 800);
}

}  // namespace
}  // namespace ipcsuite::stress
