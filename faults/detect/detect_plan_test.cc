#include "faults/detect/detect_plan.h"

#include <gtest/gtest.h>

namespace ipcsuite::faults {
namespace {

using Names = std::vector<std::string>;

FaultInfo Fault(const std::string& name, const std::string& family, const std::string& difficulty,
                Names breaks) {
  return {name, family, difficulty, "what", "", std::move(breaks)};
}

const std::vector<TestInfo> kTests = {
    {"Read.Claims", "pipe", {"pipe.read.ebadf"}},
    {"Write.Other", "pipe", {"pipe.write.ebadf"}},
    {"Shm.Far", "shm", {"mmap.ret.range"}},
    {"Fifo.ClaimsToo", "fifo", {"pipe.read.ebadf"}},
    {"Props.Any", "props", {}},
};

TEST(DetectPlan, ClaimingTestsComeFirstThenNeighboursThenProperties) {
  Stages stages;
  PlanStages(Fault("f", "pipe", "easy", {"pipe.read.ebadf"}), kTests, &stages);
  EXPECT_EQ(stages[kClaiming], (Names{"Read.Claims", "Fifo.ClaimsToo"}));
  EXPECT_EQ(stages[kNeighbours], Names{"Write.Other"});
  EXPECT_EQ(stages[kProperties], Names{"Props.Any"});
}

TEST(DetectPlan, NotificationIsJudgedByTheQueueSuite) {
  EXPECT_EQ(SuitesOf(Fault("f", "notify", "easy", {"mq_notify.error.ebadf"})),
            std::set<std::string>{"mqueue"});
}

TEST(DetectPlan, TheCanaryConcernsAllSuites) {
  EXPECT_EQ(SuitesOf(Fault("canary", "meta", "", {})).size(), 5u);
}

std::vector<FaultResult> Results() {
  std::vector<FaultResult> results;
  results.push_back({Fault("a", "pipe", "easy", {"pipe.read.ebadf"}),
                     true,
                     {{"T", "FAIL", ""}},
                     kClaiming,
                     "",
                     1});
  results.push_back({Fault("b", "pipe", "hard", {"pipe.read.ebadf", "pipe.write.ebadf"}),
                     true,
                     {},
                     kStages,
                     "",
                     1});
  results.push_back({Fault("c", "shm", "hard", {"mmap.ret.range"}),
                     true,
                     {{"T", "FAIL", ""}},
                     kProperties,
                     "",
                     1});
  results.push_back({Fault("d", "shm", "hard", {"mmap.addr.null"}), false, {}, kStages, "", 1});
  return results;
}

TEST(DetectPlan, ScoresCountSuitesAloneAndWithProperties) {
  auto scores = Scores(Results());
  EXPECT_EQ(scores["all"][""].faults, 3);
  EXPECT_EQ(scores["all"][""].detected, 2);
  EXPECT_EQ(scores["all"][""].by_suites, 1);
  EXPECT_EQ(scores["pipe"]["hard"].faults, 1);
  EXPECT_EQ(scores["pipe"]["hard"].detected, 0);
  EXPECT_EQ(scores["shm"]["hard"].by_suites, 0);
}

TEST(DetectPlan, AClauseIsProvenBySomeFaultThatWasSeen) {
  const auto states = ClauseStates(Results());
  EXPECT_EQ(states.at("pipe.read.ebadf"), "proven");
  EXPECT_EQ(states.at("pipe.write.ebadf"), "unproven");
  EXPECT_EQ(states.at("mmap.ret.range"), "proven");
  EXPECT_EQ(states.at("mmap.addr.null"), "no fault") << "its only fault was not run";
  EXPECT_EQ(states.count("pipe.create.fd_order"), 0u) << "nothing is required there";
}

}  // namespace
}  // namespace ipcsuite::faults
