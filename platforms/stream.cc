#include "platforms/stream.h"

#include <algorithm>

#include "reports/results/json.h"

namespace ipcsuite::platforms {
namespace {

constexpr std::string_view kMark = "@ipcsuite ";
constexpr std::size_t kChatterBytes = 4000;

std::string OneLine(report::Run run, char kind) {
  run.tests.clear();
  run.clauses.clear();
  std::string json = report::ToJson(run);
  std::replace(json.begin(), json.end(), '\n', ' ');  // strings hold none: JSON escapes them
  return std::string(kMark) + kind + " " + json + "\n";
}

}  // namespace

std::string HeaderLine(const report::Run& run) { return OneLine(run, 'H'); }
std::string EndLine(const report::Run& run) { return OneLine(run, 'E'); }
std::string ResultLine(const report::TestRecord& record) {
  return std::string(kMark) + "R " + report::ToJsonLine(record) + "\n";
}

void Collector::Feed(std::string_view bytes) {
  rest_ += bytes;
  std::size_t begin = 0;
  for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string line = rest_.substr(begin, end - begin);
    while (!line.empty() && line.back() == '\r') line.pop_back();
    Line(std::move(line));
  }
  rest_.erase(0, begin);
}

void Collector::Line(std::string line) {
  const std::size_t mark = line.find(kMark);  // a console may have put something before it
  if (mark == std::string::npos || line.size() < mark + kMark.size() + 2) {
    chatter_ += line + "\n";
    if (chatter_.size() > kChatterBytes) chatter_.erase(0, chatter_.size() - kChatterBytes);
    return;
  }
  const char kind = line[mark + kMark.size()];
  const std::string json = line.substr(mark + kMark.size() + 2);
  if (kind == 'R') {
    if (auto record = report::TestFromJsonLine(json)) {
      const auto [it, fresh] = index_.try_emplace(record->name, run_.tests.size());
      if (fresh) {
        run_.tests.push_back(std::move(*record));
      } else {
        run_.tests[it->second] = std::move(*record);
      }
    }
    return;
  }
  if (auto run = report::RunFromJson(json)) {
    run->tests = std::move(run_.tests);
    run_ = std::move(*run);
    has_header_ = true;
    ended_ = ended_ || kind == 'E';
  }
}

report::Run Collector::Take(const std::string& why) {
  if (!ended_) run_.interrupted = why;
  return std::move(run_);
}

}  // namespace ipcsuite::platforms
