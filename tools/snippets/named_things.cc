#include "tools/snippets/claims.h"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>

#include "tools/snippets/report.h"

namespace ipcsuite::snippets {
namespace {

bool Matches(const std::string& text, const char* expression) {
  return std::regex_match(text, std::regex(expression));
}

// ---- commands

// The commands of a block: comments go, lines that end in a backslash are joined.
std::vector<Mention> CommandsOf(const Fence& fence) {
  std::vector<Mention> commands;
  int number = fence.line;
  bool join = false;
  for (std::string line : SplitLines(fence.text)) {
    if (const std::size_t hash = line.find("  #"); hash != std::string::npos) line.resize(hash);
    line = Trim(line);
    if (line[0] == '#') line.clear();
    const bool more = !line.empty() && line.back() == '\\';
    if (more) line.pop_back();
    if (join)
      commands.back().text += line;
    else if (!line.empty())
      commands.push_back({line, number});
    join = more;
    ++number;
  }
  return commands;
}

bool IsLabelPattern(const std::string& word) { return Matches(word, R"(//[\w/.:-]*)"); }

std::string LabelDefect(const std::string& label, const Tree& tree) {
  if (const std::size_t dots = label.find("/..."); dots != std::string::npos) {
    const std::string folder = dots < 2 ? "" : label.substr(2, dots - 2);
    return tree.folders.count(folder) ? "" : "there is no folder " + folder;
  }
  std::string whole = label;
  if (label.find(':') == std::string::npos) whole += ":" + label.substr(label.rfind('/') + 1);
  return tree.labels.count(whole) ? "" : "there is no target " + whole;
}

std::string BazelDefect(const std::vector<std::string>& words, const Tree& tree,
                        const Program& program) {
  for (const std::string& word : words) {
    if (IsLabelPattern(word)) {
      if (std::string defect = LabelDefect(word, tree); !defect.empty()) return defect;
    }
    if (word.rfind("--config=", 0) == 0 && !tree.configs.count(word.substr(9)))
      return ".bazelrc has no configuration " + word.substr(9);
    if (word.rfind("--test_filter=", 0) == 0) {
      std::string filter = word.substr(14);
      std::erase(filter, '\'');
      if (!AnyMatches(program.tests, filter)) return "no test matches " + filter;
    }
  }
  return "";
}

// A file that a build makes is a target.
std::string BuiltFileDefect(const std::string& path, const Tree& tree) {
  const std::size_t slash = path.rfind('/');
  const std::string label = slash == std::string::npos
                                ? "//:" + path
                                : "//" + path.substr(0, slash) + ":" + path.substr(slash + 1);
  return LabelDefect(label, tree);
}

// What `detect` looks up only when it runs: the names after --fault and --test.
std::string DetectDefect(const std::vector<std::string>& words, const Program& program) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    std::string name = words[i + 1];
    std::erase(name, '\'');
    if (words[i] == "--test" && !program.tests.count(name)) return "there is no test " + name;
    if (words[i] != "--fault") continue;
    std::istringstream names(name);
    for (std::string fault; std::getline(names, fault, ',');) {
      if (!program.faults.count(fault)) return "there is no fault " + fault;
    }
  }
  return "";
}

std::string ProgramDefect(const std::string& arguments, const std::vector<std::string>& words,
                          const Tree& tree, const Program& program, const std::string& folder) {
  const std::string command = words.empty() ? "help" : words[0];
  if (command == "test") return BazelDefect(words, tree, program);
  if (command == "build" || command == "dist" || command == "help") return "";
  if (!program.options.count(command)) return "there is no command " + command;
  // What only prints is run; what does something is tried.
  const bool prints = command == "list" || command == "explain";
  std::string dry = arguments;
  if (!prints) {
    const std::size_t rest = dry.find(" -- ");
    dry.insert(rest == std::string::npos ? dry.size() : rest, " --dry-run");
  }
  if (command == "detect") {
    if (std::string defect = DetectDefect(words, program); !defect.empty()) return defect;
  }
  const Outcome outcome = RunCommand("'" + program.path + "' " + dry, folder);
  if (outcome.status != 0) return "is refused: " + Trim(SplitLines(outcome.output + "\n")[0]);
  return prints && outcome.output.empty() ? "prints nothing" : "";
}

// "NAME=value" words before the command.
std::string AssignmentDefect(const std::string& word, const Tree& tree, const Program& program) {
  const std::string name = word.substr(0, word.find('=')), value = word.substr(name.size() + 1);
  if (name.rfind("IPCSUITE_", 0) == 0 && !tree.variables.count(name))
    return "nothing reads " + name;
  if (name == "IPCSUITE_FAULT" && !program.faults.count(value)) return "there is no fault " + value;
  const std::string built = "bazel-bin/";
  return value.rfind(built, 0) == 0 ? BuiltFileDefect(value.substr(built.size()), tree) : "";
}

std::string CommandDefect(const std::string& line, const Tree& tree, const Program& program,
                          const std::string& folder) {
  std::vector<std::string> words = SplitWords(line);
  std::string rest = line;
  while (!words.empty() && Matches(words[0], R"([A-Z_]+=.*)")) {
    if (std::string defect = AssignmentDefect(words[0], tree, program); !defect.empty())
      return defect;
    rest = Trim(rest.substr(rest.find(words[0]) + words[0].size()));
    words.erase(words.begin());
  }
  if (words.empty()) return "";
  const std::string name = words[0];
  words.erase(words.begin());
  const std::string built = "bazel-bin/";
  if (name == "./ipcsuite" || name == "ipcsuite")
    return ProgramDefect(Trim(rest.substr(name.size())), words, tree, program, folder);
  if (name == "bazel") return BazelDefect(words, tree, program);
  if (name.rfind(built, 0) == 0) return BuiltFileDefect(name.substr(built.size()), tree);
  static const std::set<std::string> kOfSystem = {
      "apt-get", "cp", "clang-format", "git", "mv", "npm", "patch", "tar", "some-program"};
  return kOfSystem.count(name) ? "" : "is not a command that the tests know";
}

// ---- code spans

// Files that a document may name though nobody finds them in the tree.
bool IsOutside(const std::string& path) {
  return path[0] == '/' || path[0] == '~' || path.rfind("bazel-", 0) == 0 ||
         path.rfind("ipcsuite-reports", 0) == 0;
}

bool LooksLikePath(const std::string& text) {
  return Matches(text, R"([\w.~/*-]+/[\w.*-]*)") ||
         Matches(text, R"([\w.*-]+\.(h|cc|md|json|jsonl|yaml|yml|sh|bzl|js|css|xsd|html|xml))");
}

bool PathExists(const std::string& text, const Document& document, const Tree& tree) {
  std::string path = text.back() == '/' ? text.substr(0, text.size() - 1) : text;
  const std::string here = std::filesystem::path(document.path).parent_path().string();
  for (const std::string& whole : {path, here.empty() ? path : here + "/" + path}) {
    if (tree.text.count(whole) || tree.folders.count(whole)) return true;
  }
  for (const auto& [known, text_of_file] : tree.text) {
    if (AnyMatches({known}, path) || AnyMatches({known}, "*/" + path)) return true;
  }
  return std::any_of(tree.text.begin(), tree.text.end(), [&](const auto& file) {
    // What a program of the tree writes or reads.
    return !file.first.ends_with(".md") && (file.second.find("\"" + path) != std::string::npos ||
                                            file.second.find("\"/" + path) != std::string::npos);
  });
}

bool IsClauseId(const std::string& text, const Program& program) {
  if (!Matches(text, R"([a-z][a-z0-9_]*(\.[a-z0-9_*]+)+)") || LooksLikePath(text)) return false;
  return AnyMatches(program.clauses, text.substr(0, text.find('.')) + ".*");
}

bool IsTestName(const std::string& text) {
  return Matches(text, R"((\w+/)?[A-Z]\w+\.[A-Z*][\w*/]*)");
}

bool TestExists(const std::string& text, const Program& program) {
  return AnyMatches(program.tests, text) || AnyMatches(program.tests, "*/" + text + "/*") ||
         AnyMatches(program.tests, text + "/*");
}

bool OptionExists(const std::string& text, const Tree& tree, const Program& program,
                  const std::string& command) {
  const std::string option = text.substr(0, text.find_first_of(" =["));
  if (option == "--help") return true;
  if (const auto it = program.options.find(command); it != program.options.end())
    return it->second.count(option) > 0;
  for (const auto& [name, options] : program.options) {
    if (options.count(option)) return true;
  }
  static const std::set<std::string> kOfBazel = {"--action_env", "--test_env", "--test_filter"};
  return kOfBazel.count(option) || tree.text.at(".bazelrc").find(option) != std::string::npos;
}

// `ipcsuite COMMAND --option ...`, with placeholders.
std::string SpanCommandDefect(const std::string& text, const Tree& tree, const Program& program) {
  const std::vector<std::string> words = SplitWords(text);
  if (words[0] == "bazel") return BazelDefect(words, tree, program);
  if (words.size() < 2 || !Matches(words[1], "[a-z-]+")) return "";
  static const std::set<std::string> kOfLauncher = {"test", "build", "dist", "help"};
  if (kOfLauncher.count(words[1])) return "";
  if (!program.options.count(words[1])) return "there is no command " + words[1];
  for (const std::string& word : words) {
    if (word == "--") break;
    if (word.rfind("--", 0) == 0 && !OptionExists(word, tree, program, words[1]))
      return words[1] + " has no option " + word;
  }
  return "";
}

// The identifier that a span such as `Bounded(call)` or `clause::pipe` ends in; empty: none.
std::string IdentifierOf(const std::string& text) {
  std::smatch match;
  if (!std::regex_match(text, match, std::regex(R"(((\w+)(::|\.|->))*([A-Za-z_]\w*)(\(.*\))?)")))
    return "";
  return match[4];
}

std::string SpanDefect(const Document& document, const std::string& text, const Tree& tree,
                       const Program& program) {
  if (Matches(text, R"(IPCSUITE_[A-Z_]+(=.*)?)"))
    return tree.variables.count(text.substr(0, text.find('='))) ? "" : "nothing reads it";
  if (Matches(text, R"(//[\w/.-]*(:[\w.-]+)?)")) return LabelDefect(text, tree);
  if (Matches(text, R"((\./)?ipcsuite .*|bazel .*)")) return SpanCommandDefect(text, tree, program);
  if (Matches(text, R"(--[a-z].*)"))
    return OptionExists(text, tree, program, "") ? "" : "no command has this option";
  if (IsClauseId(text, program))
    return AnyMatches(program.clauses, text) ? "" : "there is no such clause";
  if (IsTestName(text) && !LooksLikePath(text))
    return TestExists(text, program) ? "" : "there is no such test";
  if (LooksLikePath(text))
    return IsOutside(text) || PathExists(text, document, tree) ? "" : "there is no such file";
  const std::string name = IdentifierOf(text);
  return name.empty() || tree.words.count(name) ? "" : "nothing in the tree is called " + name;
}

}  // namespace

Defects CheckCommands(const Document& document, const Tree& tree, const Program& program,
                      const std::string& folder) {
  Report report(document);
  for (const Fence& fence : document.fences) {
    if (fence.info != "sh") continue;
    for (const Mention& command : CommandsOf(fence)) {
      const std::string defect = CommandDefect(command.text, tree, program, folder);
      if (!defect.empty()) report.Say(command.line, "`" + command.text + "`: " + defect);
    }
  }
  return report.Take();
}

Defects CheckSpans(const Document& document, const Tree& tree, const Program& program) {
  Report report(document);
  for (const Mention& span : document.spans) {
    if (span.text.empty()) continue;
    const std::string defect = SpanDefect(document, span.text, tree, program);
    if (!defect.empty()) report.Say(span.line, "`" + span.text + "`: " + defect);
  }
  return report.Take();
}

}  // namespace ipcsuite::snippets
