// A platform that goes wrong while it runs: what had come is kept, and the run goes on after it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "platforms/arrivals.h"
#include "platforms/platform.h"
#include "platforms/remote.h"
#include "platforms/stream.h"
#include "platforms/stream_testing.h"
#include "reports/results/json.h"

namespace ipcsuite::platforms {
namespace {

using testing::Contains;
using testing::HasSubstr;

// A platform that is no more than a script: it says what a program would say, then goes wrong.
class Lost : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "/lost-" + std::to_string(getpid());
    std::filesystem::create_directories(dir_);
    std::ofstream(dir_ + "/said") << HeaderLine(SomeRun()) +
                                         ResultLine(Record("A.b", report::Verdict::kPass));
    std::ofstream(dir_ + "/end") << EndLine(SomeRun());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  report::Run RunScript(const std::string& end, const RemoteOptions& limits) {
    RemoteOptions options = limits;
    options.program = dir_ + "/script";
    std::ofstream(options.program) << "#!/bin/sh\ncat " + dir_ + "/said\n" + end + "\n";
    std::string error;
    Remote remote(*ParsePlatform("native"), options);
    EXPECT_TRUE(remote.Start(&error)) << error;
    Backoff backoff;
    while (!remote.Poll()) backoff.Pause();
    return remote.Take();
  }
  std::string dir_;
};

TEST_F(Lost, EndTooEarlyKeepsWhatCameWithTheLastWords) {
  const report::Run run =
      RunScript("echo Kernel panic: not syncing; yes trace | head -200; exit 3", {});
  EXPECT_EQ(run.tests.size(), 1u);
  EXPECT_THAT(run.interrupted, HasSubstr("status 3"));
  EXPECT_THAT(run.interrupted, HasSubstr("Kernel panic"));
}

// The second start goes on after the test that ended the first one.
TEST_F(Lost, TestThatBringsThePlatformDownIsNamedAndTheRestRuns) {
  std::ofstream(dir_ + "/began") << BeginLine("A.c");
  std::ofstream(dir_ + "/rest") << ResultLine(Record("A.d", report::Verdict::kPass));
  const report::Run run =
      RunScript("case \"$*\" in\n*--resume-after' 'A.c*--seed' '77*) cat " + dir_ + "/rest " +
                    dir_ + "/end;;\n*) cat " + dir_ + "/began; echo Oops; exit 1;;\nesac",
                {});
  ASSERT_EQ(run.tests.size(), 3u);
  EXPECT_EQ(run.tests[1].name, "A.c");
  EXPECT_EQ(run.tests[1].verdict, report::Verdict::kUnresolved);
  EXPECT_THAT(run.tests[1].reason, HasSubstr("Oops"));
  EXPECT_EQ(run.tests[2].name, "A.d");
  EXPECT_THAT(run.interrupted, HasSubstr("the platform went down during A.c"));
}

// The host's program is killed: what had come is in results.jsonl, and a second command goes on
// after the last test before which nothing is missing.
TEST_F(Lost, RunThatWasKilledHereLeavesItsResultsAndGoesOn) {
  std::ofstream(dir_ + "/said") << HeaderLine(SomeRun()) + BeginLine("A.b") + BeginLine("A.c") +
                                       ResultLine(Record("A.b", report::Verdict::kPass));
  std::ofstream(dir_ + "/rest") << BeginLine("A.c") +
                                       ResultLine(Record("A.c", report::Verdict::kFail));
  RemoteOptions options;
  options.program = dir_ + "/script";
  options.console = dir_ + "/console.log";
  std::ofstream(options.program) << "#!/bin/sh\ncase \"$*\" in\n*--resume-after' 'A.b*) cat " +
                                        dir_ + "/rest " + dir_ + "/end;;\n*) cat " + dir_ +
                                        "/said; exec sleep 1000;;\nesac\n";
  const std::string lines = dir_ + "/results.jsonl";
  std::string error;
  {
    Remote killed(*ParsePlatform("native"), options);
    Arrivals arrivals(lines);
    killed.collector().Listen(
        [&](const auto& record, const auto& run) { arrivals.Enter(record, run); });
    ASSERT_TRUE(killed.Start(&error)) << error;
    Backoff backoff;
    while (killed.collector().results() == 0 && !killed.Poll()) backoff.Pause();
    const auto left = report::ReadRun(lines);
    ASSERT_TRUE(left) << left.error();
    ASSERT_EQ(left->tests.size(), 1u);
    EXPECT_EQ(left->seed, 77u);
    EXPECT_THAT(left->interrupted, HasSubstr("before it wrote its results"));
  }
  options.resume = true;
  Remote other(*ParsePlatform("user:root"), options);
  EXPECT_FALSE(other.Start(&error));
  EXPECT_THAT(error, HasSubstr("ipcsuite on native"));
  Remote again(*ParsePlatform("native"), options);
  ASSERT_TRUE(again.Start(&error)) << error;
  Backoff backoff;
  while (!again.Poll()) backoff.Pause();
  const report::Run run = again.Take();
  ASSERT_EQ(run.tests.size(), 2u);
  EXPECT_EQ(run.tests[1].verdict, report::Verdict::kFail);
  EXPECT_EQ(run.interrupted, "");
  Remote complete(*ParsePlatform("native"), options);
  EXPECT_FALSE(complete.Start(&error));
  EXPECT_THAT(error, HasSubstr("complete run"));
}

TEST_F(Lost, PlatformThatAlwaysGoesDownIsGivenUp) {
  RemoteOptions options;
  options.restarts = 2;
  std::ofstream(dir_ + "/began") << BeginLine("A.c");
  const report::Run run = RunScript("cat " + dir_ + "/began; exit 1", options);
  EXPECT_THAT(run.interrupted, HasSubstr("during A.c"));
  EXPECT_LE(run.tests.size(), 3u);
}

class Typed : public Lost, public testing::WithParamInterface<const char*> {};

TEST_P(Typed, ProgramRunsFromAShellsPrompt) {
  if (FindCommand("script").empty()) GTEST_SKIP() << "script (package bsdutils) is missing";
  RemoteOptions options;
  options.program = dir_ + "/script";
  std::ofstream(options.program) << "#!/bin/sh\ncat " + dir_ + "/said " + dir_ + "/end\n";
  std::string error;
  Remote remote(*ParsePlatform(GetParam()), options);
  ASSERT_TRUE(remote.Start(&error)) << error;
  Backoff backoff;
  while (!remote.Poll()) backoff.Pause();
  const report::Run run = remote.Take();
  EXPECT_EQ(run.interrupted, "");
  EXPECT_EQ(run.tests.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Shells, Typed,
    testing::Values("command:/bin/sh,give=console,prompt=",
                    "command:platforms/examples/pty-shell,give=console,prompt=ready#"));

TEST_F(Lost, SilenceIsEnded) {
  RemoteOptions options;
  options.silence = 1s;
  const report::Run run = RunScript("exec sleep 1000", options);
  EXPECT_EQ(run.tests.size(), 1u);
  EXPECT_THAT(run.interrupted, HasSubstr("no output for 1 s"));
}

TEST_F(Lost, ChatterWithoutAnEndIsEnded) {
  RemoteOptions options;
  options.limit = 1s;
  const report::Run run = RunScript("while :; do echo alive; done", options);
  EXPECT_THAT(run.interrupted, HasSubstr("not finished after 1 s"));
}

TEST_F(Lost, KilledProgramIsNamedByItsSignal) {
  EXPECT_THAT(RunScript("kill -KILL $$", {}).interrupted, HasSubstr("status 137"));
}

TEST_F(Lost, NoneWhenTheEndCame) {
  RemoteOptions options;
  options.label = "here";
  const report::Run run = RunScript("cat " + dir_ + "/end", options);
  EXPECT_EQ(run.interrupted, "");
  EXPECT_EQ(run.label, "here");
  ASSERT_FALSE(run.environment.empty());
  EXPECT_THAT(run.environment[0].facts, Contains(testing::Pair("platform", "native")));
  EXPECT_THAT(run.environment[0].facts, Contains(testing::Key("time_to_start")));
}

}  // namespace
}  // namespace ipcsuite::platforms
