#include "platforms/stream.h"

#include <algorithm>
#include <cstdio>

#include "base/random.h"
#include "base/text.h"
#include "reports/results/json.h"

namespace ipcsuite::platforms {
namespace {

constexpr std::string_view kMark = "@ipcsuite ";
constexpr std::size_t kChatterBytes = 4000;

std::string Sum(std::string_view text) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(HashSeed(0, text)));
  return digits;
}

std::string Line(char kind, const std::string& content) {
  return std::string(kMark) + kind + " " + Sum(content) + " " + content + "\n";
}

std::string RunLine(const report::Run& run, char kind) {
  std::string json = report::ToJson(report::WithoutResults(run));
  std::replace(json.begin(), json.end(), '\n', ' ');  // strings hold none: JSON escapes them
  return Line(kind, json);
}

}  // namespace

std::string HeaderLine(const report::Run& run) { return RunLine(run, 'H'); }
std::string EndLine(const report::Run& run) { return RunLine(run, 'E'); }
std::string BeginLine(const std::string& test) { return Line('B', test); }
std::string ResultLine(const report::TestRecord& record) {
  return Line('R', report::ToJsonLine(record));
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
  if (mark == std::string::npos) {
    chatter_ += line + "\n";
    if (chatter_.size() > kChatterBytes) chatter_.erase(0, chatter_.size() - kChatterBytes);
    return;
  }
  constexpr std::size_t kSumAt = 2, kContentAt = kSumAt + 8 + 1;  // "R 01234567 {...}"
  const std::string words = line.substr(mark + kMark.size());
  const std::string content = words.size() > kContentAt ? words.substr(kContentAt) : "";
  if (content.empty() || words.substr(kSumAt, 8) != Sum(content)) {
    ++damaged_;
    return;
  }
  switch (words[0]) {
    case 'B':
      begun_.push_back(content);
      if (seen_.insert(content).second) order_.push_back(content);
      break;
    case 'R':
      if (auto record = report::TestFromJsonLine(content)) Add(std::move(*record));
      break;
    case 'H':
    case 'E':
      if (auto run = report::RunFromJson(content)) {
        run->tests = std::move(run_.tests);
        run_ = std::move(*run);
        has_header_ = true;
        ended_ = ended_ || words[0] == 'E';
      }
      break;
  }
}

std::string Collector::settled() const {
  std::string last;
  for (const std::string& name : order_) {
    if (std::ranges::count(begun_, name) > 0) break;  // began, and has no result
    last = name;
  }
  return last;
}

void Collector::Add(report::TestRecord record) {
  if (listener_) listener_(record, run_);
  std::erase(begun_, record.name);
  const auto [it, fresh] = index_.try_emplace(record.name, run_.tests.size());
  if (fresh) {
    run_.tests.push_back(std::move(record));
  } else {
    run_.tests[it->second] = std::move(record);
  }
}

report::Run Collector::Take(const std::string& why) {
  if (!ended_) run_.interrupted = why;
  if (ended_ && damaged_ > 0 && run_.interrupted.empty()) {
    run_.interrupted = Counted(damaged_, "line") +
                       " of results damaged on the way: keep other programs and kernel messages "
                       "off that console";
  }
  return std::move(run_);
}

}  // namespace ipcsuite::platforms
