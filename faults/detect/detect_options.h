// The command line of `ipcsuite detect`, and what it chooses.
#pragma once

#include <string>
#include <vector>

#include "faults/detect/library.h"

namespace ipcsuite::detect {

struct Options {
  std::vector<std::string> names, families, difficulties;
  std::string test, library, out = "ipcsuite-reports";
  int jobs = 0, timeout_s = 5, sample = 1;
  double stress_s = 0;
  bool variants = false, full = false, list = false, no_suites = false, no_properties = false;
  bool claiming = false, verbose = false, repro = false;
  std::string kernel;  // folder of user-mode Linux with faults; empty: those of the library
  std::string profile = "full";  // which tests serve: all, or those of the smoke profile
  std::string smoke;  // file for the names of the smallest selection; empty: none is made
};

// Fills *options; the exit status if the program should end now (after --help or a mistake),
// otherwise -1.
int ParseOptions(int argc, char** argv, Options* options);

bool Contains(const std::vector<std::string>& list, const std::string& text);

// The faults, or with --variants the variants, that the options name: the canary is among the
// faults unless single ones are named; the neutral implementation, which is run apart, is not.
std::vector<Implementation> Choose(const Options& options, const std::vector<Implementation>& all);

}  // namespace ipcsuite::detect
