// Runs browser/check.js on the made-up run where Chromium and the node modules are present. They
// are no part of the build: apt-get install chromium nodejs npm; cd reports/compare/browser && npm
// install.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include <gtest/gtest.h>

namespace {

std::string Environment(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

bool Shell(const std::string& command) { return std::system(command.c_str()) == 0; }

TEST(Browser, ReadersCanUseThePage) {
  const std::string modules =
      Environment("IPCSUITE_NODE_MODULES", "reports/compare/browser/node_modules");
  if (!Shell("node --version >/dev/null 2>&1"))
    GTEST_SKIP() << "node is absent (apt-get install nodejs)";
  if (::access(Environment("CHROMIUM", "/usr/bin/chromium").c_str(), X_OK) != 0) {
    GTEST_SKIP() << "Chromium is absent (apt-get install chromium, or set CHROMIUM)";
  }
  for (const char* module : {"/playwright-core/package.json", "/axe-core/axe.min.js"}) {
    if (::access((modules + module).c_str(), R_OK) != 0) {
      GTEST_SKIP() << modules + module << " is absent (cd reports/compare/browser && npm install)";
    }
  }
  const std::string folder = Environment("TEST_TMPDIR", "/tmp") + "/pages";
  ASSERT_TRUE(Shell("mkdir -p " + folder + "/large && reports/compare/sample_report " + folder +
                    " && reports/compare/sample_report " + folder + "/large 1650"));
  EXPECT_TRUE(Shell("HOME=" + folder + " NODE_PATH=" + modules +
                    " node reports/compare/browser/check.js " + folder));
}

}  // namespace
