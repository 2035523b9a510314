// The helper for steps that fault, outside of any run of the suite: there is no slot and no arena.
#include "harness/peers/step.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "harness/objects/resources.h"

namespace ipcsuite {
namespace {

using testing::Not;

// A file of one byte, mapped as two pages: the second lies beyond the end. (Not shared memory: the
// harness does not use what it tests.)
class OnePageFile {
 public:
  OnePageFile() {
    std::string path = testing::TempDir() + "/step-test-XXXXXX";
    const int fd = mkstemp(path.data());
    unlink(path.c_str());
    if (fd < 0 || ftruncate(fd, 1) != 0) return;
    view_ = static_cast<char*>(
        mmap(nullptr, 2 * PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    close(fd);
  }
  ~OnePageFile() { munmap(view_, 2 * PageSize()); }
  char* inside() const { return view_; }
  char* beyond() const { return view_ + PageSize() + 123; }

 private:
  char* view_ = static_cast<char*>(MAP_FAILED);
};

class ProtectedPage {
 public:
  explicit ProtectedPage(int prot)
      : page_(static_cast<char*>(
            mmap(nullptr, PageSize(), prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~ProtectedPage() { munmap(page_, PageSize()); }
  char* at(std::size_t i) const { return page_ + i; }

 private:
  char* page_;
};

TEST(Step, ReturnsWhatTheStepReturned) {
  ASSERT_EQ(CurrentSlot(), nullptr) << "this must hold outside of a run";
  EXPECT_THAT(RunStep([] { return std::int64_t{42}; }), CompletesWith(42));
  EXPECT_THAT(RunStep([] { return std::int64_t{-1} << 40; }),
              CompletesWith(std::int64_t{-1} << 40));
  EXPECT_THAT(RunStepUnhandled([] { return std::int64_t{0}; }), Completes());
  EXPECT_EQ(Describe(RunStep([] { return std::int64_t{7}; })), "completed with 7");
}

TEST(Step, RunsInAChild) {
  int value = 1;
  const std::int64_t parent = getpid();
  const StepOutcome outcome = RunStep([&value] {
    value = 2;
    return std::int64_t{getpid()};
  });
  EXPECT_THAT(outcome, Completes());
  EXPECT_NE(outcome.value, parent);
  EXPECT_EQ(value, 1);
}

TEST(Step, FaultsOfProtectionAreSegv) {
  ProtectedPage none(PROT_NONE), readable(PROT_READ), writable(PROT_READ | PROT_WRITE);
  EXPECT_THAT(ReadByte(none.at(5)), FaultsWithAt(SIGSEGV, none.at(5)));
  EXPECT_THAT(WriteByte(none.at(6), 'x'), FaultsWithAt(SIGSEGV, none.at(6)));
  EXPECT_THAT(ReadByte(readable.at(7)), CompletesWith(0));
  EXPECT_THAT(WriteByte(readable.at(7), 'x'), FaultsWithAt(SIGSEGV, readable.at(7)));
  EXPECT_EQ(WriteByte(readable.at(7), 'x').code, SEGV_ACCERR);
  EXPECT_THAT(WriteByte(writable.at(0), 'x'), Completes());
}

TEST(Step, FaultsBeyondTheEndAreBus) {
  OnePageFile file;
  ASSERT_NE(file.inside(), MAP_FAILED);
  EXPECT_THAT(WriteByte(file.inside(), 'x'), Completes());
  EXPECT_EQ(*file.inside(), 'x') << "stores to shared memory reach the caller";
  EXPECT_THAT(ReadByte(file.inside()), CompletesWith('x'));
  EXPECT_THAT(ReadByte(file.beyond()), FaultsWithAt(SIGBUS, file.beyond()));
  EXPECT_THAT(WriteByte(file.beyond(), 'x'), FaultsWithAt(SIGBUS, file.beyond()));
  EXPECT_EQ(ReadByte(file.beyond()).code, BUS_ADRERR);
  EXPECT_THAT(
      RunStepUnhandled([&] { return std::int64_t{*const_cast<volatile char*>(file.beyond())}; }),
      IsKilledBy(SIGBUS));
}

TEST(Step, MatchersTellOutcomesApart) {
  ProtectedPage none(PROT_NONE);
  const StepOutcome fault = ReadByte(none.at(9));
  EXPECT_THAT(fault, FaultsWith(SIGSEGV));
  EXPECT_THAT(fault, Not(FaultsWith(SIGBUS)));
  EXPECT_THAT(fault, Not(FaultsWithAt(SIGSEGV, none.at(8))));
  EXPECT_THAT(fault, Not(Completes()));
  EXPECT_THAT(fault, Not(IsKilledBy(SIGSEGV))) << "caught is not killed";
  EXPECT_NE(Describe(fault).find("faulted with SIGSEGV"), std::string::npos) << Describe(fault);
  const StepOutcome completed = RunStep([] { return std::int64_t{1}; });
  EXPECT_THAT(completed, Not(CompletesWith(2)));
  EXPECT_THAT(completed, Not(FaultsWith(0)));
}

TEST(Step, DeathByAnotherSignalIsSeen) {
  for (int signal : {SIGPIPE, SIGKILL, SIGTERM}) {
    EXPECT_THAT(RunStep([signal] { return std::int64_t{raise(signal)}; }), IsKilledBy(signal));
  }
}

TEST(Step, ExitIsSeen) {
  const StepOutcome outcome = RunStep([]() -> std::int64_t { _exit(9); });
  EXPECT_EQ(outcome.end, StepOutcome::kExited);
  EXPECT_EQ(outcome.exit_status, 9);
  const StepOutcome aborted = RunStep([]() -> std::int64_t { Unsupported("nothing here"); });
  EXPECT_EQ(aborted.end, StepOutcome::kExited);
}

TEST(Step, StepThatHangsIsEnded) {
  const StepOutcome outcome = RunStep([] { return std::int64_t{pause()}; }, 50ms);
  EXPECT_EQ(outcome.end, StepOutcome::kHung);
  EXPECT_THAT(outcome, Not(Completes()));
}

void SwallowFault(int) { _exit(77); }

TEST(Step, CallersHandlersAndMaskDoNotMatter) {
  ProtectedPage none(PROT_NONE);
  ScopedSignal handler(SIGSEGV, SwallowFault);
  ScopedSigmask mask({SIGSEGV, SIGBUS});
  EXPECT_THAT(ReadByte(none.at(1)), FaultsWithAt(SIGSEGV, none.at(1)));
  EXPECT_THAT(
      RunStepUnhandled([&] { return std::int64_t{*const_cast<volatile char*>(none.at(1))}; }),
      IsKilledBy(SIGSEGV));
}

TEST(Step, ManyStepsAtOnceAndInTurn) {
  ProtectedPage none(PROT_NONE);
  std::vector<int> right(3, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const StepOutcome fault = ReadByte(none.at(t));
        right[t] += fault.end == StepOutcome::kFaulted &&
                    fault.address == reinterpret_cast<std::uintptr_t>(none.at(t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int count : right) EXPECT_EQ(count, 50);
}

}  // namespace
}  // namespace ipcsuite
