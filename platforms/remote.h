// A platform that the program was started on: its results are taken as they arrive; a hang, a panic
// or a lost channel ends it and leaves what had arrived.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "platforms/platform.h"
#include "platforms/stream.h"
#include "reports/results/model.h"

namespace ipcsuite::platforms {

struct RemoteOptions {
  std::string program;            // file to run there; empty: this program
  std::string label;              // name in comparisons; empty: the platform as the user wrote it
  nanoseconds limit = 15min;      // of the whole run
  nanoseconds silence = 3min;     // without a byte from there
  int restarts = 3;               // after a test that brought the platform down
  std::string console;            // file that gets all that the platform says; empty: none
  bool resume = false;            // go on with what `console` holds
  std::vector<std::string> rest;  // options of `run` there; empty: all conformance suites
};

class Remote {
 public:
  Remote(const PlatformSpec& spec, const RemoteOptions& options) : spec_(spec), options_(options) {}
  ~Remote();
  Remote(const Remote&) = delete;
  Remote& operator=(const Remote&) = delete;

  // False and one line in *error when it cannot be started.
  bool Start(std::string* error);
  // Takes what has arrived; true once the platform has ended (or was killed here).
  bool Poll();
  // The results. Their environment says how the platform was run; `interrupted` says why they are
  // incomplete, if they are.
  report::Run Take();

  const std::string& name() const { return options_.label.empty() ? spec_.text : options_.label; }
  double seconds() const;
  // What has arrived; its listener is to be set before Start().
  Collector& collector() { return collector_; }

 private:
  std::vector<std::string> Arguments() const;
  bool OpenConsole(std::string* error);
  bool Launched(std::string* error);
  bool Fork(const Launch& launch, std::string* error);
  bool Restarts();
  void Type();
  [[noreturn]] void Exec(const Launch& launch, int out);
  bool Read();
  void Stop();

  PlatformSpec spec_;
  RemoteOptions options_;
  std::string work_dir_, why_, downs_;
  std::string typed_, prompt_, seen_;  // what to type once the prompt has been seen
  Collector collector_;
  std::ofstream console_;
  pid_t pid_ = 0;
  int in_ = -1, status_ = 0, starts_ = 0;
  std::size_t typed_bytes_ = 0, results_at_start_ = 0;
  std::int64_t start_ns_ = 0, header_ns_ = 0, last_sign_ns_ = 0, end_ns_ = 0;
};

}  // namespace ipcsuite::platforms
