// What `ipcsuite run` shows while it runs: live progress on a terminal, plain lines otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/runner/runner.h"
#include "reports/results/model.h"

namespace ipcsuite::cli {

class Terminal {
 public:
  // verbose: a line for every test. quiet: nothing. stream: lines of platforms/stream.h and nothing
  // else.
  Terminal(bool verbose, bool quiet, bool stream);
  void Begin(const report::Run& run, std::size_t tests);
  // Called in the scheduler's process before a test's process is started, and after each attempt.
  void OnBegin(const std::string& test);
  void OnResult(const report::TestRecord& record, const Progress& progress);
  // Findings, the verdict, and a note unless it is empty.
  void End(const report::Run& run, const std::string& note);
  void EndStream(const report::Run& run);
  void SayWhere(const std::string& out, const std::vector<std::string>& formats);

 private:
  bool verbose_, quiet_, stream_, tty_;
  std::int64_t next_line_ns_ = 0;
};

}  // namespace ipcsuite::cli
