// The test's own process: runs one test through GoogleTest and leaves all in the slot.
#include <signal.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/os/descriptors.h"
#include "base/os/os.h"
#include "base/text.h"
#include "harness/core/context.h"
#include "harness/core/names.h"
#include "harness/runner/runner.h"

namespace ipcsuite::internal {
namespace {

// The rest of a line after its label; nothing if it does not begin with that.
std::optional<std::string> After(const std::string& line, const std::string& label) {
  if (line.compare(0, label.size(), label) != 0) return std::nullopt;
  return line.substr(label.size());
}

// What a message of GoogleTest says, in two lines: the test's own words belong to what was
// observed.
struct Reading {
  std::string expected, observed;
};

// "  Actual: 3 (of type int), which is odd" -> "which is odd"; without an explanation the value.
std::string Explained(const std::string& actual) {
  const std::size_t type = actual.find(" (of type ");
  if (type == std::string::npos) return actual;
  const std::size_t detail = actual.find("), ", type);
  return detail == std::string::npos ? actual.substr(0, type) : actual.substr(detail + 3);
}

// "3u": a literal, which its value says as well.
bool IsNumber(const std::string& text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9' &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) != 0; });
}

Reading Read(const std::string& message) {
  const std::vector<std::string> lines = Lines(message);
  Reading reading;
  std::string value_of, words;
  std::vector<std::string> sides;  // of an equality
  const bool equality = !lines.empty() && lines[0].starts_with("Expected equality of these values");
  for (std::size_t i = equality ? 1 : 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (const auto value = After(line, "    Which is: "); equality && value && !sides.empty()) {
      sides.back() = IsNumber(sides.back()) ? *value : sides.back() + " = " + *value;
    } else if (const auto side = After(line, "  "); equality && side && sides.size() < 2) {
      sides.push_back(*side);
    } else if (const auto subject = After(line, "Value of: "); subject && value_of.empty()) {
      value_of = *subject;
    } else if (const auto expected = After(line, "Expected: ");
               expected && reading.expected.empty()) {
      const std::size_t actual = expected->find(", actual: ");
      reading.expected = expected->substr(0, actual);
      if (actual != std::string::npos) reading.observed = expected->substr(actual + 10);
    } else if (const auto seen = After(line, "  Actual: "); seen && reading.observed.empty()) {
      reading.observed = Explained(*seen);
    } else if (line != "Failed") {
      words += (words.empty() ? "" : " ") + line;
    }
  }
  if (sides.size() == 2) reading = {sides[1], sides[0]};
  // The value alone says nothing of a condition.
  if (reading.expected == "true" || reading.expected == "false")
    reading.expected = value_of + " is " + reading.expected;
  if (!words.empty()) reading.observed += (reading.observed.empty() ? "" : "; ") + words;
  return reading;
}

// GoogleTest's public entry, RUN_ALL_TESTS, matches its filter against every test that is linked in
// and writes to every TestInfo. In a forked process that copies some 650 pages, and took 80 % of a
// run's CPU time (perf, 2,400 tests). So a test's process runs only the suite of its test. An
// explicit instantiation may name private members (C++20, temp.spec 13.9.1/6).
template <auto kRun, auto kSuiteRuns, auto kTestRuns>
struct GoogleTest {
  friend void Run(testing::TestSuite& suite) { (suite.*kRun)(); }
  friend bool& Runs(testing::TestSuite& suite) { return suite.*kSuiteRuns; }
  friend bool& Runs(testing::TestInfo& test) { return test.*kTestRuns; }
};
void Run(testing::TestSuite& suite);
bool& Runs(testing::TestSuite& suite);
bool& Runs(testing::TestInfo& test);
template struct GoogleTest<&testing::TestSuite::Run, &testing::TestSuite::should_run_,
                           &testing::TestInfo::should_run_>;

// Runs the test "Suite.Name"; false if there is none.
bool RunByName(std::string_view full_name) {
  const std::size_t dot = full_name.rfind('.');
  const testing::UnitTest& unit = *testing::UnitTest::GetInstance();
  for (int s = 0; s < unit.total_test_suite_count(); ++s) {
    auto& suite = const_cast<testing::TestSuite&>(*unit.GetTestSuite(s));
    if (suite.name() != full_name.substr(0, dot)) continue;
    bool found = false;
    for (int t = 0; t < suite.total_test_count(); ++t) {
      auto& test = const_cast<testing::TestInfo&>(*suite.GetTestInfo(t));
      const bool runs = test.name() == full_name.substr(dot + 1);
      if (Runs(test) != runs) Runs(test) = runs;  // a write copies the page
      found |= runs;
    }
    if (!found) return false;
    Runs(suite) = true;
    Run(suite);
    return true;
  }
  return false;
}

class Sink : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& part) override {
    const std::string message = part.message();
    if (part.skipped()) {
      Slot* slot = CurrentSlot();
      std::uint32_t none = 0;
      if (slot && slot->outcome.compare_exchange_strong(
                      none, static_cast<std::uint32_t>(report::Verdict::kUnsupported) + 1)) {
        std::snprintf(slot->reason, sizeof slot->reason, "%s", message.c_str());
      }
      return;
    }
    if (!part.failed() || message.find(TestAbort().what()) != std::string::npos) return;
    const Reading reading = Read(message);
    std::string file = part.file_name() ? part.file_name() : "";
    for (const char* folder : {"suites/", "props/", "stress/", "harness/"}) {
      const std::size_t at = file.find(folder);
      if (at != std::string::npos) file = file.substr(at);
    }
    NoteFailedCheck(reading.expected, reading.observed);
    RecordFailure(ScopedClause(), file, part.line_number(), reading.expected, reading.observed,
                  message);
  }
};

constexpr int kWatchedFds = 512;

void CheckDescriptors(const std::vector<int>& before) {
  std::string numbers;
  for (const int fd : os::OpenDescriptors(kWatchedFds)) {
    if (!std::ranges::binary_search(before, fd))
      numbers += (numbers.empty() ? "" : ", ") + std::to_string(fd);
  }
  if (numbers.empty()) return;
  RecordFailure("", "", 0, "no descriptor left open", "descriptors " + numbers + " left open",
                "the test leaked descriptors " + numbers);
}

}  // namespace

void PrepareGoogleTest() {
  static bool prepared = false;
  if (prepared) return;
  prepared = true;
  const testing::UnitTest& unit = *testing::UnitTest::GetInstance();
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  delete listeners.Release(listeners.default_xml_generator());
  listeners.Append(new Sink);
  // Outside of a test of the harness: lets GoogleTest set itself up (it catches exceptions from
  // then on).
  if (unit.current_test_info() != nullptr) return;
  GTEST_FLAG_SET(filter, "-*");
  [[maybe_unused]] const int status = RUN_ALL_TESTS();
}

void RunTestBody(Slot& slot, const TestEntry& test) {
  slot.phase.store(Slot::kStarted);
  SetCurrentSlot(&slot);
  Actor* main_actor = slot.NewActor();
  main_actor->text = "";
  main_actor->pid.store(getpid());
  main_actor->tid.store(os::ThreadId());
  SetCurrentActor(main_actor);
  const std::vector<int> before = os::OpenDescriptors(kWatchedFds);
  if (!RunByName(test.name))
    RecordFailure("", "", 0, "the test runs", "no test ran", "no test is called " + test.name);
  if (const std::string found = SweepNames(slot); !found.empty()) {
    RecordFailure("", "", 0, "no name left behind", found, "the test left behind: " + found);
  }
  CheckDescriptors(before);
  SetCurrentActor(nullptr);
  slot.phase.store(Slot::kFinished);
}

}  // namespace ipcsuite::internal
