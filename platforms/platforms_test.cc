// Platforms without the platforms: how they are named, the stream of results, the initramfs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "harness/core/arena.h"
#include "platforms/cpio.h"
#include "platforms/platform.h"
#include "platforms/remote.h"
#include "platforms/stream.h"

namespace ipcsuite::platforms {
namespace {

using testing::Contains;
using testing::HasSubstr;

report::TestRecord Record(const std::string& name, report::Verdict verdict) {
  report::TestRecord record;
  record.name = name;
  record.verdict = verdict;
  record.reason = "line one\nline two";
  return record;
}

report::Run SomeRun() {
  report::Run run;
  run.seed = 77;
  run.environment = {{"Kernel", {{"os", "Linux"}}}};
  return run;
}

TEST(Stream, CompleteRunComesThroughInPieces) {
  report::Run run = SomeRun();
  std::string all = "booting\r\n" + HeaderLine(run) +
                    ResultLine(Record("A.b", report::Verdict::kPass)) + "noise\n" +
                    ResultLine(Record("A.c", report::Verdict::kFail));
  run.duration_ns = 5;
  all += EndLine(run) + "power down\n";
  Collector collector;
  for (char byte : all) collector.Feed(std::string_view(&byte, 1));
  EXPECT_TRUE(collector.ended());
  const report::Run got = collector.Take("lost");
  EXPECT_EQ(got.seed, 77u);
  EXPECT_EQ(got.duration_ns, 5);
  ASSERT_EQ(got.tests.size(), 2u);
  EXPECT_EQ(got.tests[1].verdict, report::Verdict::kFail);
  EXPECT_EQ(got.tests[1].reason, "line one\nline two");
  EXPECT_EQ(got.interrupted, "");
}

TEST(Stream, ConsoleLineEndsAndPrefixesDoNoHarm) {
  std::string line = ResultLine(Record("A.b", report::Verdict::kPass));
  line.insert(line.size() - 1, "\r");
  Collector collector;
  collector.Feed("[    1.0] " + line);
  EXPECT_EQ(collector.results(), 1u);
}

TEST(Stream, PanicKeepsWhatCameAndSaysWhy) {
  Collector collector;
  collector.Feed(HeaderLine(SomeRun()) + ResultLine(Record("A.b", report::Verdict::kPass)) +
                 "Kernel panic - not syncing\n@ipcsuite R {\"na");
  EXPECT_FALSE(collector.ended());
  EXPECT_THAT(collector.chatter(), HasSubstr("Kernel panic"));
  const report::Run got = collector.Take("no sign of life");
  EXPECT_EQ(got.tests.size(), 1u);
  EXPECT_EQ(got.interrupted, "no sign of life");
}

TEST(Stream, LaterResultOfATestReplacesTheEarlier) {
  Collector collector;
  collector.Feed(ResultLine(Record("A.b", report::Verdict::kPass)) +
                 ResultLine(Record("A.b", report::Verdict::kFlaky)));
  EXPECT_EQ(collector.results(), 1u);
}

TEST(Cpio, EntriesArePaddedAndEndWithTheTrailer) {
  Cpio cpio;
  cpio.AddDirectory("dev");
  cpio.AddFile("init", "abc");
  cpio.AddDevice("dev/null", 0666, 1, 3);
  const std::string archive = cpio.Finish();
  EXPECT_EQ(archive.size() % 4, 0u);
  EXPECT_EQ(archive.compare(0, 6, "070701"), 0);
  EXPECT_NE(archive.find(std::string("init\0", 5)), std::string::npos);
  EXPECT_NE(archive.find("TRAILER!!!"), std::string::npos);
}

TEST(ParsePlatform, TakesKindTargetAndOptions) {
  std::string error;
  const auto vm = ParsePlatform("vm:/boot/vmlinuz,smp=4,mem=2048", &error);
  ASSERT_TRUE(vm) << error;
  EXPECT_EQ(vm->kind, "vm");
  EXPECT_EQ(vm->target, "/boot/vmlinuz");
  EXPECT_EQ(vm->options.at("smp"), "4");
  const auto box = ParsePlatform("container:user,shm=1m", &error);
  ASSERT_TRUE(box) << error;
  EXPECT_THAT(box->traits, Contains("shm=1m"));
}

TEST(ParsePlatform, WrongOnesGetOneLine) {
  for (const char* text : {"", "moon", "vm", "vm:", "libc:", "vm:/k,smp", "ssh"}) {
    std::string error;
    EXPECT_FALSE(ParsePlatform(text, &error)) << text;
    EXPECT_EQ(error.find('\n'), std::string::npos);
    EXPECT_NE(error, "");
  }
}

class Prepared : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "/platforms";
    std::filesystem::create_directories(dir_ + "/work");
    std::ofstream(dir_ + "/program") << "#!/bin/true\n";
    input_ = {dir_ + "/program", {"run", "--stream"}, dir_ + "/work"};
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::optional<Launch> Try(const std::string& text) {
    const auto spec = ParsePlatform(text, &error_);
    return spec ? Prepare(*spec, input_, &error_) : std::nullopt;
  }
  std::string dir_, error_;
  LaunchInput input_;
};

TEST_F(Prepared, MissingThingsAreNamed) {
  EXPECT_FALSE(Try("vm:/no/such/kernel"));
  EXPECT_THAT(error_, HasSubstr("/no/such/kernel"));
  EXPECT_FALSE(Try("uml:/no/such/linux"));
  EXPECT_THAT(error_, HasSubstr("user-mode"));
  EXPECT_FALSE(Try("libc:" + dir_));
  EXPECT_THAT(error_, HasSubstr("loader"));
  EXPECT_FALSE(Try("emulator:qemu-no-such-machine"));
  EXPECT_THAT(error_, HasSubstr("qemu-user"));
  EXPECT_FALSE(Try("container:nonsense"));
  EXPECT_THAT(error_, HasSubstr("nonsense"));
}

TEST_F(Prepared, LoaderPrefixesTheProgramAndItsOwnExec) {
  std::filesystem::create_directories(dir_ + "/libc/lib");
  std::ofstream(dir_ + "/libc/lib/ld-musl-x86_64.so.1") << "x";
  const auto launch = Try("libc:" + dir_ + "/libc");
  ASSERT_TRUE(launch) << error_;
  EXPECT_EQ(launch->argv[0], dir_ + "/libc/lib/ld-musl-x86_64.so.1");
  EXPECT_EQ(launch->environment[0].first, "IPCSUITE_SELF");
  EXPECT_THAT(launch->environment[0].second, HasSubstr(input_.program));
}

TEST_F(Prepared, ContainerBundleSaysWhatTheTraitsAsk) {
  if (FindCommand("crun").empty() && FindCommand("runc").empty())
    GTEST_SKIP() << "no OCI runtime here";
  ASSERT_TRUE(Try("container:user,shm=1m,shmro,mq=eperm,msgqueue=0,pids=8")) << error_;
  std::ifstream in(dir_ + "/work/config.json");
  const auto config = nlohmann::json::parse(in);
  EXPECT_EQ(config["process"]["user"]["uid"], 1000);
  EXPECT_EQ(config["process"]["args"][0], "/bin/ipcsuite");
  EXPECT_EQ(config["process"]["rlimits"][0]["type"], "RLIMIT_MSGQUEUE");
  EXPECT_EQ(config["linux"]["resources"]["pids"]["limit"], 8);
  EXPECT_EQ(config["linux"]["seccomp"]["syscalls"][0]["errnoRet"], EPERM);
}

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
    Remote remote(*ParsePlatform("native", &error), options);
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

TEST_F(Lost, SilenceIsEnded) {
  RemoteOptions options;
  options.silence_s = 1;
  const report::Run run = RunScript("exec sleep 1000", options);
  EXPECT_EQ(run.tests.size(), 1u);
  EXPECT_THAT(run.interrupted, HasSubstr("no output for 1 s"));
}

TEST_F(Lost, ChatterWithoutAnEndIsEnded) {
  RemoteOptions options;
  options.limit_s = 1;
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
