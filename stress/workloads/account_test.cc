// Accounting: whatever may happen to a message is noticed, and what a killed process had in hand is
// excused and nothing else.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "stress/engine/account.h"
#include "stress/engine/workload.h"

namespace ipcsuite::stress {
namespace {

constexpr std::uint64_t kBits = 1024;

struct Books {
  SharedRegion region{std::size_t{8} << 20};
  std::vector<SentBook> sent;
  std::vector<Ledger> ledgers;
  int producers, priorities;
  bool paired = false;
  std::vector<InHand> in_hand;
  std::uint64_t consumer_kills = 0;

  Books(int p, int c, int q, bool exclusive) : producers(p), priorities(q) {
    for (int i = 0; i < p; ++i)
      sent.push_back({region.Zeroed<std::uint64_t>(static_cast<std::size_t>(q))});
    for (int i = 0; i < c; ++i) ledgers.emplace_back(region, p, q, exclusive, kBits);
  }
  Ledger::Answer Give(int consumer, std::uint64_t sequence, std::uint32_t producer = 0,
                      std::uint32_t priority = 0) {
    return ledgers[static_cast<std::size_t>(consumer)].Accept({sequence, producer, priority});
  }
  AuditResult Check() {
    AuditInput input;
    input.producers = producers;
    input.priorities = priorities;
    input.paired = paired;
    input.sent = sent;
    for (const Ledger& ledger : ledgers) input.ledgers.push_back(&ledger);
    input.in_hand = in_hand;
    input.consumer_kills = consumer_kills;
    return Audit(input);
  }
};

using Answer = Ledger::Answer;

TEST(AuditExclusive, AllArrivedInOrder) {
  Books books(2, 1, 3, true);
  for (std::uint64_t s = 0; s < 100; ++s) {
    for (std::uint32_t p = 0; p < 2; ++p) {
      for (std::uint32_t q = 0; q < 3; ++q) ASSERT_EQ(books.Give(0, s, p, q), Answer::kGood);
    }
  }
  for (auto& book : books.sent) {
    for (int q = 0; q < 3; ++q) book.next[q] = 100;
  }
  const AuditResult result = books.Check();
  EXPECT_EQ(result.sent, 600u);
  EXPECT_EQ(result.arrived, 600u);
  EXPECT_EQ(result.findings_total, 0u);
}

TEST(AuditExclusive, LossInTheMiddleAndAtTheEnd) {
  Books books(1, 1, 1, true);
  for (std::uint64_t s : {0, 1, 2, 6, 7}) ASSERT_EQ(books.Give(0, s), Answer::kGood);
  books.sent[0].next[0] = 10;
  const AuditResult result = books.Check();
  EXPECT_EQ(result.arrived, 5u);
  EXPECT_EQ(result.findings_total, 5u);  // 3, 4, 5, 8, 9
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_EQ(result.findings[0].kind, Kind::kLost);
  EXPECT_EQ(result.findings[0].stamp.sequence, 3u);
  EXPECT_EQ(result.findings[0].count, 3u);
  EXPECT_EQ(result.findings[1].stamp.sequence, 8u);
}

TEST(AuditExclusive, DuplicateLateAndInvented) {
  Books books(1, 1, 1, true);
  for (std::uint64_t s : {0, 1, 2}) books.Give(0, s);
  EXPECT_EQ(books.Give(0, 2), Answer::kDuplicated);
  EXPECT_EQ(books.Give(0, 5), Answer::kGood);        // a gap: 3, 4
  EXPECT_EQ(books.Give(0, 4), Answer::kReordered);   // late
  EXPECT_EQ(books.Give(0, 9, 7), Answer::kThinAir);  // no such producer
  EXPECT_EQ(books.Give(0, 9, 0, 1), Answer::kThinAir);
  books.sent[0].next[0] = 5;
  const AuditResult result = books.Check();
  ASSERT_FALSE(result.findings.empty());
  EXPECT_EQ(result.findings.back().kind, Kind::kThinAir);  // 5 arrived and was never sent
}

TEST(AuditExclusive, WhatAKilledProducerHeldIsExcusedAndNothingElse) {
  Books books(1, 1, 1, true);
  for (std::uint64_t s : {0, 1, 3, 5}) books.Give(0, s);
  books.sent[0].next[0] = 6;
  books.in_hand = {{{2, 0, 0}}};
  const AuditResult result = books.Check();
  EXPECT_EQ(result.excused_producer, 1u);
  EXPECT_EQ(result.findings_total, 1u);
  EXPECT_EQ(result.findings[0].stamp.sequence, 4u);
}

TEST(AuditExclusive, InHandButArrivedIsGood) {
  Books books(1, 1, 1, true);
  for (std::uint64_t s : {0, 1, 2}) books.Give(0, s);
  books.sent[0].next[0] = 3;
  books.in_hand = {{{1, 0, 0}}};
  const AuditResult result = books.Check();
  EXPECT_EQ(result.findings_total, 0u);
  EXPECT_EQ(result.excused_producer, 0u);
}

TEST(AuditExclusive, AnAbsurdNumberOfADamagedStampTakesNoTime) {
  Books books(1, 1, 1, true);
  books.Give(0, 0);
  EXPECT_EQ(books.Give(0, (std::uint64_t{1} << 46) - 1), Answer::kGood);
  EXPECT_EQ(books.Give(0, 1), Answer::kReordered);
  books.sent[0].next[0] = 4;
  const AuditResult result = books.Check();
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_EQ(result.findings[0].kind, Kind::kLost);
  EXPECT_EQ(result.findings[0].count, 3u);
  EXPECT_EQ(result.findings[1].kind, Kind::kThinAir);
}

TEST(AuditPaired, EachPairIsItsOwn) {
  Books books(2, 2, 1, true);
  books.paired = true;
  for (std::uint64_t s = 0; s < 10; ++s) books.Give(0, s, 0);
  for (std::uint64_t s = 0; s < 8; ++s) books.Give(1, s, 1);
  books.sent[0].next[0] = 10;
  books.sent[1].next[0] = 9;
  const AuditResult result = books.Check();
  EXPECT_EQ(result.arrived, 18u);
  EXPECT_EQ(result.findings_total, 1u);
  EXPECT_EQ(result.findings[0].stamp.producer, 1u);
}

TEST(AuditShared, SplitOverConsumersIsGood) {
  Books books(1, 3, 2, false);
  for (std::uint64_t s = 0; s < 900; ++s) {
    ASSERT_EQ(books.Give(static_cast<int>(s * 7 % 3), s, 0, 1), Answer::kGood);
  }
  books.sent[0].next[1] = 900;
  const AuditResult result = books.Check();
  EXPECT_EQ(result.arrived, 900u);
  EXPECT_EQ(result.findings_total, 0u);
}

TEST(AuditShared, DuplicateAcrossConsumersAndLossAreNamed) {
  Books books(1, 2, 1, false);
  for (std::uint64_t s = 0; s < 200; ++s) {
    if (s != 131) books.Give(static_cast<int>(s % 2), s);
  }
  EXPECT_EQ(books.ledgers[1].Accept({200, 0, 0}), Answer::kGood);
  EXPECT_EQ(books.ledgers[0].Accept({200, 0, 0}), Answer::kGood);
  EXPECT_EQ(books.Give(0, 200), Answer::kDuplicated);  // by the same consumer: at once
  books.sent[0].next[0] = 201;
  const AuditResult result = books.Check();
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_EQ(result.findings[0].kind, Kind::kLost);
  EXPECT_EQ(result.findings[0].stamp.sequence, 131u);
  EXPECT_EQ(result.findings[1].kind, Kind::kDuplicated);
  EXPECT_EQ(result.findings[1].stamp.sequence, 200u);
}

TEST(AuditShared, OrderAtOneConsumer) {
  Books books(1, 2, 1, false);
  books.Give(0, 5);
  EXPECT_EQ(books.Give(0, 4), Answer::kReordered);
  EXPECT_EQ(books.Give(1, 3), Answer::kGood);
}

TEST(AuditShared, KilledConsumersExcuseOneMessageEach) {
  Books books(1, 2, 1, false);
  for (std::uint64_t s = 0; s < 100; ++s) {
    if (s % 40 != 7) books.Give(static_cast<int>(s % 2), s);  // 7, 47, 87 are missing
  }
  books.sent[0].next[0] = 100;
  books.consumer_kills = 2;
  const AuditResult result = books.Check();
  EXPECT_EQ(result.excused_consumer, 2u);
  EXPECT_EQ(result.findings_total, 1u);
}

TEST(AuditShared, BeyondTheBitmapFingerprintsTell) {
  for (const int fault : {0, 1, 2, 3}) {
    Books books(1, 2, 1, false);
    for (std::uint64_t s = 0; s < 3 * kBits; ++s) {
      std::uint64_t number = s;
      if (fault == 1 && s == 2 * kBits) continue;                // lost
      if (fault == 3 && s == 2 * kBits) number = 2 * kBits - 2;  // one lost, another doubled
      books.Give(static_cast<int>(s % 2), number);
      if (fault == 2 && s == 2 * kBits) books.Give(1, number);  // doubled at another consumer
    }
    books.sent[0].next[0] = 3 * kBits;
    const AuditResult result = books.Check();
    EXPECT_EQ(result.by_fingerprint, 2 * kBits);
    EXPECT_EQ(result.findings_total != 0, fault != 0) << fault;
  }
}

TEST(SharedRegion, PiecesAreOnPagesOfTheirOwnAndZero) {
  SharedRegion region(1 << 20);
  auto* a = region.Zeroed<char>(1);
  auto* b = region.Zeroed<char>(1);
  EXPECT_GE(b - a, 4096);
  EXPECT_EQ(*a, 0);
  EXPECT_THROW(region.Take(2 << 20), std::bad_alloc);
}

TEST(Workloads, EveryRowIsConsistent) {
  ASSERT_FALSE(AllRows<WorkloadInfo>().empty());
  std::set<std::string> names;
  for (const WorkloadInfo* info : AllRows<WorkloadInfo>()) {
    EXPECT_TRUE(names.insert(info->name).second) << info->name;
    EXPECT_TRUE(names.insert(info->test_name).second) << info->test_name;
    EXPECT_EQ(std::string(info->file).find("stress/workloads/"), 0u) << info->file;
    EXPECT_FALSE(info->clauses.empty()) << info->name;
    EXPECT_FALSE(info->loss_clause.id.empty()) << info->name;
    EXPECT_LE(info->size_min, info->size_default) << info->name;
    EXPECT_GE(info->size_max, info->size_default) << info->name;
    EXPECT_EQ(FindRow<WorkloadInfo>(info->name), info);
  }
}

}  // namespace
}  // namespace ipcsuite::stress
