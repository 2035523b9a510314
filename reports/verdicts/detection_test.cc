#include "reports/verdicts/detection.h"

#include <gtest/gtest.h>

namespace ipcsuite::report {
namespace {

TEST(DetectionScore, SaysWhatTheDocumentHas) {
  const std::string faults = R"("scores": {"all": {"all": {"faults": 597, "detected": 583}}})";
  const std::string variants = R"("variants": {"score": {"variants": 150, "misjudged": 2}})";
  EXPECT_EQ(DetectionScore("{" + faults + "," + variants + "}"),
            "sees 583 of 597 faults, misjudges 2 of 150 variants");
  EXPECT_EQ(DetectionScore("{" + faults + "}"), "sees 583 of 597 faults");
  EXPECT_EQ(DetectionScore("{" + variants + "}"), "misjudges 2 of 150 variants");
}

TEST(DetectionScore, IsEmptyWithoutAResult) {
  EXPECT_EQ(DetectionScore("{}"), "");
  EXPECT_EQ(DetectionScore("[1, 2"), "");
  EXPECT_EQ(DetectionScore(""), "");
}

}  // namespace
}  // namespace ipcsuite::report
