#include "cli/detection.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace ipcsuite::cli {
namespace {

std::string Scratch() { return std::getenv("TEST_TMPDIR"); }
void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(Detection, IsTakenFromTheReportsFolderIfThere) {
  std::string document = "untouched", error;
  EXPECT_TRUE(LoadDetection("", "/nonexistent", &document, &error));
  EXPECT_EQ(document, "untouched");
  Write(Scratch() + "/detection.json", R"({"clauses": {"pipe.read.ebadf": "proven"}, "faults": []})");
  EXPECT_TRUE(LoadDetection("", Scratch(), &document, &error)) << error;
  EXPECT_NE(document, "untouched");
}

TEST(Detection, IsFoldedIntoTheClauses) {
  report::Run run;
  run.clauses.resize(2);
  run.clauses[0].id = "pipe.read.ebadf";
  run.clauses[1].id = "pipe.read.unknown";
  FoldDetection(R"({"clauses": {"pipe.read.ebadf": "unproven"}, "faults": []})", &run);
  EXPECT_EQ(run.clauses[0].detection, "unproven");
  EXPECT_EQ(run.clauses[1].detection, "");
  EXPECT_FALSE(run.detection_json.empty());
}

TEST(Detection, SaysWhatIsWrongInOneLine) {
  std::string document, error;
  EXPECT_FALSE(LoadDetection("/nonexistent/d.json", "", &document, &error));
  EXPECT_EQ(error, "can't read /nonexistent/d.json: No such file or directory");
  Write(Scratch() + "/other.json", "[1, 2");
  EXPECT_FALSE(LoadDetection(Scratch() + "/other.json", "", &document, &error));
  EXPECT_EQ(error.find('\n'), std::string::npos);
  EXPECT_NE(error.find("is no result of `ipcsuite detect`"), std::string::npos);
}

TEST(Detection, NothingIsFoldedFromNothing) {
  report::Run run;
  run.clauses.resize(1);
  FoldDetection("", &run);
  EXPECT_EQ(run.detection_json, "");
}

}  // namespace
}  // namespace ipcsuite::cli
