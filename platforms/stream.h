// How results travel from a platform to the host that started it: as lines on whatever the
// program's standard output is there (a file, ssh, a serial console).
//
//   @ipcsuite H SUM {...}   at the start: the run without tests (environment, seed, issue)
//   @ipcsuite B SUM NAME    a test begins
//   @ipcsuite R SUM {...}   each result, as soon as it is known
//   @ipcsuite E SUM {...}   at the end: the run again, now with duration and interruption
//
// SUM is a checksum in hexadecimal digits of what follows it: a console mixes kernel messages into
// lines. A platform that hangs or panics has sent what it measured, and which tests were running.
// Other lines are console chatter.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::platforms {

std::string HeaderLine(const report::Run& run);
std::string BeginLine(const std::string& test);
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
  // Lines that were damaged on the way.
  int damaged() const { return damaged_; }
  // Tests that have begun and not ended, in the order in which they began.
  const std::vector<std::string>& running() const { return begun_; }
  // Where another start goes on: the last test, in the order of the run, before which nothing is
  // left to run. Empty: from the beginning.
  std::string settled() const;
  // The test that began last for the first time; empty: none has.
  std::string last_begun() const { return order_.empty() ? "" : order_.back(); }
  std::uint64_t seed() const { return run_.seed; }  // of the run, once the header has arrived
  // Called with each result as it is entered, and with what is known of the run by then.
  using Listener = std::function<void(const report::TestRecord&, const report::Run&)>;
  void Listen(Listener listener) { listener_ = std::move(listener); }
  // Enters a result that the platform could not send.
  void Add(report::TestRecord record);
  // Lines of chatter, the last few of them: what a panic said.
  const std::string& chatter() const { return chatter_; }
  // What arrived. `why` becomes the run's interruption if no end line came.
  report::Run Take(const std::string& why);

 private:
  void Line(std::string line);
  report::Run run_;
  Listener listener_;
  std::string rest_, chatter_;
  std::vector<std::string> begun_;
  std::vector<std::string> order_;  // of the first beginnings
  std::set<std::string> seen_;
  std::map<std::string, std::size_t> index_;
  bool has_header_ = false, ended_ = false;
  int damaged_ = 0;
};

}  // namespace ipcsuite::platforms
