// Results of another platform as they arrive: kept on disk, so that a run that is killed here
// leaves what it measured, and shown.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

#include "reports/results/model.h"

namespace ipcsuite::platforms {

class Arrivals {
 public:
  // path: the file of results (results.jsonl) that is written anew.
  explicit Arrivals(const std::string& path);
  // A result, and what is known of its run. Everything is on disk on return.
  void Enter(const report::TestRecord& record, const report::Run& run);
  // A line for those who wait: on a terminal in its place ten times a second, elsewhere a new one
  // every five seconds. `last`: the test that began last.
  void Show(const std::string& platform, const std::string& last);
  // Takes the line off the terminal.
  void End();
  // What could not be written; empty: nothing.
  std::string Problem() const;

 private:
  std::string path_;
  std::ofstream file_;
  bool tty_;
  int results_ = 0, failed_ = 0;
  std::int64_t next_line_ns_;
};

}  // namespace ipcsuite::platforms
