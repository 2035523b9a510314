// The test's own process: runs one test through GoogleTest and leaves all in the slot.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bitset>
#include <cstdio>
#include <cstring>
#include <string>

#include "harness/names.h"
#include "harness/runner.h"

namespace ipcsuite::internal {
namespace {

// The part of GoogleTest's message behind a label, to the end of its line.
std::string After(const std::string& message, const std::string& label) {
  const std::size_t at = message.find(label);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + label.size();
  return message.substr(begin, message.find('\n', begin) - begin);
}

class Sink : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& part) override {
    const std::string message = part.message();
    if (part.skipped()) {
      Slot* slot = CurrentSlot();
      std::uint32_t none = 0;
      if (slot && slot->outcome.compare_exchange_strong(none, static_cast<std::uint32_t>(report::Verdict::kUnsupported) + 1)) {
        std::snprintf(slot->reason, sizeof slot->reason, "%s", message.c_str());
      }
      return;
    }
    if (!part.failed() || message.find(TestAbort().what()) != std::string::npos) return;
    std::string observed = After(message, "Actual: ");
    const std::size_t type = observed.find(" (of type ");
    const std::size_t detail = observed.find("), ", type == std::string::npos ? 0 : type);
    if (type != std::string::npos) {
      const std::string explained = detail == std::string::npos ? "" : observed.substr(detail + 3);
      observed = explained.empty() ? observed.substr(0, type) : explained;
    }
    std::string file = part.file_name() ? part.file_name() : "";
    for (const char* folder : {"suites/", "props/", "stress/", "harness/"}) {
      const std::size_t at = file.find(folder);
      if (at != std::string::npos) file = file.substr(at);
    }
    RecordFailure(ScopedClause(), file, part.line_number(), After(message, "Expected: "), observed, message);
  }
};

constexpr int kWatchedFds = 512;
using OpenFds = std::bitset<kWatchedFds>;

OpenFds ListOpen() {
  OpenFds open;
  for (int fd = 0; fd < kWatchedFds; ++fd) open[fd] = fcntl(fd, F_GETFD) != -1;
  return open;
}

void CheckDescriptors(const OpenFds& before) {
  const OpenFds leaked = ListOpen() & ~before;
  if (leaked.none()) return;
  std::string numbers;
  for (int fd = 0; fd < kWatchedFds; ++fd) {
    if (leaked[fd]) numbers += (numbers.empty() ? "" : ", ") + std::to_string(fd);
  }
  RecordFailure("", "", 0, "no descriptor left open", "descriptors " + numbers + " left open",
                "the test leaked descriptors " + numbers);
}

}  // namespace

void InstallSink() {
  static bool installed = false;
  if (installed) return;
  installed = true;
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  delete listeners.Release(listeners.default_xml_generator());
  listeners.Append(new Sink);
}

void RunTestBody(Slot& slot, const TestEntry& test) {
  slot.phase.store(Slot::kStarted);
  SetCurrentSlot(&slot);
  Actor* main_actor = slot.NewActor();
  main_actor->text = "";
  main_actor->pid.store(getpid());
  main_actor->tid.store(static_cast<std::int32_t>(syscall(SYS_gettid)));
  SetCurrentActor(main_actor);
  const OpenFds before = ListOpen();
  GTEST_FLAG_SET(filter, test.name);
  [[maybe_unused]] const int status = RUN_ALL_TESTS();
  // A process whose GoogleTest was told something wrong would run nothing and look clean.
  if (testing::UnitTest::GetInstance()->test_to_run_count() != 1) {
    RecordFailure("", "", 0, "one test runs", "another number of tests ran", "the filter " + test.name + " selected no single test");
  }
  if (const std::string found = SweepNames(slot); !found.empty()) {
    RecordFailure("", "", 0, "no name left behind", found, "the test left behind: " + found);
  }
  CheckDescriptors(before);
  SetCurrentActor(nullptr);
  slot.phase.store(Slot::kFinished);
}

}  // namespace ipcsuite::internal
