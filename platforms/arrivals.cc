#include "platforms/arrivals.h"

#include <unistd.h>

#include <cstdio>

#include "base/args.h"
#include "base/clock.h"
#include "base/text.h"
#include "reports/results/json.h"

namespace ipcsuite::platforms {
namespace {

constexpr nanoseconds kInPlace = 100ms, kLines = 5s;

}  // namespace

Arrivals::Arrivals(const std::string& path)
    : path_(path),
      file_(path, std::ios::trunc),
      tty_(IsTerminal(STDOUT_FILENO)),
      next_line_ns_(NowNs() + (tty_ ? kInPlace : kLines).count()) {}

void Arrivals::Enter(const report::TestRecord& record, const report::Run& run) {
  if (results_ == 0) file_ << report::ToJsonHeader(run) << '\n';
  file_ << report::ToJsonLine(record) << '\n' << std::flush;
  ++results_;
  if (record.verdict == report::Verdict::kFail) ++failed_;
}

void Arrivals::Show(const std::string& platform, const std::string& last) {
  const std::int64_t now = NowNs();
  if (now < next_line_ns_) return;
  next_line_ns_ = now + (tty_ ? kInPlace : kLines).count();
  const std::string line = platform + ": " + Counted(results_, "result") + ", " +
                           std::to_string(failed_) + " failed" +
                           (last.empty() ? ", starting" : ", last begun: " + last);
  std::printf(tty_ ? "\r\033[K%s" : "%s\n", line.c_str());
  std::fflush(stdout);
}

void Arrivals::End() {
  if (tty_) std::printf("\r\033[K");
}

std::string Arrivals::Problem() const { return file_ ? "" : "can't write " + path_; }

}  // namespace ipcsuite::platforms
