// How results travel from a platform to the host that started it: as lines on whatever the
// program's standard output is there (a file, ssh, a serial console).
//
//   @ipcsuite H {...}   at the start: the run without tests (environment, seed, issue)
//   @ipcsuite R {...}   each result, as soon as it is known
//   @ipcsuite E {...}   at the end: the run without tests again, now with duration and interruption
//
// A platform that hangs or panics has sent what it measured. Other lines are console chatter.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "reports/results/model.h"

namespace ipcsuite::platforms {

std::string HeaderLine(const report::Run& run);
std::string ResultLine(const report::TestRecord& record);
std::string EndLine(const report::Run& run);

// Assembles lines from pieces.
class Collector {
 public:
  // Takes any bytes; lines may be split between calls and end in "\r\n" (consoles).
  void Feed(std::string_view bytes);
  bool has_header() const { return has_header_; }
  bool ended() const { return ended_; }
  std::size_t results() const { return run_.tests.size(); }
  // Lines of chatter, the last few of them: what a panic said.
  const std::string& chatter() const { return chatter_; }
  // What arrived. `why` becomes the run's interruption if no end line came.
  report::Run Take(const std::string& why);

 private:
  void Line(std::string line);
  report::Run run_;
  std::string rest_, chatter_;
  std::map<std::string, std::size_t> index_;
  bool has_header_ = false, ended_ = false;
};

}  // namespace ipcsuite::platforms
