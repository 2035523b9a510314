// Interfaces taken away from the platform, one at a time, as kernels, sandboxes, limits and mounts
// do it: the gate is red against a baseline and for whoever requires the verdicts, and green where
// nothing was taken away.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "cli/shell_testing.h"
#include "reports/results/json.h"

namespace ipcsuite {
namespace {

// What is judged: a few tests that end quickly, also where their interface is missing.
struct Subject {
  const char* function;
  const char* filter;
};

constexpr Subject kSubjects[] = {
    {.function = "mkfifo", .filter = "Mkfifo.*:MkfifoMode.*"},
    {.function = "mkfifoat", .filter = "Mkfifoat.*"},
    {.function = "mlock", .filter = "ShmMlock.*"},
    {.function = "mq_close", .filter = "MqClose.ReturnsZero*"},
    {.function = "mq_getattr", .filter = "MqGetattr.*"},
    {.function = "mq_notify", .filter = "MqNotifySignal.CarriesCodeAndValue:MqNotifyNone.*"},
    {.function = "mq_open", .filter = "MqCreate.*"},
    {.function = "mq_receive", .filter = "MqReceive.*:MqReceiveSize.*"},
    {.function = "mq_send", .filter = "MqSend.*:MqSendDescriptor.*"},
    {.function = "mq_setattr", .filter = "MqSetattr.O*:MqSetattr.St*"},
    {.function = "mq_timedreceive", .filter = "MqReceive.Timed*:MqTimedreceive.Takes*"},
    {.function = "mq_timedsend", .filter = "MqTimedsend.Places*:MqSendSize.Timed*"},
    {.function = "mq_unlink", .filter = "MqUnlink.*"},
    {.function = "msync", .filter = "ShmMsync.*"},
    {.function = "munlock", .filter = "ShmMlock.*"},
    {.function = "pipe", .filter = "*/PipeCreate.*/pipe"},
    {.function = "pipe2", .filter = "Pipe2.*"},
    {.function = "poll", .filter = "PollZeroTimeout.*"},
    {.function = "posix_madvise", .filter = "ShmAdvice.*"},
    {.function = "ppoll", .filter = "PollZeroTimeout.*"},
    {.function = "pselect", .filter = "PollTimesOut.PselectForZero:PollZeroTimeout.*"},
    {.function = "select", .filter = "PollTimesOut.SelectForZero:PollZeroTimeout.*"},
    {.function = "sem_clockwait", .filter = "*/SemTimedwait.TakesWhatIsThere*"},
    {.function = "sem_close", .filter = "SemClose.ReturnsZero"},
    {.function = "sem_destroy", .filter = "SemDestroy.*"},
    {.function = "sem_getvalue", .filter = "SemInitValue.*"},
    {.function = "sem_init", .filter = "SemInitValue.*"},
    {.function = "sem_open", .filter = "SemOpen.HandleWorks*:SemOpen.Repeated*"},
    {.function = "sem_post", .filter = "*/SemWait.PostAddsOne/*"},
    {.function = "sem_timedwait", .filter = "*/SemTimedwait.TakesWhatIsThere*"},
    {.function = "sem_trywait", .filter = "*/SemWait.TrywaitSucceeds*"},
    {.function = "sem_unlink", .filter = "SemUnlink.RemovesTheName:SemUnlink.OfAMissingName"},
    {.function = "sem_wait", .filter = "*/SemWait.TakesAToken*"},
    {.function = "shm_open", .filter = "ShmOpen.*"},
    {.function = "shm_unlink", .filter = "ShmUnlink.*"},
};

const Subject& SubjectOf(const std::string& function) {
  for (const Subject& subject : kSubjects) {
    if (function == subject.function) return subject;
  }
  throw std::out_of_range(function);
}

struct Case {
  std::string name;
  std::string function;
  std::string start;          // a bash command line: "RUN" in it is the program with its arguments
  std::string needs;          // a command that succeeds where this is possible
  bool leaves_names = false;  // names stay, since they can't be unlinked
};

// Whole rows of cases: a way to take away, and what it takes away.
struct Way {
  const char* name;
  const char* start;  // "SUBJECT" in it is the function
  const char* needs;
  std::vector<const char*> functions;
  bool calls_fail = true;  // the function's own calls end with an error, whatever their arguments
};

// Names that can't be unlinked would stay: in name spaces that end with the run they do not.
constexpr char kApart[] =
    "unshare $([ $(id -u) = 0 ] || echo -r) -im "
    "sh -c 'mount -t tmpfs none /dev/shm && exec \"$@\"' sh ";

bool LeavesNames(const std::string& function, bool calls_fail) {
  return calls_fail && function.ends_with("_unlink");
}

constexpr char kReadOnly[] = "unshare -rm mount -t tmpfs -o ro none /dev/shm";

std::vector<Case> Cases() {
  std::vector<const char*> all;
  for (const Subject& subject : kSubjects) all.push_back(subject.function);
  const std::vector<Way> ways = {
      {.name = "NotInTheLibrary",
       .start = "LD_PRELOAD=ABSENT IPCSUITE_ABSENT=SUBJECT=ENOSYS exec RUN",
       .needs = "LD_PRELOAD=ABSENT PROGRAM --version",
       .functions = all},
      {.name = "Forbidden",
       .start = "LD_PRELOAD=ABSENT IPCSUITE_ABSENT=SUBJECT=EPERM exec RUN",
       .needs = "LD_PRELOAD=ABSENT PROGRAM --version",
       .functions = {"mkfifo", "mkfifoat", "mlock", "mq_notify", "mq_open", "mq_unlink", "pipe",
                     "sem_init", "sem_open", "shm_open"}},
      {.name = "NoRoomForQueues",
       .start = "ulimit -q 0; exec RUN",
       .needs = "ulimit -q 0",
       .functions = {"mq_close", "mq_getattr", "mq_notify", "mq_open", "mq_receive", "mq_send",
                     "mq_setattr", "mq_timedreceive", "mq_timedsend", "mq_unlink"},
       .calls_fail = false},
      {.name = "SharedMemoryIsReadOnly",
       .start = "exec unshare -rm sh -c 'mount -t tmpfs -o ro none /dev/shm && exec \"$@\"' sh RUN",
       .needs = kReadOnly,
       .functions = {"mlock", "msync", "posix_madvise", "sem_close", "sem_open", "sem_unlink",
                     "shm_open", "shm_unlink"},
       .calls_fail = false},
      {.name = "FilesAreLimited",
       .start = "ulimit -f 1000; exec RUN",
       .needs = "ulimit -f 1000",
       .functions = {"msync", "posix_madvise", "shm_unlink"},
       .calls_fail = false},
  };
  // System calls that a sandbox refuses.
  const std::map<std::string, const char*> calls = {{"mkfifo", "mknodat,mknod"},
                                                    {"mkfifoat", "mknodat,mknod"},
                                                    {"mlock", "mlock"},
                                                    {"mq_getattr", "mq_getsetattr"},
                                                    {"mq_notify", "mq_notify"},
                                                    {"mq_open", "mq_open"},
                                                    {"mq_receive", "mq_timedreceive"},
                                                    {"mq_send", "mq_timedsend"},
                                                    {"mq_setattr", "mq_getsetattr"},
                                                    {"mq_timedreceive", "mq_timedreceive"},
                                                    {"mq_timedsend", "mq_timedsend"},
                                                    {"mq_unlink", "mq_unlink"},
                                                    {"msync", "msync"},
                                                    {"pipe", "pipe,pipe2"},
                                                    {"poll", "poll,ppoll"},
                                                    {"select", "select,pselect6"},
                                                    {"pselect", "pselect6"}};
  std::vector<Case> cases;
  for (const Way& way : ways) {
    for (const char* const function : way.functions)
      cases.push_back({std::string(way.name) + "_" + function, function,
                       Replaced(way.start, "SUBJECT", function), way.needs,
                       LeavesNames(function, way.calls_fail)});
  }
  for (const char* const error : {"ENOSYS", "EPERM"}) {
    for (const auto& [function, names] : calls) {
      const std::string without = std::string("WITHOUT ") + error + " " + names + " ";
      cases.push_back({std::string("SystemCall") + error + "_" + function, function,
                       "exec " + without + "RUN", without + "PROGRAM --version",
                       LeavesNames(function, true)});
    }
  }
  return cases;
}

// A file of this package, by an absolute path.
std::string Tool(const std::string& name) {
  return std::filesystem::absolute("cli/taken/" + name).string();
}

struct Gated {
  int status = -1;
  std::string text, results;  // `results`: the path
};

class TakenAway : public testing::TestWithParam<Case> {
 protected:
  struct Control {
    Gated run;
    std::string required;  // "clause:a,clause:b": what the control judges
  };

  static void SetUpTestSuite() { scratch_ = new Scratch(); }
  static void TearDownTestSuite() {
    delete scratch_;
    controls_.clear();
  }

  static Gated Start(const std::string& start, const Subject& subject, const std::string& options,
                     bool leaves_names = false) {
    static int number = 0;
    const std::string out = scratch_->path() + "/" + std::to_string(++number);
    const std::string run = ProgramPath() +
                            " run --no-stress --format json --time-scale 1 --out '" + out +
                            "' --filter '" + subject.filter + "' " + options;
    std::string line = WithTools(Replaced(start, "RUN", run));
    if (leaves_names) {
      std::ofstream(out + ".sh") << line << "\n";
      line = kApart + ("bash '" + out + ".sh'");
    }
    const Ended ended = Shell(line, out + ".text");
    return {ended.status, ended.text, out + "/results.json"};
  }

  static std::string WithTools(std::string line) {
    line = Replaced(line, "ABSENT ", Tool("libabsent.so") + " ");
    line = Replaced(line, "WITHOUT ", Tool("without_calls") + " ");
    return Replaced(line, "PROGRAM", ProgramPath());
  }

  static int Report(const std::string& arguments) {
    return Shell(ProgramPath() + " report " + arguments, scratch_->path() + "/report.text").status;
  }

  // The same tests with everything in place.
  static const Control& ControlOf(const Subject& subject) {
    const auto [at, added] = controls_.try_emplace(subject.filter);
    if (!added) return at->second;
    Control& control = at->second;
    control.run = Start("exec RUN", subject, "");
    const auto results = report::ReadRun(control.run.results);
    if (!results) return control;
    for (const report::ClauseRecord& clause : results->clauses) {
      if (report::IsJudged(clause.verdict))
        control.required += (control.required.empty() ? "clause:" : ",clause:") + clause.id;
    }
    return control;
  }

  static Scratch* scratch_;
  static std::map<std::string, Control> controls_;
};
Scratch* TakenAway::scratch_ = nullptr;
std::map<std::string, TakenAway::Control> TakenAway::controls_;

TEST_P(TakenAway, IsRed) {
  const Case& taken = GetParam();
  const Subject& subject = SubjectOf(taken.function);
  if (Shell(WithTools(taken.needs), scratch_->path() + "/needs.text").status != 0 ||
      (taken.leaves_names &&
       Shell(std::string(kApart) + "true", scratch_->path() + "/needs.text").status != 0))
    GTEST_SKIP() << "it can't be taken away here";
  const Control& control = ControlOf(subject);
  ASSERT_EQ(control.run.status, 0) << control.run.text;
  ASSERT_FALSE(control.required.empty()) << "nothing is judged, so nothing can be lost";
  const std::string baseline = " --baseline '" + control.run.results + "'";
  const std::string required = " --require '" + control.required + "'";
  EXPECT_EQ(Report("'" + control.run.results + "'" + baseline), 0) << "nothing was taken away";
  EXPECT_EQ(Report("'" + control.run.results + "'" + required), 0) << "nothing was taken away";

  const Gated here = Start(taken.start, subject, baseline, taken.leaves_names);
  EXPECT_TRUE(here.status == 1 || here.status == 3) << here.status << "\n" << here.text;
  const int status = Report("'" + here.results + "'" + required);
  EXPECT_TRUE(status == 1 || status == 3) << status << " with" << required << "\n" << here.text;
}

// A kernel that was built without message queues, in a virtual machine. Few have such a kernel: two
// variables name it and the static program.
TEST(TakenAwayByTheKernel, IsRed) {
  const char* const kernel = std::getenv("IPCSUITE_KERNEL_WITHOUT_QUEUES");
  const char* const portable = std::getenv("IPCSUITE_PORTABLE");
  if (kernel == nullptr || portable == nullptr)
    GTEST_SKIP()
        << "IPCSUITE_KERNEL_WITHOUT_QUEUES and IPCSUITE_PORTABLE name no kernel and program";
  const Scratch scratch;
  const std::string control = scratch.path() + "/control", guest = scratch.path() + "/guest";
  const std::string tests = " --filter 'MqCreate.*:MqSend.*:*/PipeCreate.*' --no-stress";
  const auto start = [&](const std::string& line) { return Shell(line, scratch.path() + "/text"); };
  const Ended whole =
      start(std::string(portable) + " run --format json --out '" + control + "'" + tests);
  ASSERT_EQ(whole.status, 0) << whole.text;
  const std::string on = ProgramPath() + " on vm:" + kernel + " --program " + portable +
                         " --format json --out '" + guest + "'";
  const Ended against = start(on + " --baseline '" + control + "/results.json' --" + tests);
  EXPECT_EQ(against.status, 3) << against.text;
  EXPECT_NE(against.text.find("Coverage lost"), std::string::npos) << against.text;
  const std::string report = ProgramPath() + " report '" + guest + "/results.json'";
  EXPECT_EQ(start(report + " --require mq_open,mq_send").status, 3);
  const Ended alone = start(report + " --fail-on findings");
  EXPECT_EQ(alone.status, 0) << alone.text;
}

INSTANTIATE_TEST_SUITE_P(Cases, TakenAway, testing::ValuesIn(Cases()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace ipcsuite
