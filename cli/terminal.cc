#include "cli/terminal.h"

#include <unistd.h>

#include <cstdio>

#include "base/args.h"
#include "base/text.h"
#include "harness/core/arena.h"
#include "platforms/stream.h"
#include "reports/formats/report.h"

namespace ipcsuite::cli {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

// "27 of 100, 2 failed, 3 known deviations".
std::string Line(const Progress& progress) {
  std::string line = std::to_string(progress.done) + " of " + std::to_string(progress.total) +
                     ", " + std::to_string(progress.red - progress.known) + " failed";
  if (progress.known > 0) line += ", " + Counted(progress.known, "known deviation");
  return line;
}

// What nobody reads is given up: kept in the buffer, it would be written again by every process
// that is forked from here.
void Flush() {
  if (std::fflush(stdout) == 0) return;
  [[maybe_unused]] const std::FILE* const nowhere = std::freopen("/dev/null", "w", stdout);
}

}  // namespace

Terminal::Terminal(bool verbose, bool quiet, bool stream)
    : verbose_(verbose), quiet_(quiet), stream_(stream), tty_(IsTerminal(STDOUT_FILENO)) {}

void Terminal::Begin(const report::Run& run, std::size_t tests) {
  if (stream_) {
    std::printf("%s", platforms::HeaderLine(run).c_str());
    Flush();
    return;
  }
  if (quiet_) return;
  std::printf("ipcsuite: %zu tests, POSIX.1-%s, seed 0x%llx\n", tests,
              run.issue == 7 ? "2017 (Issue 7)" : "2024 (Issue 8)",
              static_cast<unsigned long long>(run.seed));
  Flush();
  next_line_ns_ = NowNs() + 5 * kSecondNs;
}

void Terminal::OnBegin(const std::string& test) {
  if (!stream_) return;
  std::printf("%s", platforms::BeginLine(test).c_str());
  Flush();
}

void Terminal::OnResult(const report::TestRecord& record, const Progress& progress) {
  if (stream_) {
    std::printf("%s", platforms::ResultLine(record).c_str());
    Flush();
    return;
  }
  if (quiet_) return;
  if (verbose_) {
    std::printf("%s%-11s %s (%.1f ms)%s%s\n", tty_ ? "\r\033[K" : "",
                std::string(report::ToString(record.verdict)).c_str(), record.name.c_str(),
                static_cast<double>(record.duration_ns) / 1e6, record.reason.empty() ? "" : ": ",
                record.reason.c_str());
    Flush();
  }
  const std::int64_t now = NowNs();
  const bool last = progress.total > 0 && progress.done >= progress.total;
  if (tty_ && (now >= next_line_ns_ || last)) {
    std::printf("\r\033[K%s", Line(progress).c_str());
    if (last) std::printf("\r\033[K");
    Flush();
    next_line_ns_ = now + kSecondNs / 10;
  } else if (!tty_ && !verbose_ && now >= next_line_ns_) {
    std::printf("ipcsuite: %s\n", Line(progress).c_str());
    Flush();
    next_line_ns_ = now + 5 * kSecondNs;
  }
}

void Terminal::End(const report::Run& run, const std::string& note) {
  if (quiet_) return;
  std::printf("%s", report::TextSummary(run, WantsColor(STDOUT_FILENO)).c_str());
  if (!note.empty()) std::printf("note: %s\n", note.c_str());
  Flush();
}

void Terminal::EndStream(const report::Run& run) {
  std::printf("%s", platforms::EndLine(run).c_str());
  Flush();
}

void Terminal::SayWhere(const std::string& out, const std::vector<std::string>& formats) {
  if (quiet_) return;
  std::string names;
  for (const std::string& format : formats)
    names += (names.empty() ? "" : ", ") + std::string(report::FindFormat(format)->file);
  std::printf("reports in %s: %s\n", out.c_str(), names.c_str());
}

}  // namespace ipcsuite::cli
