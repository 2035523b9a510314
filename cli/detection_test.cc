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
  Write(Scratch() + "/detection.json",
        R"({"clauses": {"pipe.read.ebadf": "proven"}, "faults": []})");
  EXPECT_TRUE(LoadDetection("", Scratch(), &document, &error)) << error;
  EXPECT_NE(document, "untouched");
}

TEST(Detection, SaysWhatIsWrongInOneLine) {
  std::string document, error;
  EXPECT_FALSE(LoadDetection("/nonexistent/d.json", "", &document, &error));
  EXPECT_EQ(error, "can't read /nonexistent/d.json: No such file or directory");
  Write(Scratch() + "/other.json", "[1, 2");
  EXPECT_FALSE(LoadDetection(Scratch() + "/other.json", "", &document, &error));
  EXPECT_EQ(error.find('\n'), std::string::npos);
  EXPECT_NE(error.find("/other.json: is not valid JSON"), std::string::npos);
}

}  // namespace
}  // namespace ipcsuite::cli
