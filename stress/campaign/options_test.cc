// The command line of `ipcsuite stress`: what is wrong is said in one line, with status 2.
#include <gtest/gtest.h>

#include "stress/campaign/options.h"
#include "stress/campaign/plots.h"
#include "stress/campaign/report.h"

namespace ipcsuite::stress {
namespace {

int Parse(std::vector<std::string> words, StressOptions* options) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return ParseStressOptions(static_cast<int>(argv.size()), argv.data(), options);
}

TEST(Options, AllOfThemAreUnderstood) {
  StressOptions o;
  ASSERT_EQ(Parse({"pipe",    "mq",    "--time",     "2m",
                   "--procs", "3:5",   "--topology", "same-core,spread",
                   "--sizes", "8,4k",  "--nemesis",  "kill,signal",
                   "--rate",  "1000",  "--seed",     "0x10",
                   "--pairs", "7",     "--policy",   "batch",
                   "--sweep", "--out", "x",          "--ops",
                   "9"},
                  &o),
            -1);
  EXPECT_EQ(o.campaign.workloads.size(), 2u);
  EXPECT_EQ(o.campaign.time, 120s);
  EXPECT_EQ(o.campaign.producers, 3);
  EXPECT_EQ(o.campaign.consumers, 5);
  EXPECT_EQ(o.campaign.placements.size(), 2u);
  EXPECT_EQ(o.campaign.sizes, (std::vector<std::size_t>{8, 4096}));
  EXPECT_EQ(o.campaign.nemesis.Text(), "kill,signal");
  EXPECT_EQ(o.campaign.seed, 16u);
  EXPECT_TRUE(o.campaign.policy == Policy::kBatch && o.campaign.sweep && o.campaign.matrix);
}

TEST(Options, CommutingCallsRunWithoutWorkloadsUnlessNamed) {
  StressOptions alone, with;
  ASSERT_EQ(Parse({"--commute"}, &alone), -1);
  EXPECT_TRUE(alone.campaign.commute && alone.campaign.workloads.empty());
  ASSERT_EQ(Parse({"--commute", "pipe"}, &with), -1);
  EXPECT_EQ(with.campaign.workloads.size(), 1u);
}

TEST(Options, MistakesAreUsageErrors) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"nosuch"},
                                             {"--time", "soon"},
                                             {"--sizes", "big"},
                                             {"--procs", "x"},
                                             {"--procs", "0:1"},
                                             {"--procs", "1:2:3"},
                                             {"--topology", "moon"},
                                             {"--nemesis", "bribe"},
                                             {"--seed", "12x"},
                                             {"--pairs", "0"},
                                             {"--policy", "fifo"},
                                             {"--unknown"},
                                             {"--rate", "-1"}}) {
    StressOptions o;
    EXPECT_EQ(Parse(words, &o), 2) << words.front();
  }
}

TEST(Reports, NoSingleNumberWhereSamplesDifferByMoreThanHalf) {
  EXPECT_EQ(RateText(MakeSpread({1.0e6, 1.1e6, 1.2e6})), "1.10 M/s");
  EXPECT_EQ(RateText(MakeSpread({0.4e6, 1.0e6, 1.2e6})), "400.0 k/s to 1.20 M/s");
  EXPECT_EQ(RateText(MakeSpread({})), "-");
}

TEST(Reports, PlotsAreSelfContainedSvg) {
  const std::string svg = LinePlot(
      "a < b", "d & e", {"x", true}, {"y", true},
      {{"one", {{1, 10}, {100, 1000}}, true, true}, {"two", {{1, 20}, {50, 2}}, true, true}});
  EXPECT_EQ(svg.find("<svg "), 0u);
  EXPECT_NE(svg.find("<title>a &lt; b</title><desc>d &amp; e</desc>"), std::string::npos);
  EXPECT_EQ(svg.find("href"), std::string::npos);
  EXPECT_EQ(svg.find("script"), std::string::npos);
  CoreMatrix matrix;
  matrix.cpus = {0, 1, 2};
  matrix.ns = {{0, 50, 90}, {50, 0, 91}, {90, 91, 0}};
  EXPECT_NE(HeatMap(matrix).svg.find("cpu 0 to cpu 2: 90 ns"), std::string::npos);
  matrix.cpus.clear();
  EXPECT_TRUE(HeatMap(matrix).svg.empty());
}

TEST(Reports, CommutingCallsAreAMapATableAndAreInTheResults) {
  CampaignResult result;
  const CommuteCall& call = CommuteCalls().back();
  CommutePair pair;
  pair.a = pair.b = &call;
  pair.kept_a = {0.5};
  pair.kept_b = {0.6};
  pair.speedup = {1.1, 1.0, 1.2};
  pair.scaling = Scaling::kDoesNotScale;
  result.commute.cpus = {0, 1};
  result.commute.calls = {&call};
  result.commute.pairs = {pair};
  const std::string said = pair.Text() + ": 1.10 (1.00 to 1.20), does not scale";
  EXPECT_NE(CommuteMap(result.commute).svg.find(said), std::string::npos);
  const std::string document = DocumentOf(result);
  for (const char* part : {"\"speedup_low\":1.0", "Calls that commute: speed-up", "1.00 to 1.20"})
    EXPECT_NE(document.find(part), std::string::npos) << part;
  EXPECT_TRUE(CommuteMap(CommuteResult()).svg.empty());
}

TEST(Reports, LatencyHasPercentilesAndDurationsOnItsAxes) {
  Cell cell;
  cell.name = "Stress.Some";
  for (int i = 0; i < 20000; ++i) cell.latency.Record(static_cast<std::uint64_t>(1000 + 400 * i));
  const std::vector<Plot> plots = LatencyPlots({&cell});
  ASSERT_EQ(plots.size(), 1u);
  for (const char* label :
       {">p50<", ">p90<", ">p99<", ">p99.9<", ">p99.99<", ">1 \u00b5s<", ">10 ms<"})
    EXPECT_NE(plots[0].svg.find(label), std::string::npos) << label;
  EXPECT_EQ(plots[0].svg.find(">p99.9999<"), std::string::npos) << "as far as there are messages";
}

}  // namespace
}  // namespace ipcsuite::stress
