#include "faults/detect/detect_plan.h"

#include <gtest/gtest.h>

#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/shm.h"

namespace ipcsuite::detect {
namespace {

using faults::Difficulty;
using faults::Family;
using Names = std::vector<std::string>;

Implementation Fault(const std::string& name, Family family, Difficulty difficulty,
                     std::vector<ClauseRef> clauses) {
  Implementation fault;
  fault.name = name;
  fault.family = family;
  fault.difficulty = difficulty;
  fault.clauses = std::move(clauses);
  return fault;
}

const std::vector<TestInfo> kTests = {
    {"Read.Claims", "pipe", {clause::pipe::read_ebadf}},
    {"Write.Other", "pipe", {clause::pipe::write_ebadf}},
    {"Shm.Far", "shm", {clause::mmap::ret_range}},
    {"Fifo.ClaimsToo", "fifo", {clause::pipe::read_ebadf}},
    {"Props.Pipes", "props", {clause::pipe::write_ebadf}},
    {"Props.Far", "props", {clause::mmap::ret_range}},
};

TEST(DetectPlan, ClaimingTestsComeFirstThenNeighboursThenProperties) {
  Stages stages;
  PlanStages(Fault("f", Family::pipe, Difficulty::easy, {clause::pipe::read_ebadf}), kTests,
             &stages);
  EXPECT_EQ(stages[kClaiming], (Names{"Read.Claims", "Fifo.ClaimsToo"}));
  EXPECT_EQ(stages[kNeighbours], Names{"Write.Other"});
  EXPECT_EQ(stages[kProperties], Names{"Props.Pipes"});
}

TEST(DetectPlan, NotificationIsJudgedByTheQueueSuite) {
  EXPECT_EQ(
      SuitesOf(Fault("f", Family::notify, Difficulty::easy, {clause::mq_notify::error_ebadf})),
      std::set<std::string>{"mqueue"});
}

TEST(DetectPlan, TheCanaryConcernsAllSuites) {
  const std::set<std::string> suites =
      SuitesOf(Fault("canary", Family::meta, Difficulty::none, {}));
  for (const faults::FamilyName& row : faults::kFamilies) {
    EXPECT_TRUE(suites.count(row.suite)) << row.name;
  }
}

TEST(DetectPlan, OnlyTestsOfTheSuitesConcernedAreTried) {
  const Implementation canary = Fault("canary", Family::meta, Difficulty::none, {});
  const Implementation pipe = Fault("f", Family::pipe, Difficulty::easy, {clause::mmap::ret_range});
  EXPECT_EQ(SuitesOf(std::vector{canary, pipe}), (std::set<std::string>{"pipe", "shm"}));
  EXPECT_EQ(SuitesOf(std::vector{canary}), SuitesOf(canary));
  EXPECT_TRUE(Concerns(kTests[4], {"pipe"}));
  EXPECT_FALSE(Concerns(kTests[5], {"pipe"}));
}

std::vector<FaultResult> Results() {
  std::vector<FaultResult> results;
  results.push_back({Fault("a", Family::pipe, Difficulty::easy, {clause::pipe::read_ebadf}),
                     true,
                     {{"T", "FAIL", ""}},
                     kClaiming,
                     "",
                     1});
  results.push_back({Fault("b", Family::pipe, Difficulty::hard,
                           {clause::pipe::read_ebadf, clause::pipe::write_ebadf}),
                     true,
                     {},
                     kStages,
                     "",
                     1});
  results.push_back({Fault("c", Family::shm, Difficulty::hard, {clause::mmap::ret_range}),
                     true,
                     {{"T", "FAIL", ""}},
                     kProperties,
                     "",
                     1});
  results.push_back({Fault("d", Family::shm, Difficulty::hard, {clause::mmap::addr_null}),
                     false,
                     {},
                     kStages,
                     "",
                     1});
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

TEST(SmallestCover, TakesTheMostCapableThenTheQuickestOfWhatIsLeft) {
  const auto seen_by = [](const std::string& name, std::vector<Detection> by) {
    FaultResult result;
    result.fault = Fault(name, Family::pipe, Difficulty::easy, {});
    result.detections = std::move(by);
    return result;
  };
  const Detection wide{"Wide", "FAIL", ""}, slow{"Slow", "FAIL", ""}, quick{"Quick", "FAIL", ""};
  const std::vector<FaultResult> results = {seen_by("a", {wide, slow}), seen_by("b", {wide, slow}),
                                            seen_by("c", {wide}), seen_by("d", {slow, quick}),
                                            seen_by("hang", {{"Hangs", "UNRESOLVED", ""}})};
  const std::map<std::string, double> seconds = {{"Slow", 9}, {"Quick", 1}, {"Wide", 5}};
  EXPECT_EQ(SmallestCover(results, seconds, 10), (Names{"Quick", "Wide"}));
  EXPECT_EQ(SmallestCover(results, seconds, 1), Names{"Wide"});
}

}  // namespace
}  // namespace ipcsuite::detect
