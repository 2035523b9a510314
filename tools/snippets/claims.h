// What documents claim about the tree and the program, and whether it is so. Every function returns
// the defects, a line "PATH:LINE: what is wrong" each; empty: all is true.
#pragma once

#include <string>
#include <vector>

#include "tools/snippets/tree.h"

namespace ipcsuite::snippets {

using Defects = std::vector<std::string>;

// Every fence says what it holds (docs/style.md lists the kinds). What is quoted "from PATH" stands
// there in the same words; "..." on a line of its own leaves lines out.
Defects CheckFences(const Document& document, const Tree& tree);

// The command lines of "sh" fences: the program accepts them (its own commands are tried with
// --dry-run), labels and files of programs exist. `folder` is where commands may write.
Defects CheckCommands(const Document& document, const Tree& tree, const Program& program,
                      const std::string& folder);

// The histories and the expectations that are shown: the program's checkers accept them.
Defects CheckData(const Document& document, const Program& program, const std::string& folder);

// Code spans: files, labels, clauses, tests, commands, options, variables and identifiers exist.
Defects CheckSpans(const Document& document, const Tree& tree, const Program& program);

// Links inside the tree lead to a file, and to a heading of it.
Defects CheckLinks(const Document& document, const std::vector<Document>& all, const Tree& tree);

// Comments of headers name clauses that exist.
Defects CheckClausesInComments(const Tree& tree, const Program& program);

// Every IPCSUITE_ variable of the tree stands in docs/environment-variables.md.
Defects CheckVariables(const Tree& tree);

// Every document of docs/ is linked from another.
Defects CheckReachable(const std::vector<Document>& all);

}  // namespace ipcsuite::snippets
