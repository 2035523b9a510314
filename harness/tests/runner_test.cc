// The runner under faults: each one is provoked for real, by running a program of misbehaving
// tests.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "reports/results/json.h"

namespace ipcsuite {
namespace {

using report::TestRecord;
using report::Verdict;
using testing::Contains;
using testing::HasSubstr;

std::string Program(const std::string& name) {
  const char* runfiles = std::getenv("TEST_SRCDIR");
  const char* workspace = std::getenv("TEST_WORKSPACE");
  return runfiles ? std::string(runfiles) + "/" + (workspace ? workspace : "_main") +
                        "/harness/tests/" + name
                  : name;
}

// One run of a program with its own output directory.
class SuiteRun {
 public:
  explicit SuiteRun(const std::string& arguments, const std::string& before = "",
                    const std::string& program = "faulty_suite_test") {
    const char* base = std::getenv("TEST_TMPDIR");
    out_ = std::string(base ? base : "/tmp") + "/out-XXXXXX";
    if (!mkdtemp(out_.data())) ADD_FAILURE() << "mkdtemp";
    command_ = (before.empty() ? "exec" : before) + " " + Program(program) + " --out=" + out_ +
               " --format=json " + arguments + " > " + out_ + "/text 2>&1";
    pid_ = fork();
    if (pid_ == 0) {
      for (const char* name : {"XML_OUTPUT_FILE", "TESTBRIDGE_TEST_ONLY", "TEST_TOTAL_SHARDS"})
        unsetenv(name);
      execl("/bin/sh", "sh", "-c", command_.c_str(), nullptr);
      _exit(127);
    }
  }
  ~SuiteRun() { std::filesystem::remove_all(out_); }
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  pid_t pid() const { return pid_; }
  std::string Text() const {
    std::ifstream in(out_ + "/text");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  std::map<std::string, TestRecord> Lines() const {
    std::map<std::string, TestRecord> records;
    std::ifstream in(out_ + "/results.jsonl");
    for (std::string line; std::getline(in, line);) {
      if (auto record = report::TestFromJsonLine(line)) records[record->name] = *record;
    }
    return records;
  }
  // Waits (a minute at most) until this many results are on disk.
  bool AwaitLines(std::size_t count) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (Lines().size() < count) {
      if (std::chrono::steady_clock::now() > end) return false;
      usleep(2000);  // sleep-ok: polls a file, no verdict depends on it
    }
    return true;
  }
  const std::string& out() const { return out_; }

 private:
  std::string out_, command_;
  pid_t pid_;
};

// The first child of the process, once it has one; 0 when it has none after 30 s.
pid_t ChildOf(pid_t parent) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (pid_t child = 0;;) {
    std::ifstream in("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                     "/children");
    in >> child;
    if (child > 0 || std::chrono::steady_clock::now() > end) return child;
    usleep(2000);  // sleep-ok: polls for the start of a process
  }
}

bool Vanishes(pid_t pid) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (kill(pid, 0) == 0) {
    if (std::chrono::steady_clock::now() > end) return false;
    usleep(2000);  // sleep-ok: polls for the end of a process
  }
  return true;
}

struct Expected {
  Verdict verdict;
  const char* text;  // part of the reason or of a failure's message
};

TEST(Runner, EachFaultGivesItsVerdict) {
  SuiteRun run("--filter='Faulty.*-*Flaky' --jobs=8");
  EXPECT_EQ(run.Wait(), 1) << run.Text();
  const std::map<std::string, Expected> expected = {
      {"Passes", {Verdict::kPass, ""}},
      {"Fails", {Verdict::kFail, "succeeds with 2"}},
      {"FailsInPeer", {Verdict::kFail, ""}},
      {"FailsForOneClause", {Verdict::kFail, "EBADF"}},
      {"ChecksNothing", {Verdict::kUntested, "nothing was checked"}},
      {"SegmentationFault", {Verdict::kFail, "SIGSEGV"}},
      {"BusError", {Verdict::kFail, "SIGBUS"}},
      {"Aborts", {Verdict::kFail, "SIGABRT"}},
      {"KilledFromOutside", {Verdict::kUnresolved, "SIGKILL"}},
      {"ExitsEarly", {Verdict::kUnresolved, "exited with 7"}},
      {"HangsOutsideOfCalls", {Verdict::kUnresolved, "timed out"}},
      {"HangsInCall", {Verdict::kFail, "timed out in read("}},
      {"SpinsForEver", {Verdict::kUnresolved, "timed out"}},
      {"LostWakeup", {Verdict::kFail, "still blocked"}},
      {"LeaksChild", {Verdict::kFail, "leaked a process"}},
      {"LeaksDescriptor", {Verdict::kFail, "leaked descriptors"}},
      {"LeaksQueue", {Verdict::kFail, "message queue /ipcsuite-leak"}},
      {"LeaksShmName", {Verdict::kFail, "shared memory object /ipcsuite-leak"}},
      {"CrashesWithNames", {Verdict::kFail, "SIGSEGV"}},
      {"Unsupported", {Verdict::kUnsupported, "no such option"}},
      {"UnresolvedInPeer", {Verdict::kUnresolved, "no room"}},
      {"Issue8Only", {Verdict::kPass, ""}},
      {"Dangerous", {Verdict::kUntested, "--allow-dangerous"}},
  };
  const auto lines = run.Lines();
  EXPECT_EQ(lines.size(), expected.size());
  for (const auto& [name, want] : expected) {
    const auto it = lines.find("Faulty." + name);
    ASSERT_NE(it, lines.end()) << name;
    const TestRecord& record = it->second;
    EXPECT_EQ(report::ToString(record.verdict), report::ToString(want.verdict))
        << name << ": " << record.reason;
    std::string all = record.reason;
    for (const auto& failure : record.failures) all += "\n" + failure.message;
    EXPECT_THAT(all, HasSubstr(want.text)) << name;
    EXPECT_THAT(record.command, HasSubstr("--filter='Faulty." + name + "'"));
  }
  EXPECT_EQ(lines.at("Faulty.FailsForOneClause").failures.at(0).clause, "pipe.create.owner");
  EXPECT_FALSE(lines.at("Faulty.HangsInCall").evidence.empty());
  const std::string swept = lines.at("Faulty.CrashesWithNames").observations.at(0).value;
  EXPECT_EQ(shm_open(swept.c_str(), O_RDONLY, 0), -1) << swept << " was not swept";
}

TEST(Runner, ClauseOfTheOtherIssueIsNotInUse) {
  SuiteRun run("--filter=Faulty.Issue8Only --issue=7");
  EXPECT_EQ(run.Wait(), 3) << run.Text();
  EXPECT_EQ(run.Lines().at("Faulty.Issue8Only").verdict, Verdict::kNotInUse);
}

TEST(Runner, DangerousRunsWhenAllowed) {
  SuiteRun run("--filter=Faulty.Dangerous --allow-dangerous");
  EXPECT_EQ(run.Wait(), 0) << run.Text();
  EXPECT_EQ(run.Lines().at("Faulty.Dangerous").verdict, Verdict::kPass);
}

TEST(Runner, RepeatsThatDisagreeAreFlaky) {
  SuiteRun run("--filter=Faulty.Flaky --repeat=40 --seed=1");
  EXPECT_EQ(run.Wait(), 1);
  const TestRecord record = run.Lines().at("Faulty.Flaky");
  EXPECT_EQ(record.verdict, Verdict::kFlaky) << record.reason;
  EXPECT_EQ(record.attempts, 40);
  EXPECT_GT(record.passes, 0);
  EXPECT_LT(record.passes, 40);
}

TEST(Runner, UntilFailStops) {
  SuiteRun run("--filter=Faulty.Flaky --until-fail --seed=1");
  EXPECT_EQ(run.Wait(), 1);
}

TEST(Runner, SameSeedSameTestSeed) {
  std::vector<std::uint64_t> seeds;
  for (const char* filter : {"Faulty.Passes", "Faulty.Passes:Faulty.Issue8Only"}) {
    SuiteRun run("--seed=77 --filter='" + std::string(filter) + "'");
    EXPECT_EQ(run.Wait(), 0);
    seeds.push_back(run.Lines().at("Faulty.Passes").seed);
  }
  EXPECT_EQ(seeds[0], seeds[1]);
}

TEST(Runner, NoIsolationRunsInOneProcess) {
  SuiteRun run("--filter='Faulty.Passes:Faulty.Fails:Faulty.Issue8Only' --no-isolation");
  EXPECT_EQ(run.Wait(), 1);
  EXPECT_EQ(run.Lines().size(), 3u);
}

TEST(Runner, ResumesAfterATest) {
  SuiteRun run(
      "--filter='Faulty.Passes:Faulty.Aborts:Faulty.ChecksNothing:Faulty.Unsupported' "
      "--resume-after=Faulty.Aborts --jobs=1");
  EXPECT_EQ(run.Wait(), 3) << run.Text();
  EXPECT_THAT(run.Lines(), testing::ElementsAre(testing::Key("Faulty.Unsupported")));
}

TEST(Runner, BadOptionsGiveOneLineAndTwo) {
  for (const char* arguments :
       {"--no-such-option", "--suite=nonsense", "--clause=no.such.clause", "--filter=Nothing.*",
        "--seed=abc", "--jobs=0", "--issue=9", "--shard=3/2", "--no-isolation --jobs=2",
        "--format=pdf", "--expect=/no/such/file", "--resume-after=Faulty.NoSuchTest"}) {
    SuiteRun run(arguments);
    EXPECT_EQ(run.Wait(), 2) << arguments;
    const std::string text = run.Text();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << arguments << ":\n" << text;
  }
}

TEST(Runner, KilledSchedulerLosesNothingMeasured) {
  SuiteRun run("--filter='Faulty.Passes:Faulty.Issue8Only:Slow.*' --jobs=2");
  ASSERT_TRUE(run.AwaitLines(2));
  const pid_t scheduler = ChildOf(run.pid());
  ASSERT_GT(scheduler, 0);
  const pid_t test = ChildOf(scheduler);
  ASSERT_GT(test, 0);
  kill(scheduler, SIGKILL);
  EXPECT_EQ(run.Wait(), 3) << run.Text();
  EXPECT_EQ(run.Lines().at("Faulty.Passes").verdict, Verdict::kPass);
  EXPECT_TRUE(Vanishes(test));
  EXPECT_TRUE(std::filesystem::exists(run.out() + "/results.json"));
}

TEST(Runner, KilledCallerLeavesNoProcess) {
  SuiteRun run("--filter='Faulty.Passes:Slow.*' --jobs=2");
  ASSERT_TRUE(run.AwaitLines(1));
  const pid_t scheduler = ChildOf(run.pid());
  ASSERT_GT(scheduler, 0);
  const pid_t test = ChildOf(scheduler);
  kill(run.pid(), SIGKILL);
  run.Wait();
  EXPECT_TRUE(Vanishes(scheduler));
  EXPECT_TRUE(Vanishes(test));
  EXPECT_EQ(run.Lines().at("Faulty.Passes").verdict, Verdict::kPass);
}

TEST(Runner, InterruptWritesTheReport) {
  SuiteRun run("--filter='Faulty.Passes:Slow.*' --jobs=2");
  ASSERT_TRUE(run.AwaitLines(1));
  const pid_t scheduler = ChildOf(run.pid());
  ASSERT_GT(scheduler, 0);
  kill(scheduler, SIGINT);
  EXPECT_EQ(run.Wait(), 3) << run.Text();
  EXPECT_TRUE(std::filesystem::exists(run.out() + "/results.json"));
}

TEST(Runner, TwoRunsSideBySide) {
  SuiteRun a("--filter='Harness*' --repeat=3", "", "peers_suite_test"),
      b("--filter='Harness*' --repeat=3", "", "peers_suite_test");
  EXPECT_EQ(a.Wait(), 0) << a.Text();
  EXPECT_EQ(b.Wait(), 0) << b.Text();
}

TEST(Runner, TerminationOfTheCallerWritesTheReport) {
  SuiteRun run("--filter='Faulty.Passes:Slow.*' --jobs=2");
  ASSERT_TRUE(run.AwaitLines(1));
  ASSERT_GT(ChildOf(run.pid()), 0);
  kill(run.pid(), SIGTERM);
  EXPECT_EQ(run.Wait(), 3) << run.Text();
  EXPECT_TRUE(std::filesystem::exists(run.out() + "/results.json"));
}

// Runs a command in a new user namespace, if this place has one.
bool CanUnshare(const std::string& flags) {
  return std::system(("unshare " + flags + " true > /dev/null 2>&1").c_str()) == 0;
}

// Where no state is shown: poll() says that a read has to wait, and only of pause() it is a guess.
void ExpectBlockingIsReasoned(const SuiteRun& run) {
  const auto lines = run.Lines();
  const report::TestRecord& read = lines.at("HarnessPeer.BlockedCallIsShownThenReleased");
  EXPECT_EQ(read.confidence, "certain");
  EXPECT_THAT(read.evidence, Contains(HasSubstr("it must wait: poll()")));
  EXPECT_EQ(lines.at("HarnessPeer.BlocksWhereNothingElseCanBeAsked").confidence, "heuristic");
}

TEST(Runner, GivesFullResultsWithoutProc) {
  if (!CanUnshare("-rm mount -t tmpfs none /proc ;")) GTEST_SKIP() << "no private mounts here";
  SuiteRun run("--filter='HarnessPeer.*'",
               "unshare -rm sh -c 'mount -t tmpfs none /proc && exec \"$@\"' sh",
               "peers_suite_test");
  EXPECT_EQ(run.Wait(), 0) << run.Text();
  ExpectBlockingIsReasoned(run);
}

TEST(Runner, GivesFullResultsUnderProcOfAnotherNamespace) {
  if (!CanUnshare("-rpf")) GTEST_SKIP() << "no pid namespaces here";
  SuiteRun run("--filter='HarnessPeer.*'", "unshare -rpf", "peers_suite_test");
  EXPECT_EQ(run.Wait(), 0) << run.Text();
  ExpectBlockingIsReasoned(run);
}

TEST(Runner, UnwritableOutputIsSaidAtOnce) {
  SuiteRun run("--filter=Faulty.Passes --out=/proc/none");
  EXPECT_EQ(run.Wait(), 2);
  EXPECT_THAT(run.Text(), HasSubstr("--out"));
}

}  // namespace
}  // namespace ipcsuite
