#include "tools/tidy/rules.h"

#include <algorithm>
#include <regex>
#include <set>
#include <string_view>

namespace ipcsuite::tidy {
namespace {

constexpr std::size_t kColumns = 100, kFunctionLines = 70, kFileLines = 400;

std::string At(const File& file, std::size_t index, const std::string& what) {
  return file.path + ":" + std::to_string(index + 1) + ": " + what;
}

bool IsComment(const std::string& line) {
  const std::size_t first = line.find_first_not_of(' ');
  return first != std::string::npos && line.compare(first, 2, "//") == 0;
}

bool IsBlank(const std::string& line) { return line.find_first_not_of(' ') == std::string::npos; }

// Characters of the line, each UTF-8 sequence counted once.
std::size_t Columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Lines of code that match, unless they hold `excuse`.
Defects Matching(const File& file, const std::regex& pattern, const std::string& what,
                 std::string_view excuse = "") {
  Defects defects;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (IsComment(line) || !std::regex_search(line, pattern)) continue;
    if (!excuse.empty() && line.find(excuse) != std::string::npos) continue;
    defects.push_back(At(file, i, what));
  }
  return defects;
}

// Where a function body begins: the code is formatted, so the line that opens it ends in "{" and
// the one that closes it is "}" at the same indentation, 0 or that of a class's members.
bool OpensFunction(const File& file, std::size_t index, std::size_t indent) {
  const std::string& line = file.lines[index];
  if (line.size() <= indent || line.back() != '{' || line[indent] == ' ') return false;
  if (line.find_first_not_of(' ') != indent) return false;
  static const std::regex kOther(
      R"(^ *(namespace|struct|class|enum|union|extern|switch|if|for|while|do|else|template).*)");
  if (std::regex_match(line, kOther)) return false;
  return line.find(')') != std::string::npos && !line.ends_with("= {");
}

}  // namespace

bool File::IsCpp() const { return path.ends_with(".cc") || path.ends_with(".h"); }
bool File::IsHeader() const { return path.ends_with(".h"); }
bool File::IsUnder(const std::string& folder) const { return path.starts_with(folder); }

Defects LongLines(const File& file) {
  Defects defects;
  for (std::size_t i = 0; file.IsCpp() && i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (Columns(line) > kColumns && line.find("http") == std::string::npos)
      defects.push_back(At(file, i, "longer than 100 columns"));
  }
  return defects;
}

Defects LongFunctions(const File& file) {
  Defects defects;
  if (!file.IsCpp()) return defects;
  for (const std::size_t indent : {0u, 2u}) {
    const std::string end = std::string(indent, ' ') + "}";
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (!OpensFunction(file, i, indent)) continue;
      const std::size_t first = i;
      while (++i < file.lines.size() && !file.lines[i].starts_with(end)) {
      }
      if (i - first + 1 > kFunctionLines)
        defects.push_back(
            At(file, first,
               "a function of " + std::to_string(i - first + 1) + " lines; 70 are the limit"));
    }
  }
  return defects;
}

Defects LongFiles(const File& file) {
  // A family's witnesses are rows that happen to be code.
  if (!file.IsCpp() || file.IsUnder("faults/witness/")) return {};
  const auto code = static_cast<std::size_t>(
      std::count_if(file.lines.begin(), file.lines.end(),
                    [](const std::string& line) { return !IsBlank(line) && !IsComment(line); }));
  if (code <= kFileLines) return {};
  return {At(file, 0, std::to_string(code) + " lines of code; 400 are the limit")};
}

Defects HeaderForm(const File& file) {
  Defects defects;
  if (file.IsHeader()) {
    if (file.lines.empty() || !IsComment(file.lines[0]))
      defects.push_back(At(file, 0, "the header does not begin with its purpose"));
    if (std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end())
      defects.push_back(At(file, 0, "no #pragma once"));
  }
  if (!file.path.ends_with(".cc")) return defects;
  const std::string own = "#include \"" + file.path.substr(0, file.path.size() - 2) + "h\"";
  const auto begins = [](const std::string& line) { return line.starts_with("#include "); };
  const auto first = std::find_if(file.lines.begin(), file.lines.end(), begins);
  const auto place = std::find(file.lines.begin(), file.lines.end(), own);
  if (place != file.lines.end() && place != first)
    defects.push_back(At(file, static_cast<std::size_t>(place - file.lines.begin()),
                         "its own header is included first"));
  return defects;
}

Defects UnmarkedSleeps(const File& file) {
  static const std::regex kSleep(
      R"(\b(usleep|nanosleep|clock_nanosleep|sleep_for|sleep_until|sleep)\()");
  if (!file.IsCpp() || file.IsUnder("tools/")) return {};
  return Matching(file, kSleep, "a sleep without \"sleep-ok:\" and a reason", "sleep-ok:");
}

Defects NotPosix(const File& file) {
  // The fault library is for Linux and the C library alone; guest.cc is init of a Linux machine; a
  // bug of Linux's own call is tested by that call; the environment card reads what there is.
  static const std::set<std::string> kExempt = {"platforms/guest.cc",
                                                "suites/mqueue/regressions_test.cc"};
  if (!file.IsCpp() || file.IsUnder("base/os/") || file.IsUnder("faults/") ||
      file.IsUnder("repro/") || file.IsUnder("cli/taken/") || file.IsUnder("tools/") ||
      file.IsUnder("reports/environment/") || kExempt.count(file.path))
    return {};
  static const std::regex kCalls(R"(\b(prctl|syscall|unshare|mount|umount2?)\(|\bSYS_[a-z])"
                                 R"(|<linux/|<sys/(prctl|syscall|mount)\.h>)");
  Defects defects = Matching(file, kCalls, "not POSIX: it belongs into base/os");
  static const std::regex kUser(R"(\bgete?uid\(\) *[!=]= *0)");
  const Defects user = Matching(file, kUser, "a user id is not a privilege: try, or ask os::");
  defects.insert(defects.end(), user.begin(), user.end());
  return defects;
}

Defects LostExpectations(const File& file) {
  if (!file.IsUnder("props/") || file.path.ends_with("_test.cc")) return {};
  static const std::regex kExpect(R"(\b(EXPECT|ASSERT)_[A-Z]+)");
  return Matching(file, kExpect, "lost inside a property: use RC_ASSERT");
}

Defects BannedWords(const File& file) {
  // This folder and the style page have to name them.
  if (file.IsUnder("tools/tidy/") || file.path == "docs/style.md") return {};
  static const std::regex kWords(R"(\b(TODO|FIXME|XXX|HACK)\b|\bcan('t| not|not)? be had\b)"
                                 R"(|\bis no finding\b|\bare no findings\b)");
  Defects defects;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(file.lines[i], match, kWords))
      defects.push_back(At(file, i, "\"" + match.str() + "\": see docs/style.md"));
  }
  return defects;
}

Defects UnusedDeclarations(const std::vector<File>& files) {
  static const std::regex kDeclaration(R"(^(?:[\w:<>,*& ]+) [*&]?(\w+)\(.*)");
  static const std::regex kWord(R"(\w+)");
  std::map<std::string, std::map<std::string, int>> uses;  // of a word in code, by file
  for (const File& file : files) {
    if (!file.IsCpp()) continue;
    for (const std::string& line : file.lines) {
      if (IsComment(line)) continue;
      for (std::sregex_iterator it(line.begin(), line.end(), kWord), end; it != end; ++it)
        ++uses[it->str()][file.path];
    }
  }
  Defects defects;
  for (const File& file : files) {
    if (!file.IsHeader()) continue;
    const std::string source = file.path.substr(0, file.path.size() - 1) + "cc";
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      const std::string& line = file.lines[i];
      if (line.starts_with(' ') || line.starts_with("#") || IsComment(line) ||
          !std::regex_match(line, match, kDeclaration))
        continue;
      auto& by_file = uses[match[1]];
      const bool elsewhere = by_file.size() > (by_file.count(source) ? 2u : 1u);
      if (!elsewhere && by_file[file.path] <= 1 && by_file[source] <= 1)
        defects.push_back(At(file, i, match[1].str() + "() is used nowhere"));
    }
  }
  return defects;
}

}  // namespace ipcsuite::tidy
