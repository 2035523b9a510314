#include "reports/environment/environment.h"

#include <set>

#include <sys/utsname.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/environment/environment_parts.h"
#include "reports/verdicts/expectations.h"

namespace ipcsuite::report {
namespace {

TEST(Environment, HoldsTheFactsThatExpectationsAreTriedAgainst) {
  const Facts facts = FactsOf(CollectEnvironment("abc"));
  utsname name{};
  ASSERT_EQ(::uname(&name), 0);
  EXPECT_EQ(facts.os, name.sysname);
  EXPECT_EQ(facts.kernel, name.release);
  EXPECT_EQ(facts.arch, name.machine);
  EXPECT_FALSE(facts.container.empty());
  EXPECT_FALSE(facts.libc.empty());
}

TEST(Environment, SectionsAreFullAndKeysUnique) {
  std::set<std::string> titles;
  for (const EnvironmentSection& section : CollectEnvironment("abc")) {
    EXPECT_TRUE(titles.insert(section.title).second) << section.title;
    EXPECT_FALSE(section.facts.empty()) << section.title;
    std::set<std::string> keys;
    for (const auto& [key, value] : section.facts) {
      EXPECT_TRUE(keys.insert(key).second) << section.title << ": " << key;
      EXPECT_FALSE(value.empty()) << key;
      EXPECT_EQ(value.find('\n'), std::string::npos) << key << " = " << value;
    }
  }
  EXPECT_TRUE(titles.count("Resource limits (soft / hard)"));
}

TEST(Environment, AbsentFilesAreLeftOut) {
  EXPECT_EQ(environment::Slurp("/proc/absent"), "");
  EXPECT_EQ(environment::LineValue("a: 1\nab:\t2\nc : 3", "ab"), "2");
  EXPECT_EQ(environment::LineValue("a: 1\nab:\t2\nc : 3", "c"), "3");
  EXPECT_EQ(environment::LineValue("a: 1", "b"), "");
}

}  // namespace
}  // namespace ipcsuite::report
