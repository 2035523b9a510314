// The source tree and the built program, as far as documents name things of them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/snippets/document.h"

namespace ipcsuite::snippets {

struct Tree {
  std::string root;                         // absolute
  std::map<std::string, std::string> text;  // of every file of the project, by its relative path
  std::set<std::string> words;              // identifiers in what is not a document
  std::set<std::string> labels;             // "//suites/pipe:pipe_test"
  std::set<std::string> folders;            // "", "suites", "suites/pipe"
  std::set<std::string> configs;            // of .bazelrc: "asan"
  std::set<std::string> variables;          // IPCSUITE_... that code outside of documents names
};

// Reads the tree of which `root` is the top. Folders that Bazel, Git and runs of the suite make are
// left out.
Tree ReadTree(const std::string& root);

// The documents of a tree, and the headers, whose comments hold examples.
std::vector<Document> DocumentsOf(const Tree& tree);

// How a command of the shell ended: its exit status and what it printed.
struct Outcome {
  int status = 0;
  std::string output;  // both streams
};

// The program as built: what it knows by name.
struct Program {
  std::string path;
  std::map<std::string, std::set<std::string>> options;  // by command: "--suite"
  std::set<std::string> clauses, tests, faults;
};

// Asks the program at this path, by its own commands. `folder` is where it may write.
Program AskProgram(const std::string& path, const std::string& folder);

Outcome RunCommand(const std::string& command, const std::string& folder);

// Whether one of the names matches a pattern with '*'.
bool AnyMatches(const std::set<std::string>& names, const std::string& pattern);

}  // namespace ipcsuite::snippets
