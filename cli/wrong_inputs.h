// The inputs of wrong_inputs_test.cc.
#pragma once

#include <span>

namespace ipcsuite {

struct Input {
  const char* name;
  // A bash command line. IPC is the program; SMALL stands for "run" with a selection that passes
  // and takes no time, its reports in $OUT. The current directory is a scratch one with the files
  // that kPrepare makes.
  const char* line;
  int status = 2;
  const char* says = "";       // in standard output or standard error
  const char* also = "";       // this too
  const char* never = "";      // and not this; "": anything
  const char* needs = "true";  // a command that succeeds where this can be tried
};

std::span<const Input> WrongInputs();

}  // namespace ipcsuite
