#include "tools/snippets/tree.h"

#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <utility>

namespace ipcsuite::snippets {
namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool IsForeign(const std::string& name) {
  return name == ".git" || name == "node_modules" || name.rfind("bazel-", 0) == 0 ||
         name.rfind("ipcsuite-", 0) == 0;
}

std::set<std::string> FindAll(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it)
    found.insert((*it)[it->size() > 1 ? 1 : 0]);
  return found;
}

void AddWords(const std::string& text, std::set<std::string>& words) {
  std::string word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      word += c;
    } else if (!word.empty()) {
      words.insert(std::exchange(word, ""));
    }
  }
}

// The targets of a BUILD file: by name, and the test that ipc_suite() adds.
void AddLabels(const std::string& folder, const std::string& text, std::set<std::string>& labels) {
  std::string rule;
  for (const std::string& line : SplitLines(text)) {
    std::smatch match;
    if (std::regex_match(line, match, std::regex(R"((\w+)\(.*)"))) rule = match[1];
    if (!std::regex_match(line, match, std::regex(R"re( +(?:name = )?"([^"]+)",.*)re"))) continue;
    labels.insert("//" + folder + ":" + match[1].str());
    if (rule == "ipc_suite") labels.insert("//" + folder + ":" + match[1].str() + "_test");
  }
}

// The first word of each line.
std::set<std::string> FirstWords(const std::string& text) {
  std::set<std::string> words;
  for (const std::string& line : SplitLines(text)) {
    if (const auto split = SplitWords(line); !split.empty()) words.insert(split[0]);
  }
  return words;
}

}  // namespace

Tree ReadTree(const std::string& root) {
  Tree tree;
  tree.root = root;
  tree.folders.insert("");
  for (fs::recursive_directory_iterator it(root), end; it != end; ++it) {
    const std::string path = fs::relative(it->path(), root).string();
    if (it->is_symlink() || IsForeign(it->path().filename().string())) {
      if (!it->is_symlink() && it->is_directory()) it.disable_recursion_pending();
    } else if (it->is_directory()) {
      tree.folders.insert(path);
    } else if (it->is_regular_file()) {
      tree.text[path] = Read(it->path());
    }
  }
  for (const auto& [path, text] : tree.text) {
    if (path.ends_with(".md") || path.ends_with(".png")) continue;
    AddWords(text, tree.words);
    if (text.find("IPCSUITE_") != std::string::npos)
      tree.variables.merge(FindAll(text, R"(\bIPCSUITE_[A-Z_]+\b)"));
    const fs::path as_path(path);
    if (as_path.filename() == "BUILD") AddLabels(as_path.parent_path().string(), text, tree.labels);
  }
  // Macros begin likewise.
  for (const auto& [path, text] : tree.text) {
    if (text.find("IPCSUITE_") == std::string::npos) continue;
    for (const std::string& name : FindAll(text, R"(#define (IPCSUITE_[A-Z_]+))"))
      tree.variables.erase(name);
    for (const std::string& name : FindAll(text, R"(defined\((IPCSUITE_[A-Z_]+)\))"))
      tree.variables.erase(name);
  }
  tree.configs = FindAll(tree.text[".bazelrc"], R"(build:(\w+))");
  return tree;
}

std::vector<Document> DocumentsOf(const Tree& tree) {
  std::vector<Document> documents;
  for (const auto& [path, text] : tree.text) {
    if (path.ends_with(".md")) documents.push_back(ParseMarkdown(path, text));
    if (path.ends_with(".h")) documents.push_back(ParseComments(path, text));
  }
  return documents;
}

Outcome RunCommand(const std::string& command, const std::string& folder) {
  const std::string output = folder + "/output";
  const int status =
      std::system(("cd '" + folder + "' && { " + command + "; } >output 2>&1 </dev/null").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 255, Read(output)};
}

Program AskProgram(const std::string& path, const std::string& folder) {
  Program program;
  program.path = path;
  const auto ask = [&](const std::string& words) {
    return RunCommand("'" + path + "' " + words, folder).output;
  };
  for (const std::string& line : SplitLines(ask("--help"))) {
    if (line.rfind("  ", 0) != 0) continue;
    const std::string command = SplitWords(line)[0];
    program.options[command] = FindAll(ask(command + " --help"), R"((--[a-z][a-z-]*))");
  }
  for (const std::string sub : {"update", "check", "list"})
    program.options["expectations"].merge(
        FindAll(ask("expectations " + sub + " --help"), R"((--[a-z][a-z-]*))"));
  program.clauses = FirstWords(ask("list --clauses"));
  program.tests = FirstWords(ask("list --tests"));
  program.faults = FirstWords(ask("detect --list"));
  program.faults.merge(FirstWords(ask("detect --variants --list")));
  return program;
}

bool AnyMatches(const std::set<std::string>& names, const std::string& pattern) {
  if (pattern.find('*') == std::string::npos) return names.count(pattern) > 0;
  std::string expression;
  for (const char c : pattern) {
    if (c == '*')
      expression += ".*";
    else if (std::isalnum(static_cast<unsigned char>(c)) || c == '_')
      expression += c;
    else
      expression += std::string("\\") + c;
  }
  const std::regex whole(expression);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return std::regex_match(name, whole); });
}

}  // namespace ipcsuite::snippets
