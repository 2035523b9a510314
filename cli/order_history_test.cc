// What stress finds about order is refused by the checker of histories, too: two programs that
// share nothing but the format agree on each finding.
#include <gtest/gtest.h>

#include "props/history/check.h"
#include "props/history/file.h"
#include "stress/engine/order.h"

namespace ipcsuite {
namespace {

using stress::LoggedMessage;
using stress::OrderFinding;
using stress::OrderRule;

props::HistoryVerdict Judge(const OrderFinding& finding) {
  std::string error;
  const props::History history = props::ReadHistory(stress::HistoryOfOrder(finding), error);
  EXPECT_EQ(error, "");
  EXPECT_EQ(props::FindDefect(history), "");
  EXPECT_EQ(history.ops.size(), 4u);
  return props::CheckHistory(history).verdict;
}

// Two messages of producers 0 and 1; the second comes out first. Ticks of the calls: `late` is when
// the receive of the first begins.
OrderFinding Overtaken(OrderRule rule, std::int64_t late) {
  const bool one_producer = rule == OrderRule::kProducer;
  const std::uint32_t high = rule == OrderRule::kPriority ? 3 : 2;
  LoggedMessage first{.stamp = {7, 0, high}, .sent = true, .consumer = 1};
  first.send = {first.stamp.Pack(), 0, 10};
  first.receive = {first.stamp.Pack(), late, 60};
  LoggedMessage second{
      .stamp = {8, one_producer ? 0u : 1u, 2}, .sent = true, .consumer = one_producer ? 0 : 1};
  // A producer's call begins in the log when its call before ended.
  second.send = {second.stamp.Pack(), one_producer ? 10 : 11, 20};
  second.receive = {second.stamp.Pack(), 15, 40};
  return {rule, first, second};
}

TEST(OrderHistory, TheCheckerRefusesWhatEachRuleFinds) {
  for (const OrderRule rule : {OrderRule::kProducer, OrderRule::kQueue, OrderRule::kPriority}) {
    EXPECT_EQ(Judge(Overtaken(rule, 41)), props::HistoryVerdict::kInvalid) << ToString(rule);
  }
}

TEST(OrderHistory, TheCheckerAcceptsReceivesThatOverlap) {
  EXPECT_EQ(Judge(Overtaken(OrderRule::kProducer, 40)), props::HistoryVerdict::kValid);
  OrderFinding finding = Overtaken(OrderRule::kQueue, 40);
  finding.first.consumer = 0;  // another process
  EXPECT_EQ(Judge(finding), props::HistoryVerdict::kValid);
}

TEST(OrderHistory, WithoutASendThereIsNone) {
  OrderFinding finding = Overtaken(OrderRule::kProducer, 41);
  finding.first.sent = false;
  EXPECT_EQ(stress::HistoryOfOrder(finding), "");
}

}  // namespace
}  // namespace ipcsuite
