// For tests of the program as a whole: command lines of bash, and a directory to run them in.
#pragma once

#include <string>

namespace ipcsuite {

// With every `what` in the text replaced.
std::string Replaced(std::string text, const std::string& what, const std::string& with);

// The program under test, by an absolute path.
std::string ProgramPath();

struct Ended {
  int status = -1;  // of the command line; 128 + the signal that killed it
  std::string text;
};

// Runs a bash script; what it prints (standard output and standard error) goes to the file.
Ended Shell(const std::string& script, const std::string& text_path);

// A directory, removed with all that is in it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ipcsuite
