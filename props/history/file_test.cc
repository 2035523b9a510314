// Files, minimising, drawing and recording of histories.
#include "props/history/file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "props/history/check.h"
#include "props/history/check_main.h"
#include "props/history/generate.h"
#include "props/history/lanes.h"
#include "props/history/minimize.h"
#include "props/history/recorder.h"

namespace ipcsuite::props {
namespace {

GenerateOptions Rich(std::uint64_t seed) {
  GenerateOptions options;
  options.seed = seed;
  options.processes = 6;
  options.ops_per_process = 30;
  options.kills = 0.02;
  options.failures = 0.3;
  return options;
}

TEST(HistoryFile, WhatIsWrittenIsRead) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const History history =
        seed % 2 == 0 ? GenerateQueueHistory(Rich(seed)) : GeneratePipeHistory(Rich(seed));
    const std::string text = WriteHistory(history);
    std::string error;
    const History again = ReadHistory(text, error);
    EXPECT_EQ(error, "");
    EXPECT_EQ(WriteHistory(again), text);
    EXPECT_EQ(CheckHistory(again).verdict, HistoryVerdict::kValid);
  }
}

TEST(HistoryFile, SaysWhatIsWrongAndWhere) {
  const auto error_of = [](const std::string& text) {
    std::string error;
    ReadHistory(text, error);
    return error;
  };
  const std::string header = "{\"ipcsuite_history\":1,\"model\":\"queue\"}\n";
  EXPECT_EQ(error_of(""), "line 1: the file is empty");
  EXPECT_EQ(error_of("hello\n"), "line 1: not JSON");
  EXPECT_EQ(error_of("{}\n"),
            "line 1: not a history file: the first line has no \"ipcsuite_history\"");
  EXPECT_EQ(error_of("{\"ipcsuite_history\":9}\n"),
            "line 1: history of version 9, this program reads version 1");
  EXPECT_EQ(error_of(header + "# a comment\n{\"p\":0,\"call\":\"mq_send\"}\n"),
            "line 3: \"invoke\" is missing");
  EXPECT_EQ(error_of(header + "{\"p\":0,\"call\":\"mq_sand\",\"invoke\":1}\n"),
            "line 2: unknown call \"mq_sand\"");
  EXPECT_EQ(error_of(header + "{\"p\":\"x\",\"call\":\"mq_send\",\"invoke\":1}\n"),
            "line 2: \"p\" has the wrong type");
  EXPECT_EQ(error_of(header + "{\"p\":0,\"call\":\"mq_send\",\"invoke\":1,\"error\":\"EODD\"}\n"),
            "line 2: unknown error \"EODD\"");
  EXPECT_EQ(error_of(header + "{\"p\":0,\"call\":\"mq_send\",\"inv"), "line 2: not JSON");
}

TEST(MinimizeHistory, LeavesAFewOperationsThatAreStillWrong) {
  for (int m = 0; m < static_cast<int>(Mutation::kCount); ++m) {
    const auto mutation = static_cast<Mutation>(m);
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      GenerateOptions options;
      options.seed = seed;
      options.ops_per_process = 60;
      options.failures = 0.3;
      const History history = mutation == Mutation::kSplit ? GeneratePipeHistory(options)
                                                           : GenerateQueueHistory(options);
      const std::optional<History> spoilt = Mutate(history, mutation, seed);
      if (!spoilt.has_value()) continue;
      const History small = MinimizeHistory(*spoilt);
      EXPECT_EQ(CheckHistory(small).verdict, HistoryVerdict::kInvalid) << Name(mutation);
      EXPECT_LE(small.ops.size(), 8U) << Name(mutation) << " seed " << seed;
    }
  }
}

// Leaving out from a right history what the minimiser leaves out keeps it right: it finds nothing.
TEST(MinimizeHistory, ReturnsRightHistoriesUntouched) {
  const History history = GenerateQueueHistory(Rich(3));
  EXPECT_EQ(WriteHistory(MinimizeHistory(history)), WriteHistory(history));
}

TEST(DrawLanes, MarksTheOffendingAndSaysWhatIsLeftOut) {
  GenerateOptions options;
  options.ops_per_process = 100;
  const std::optional<History> spoilt =
      Mutate(GenerateQueueHistory(options), Mutation::kPrioritySwap, 1);
  ASSERT_TRUE(spoilt.has_value());
  const CheckResult result = CheckHistory(*spoilt);
  const std::string svg = DrawLanes(*spoilt, result.offending);
  EXPECT_EQ(svg.rfind("<svg ", 0), 0U);
  EXPECT_NE(svg.find("! recv"), std::string::npos);
  EXPECT_NE(svg.find("operations are left out"), std::string::npos);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
}

TEST(Recorder, KeepsWhatAKilledProcessDid) {
  Recorder recorder(2, 100);
  const pid_t child = fork();
  if (child == 0) {
    for (std::uint64_t i = 1; i <= 10; ++i) {
      Op op;
      op.call = Call::kMqSend;
      op.value = i;
      recorder.Begin(0, op);
      recorder.End(0);
    }
    Op open;
    open.call = Call::kMqReceive;
    recorder.Begin(0, open);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const std::uint64_t death = recorder.Ticket();
  const std::vector<Op> ops = recorder.Collect({{Fate::kKilled, death}, {}});
  ASSERT_EQ(ops.size(), 11U);
  EXPECT_EQ(ops.back().fate, Fate::kKilled);
  EXPECT_EQ(ops.back().ret, death);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(ops[i].value, i + 1);
    EXPECT_TRUE(ops[i].Returned());
    EXPECT_LT(ops[i].invoke, ops[i].ret);
  }
}

class CheckHistoryCommand : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return testing::TempDir() + name; }
  std::string Save(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
};

TEST_F(CheckHistoryCommand, ExitStatusSaysTheVerdict) {
  const History right = GenerateQueueHistory({});
  EXPECT_EQ(CheckHistoryMain({Save("right", WriteHistory(right))}), 0);
  const std::optional<History> wrong = Mutate(right, Mutation::kDuplicate, 1);
  ASSERT_TRUE(wrong.has_value());
  const std::string file = Save("wrong", WriteHistory(*wrong));
  EXPECT_EQ(CheckHistoryMain({file, "--svg", Path("x.svg"), "--minimized", Path("small")}), 1);
  EXPECT_EQ(CheckHistoryMain({Path("small")}), 1);
  const std::string pipe = Save("pipe", WriteHistory(GeneratePipeHistory({})));
  EXPECT_EQ(CheckHistoryMain({pipe}), 0);
  EXPECT_EQ(CheckHistoryMain({pipe, "--max-steps", "3"}), 2);
}

TEST_F(CheckHistoryCommand, WindowsGiveTheSameStatus) {
  const History right = GenerateQueueHistory({});
  EXPECT_EQ(CheckHistoryMain({Save("long", WriteHistory(right)), "--windows"}), 0);
  const std::optional<History> wrong = Mutate(right, Mutation::kTieSwap, 1);
  ASSERT_TRUE(wrong.has_value());
  EXPECT_EQ(CheckHistoryMain({Save("wrong2", WriteHistory(*wrong)), "--windows"}), 1);
  History disordered = right;
  std::swap(disordered.ops[0], disordered.ops[9]);
  EXPECT_EQ(CheckHistoryMain({Save("disorder", WriteHistory(disordered)), "--windows"}), 2);
  const std::string pipe = Save("pipe2", WriteHistory(GeneratePipeHistory({})));
  EXPECT_EQ(CheckHistoryMain({pipe, "--windows"}), 2);
  EXPECT_EQ(CheckHistoryMain({Save("empty", ""), "--windows"}), 2);
  EXPECT_EQ(CheckHistoryMain({"/nonexistent/file", "--windows"}), 2);
}

TEST_F(CheckHistoryCommand, WrongUseIsTwo) {
  EXPECT_EQ(CheckHistoryMain({}), 2);
  EXPECT_EQ(CheckHistoryMain({"--nonsense"}), 2);
  EXPECT_EQ(CheckHistoryMain({"/nonexistent/file"}), 2);
  EXPECT_EQ(CheckHistoryMain({"/"}), 2);
  EXPECT_EQ(CheckHistoryMain({Save("bad", "not a history\n")}), 2);
  const std::string right = Save("right2", WriteHistory(GenerateQueueHistory({})));
  EXPECT_EQ(CheckHistoryMain({right, "--svg", "/nonexistent/x.svg"}), 2);
}

}  // namespace
}  // namespace ipcsuite::props
