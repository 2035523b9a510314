// `ipcsuite needs`: which system calls and features of a platform the program uses, and what
// happens where one is missing.
#pragma once

#include <span>
#include <string_view>

namespace ipcsuite::cli {

// What is left of a run where something is missing.
enum class Left {
  kAll,      // every verdict
  kMost,     // the tests that need it have no verdict, or a red one; the others have theirs
  kNothing,  // the run ends with a line that names it, or INCOMPLETE
};

struct Need {
  std::string_view what;  // a system call, as Linux names it, or a feature
  // Seccomp can take these away to stand for it: "mkdir,mkdirat"; empty: it can't.
  std::string_view calls = "";
  std::string_view user;     // "runner", "peers", "probe", a suite
  std::string_view used_to;  // what it is called for
  Left left;
  std::string_view without;  // what happens then
};

std::span<const Need> Needs();

int NeedsMain(int argc, char** argv);

}  // namespace ipcsuite::cli
