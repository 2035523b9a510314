// The rules of docs/style.md that a machine can check. Each takes one file of the project and says
// what offends, a line "path:line: what" each.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ipcsuite::tidy {

struct File {
  std::string path;                // relative to the source tree
  std::vector<std::string> lines;  // without newlines
  bool IsCpp() const;
  bool IsHeader() const;
  bool IsUnder(const std::string& folder) const;  // "suites/"
};

using Defects = std::vector<std::string>;

// At most 100 columns; addresses may be longer.
Defects LongLines(const File& file);
// Functions and tests of at most 70 lines, files of at most 400 lines of code.
Defects LongFunctions(const File& file);
Defects LongFiles(const File& file);
// Headers begin with their purpose and have #pragma once; a source includes its own header first.
Defects HeaderForm(const File& file);
// A call that sleeps carries "sleep-ok:" and the reason.
Defects UnmarkedSleeps(const File& file);
// What is not POSIX lives in base/os; a user id is not a privilege.
Defects NotPosix(const File& file);
// EXPECT_ and ASSERT_ of GoogleTest are lost inside rapidcheck's properties.
Defects LostExpectations(const File& file);
// Words left behind, and phrases that docs/style.md replaces.
Defects BannedWords(const File& file);

// Functions that a header declares and nobody but its own source names.
Defects UnusedDeclarations(const std::vector<File>& files);

}  // namespace ipcsuite::tidy
