// Failing programs are kept in a file and run first the next time, until they have passed often.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "props/engine/program.h"

namespace ipcsuite::props {

// One line: the property, how often the program has passed since it failed, the program.
struct KeptProgram {
  std::string property;
  int passes = 0;
  Program program;
};

class SeedFile {
 public:
  // A program leaves the file when it has passed this often in a row.
  static constexpr int kPassesToForget = 5;
  static constexpr std::size_t kMaxPerProperty = 8;

  // `path` may not exist yet; empty: nothing is kept.
  explicit SeedFile(std::string path) : path_(std::move(path)) {}

  // The programs kept for a property. Lines that can't be read are left alone.
  std::vector<KeptProgram> Load(std::string_view property) const;
  // Notes that the program failed (again). False, with a reason in `why`, when it can't be written.
  bool Failed(std::string_view property, const Program& program, std::string& why);
  void Passed(std::string_view property, const Program& program);

 private:
  template <typename Edit>
  bool Rewrite(Edit&& edit, std::string& why);

  std::string path_;
};

}  // namespace ipcsuite::props
