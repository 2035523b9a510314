// Wrong input, and input that looks wrong, given to the program itself: what it says and how it
// ends. One line says what failed, why, and what to do; nothing is taken for something else.
#include "cli/wrong_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "cli/shell_testing.h"

namespace ipcsuite {
namespace {

using testing::HasSubstr;
using testing::Not;

// Results of good and of broken runs.
constexpr char kPrepare[] = R"(
SMALL --format json >/dev/null && mv "$OUT/results.json" good.json
mv "$OUT/results.jsonl" good.jsonl
head -c 1000 good.json >truncated.json
head -c -20 good.jsonl >killed.jsonl
echo '{}' >empty-object.json; echo '[]' >list.json
sed 's/"ipcsuite_schema_version": 1/"ipcsuite_schema_version": 99/' good.json >newer.json
printf '#!/bin/sh\necho\n' >script.sh
echo '<testsuite/>' >junit.xml
for i in 0 1 2; do IPC run --shard $i/3 --filter 'MqGetattr.*' --no-stress --time-scale 1 \
  --out '' --stream >/dev/null; done
for i in 0 1; do IPC run --shard $i/3 --filter 'MqGetattr.*' --no-stress --time-scale 1 \
  --out shard$i --format json >/dev/null; done
entry() { printf '{"expectations": [{"id": "x", "tests": ["MqGetattr.*"], %s}]}' "$2" >"$1"; }
entry unknown-key.json '"reason": "r", "testz": []'
entry no-reason.json '"expected": "FAIL"'
entry bad-expected.json '"reason": "r", "expected": "PASS"'
entry bad-date.json '"reason": "r", "review_by": "tomorrow"'
entry expired.json '"reason": "r", "review_by": "2020-01-01"'
entry placeholder.json '"reason": "SAY WHY HERE. Seen"'
echo '{"expectations": [{"id": "x", "tests": ["NoSuch.*"], "reason": "r"}]}' >no-test.json
echo '{"expectations": [{"id": "x", "clauses": ["mq_send.nosuch"], "reason": "r"}]}' >no-clause.json
)";

class WrongInput : public testing::TestWithParam<Input> {
 protected:
  static void SetUpTestSuite() {
    scratch_ = new Scratch();
    const Ended prepared = Start(kPrepare);
    ASSERT_EQ(prepared.status, 0) << prepared.text;
  }
  static void TearDownTestSuite() { delete scratch_; }

  static Ended Start(const std::string& line) {
    static int number = 0;
    const std::string out = scratch_->path() + "/out" + std::to_string(++number);
    const std::string small =
        "IPC run --filter 'MqGetattr.*' --no-stress --time-scale 1 --out \"$OUT\"";
    return Shell("export OUT='" + out + "'; cd '" + scratch_->path() + "'; " +
                     Replaced(Replaced(line, "SMALL", small), "IPC", ProgramPath()),
                 out + ".text");
  }

  static Scratch* scratch_;
};
Scratch* WrongInput::scratch_ = nullptr;

TEST_P(WrongInput, EndsAndSaysWhy) {
  const Input& input = GetParam();
  if (Start(input.needs).status != 0) GTEST_SKIP() << "this can't be tried here: " << input.needs;
  const Ended ended = Start(input.line);
  EXPECT_EQ(ended.status, input.status) << ended.text;
  EXPECT_THAT(ended.text, HasSubstr(input.says));
  EXPECT_THAT(ended.text, HasSubstr(input.also));
  if (*input.never != '\0') {
    EXPECT_THAT(ended.text, Not(HasSubstr(input.never)));
  }
  const bool ran = ended.text.find(" tests, POSIX.1") != std::string::npos;
  if (input.status == 2 && ended.text.starts_with("ipcsuite: ") && !ran) {
    EXPECT_EQ(std::ranges::count(ended.text, '\n'), 1) << ended.text;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, WrongInput, testing::ValuesIn(WrongInputs()),
                         [](const auto& input) { return std::string(input.param.name); });

}  // namespace
}  // namespace ipcsuite
