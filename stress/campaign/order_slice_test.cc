// Order between consumers in whole slices: a planted violation of each kind is found with the calls
// that prove it, and a right queue is decided without findings.
#include <gtest/gtest.h>

#include <deque>

#include "stress/campaign/summary.h"
#include "stress/traffic/queues.h"
#include "stress/traffic/transport_mq.h"

namespace ipcsuite::stress {
namespace {

enum class Plant { kNone, kReadAhead, kInverted };
Plant g_plant = Plant::kNone;

constexpr int kPriorities = 4;

// A queue of which a receiver takes several messages along now and then, or one that gives out the
// lowest priority first. Each consumer alone sees nothing of it.
struct PlantedTransport : MqTransport {
  struct Taken {
    std::vector<unsigned char> bytes;
    unsigned priority;
  };
  std::deque<Taken> ahead;
  int calls = 0;

  static unsigned Turned(unsigned priority) {
    return g_plant == Plant::kInverted ? kPriorities - 1 - priority : priority;
  }

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned priority) {
    return MqTransport::Send<M>(w, bytes, size, Turned(priority));
  }

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned* priority) {
    if (!ahead.empty()) {
      const Taken first = std::move(ahead.front());
      ahead.pop_front();
      std::copy(first.bytes.begin(), first.bytes.end(), bytes);
      *priority = first.priority;
      return static_cast<ssize_t>(first.bytes.size());
    }
    const ssize_t n = MqTransport::Receive<M>(w, bytes, size, priority);
    if (n <= 0) return n;
    *priority = Turned(*priority);
    if (g_plant == Plant::kReadAhead && ++calls % 16 == 0) ReadAhead();
    return n;
  }

  void ReadAhead() {
    const timespec past{0, 0};
    while (ahead.size() < 4) {
      Taken taken{std::vector<unsigned char>(message_bytes), 0};
      const ssize_t n = mq_timedreceive(queue, reinterpret_cast<char*>(taken.bytes.data()),
                                        taken.bytes.size(), &taken.priority, &past);
      if (n <= 0) return;  // a stop message is another one's: more of them come
      taken.bytes.resize(static_cast<std::size_t>(n));
      taken.priority -= 1;
      ahead.push_back(std::move(taken));
    }
  }
};

class PlantedQueue : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    message_bytes_ = spec.size_bytes;
    return queues_.Add(registry, {.depth = 10, .message_bytes = spec.size_bytes});
  }
  void Run(Worker& w) override {
    PlantedTransport transport;
    transport.queue = queues_[0];
    transport.message_bytes = message_bytes_;
    RunStream(w, transport);
  }
  void Nudge(const Shared& shared) override {
    const timespec past{0, 0};
    if (shared.control->phase.load() != Phase::kDrained) return;
    while (mq_timedsend(queues_[0], "", 0, 0, &past) == 0) {
    }
  }
  void Teardown() override { queues_.Remove(); }

 private:
  Queues queues_;
  std::size_t message_bytes_ = 0;
};

// Slices of two producers and two consumers until one is as wanted, at most ten.
template <class Wanted>
SliceResult RunPlanted(Plant plant, Wanted wanted) {
  g_plant = plant;
  Context context(1);
  WorkloadInfo info = *FindRow<WorkloadInfo>("mq");
  info.make = &Make<PlantedQueue>;
  SliceOptions options;
  options.info = &info;
  options.spec.producers = options.spec.consumers = 2;
  options.spec.priorities = kPriorities;
  options.cpus.assign(4, -1);
  options.warm_up = 10ms;
  options.measure = 100ms;
  SliceResult result;
  for (int i = 0; i < 10; ++i) {
    options.spec.seed = static_cast<std::uint64_t>(i);
    result = RunSlice(context, options);
    if (!result.unsupported.empty() || wanted(result)) break;
  }
  return result;
}

const FindingRecord* Drawn(const SliceResult& result) {
  for (const FindingRecord& finding : result.findings) {
    if (!finding.drawing.empty()) return &finding;
  }
  return nullptr;
}

TEST(OrderOfSlices, ARightQueueIsDecidedByEachRule) {
  const auto decided = [](const SliceResult& result) {
    for (const std::uint64_t by : result.order.decided) {
      if (by == 0) return false;
    }
    return true;
  };
  const SliceResult result = RunPlanted(Plant::kNone, decided);
  if (!result.unsupported.empty()) GTEST_SKIP() << result.unsupported;
  EXPECT_TRUE(decided(result)) << OrderText(result.order);
  EXPECT_EQ(result.findings_total, 0u);
  EXPECT_FALSE(result.order.clocks_differ);
  EXPECT_LE(result.order.decided_by_any, result.order.received);
  EXPECT_LE(result.order.received, result.messages_total);
}

TEST(OrderOfSlices, WhatAConsumerTookAlongIsOvertaken) {
  const SliceResult result =
      RunPlanted(Plant::kReadAhead, [](const SliceResult& r) { return Drawn(r) != nullptr; });
  if (!result.unsupported.empty()) GTEST_SKIP() << result.unsupported;
  const FindingRecord* const finding = Drawn(result);
  ASSERT_NE(finding, nullptr) << OrderText(result.order);
  for (const FindingRecord& each : result.findings) {
    EXPECT_FALSE(each.drawing.empty()) << each.text;  // no other check sees it
  }
  EXPECT_NE(finding->drawing.find("consumer 0"), std::string::npos) << finding->drawing;
  EXPECT_NE(finding->drawing.find("consumer 1"), std::string::npos) << finding->drawing;
}

TEST(OrderOfSlices, TheLowestPriorityFirstIsAnInversion) {
  const SliceResult result =
      RunPlanted(Plant::kInverted, [](const SliceResult& r) { return Drawn(r) != nullptr; });
  if (!result.unsupported.empty()) GTEST_SKIP() << result.unsupported;
  const FindingRecord* const finding = Drawn(result);
  ASSERT_NE(finding, nullptr) << OrderText(result.order);
  EXPECT_EQ(finding->kind, Kind::kPriorityInversion);
  EXPECT_EQ(finding->clause.id, clause::mq_receive::order_highest_priority_first.id);
}

TEST(OrderText, SaysHowManyByWhichRule) {
  EXPECT_EQ(OrderText({}), "");
  OrderResult order;
  order.received = 9;
  order.decided = {7, 6, 5};
  order.decided_by_any = 8;
  EXPECT_EQ(OrderText(order),
            "order of 8 receives decided (7 by the rule producer, 6 by the rule queue, 5 by the "
            "rule priority)");
  order.clocks_differ = true;
  EXPECT_NE(OrderText(order).find("clocks"), std::string::npos);
}

}  // namespace
}  // namespace ipcsuite::stress
