#include "harness/test/registry.h"

#include <gtest/gtest.h>

#include <map>

namespace ipcsuite {
namespace {

std::map<std::string, TestMeta>& Registry() {
  static std::map<std::string, TestMeta> registry;
  return registry;
}

// "Kinds/PipeIo.Name/fifo" -> "PipeIo.Name".
std::string DefinedName(const std::string& suite, const std::string& test) {
  const std::size_t prefix = suite.find('/');
  const std::size_t suffix = test.find('/');
  return (prefix == std::string::npos ? suite : suite.substr(prefix + 1)) + "." +
         (suffix == std::string::npos ? test : test.substr(0, suffix));
}

// Path relative to the source tree: compilers under Bazel get relative paths already; external
// roots and absolute paths are cut at the first folder of the source tree.
std::string RelativeFile(std::string_view file) {
  for (std::string_view folder : {"suites/", "props/", "stress/", "harness/", "faults/", "cli/"}) {
    const std::size_t at = file.find(folder);
    if (at != std::string_view::npos && (at == 0 || file[at - 1] == '/'))
      return std::string(file.substr(at));
  }
  return std::string(file);
}

std::string SuiteOfFile(const std::string& file) {
  const std::size_t first = file.find('/');
  if (first == std::string::npos) return file;
  const std::string top = file.substr(0, first);
  if (top != "suites") return top;
  return file.substr(first + 1, file.find('/', first + 1) - first - 1);
}

}  // namespace

namespace internal {

bool RegisterMeta(const std::string& name, const char* file, int line, const Claims& claims) {
  TestMeta& meta = Registry()[name];
  meta.name = name;
  meta.file = RelativeFile(file);
  meta.suite = SuiteOfFile(meta.file);
  meta.line = line;
  for (const Claim& claim : claims) {
    switch (claim.what) {
      case Claim::kClause: meta.clauses.push_back({claim.text}); break;
      case Claim::kRegression: meta.regressions.push_back({claim.text}); break;
      case Claim::kExclusive: meta.exclusive = true; break;
      case Claim::kPromise: meta.promise = true; break;
      case Claim::kTimeout: meta.timeout_s = claim.number; break;
      case Claim::kDangerous: meta.dangerous = claim.text; break;
    }
  }
  return true;
}

}  // namespace internal

std::vector<TestEntry> AllTests() {
  std::vector<TestEntry> tests;
  const testing::UnitTest& unit = *testing::UnitTest::GetInstance();
  for (int s = 0; s < unit.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *unit.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const testing::TestInfo& info = *suite.GetTestInfo(t);
      const auto it = Registry().find(DefinedName(suite.name(), info.name()));
      // Tests without claims (the harness's own) are GoogleTest's business.
      if (it == Registry().end()) continue;
      tests.push_back({std::string(suite.name()) + "." + info.name(), &it->second});
    }
  }
  return tests;
}

}  // namespace ipcsuite
