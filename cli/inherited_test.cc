// The program started in places as callers leave them: what it inherits must not decide a verdict.
// A few tests of each suite run in each place, and their verdicts are those of an ordinary start;
// where a place lacks room for a suite, its tests are UNSUPPORTED and say why.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/shell_testing.h"
#include "reports/results/json.h"

namespace ipcsuite {
namespace {

using report::TestRecord;
using report::Verdict;

constexpr char kSelection[] =
    "MqExec.ClosesAllDescriptors:MqFork.CopiesAreClosedIndependently:"
    "MqNotifySignal.CarriesCodeAndValue:ShmTruncate.RegrownPartsReadZero:"
    "ShmNames.UnrelatedProcessesGetTheSameObject:ShmMlock.LocksWithoutChangingContents:"
    "PollIgnoresSignal.ThatIsIgnoredOrBlocked:PollMaskHoldsSignalBack.Ppoll:PollCancelled.Poll:"
    "Kinds/PipeCancel.WakesABlockedWrite/pipe:FifoOpenUndisturbed.Reader:Kinds/"
    "PipeTimes.WriteMarksModificationAndChange/pipe:"
    "FifoOpenMatrix.WriterMeetsAWriter:FifoOpenDenied.PermittedDirectionOpens:"
    "Kinds/PipeDup.DupfdRange/pipe:Kinds/PipeClose.FreesTheNumber/pipe:PollTimesOut.PollOfFullPipe";

struct Place {
  const char* name;
  // A bash command line; "RUN" in it is the program with its arguments, "PROGRAM" without them.
  const char* start;
  const char* needs = "true";    // a command that succeeds where the place can be made
  const char* unsupported = "";  // suites and tests that the place has no room for, with blanks
  const char* also = "";         // tests that run in this place only, and pass; with ":" between
};

const Place kPlaces[] = {
    {.name = "EmptyEnvironment", .start = "exec env -i RUN"},
    {.name = "ChildSignalIgnored", .start = "exec env --ignore-signal=CHLD RUN"},
    {.name = "PipeSignalIgnored", .start = "exec env --ignore-signal=PIPE RUN"},
    {.name = "FileSizeSignalIgnored", .start = "exec env --ignore-signal=XFSZ RUN"},
    {.name = "InterruptIgnored", .start = "exec env --ignore-signal=INT RUN"},
    {.name = "QuitIgnored", .start = "exec env --ignore-signal=QUIT RUN"},
    {.name = "TerminationIgnored", .start = "exec env --ignore-signal=TERM RUN"},
    {.name = "UserSignalsIgnored", .start = "exec env --ignore-signal=USR1,USR2 RUN"},
    {.name = "AlarmIgnored", .start = "exec env --ignore-signal=ALRM RUN"},
    {.name = "FaultsIgnored", .start = "exec env --ignore-signal=SEGV,BUS RUN"},
    {.name = "EverySignalIgnored", .start = "exec env --ignore-signal RUN"},
    {.name = "ChildSignalBlocked", .start = "exec env --block-signal=CHLD RUN"},
    {.name = "EverySignalBlocked", .start = "exec env --block-signal RUN"},
    {.name = "NoHangUp", .start = "exec nohup RUN"},
    {.name = "InputClosed", .start = "exec RUN <&-"},
    {.name = "OutputClosed", .start = "exec RUN >&-"},
    {.name = "ErrorClosed", .start = "exec RUN 2>&-"},
    {.name = "OutputAndErrorClosed", .start = "exec RUN >&- 2>&-"},
    {.name = "AllThreeClosed", .start = "exec RUN <&- >&- 2>&-"},
    {.name = "InputIsADirectory", .start = "exec RUN < /"},
    {.name = "OutputIsFull", .start = "exec RUN > /dev/full"},
    {.name = "OutputToNobody", .start = "RUN -v | true; exit ${PIPESTATUS[0]}"},
    {.name = "DescriptorsLeftOpen",
     .start = "for i in $(seq 3 60); do eval \"exec $i</etc/passwd\"; done; exec RUN"},
    {.name = "PipeLeftOpen", .start = "exec 7> >(cat >/dev/null) && exec RUN"},
    {.name = "UmaskTakesAll", .start = "umask 0777; exec RUN"},
    {.name = "UmaskPrivate", .start = "umask 0077; exec RUN"},
    {.name = "UmaskZero", .start = "umask 0; exec RUN"},
    {.name = "CoresUnlimited", .start = "ulimit -c unlimited; exec RUN"},
    {.name = "FewDescriptors", .start = "ulimit -n 64; exec RUN"},
    {.name = "SmallStack", .start = "ulimit -s 1024; exec RUN"},
    {.name = "SmallFiles", .start = "ulimit -f 1000; exec RUN", .unsupported = "shm"},
    {.name = "NoLockedMemory", .start = "ulimit -l 0; exec RUN", .unsupported = "shm"},
    {.name = "NoQueues", .start = "ulimit -q 0; exec RUN", .unsupported = "mqueue"},
    {.name = "NoQueuedSignals",
     .start = "ulimit -i 0; exec RUN",
     .unsupported = "mqueue PollCancelled.Poll Kinds/PipeCancel.WakesABlockedWrite/pipe"},
    {.name = "ScratchMissing", .start = "TMPDIR=/nonexistent exec RUN"},
    {.name = "ScratchIsAFile", .start = "TMPDIR=/etc/passwd exec RUN"},
    {.name = "ScratchHasSpaces", .start = "mkdir -p \"$HERE/a b\"; TMPDIR=\"$HERE/a b\" exec RUN"},
    {.name = "ScratchIsRelative", .start = "cd \"$HERE\"; TMPDIR=. exec RUN"},
    {.name = "DirectoryRemoved",
     .start = "mkdir \"$HERE/gone\"; cd \"$HERE/gone\"; rmdir \"$HERE/gone\"; exec RUN"},
    {.name = "RootDirectory", .start = "cd /; exec RUN"},
    {.name = "NewSession", .start = "exec setsid --wait RUN"},
    {.name = "NicePriority", .start = "exec nice -n 19 RUN"},
    {.name = "OneCpu", .start = "exec taskset -c 0 RUN", .needs = "taskset -c 0 true"},
    {.name = "OldVersionString",
     .start = "exec setarch --uname-2.6 RUN",
     .needs = "setarch --uname-2.6 true"},
    {.name = "NoRandomAddresses", .start = "exec setarch -R RUN", .needs = "setarch -R true"},
    {.name = "IdleScheduling", .start = "exec chrt -i 0 RUN", .needs = "chrt -i 0 true"},
    {.name = "OwnProcessIds",
     .start = "exec unshare -rpf RUN",
     .needs = "unshare -rpf true",
     .also = "PropLockstep.DescriptorsAcrossDupForkExec"},
    {.name = "FilterForGoogleTest", .start = "GTEST_FILTER=Nothing.* exec RUN"},
    {.name = "ShardsForGoogleTest", .start = "GTEST_TOTAL_SHARDS=7 GTEST_SHARD_INDEX=3 exec RUN"},
    {.name = "OutputForGoogleTest", .start = "GTEST_OUTPUT=xml:/nonexistent/x exec RUN"},
    {.name = "MemoryIsDirty", .start = "MALLOC_PERTURB_=85 exec RUN"},
    {.name = "OtherLocaleAndZone", .start = "LC_ALL=de_DE.UTF-8 TZ=Asia/Kolkata exec RUN"},
    {.name = "StrictPosix", .start = "POSIXLY_CORRECT=1 exec RUN"},
    {.name = "ClocksShifted",
     .start = "exec unshare -rT --monotonic 100000 --boottime 100000 RUN",
     .needs = "unshare -rT --monotonic 100000 true"},
    {.name = "SmallSharedMemory",
     .start = "exec unshare -rm sh -c 'mount -t tmpfs -o size=64k none /dev/shm && exec \"$@\"' "
              "sh RUN",
     .needs = "unshare -rm mount -t tmpfs -o size=64k none /dev/shm",
     .unsupported = "shm"},
    {.name = "SharedMemoryReadOnly",
     .start = "exec unshare -rm sh -c 'mount -t tmpfs -o ro none /dev/shm && exec \"$@\"' sh RUN",
     .needs = "unshare -rm mount -t tmpfs -o ro none /dev/shm",
     .unsupported = "shm"},
    {.name = "SharedMemoryNotWritable",
     .start = "exec unshare -rm sh -c 'mount -t tmpfs -o mode=0555 none /dev/shm && exec setpriv "
              "--bounding-set=-dac_override,-dac_read_search --inh-caps=-all \"$@\"' sh RUN",
     .needs = "unshare -rm sh -c 'mount -t tmpfs -o mode=0555 none /dev/shm && ! setpriv "
              "--bounding-set=-dac_override,-dac_read_search --inh-caps=-all touch /dev/shm/x'",
     .unsupported = "shm"},
    {.name = "WithoutProc",
     .start = "exec unshare -rm sh -c 'mount -t tmpfs none /proc && exec \"$@\"' sh RUN",
     .needs = "unshare -rm mount -t tmpfs none /proc",
     .also = "PropLockstep.DescriptorsAcrossDupForkExec:PropFree.PipeRecordsStayTogether"},
    {.name = "NoQueuesLeft",
     .start = "exec unshare -ri sh -c 'echo 0 > /proc/sys/fs/mqueue/queues_max && exec \"$@\"' sh "
              "RUN",
     .needs = "unshare -ri sh -c 'echo 0 > /proc/sys/fs/mqueue/queues_max'",
     .unsupported = "mqueue"},
    {.name = "QueuesOfOneMessage",
     .start = "exec unshare -ri sh -c 'echo 1 > /proc/sys/fs/mqueue/msg_max && exec \"$@\"' sh RUN",
     .needs = "unshare -ri sh -c 'echo 1 > /proc/sys/fs/mqueue/msg_max'",
     .unsupported = "mqueue"},
    // Longer than any test may take. sleep-ok: the standstill is what is tried.
    {.name = "MachineStandsStill",
     .start =
         "exec unshare -m bash -c 'mount -t cgroup2 none /mnt && mkdir /mnt/still-$$ || exit 2; "
         "(echo $BASHPID >/mnt/still-$$/cgroup.procs && exec \"$@\") & "
         "until grep -qs verdict \"$HERE/out/results.jsonl\" || ! kill -0 $!; do sleep 0.02; done; "
         "echo 1 >/mnt/still-$$/cgroup.freeze; sleep 35; echo 0 >/mnt/still-$$/cgroup.freeze; "
         "wait $!; status=$?; rmdir /mnt/still-$$; exit $status' bash RUN",
     .needs = "unshare -m sh -c 'mount -t cgroup2 none /mnt && mkdir /mnt/still-$$ && rmdir "
              "/mnt/still-$$'"},
    {.name = "OneProcessForAllTests", .start = "exec RUN --no-isolation"},
    {.name = "BesideOthersThatUseQueuesUp",
     .start =
         "PROGRAM run --no-stress --out= --filter='MqUnlink.*Destroys*' --repeat=3 >/dev/null & "
         "RUN; status=$?; wait; exit $status"},
};

struct Started {
  int status = -1;
  std::map<std::string, TestRecord> tests;
  std::string text;
};

// Runs the selection in the place; an empty command line: as this test was started.
Started Start(const std::string& line, const std::string& also = "") {
  const Scratch scratch;
  const std::string& here = scratch.path();
  const std::string run = ProgramPath() + " run --no-stress --format=json --time-scale=1 --out='" +
                          here + "/out' --filter='" + kSelection +
                          (also.empty() ? "" : ":" + also) + "'";
  Ended ended = Shell("export HERE='" + here + "'; " +
                          Replaced(Replaced(line, "RUN", run), "PROGRAM", ProgramPath()),
                      here + "/text");
  Started started;
  started.status = ended.status;
  started.text = std::move(ended.text);
  std::ifstream lines(here + "/out/results.jsonl");
  for (std::string each; std::getline(lines, each);) {
    if (auto record = report::TestFromJsonLine(each)) started.tests[record->name] = *record;
  }
  return started;
}

class Inherited : public testing::TestWithParam<Place> {
 protected:
  static void SetUpTestSuite() { ordinary_ = new Started(Start("exec RUN")); }
  static void TearDownTestSuite() { delete ordinary_; }
  static Started* ordinary_;
};
Started* Inherited::ordinary_ = nullptr;

TEST_P(Inherited, DecidesNoVerdict) {
  const Place& place = GetParam();
  const std::string needs = std::string("(") + place.needs + ") >/dev/null 2>&1";
  if (std::system(needs.c_str()) != 0) GTEST_SKIP() << "this place can't be made here";
  ASSERT_EQ(ordinary_->status, 0) << ordinary_->text;
  const Started here = Start(place.start, place.also);
  EXPECT_EQ(here.status, 0) << here.text;
  const std::vector<std::string> also = Split(place.also, ":");
  EXPECT_EQ(here.tests.size(), ordinary_->tests.size() + also.size());
  for (const std::string& name : also) {
    const auto it = here.tests.find(name);
    ASSERT_NE(it, here.tests.end()) << name;
    EXPECT_EQ(it->second.verdict, Verdict::kPass) << it->second.reason;
  }
  const std::vector<std::string> unsupported = Split(place.unsupported, " ");
  for (const auto& [name, ordinary] : ordinary_->tests) {
    const auto it = here.tests.find(name);
    if (it == here.tests.end()) {
      ADD_FAILURE() << name << " is missing";
      continue;
    }
    const TestRecord& record = it->second;
    const bool named = std::any_of(
        unsupported.begin(), unsupported.end(),
        [&, name = name](const std::string& one) { return one == record.suite || one == name; });
    const bool lacks = named && record.verdict == Verdict::kUnsupported && !record.reason.empty();
    EXPECT_TRUE(lacks || record.verdict == ordinary.verdict)
        << name << ": " << report::ToString(record.verdict) << ", ordinarily "
        << report::ToString(ordinary.verdict) << ": " << record.reason;
  }
}

INSTANTIATE_TEST_SUITE_P(Places, Inherited, testing::ValuesIn(kPlaces),
                         [](const auto& place) { return std::string(place.param.name); });

}  // namespace
}  // namespace ipcsuite
