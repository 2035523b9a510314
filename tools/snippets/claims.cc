#include "tools/snippets/claims.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>

#include "tools/snippets/report.h"

namespace ipcsuite::snippets {
namespace {

std::vector<std::string> TrimmedLines(const std::string& text) {
  std::vector<std::string> lines = SplitLines(text);
  for (std::string& line : lines) line = Trim(line);
  return lines;
}

// Whether the quoted lines stand in this order in the text: each piece between lines "..." in one.
bool IsQuoteOf(const std::string& quote, const std::string& text) {
  const std::vector<std::string> lines = TrimmedLines(text);
  auto from = lines.begin();
  std::vector<std::string> piece;
  std::vector<std::string> quoted = TrimmedLines(quote);
  quoted.push_back("...");
  for (const std::string& line : quoted) {
    if (line != "...") {
      piece.push_back(line);
      continue;
    }
    from = std::search(from, lines.end(), piece.begin(), piece.end());
    if (from == lines.end() && !piece.empty()) return false;
    from += static_cast<std::ptrdiff_t>(piece.size());
    piece.clear();
  }
  return true;
}

}  // namespace

Defects CheckFences(const Document& document, const Tree& tree) {
  static const std::set<std::string> kKinds = {
      "cpp test", "cpp body", "cpp fragment", "sh", "text", "jsonl history", "json expectations",
  };
  Report report(document);
  for (const Fence& fence : document.fences) {
    if (kKinds.count(fence.info)) continue;
    const std::vector<std::string> words = SplitWords(fence.info);
    if (words.size() != 3 || words[1] != "from") {
      report.Say(fence.line - 1, "fence of an unknown kind '" + fence.info + "'");
    } else if (const auto file = tree.text.find(words[2]); file == tree.text.end()) {
      report.Say(fence.line - 1, "there is no file " + words[2]);
    } else if (!IsQuoteOf(fence.text, file->second)) {
      report.Say(fence.line, words[2] + " does not have these lines (any more)");
    }
  }
  Defects defects = report.Take();
  defects.insert(defects.end(), document.defects.begin(), document.defects.end());
  return defects;
}

Defects CheckData(const Document& document, const Program& program, const std::string& folder) {
  Report report(document);
  for (const Fence& fence : document.fences) {
    const bool history = fence.info == "jsonl history";
    if (!history && fence.info != "json expectations") continue;
    std::ofstream(folder + "/data.json") << fence.text;
    const Outcome outcome =
        RunCommand("'" + program.path + "' " +
                       (history ? "check-history data.json" : "expectations check data.json"),
                   folder);
    // A history may be shown because it is wrong.
    if (outcome.status > (history ? 1 : 0)) report.Say(fence.line, Trim(outcome.output));
  }
  return report.Take();
}

Defects CheckLinks(const Document& document, const std::vector<Document>& all, const Tree& tree) {
  namespace fs = std::filesystem;
  Report report(document);
  for (const Mention& link : document.links) {
    if (link.text.find("://") != std::string::npos) continue;
    const std::size_t hash = link.text.find('#');
    const std::string file = link.text.substr(0, hash);
    const std::string target =
        file.empty() ? document.path
                     : (fs::path(document.path).parent_path() / file).lexically_normal().string();
    if (!tree.text.count(target) && !tree.folders.count(target)) {
      report.Say(link.line, "the link to " + link.text + " leads nowhere");
      continue;
    }
    if (hash == std::string::npos) continue;
    const auto it = std::find_if(all.begin(), all.end(),
                                 [&](const Document& other) { return other.path == target; });
    const std::string anchor = link.text.substr(hash + 1);
    if (it == all.end() ||
        std::find(it->anchors.begin(), it->anchors.end(), anchor) == it->anchors.end())
      report.Say(link.line, target + " has no heading #" + anchor);
  }
  return report.Take();
}

Defects CheckClausesInComments(const Tree& tree, const Program& program) {
  std::set<std::string> constants;
  for (std::string id : program.clauses) {
    const std::size_t dot = id.find('.');
    if (dot == std::string::npos) continue;
    std::replace(id.begin(), id.end(), '.', '_');
    constants.insert(id.substr(0, dot) + "::" + id.substr(dot + 1));
  }
  const std::regex expression(R"(clause::(\w+::\w+))");
  Defects defects;
  for (const auto& [path, text] : tree.text) {
    if (!path.ends_with(".h") && !path.ends_with(".cc")) continue;
    int number = 0;
    for (const std::string& line : SplitLines(text)) {
      ++number;
      std::smatch match;
      const std::size_t comment = line.find("//");
      if (comment == std::string::npos) continue;
      const std::string words = line.substr(comment);
      if (std::regex_search(words, match, expression) && !constants.count(match[1]))
        defects.push_back(path + ":" + std::to_string(number) +
                          ": there is no clause::" + match[1].str());
    }
  }
  return defects;
}

Defects CheckVariables(const Tree& tree) {
  const auto file = tree.text.find("docs/environment-variables.md");
  Defects defects;
  for (const std::string& name : tree.variables) {
    if (file == tree.text.end() || file->second.find("`" + name + "`") == std::string::npos)
      defects.push_back("docs/environment-variables.md does not explain " + name);
  }
  return defects;
}

Defects CheckReachable(const std::vector<Document>& all) {
  namespace fs = std::filesystem;
  std::set<std::string> linked;
  for (const Document& document : all) {
    for (const Mention& link : document.links) {
      const fs::path target =
          fs::path(document.path).parent_path() / link.text.substr(0, link.text.find('#'));
      if (target.lexically_normal() != document.path)
        linked.insert(target.lexically_normal().string());
    }
  }
  Defects defects;
  for (const Document& document : all) {
    if (document.path.rfind("docs/", 0) == 0 && !linked.count(document.path))
      defects.push_back(document.path + ": no document links to it");
  }
  return defects;
}

}  // namespace ipcsuite::snippets
