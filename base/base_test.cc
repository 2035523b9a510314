// What base/ promises: text, arguments, CPU lists, markup, time.
#include <gtest/gtest.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "base/markup.h"
#include "base/random.h"
#include "base/text.h"

namespace ipcsuite {
namespace {

TEST(Text, SplitsAndJoins) {
  EXPECT_EQ(Split("a,b;;c", ",;"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(Split("", ",").empty());
  EXPECT_EQ(Join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(Join({}, ", "), "");
  EXPECT_EQ(Lines("a\n\nb"), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(Trim(" \t a b \n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
}

TEST(Text, CountsInEnglish) {
  EXPECT_EQ(Counted(1, "name"), "1 name");
  EXPECT_EQ(Counted(2, "name"), "2 names");
  EXPECT_EQ(Counted(0, "entry", "entries"), "0 entries");
}

TEST(Text, DurationsAndNumbers) {
  EXPECT_EQ(DurationText(950ns), "950 ns");
  EXPECT_EQ(DurationText(1230us), "1.23 ms");
  EXPECT_EQ(DurationText(125s), "2 min 5 s");
  EXPECT_EQ(Number(0.5), "0.5");
  EXPECT_EQ(Hex(42), "0x2a");
}

TEST(Text, CleansWhatIsNotUtf8) {
  EXPECT_EQ(CleanUtf8("a\xff\x01z\n"), "a\uFFFD\uFFFDz\n");
  EXPECT_EQ(CleanUtf8("\xc3\xa9"), "\xc3\xa9");
}

struct DurationCase {
  const char* text;
  std::int64_t ns;  // 0: refused
};
class ParsesDurations : public testing::TestWithParam<DurationCase> {};

TEST_P(ParsesDurations, AsWritten) {
  const auto parsed = ParseDuration(GetParam().text);
  ASSERT_EQ(parsed.ok(), GetParam().ns != 0) << GetParam().text;
  EXPECT_EQ(parsed.ok() ? parsed->count() : 0, GetParam().ns);
}

INSTANTIATE_TEST_SUITE_P(All, ParsesDurations,
                         testing::Values(DurationCase{.text = "500ms", .ns = 500'000'000},
                                         DurationCase{.text = "90", .ns = 90'000'000'000},
                                         DurationCase{.text = "1.5s", .ns = 1'500'000'000},
                                         DurationCase{.text = "2m", .ns = 120'000'000'000},
                                         DurationCase{.text = "1h", .ns = 3'600'000'000'000},
                                         DurationCase{.text = "0", .ns = 0},
                                         DurationCase{.text = "-1s", .ns = 0},
                                         DurationCase{.text = "", .ns = 0},
                                         DurationCase{.text = "inf", .ns = 0},
                                         DurationCase{.text = "s", .ns = 0},
                                         DurationCase{.text = "5 parsecs", .ns = 0}));

TEST(Args, SeedsAreSixtyFourBits) {
  EXPECT_EQ(*ParseSeed("42"), 42u);
  EXPECT_EQ(*ParseSeed("0xffffffffffffffff"), ~std::uint64_t{0});
  for (const char* bad : {"", "-1", "12abc", "0x", "99999999999999999999999", " 1"}) {
    EXPECT_FALSE(ParseSeed(bad).ok()) << bad;
  }
}

TEST(Args, EmptyValueAfterEqualsIsTheValue) {
  CLI::App app("for a test", "test");
  std::string out = "reports", next;
  app.add_option("--out", out, "A text");
  app.add_option("next", next, "A word");
  EXPECT_EQ(ParseArguments(app, {"--out=", "word"}), -1);
  EXPECT_EQ(out, "");
  EXPECT_EQ(next, "word");
}

TEST(Args, SizesHaveUnits) {
  EXPECT_EQ(*ParseSize("4k"), 4096u);
  EXPECT_EQ(*ParseSize("1MiB"), 1048576u);
  for (const char* bad : {"", "0", "-1", "4x", "2GiB"}) EXPECT_FALSE(ParseSize(bad).ok()) << bad;
}

TEST(Args, IntegersAreWhole) {
  EXPECT_EQ(*ParseInteger("42", 0, 42), 42);
  EXPECT_EQ(*ParseInteger("-1", -1, 1), -1);
  for (const char* bad : {"", "43", "4x", " 4", "4.0", "0x4", "99999999999999999999"})
    EXPECT_FALSE(ParseInteger(bad, 0, 42).ok()) << bad;
}

TEST(Args, MistypedWordsAreRecognized) {
  const std::vector<std::string> known = {"run", "report", "merge", "mqueue"};
  EXPECT_EQ(DidYouMean("rum", known), ": did you mean 'run'?");
  EXPECT_EQ(DidYouMean("reprot", known), ": did you mean 'report'?");
  EXPECT_EQ(DidYouMean("MQUEUE", known), ": did you mean 'mqueue'?");
  EXPECT_EQ(DidYouMean("something", known), "");
  EXPECT_EQ(DidYouMean("x", {}), "");
}

// What a command prints for these words, and the exit status.
std::pair<int, std::string> Asked(const std::vector<std::string>& words) {
  CLI::App app("Does things.", "ipcsuite do");
  std::vector<std::string> names;
  int jobs = 1;
  std::string what;
  app.add_option("--name", names, "Only these")->delimiter(',')->type_name("NAME,...");
  app.add_option("-j,--jobs", jobs, "Number of jobs")->check(CLI::Range(1, 8));
  app.add_option("WHAT", what, "What to do");
  testing::internal::CaptureStdout();
  const int status = ParseArguments(app, words);
  return {status, testing::internal::GetCapturedStdout() + what};
}

TEST(Args, OptionsTakeOneWord) {
  EXPECT_EQ(Asked({"--name", "a,b", "thing"}), (std::pair<int, std::string>{-1, "thing"}));
  EXPECT_EQ(Asked({"--nam", "a"}).first, 2);
  EXPECT_EQ(Asked({"--jobs", "2", "--jobs", "3"}).first, -1) << "the last one counts";
}

TEST(Args, HelpIsForPeople) {
  const std::string help = Asked({"--help"}).second;
  EXPECT_NE(help.find("  -j, --jobs N            Number of jobs (1 to 8)\n"), std::string::npos)
      << help;
  EXPECT_EQ(help.find("INT"), std::string::npos) << help;
}

TEST(Args, HelpHasOtherForms) {
  const std::string man = Asked({kHelpMan}).second;
  EXPECT_NE(man.find(".SS ipcsuite do\nDoes things.\n"), std::string::npos) << man;
  EXPECT_NE(man.find(".B \\-j, \\-\\-jobs N\nNumber of jobs (1 to 8)\n"), std::string::npos) << man;
  EXPECT_EQ(Asked({kHelpWords}).second, "--help --name --jobs --dry-run \n");
}

TEST(Cpus, ListsAreReadAndWritten) {
  EXPECT_EQ(ParseCpuList("0-2,8\n"), (std::vector<int>{0, 1, 2, 8}));
  EXPECT_TRUE(ParseCpuList("3-1").empty());
  EXPECT_EQ(FormatCpuList({0, 1, 2, 8}), "0-2,8");
}

TEST(Markup, EscapesAndCloses) {
  EXPECT_EQ(Element("a").Attr("href", "x\"y").Text("<1>").str(),
            "<a href=\"x&quot;y\">&lt;1&gt;</a>");
  EXPECT_EQ(Element("br").str(), "<br/>");
  EXPECT_EQ(SafeLink("javascript:alert(1)"), "");
}

TEST(Clock, DeadlinesPass) {
  EXPECT_TRUE(Deadline(0ns).passed());
  EXPECT_FALSE(Deadline(1h).passed());
  EXPECT_EQ(Deadline(-1s).left(), 0ns);
  const timespec past = ToTimespec(-1ns);
  EXPECT_EQ(past.tv_sec, -1);
  EXPECT_EQ(past.tv_nsec, 999'999'999);
  EXPECT_EQ(FromTimespec(past), -1ns);
}

TEST(Random, SeedsOfNamesDiffer) {
  EXPECT_NE(HashSeed(1, "a"), HashSeed(1, "b"));
  EXPECT_NE(HashSeed(1, "a"), HashSeed(2, "a"));
}

}  // namespace
}  // namespace ipcsuite
