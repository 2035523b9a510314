// What the library says about its faults holds together, and with the clause catalogue.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "faults/detect/library.h"
#include "spec/clause.h"

namespace ipcsuite::faults {
namespace {

const std::vector<FaultInfo>& Faults() {
  static const std::vector<FaultInfo> faults = [] {
    std::string error;
    std::vector<FaultInfo> all = LoadFaults(FindLibrary(), &error);
    EXPECT_EQ(error, "");
    return all;
  }();
  return faults;
}

TEST(FaultCatalogue, HasAtLeastTwoHundredFaultsOfEveryFamily) {
  std::map<std::string, int> families;
  for (const FaultInfo& fault : Faults()) ++families[fault.family];
  EXPECT_GE(Faults().size(), 202u);
  for (const char* family : {"pipe", "fifo", "poll", "shm", "mqueue", "notify"}) {
    EXPECT_GE(families[family], 20) << family;
  }
  EXPECT_EQ(families.size(), 7u);
}

TEST(FaultCatalogue, StartsWithTheNeutralFaultAndTheCanary) {
  ASSERT_GE(Faults().size(), 2u);
  EXPECT_EQ(Faults()[0].name, "neutral");
  EXPECT_EQ(Faults()[1].name, "canary");
}

TEST(FaultCatalogue, NamesAreUnique) {
  std::set<std::string> names;
  for (const FaultInfo& fault : Faults())
    EXPECT_TRUE(names.insert(fault.name).second) << fault.name;
}

TEST(FaultCatalogue, EveryFaultSaysWhatItIs) {
  const std::set<std::string> difficulties = {"easy", "medium", "hard"};
  for (const FaultInfo& fault : Faults()) {
    EXPECT_FALSE(fault.what.empty()) << fault.name;
    if (fault.family == "meta") continue;
    EXPECT_TRUE(difficulties.count(fault.difficulty)) << fault.name << ": " << fault.difficulty;
    EXPECT_FALSE(fault.breaks.empty()) << fault.name;
  }
}

TEST(FaultCatalogue, EveryClauseBrokenExistsAndIsARequirement) {
  for (const FaultInfo& fault : Faults()) {
    for (const std::string& id : fault.breaks) {
      const Clause* clause = Find(id);
      ASSERT_NE(clause, nullptr) << fault.name << " breaks " << id;
      EXPECT_TRUE(IsRequirement(clause->kind)) << fault.name << " breaks " << id;
    }
  }
}

}  // namespace
}  // namespace ipcsuite::faults
