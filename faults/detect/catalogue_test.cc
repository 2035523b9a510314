// What the library says about its faults holds together, and with the clause catalogue.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "faults/detect/library.h"
#include "spec/clause.h"

namespace ipcsuite::detect {
namespace {

const std::vector<Implementation>& All() {
  static const std::vector<Implementation> rows = [] {
    std::string error;
    std::vector<Implementation> all = LoadLibrary(FindLibrary(), &error);
    EXPECT_EQ(error, "");
    return all;
  }();
  return rows;
}

std::vector<Implementation> OfRole(faults::Role role) {
  std::vector<Implementation> some;
  for (const Implementation& one : All()) {
    if (one.role == role && !one.meta()) some.push_back(one);
  }
  return some;
}

TEST(FaultCatalogue, HasTwentyFaultsOfEveryFamily) {
  std::map<faults::Family, int> families;
  for (const Implementation& fault : OfRole(faults::Role::fault)) ++families[fault.family];
  for (const faults::FamilyName& row : faults::kFamilies) {
    EXPECT_GE(families[row.family], 20) << row.name;
  }
}

TEST(FaultCatalogue, StartsWithTheNeutralImplementationAndTheCanary) {
  ASSERT_GE(All().size(), 2u);
  EXPECT_EQ(All()[0].name, "neutral");
  EXPECT_EQ(All()[1].name, "canary");
}

TEST(FaultCatalogue, NamesAreUnique) {
  std::set<std::string> names;
  for (const Implementation& one : All()) EXPECT_TRUE(names.insert(one.name).second) << one.name;
}

TEST(FaultCatalogue, EverythingSaysWhatItIs) {
  for (const Implementation& one : All()) {
    EXPECT_FALSE(one.what.empty()) << one.name;
    EXPECT_TRUE(one.meta() || !one.clauses.empty()) << one.name;
  }
}

// That the clauses exist, LoadLibrary() has checked.
TEST(FaultCatalogue, FaultsBreakRequirements) {
  for (const Implementation& fault : OfRole(faults::Role::fault)) {
    EXPECT_NE(fault.difficulty, faults::Difficulty::none) << fault.name;
    for (const ClauseRef clause : fault.clauses) {
      EXPECT_TRUE(IsRequirement(Get(clause).kind)) << fault.name << " breaks " << clause.id;
    }
  }
}

TEST(FaultCatalogue, HasAHundredVariants) {
  EXPECT_GE(OfRole(faults::Role::variant).size(), 100u);
  for (const Implementation& variant : OfRole(faults::Role::variant)) {
    EXPECT_EQ(variant.difficulty, faults::Difficulty::none) << variant.name;
  }
}

}  // namespace
}  // namespace ipcsuite::detect
