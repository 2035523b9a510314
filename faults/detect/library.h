// The implementations that the fault library stands in for, read from the library.
#pragma once

#include <string>
#include <vector>

#include "faults/preload/list.h"
#include "spec/clause.h"

namespace ipcsuite::detect {

// As faults::Row (list.h), with strings, and clauses of this build's catalogue.
struct Implementation {
  std::string name;
  faults::Role role = faults::Role::fault;
  faults::Family family = faults::Family::meta;
  faults::Difficulty difficulty = faults::Difficulty::none;
  std::vector<ClauseRef> clauses;
  std::string observed, what, source;
  std::string file;  // where it stands, relative to the source tree
  int line = 0;
  // The neutral one and the canary.
  bool meta() const { return family == faults::Family::meta; }
};

// Where the library is: beside the program, or where Bazel puts it seen from the program; empty if
// it is not there.
std::string FindLibrary();

// All rows of the library at this path, in its order, the neutral one and the canary first. Empty
// and *error (one line) set when it can't be loaded (also by a program that is linked statically),
// or when it names a clause that this build does not know.
std::vector<Implementation> LoadLibrary(const std::string& path, std::string* error);

}  // namespace ipcsuite::detect
