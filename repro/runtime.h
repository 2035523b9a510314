// The part of a reproducer that is the same in all of them, as far as it is needed.
#pragma once

#include <string>
#include <vector>

#include "repro/arguments.h"

namespace ipcsuite::repro {

struct Runtime {
  int peers = 0;
  bool processes = false, threads = false;    // what the peers are
  bool blocked = false;                       // somebody must be asleep
  bool status = false;                        // of processes that ended
  bool end = false;                           // of threads that were cancelled
  int numbers = 0;                            // the first free one of descriptors; 0: no matter
  const char* directory = nullptr;            // for paths, made for all users
  std::vector<std::string> directories = {};  // made before
  Needs needs = {};
  std::vector<Variable> variables = {};
  std::vector<Variable> shared = {};  // in memory that the processes share
  std::vector<std::string> removals = {};
};

// Everything before the peers; `rest` is what follows, whose headers are included too.
std::string RuntimeInC(const Runtime& runtime, std::string_view rest);
// The first lines of main().
std::string SetUpInC(const Runtime& runtime);

}  // namespace ipcsuite::repro
