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
  EXPECT_EQ(DetectionScore("{" + faults + R"(, "kernel": {)" + faults + "}}"),
            "sees 583 of 597 faults, sees in a kernel 583 of 597 faults");
  EXPECT_EQ(DetectionScore("{" + variants + "}"), "misjudges 2 of 150 variants");
}

TEST(FoldDetection, TakesTheStrongestOfLibraryAndKernel) {
  report::Run run;
  run.clauses.resize(3);
  run.clauses[0].id = "pipe.read.eintr";
  run.clauses[1].id = "pipe.read.fifo_order";
  run.clauses[2].id = "pipe.read.ebadf";
  ASSERT_TRUE(FoldDetection(R"({"clauses": {"pipe.read.eintr": "unproven",
                                            "pipe.read.fifo_order": "proven"},
                                "kernel": {"clauses": {"pipe.read.eintr": "proven",
                                                       "pipe.read.fifo_order": "no fault"}}})",
                            &run)
                  .ok());
  EXPECT_EQ(run.clauses[0].detection, "proven");
  EXPECT_EQ(run.clauses[1].detection, "proven");
  EXPECT_EQ(run.clauses[2].detection, "");
}

TEST(DetectionScore, IsEmptyWithoutAResult) {
  EXPECT_EQ(DetectionScore("{}"), "");
  EXPECT_EQ(DetectionScore("[1, 2"), "");
  EXPECT_EQ(DetectionScore(""), "");
}

}  // namespace
}  // namespace ipcsuite::report
