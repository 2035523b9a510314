// The rows of faults/kernel: each is complete and fits the clause catalogue.
#include "faults/detect/kernel_faults.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "spec/clause.h"

namespace ipcsuite::detect {
namespace {

constexpr const char* kGood =
    "# what: Breaks.\n# family: pipe\n# difficulty: hard\n# clauses: pipe.read.eintr, "
    "pipe.read.ebadf\n# source: Linux before 5.5\n# file: fs/pipe.c\n# changes: 1\ns/a/b/\n";

std::string Without(const std::string& key) {
  std::string text = kGood;
  const std::size_t start = text.find("# " + key + ": ");
  return text.erase(start, text.find('\n', start) + 1 - start);
}

std::string Replaced(const std::string& old, const std::string& now) {
  std::string text = kGood;
  return text.replace(text.find(old), old.size(), now);
}

TEST(KernelFault, IsReadFromItsComment) {
  const auto fault = ParseKernelFault("broken", kGood);
  ASSERT_TRUE(fault.ok()) << fault.error();
  EXPECT_EQ(fault->name, "broken");
  EXPECT_EQ(fault->family, faults::Family::pipe);
  EXPECT_EQ(fault->difficulty, faults::Difficulty::hard);
  ASSERT_EQ(fault->clauses.size(), 2u);
  EXPECT_EQ(fault->clauses[1].id, "pipe.read.ebadf");
  EXPECT_EQ(fault->what, "Breaks.");
  EXPECT_EQ(fault->source, "Linux before 5.5");
  EXPECT_EQ(fault->file, "fs/pipe.c");
}

TEST(KernelFault, MistakesAreOneLineWithTheName) {
  EXPECT_TRUE(ParseKernelFault("x", Without("source")).ok());
  EXPECT_EQ(ParseKernelFault("x", Without("what")).error(), "x: has no field 'what'");
  EXPECT_EQ(ParseKernelFault("x", Without("changes")).error(), "x: has no field 'changes'");
  EXPECT_EQ(ParseKernelFault("x", Replaced("family: pipe", "family: pip")).error(),
            "x: unknown family 'pip'");
  EXPECT_EQ(ParseKernelFault("x", Replaced("hard", "harder")).error(),
            "x: unknown difficulty 'harder'");
  EXPECT_EQ(ParseKernelFault("x", Replaced("read.eintr", "read.eint")).error(),
            "x: unknown clause 'pipe.read.eint'");
  EXPECT_EQ(ParseKernelFault("x", Replaced("# source: ", "# sauce: ")).error(),
            "x: has the unknown field 'sauce'");
  EXPECT_EQ(ParseKernelFault("x", "# what\n").error(), "x: '# what' is not '# key: value'");
}

TEST(KernelFaults, AreOfTheFourFilesAndBreakRequirements) {
  const auto faults = LoadKernelFaults("faults/kernel");
  ASSERT_TRUE(faults.ok()) << faults.error();
  EXPECT_GE(faults->size(), 20u);
  const std::set<std::string> files = {"fs/pipe.c", "fs/select.c", "ipc/mqueue.c", "mm/shmem.c"};
  std::set<faults::Family> families;
  for (const Implementation& fault : *faults) {
    EXPECT_TRUE(files.count(fault.file)) << fault.name << ": " << fault.file;
    families.insert(fault.family);
    for (const ClauseRef clause : fault.clauses)
      EXPECT_TRUE(IsRequirement(Get(clause).kind)) << fault.name << " breaks " << clause.id;
  }
  EXPECT_EQ(families.size(), 5u);
}

TEST(KernelFaults, AnEmptyFolderSaysWhatMakesThem) {
  EXPECT_EQ(LoadKernelFaults("/no/such/folder").error(),
            "/no/such/folder has no faults: faults/kernel/build makes it");
}

}  // namespace
}  // namespace ipcsuite::detect
