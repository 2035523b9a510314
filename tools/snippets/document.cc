#include "tools/snippets/document.h"

#include <cctype>
#include <sstream>

namespace ipcsuite::snippets {
namespace {

std::string At(const Document& document, int line) {
  return document.path + ":" + std::to_string(line) + ": ";
}

std::string AnchorOf(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_')
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

void ReadSpans(const std::string& text, int line, Document& document) {
  for (std::size_t at = text.find('`'); at != std::string::npos;) {
    const std::size_t end = text.find('`', at + 1);
    if (end == std::string::npos) {
      document.defects.push_back(At(document, line) + "a code span goes on to the next line");
      return;
    }
    document.spans.push_back({text.substr(at + 1, end - at - 1), line});
    at = text.find('`', end + 1);
  }
}

void ReadLinks(const std::string& text, int line, Document& document) {
  for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 2)) {
    const std::size_t end = text.find(')', at);
    if (end != std::string::npos)
      document.links.push_back({text.substr(at + 2, end - at - 2), line});
  }
}

// Feeds the lines of one Markdown text into a document.
class Reader {
 public:
  explicit Reader(Document& document, bool fences_only)
      : document_(document), fences_only_(fences_only) {}

  void Line(const std::string& line, int number) {
    const bool mark = Trim(line).rfind("```", 0) == 0;
    if (open_) {
      if (mark) {
        open_ = false;
      } else {
        document_.fences.back().text += line + "\n";
      }
    } else if (mark) {
      open_ = true;
      document_.fences.push_back({Trim(Trim(line).substr(3)), "", number + 1});
    } else if (!fences_only_) {
      Prose(line, number);
    }
    if (!Trim(line).empty()) in_list_ = IsListItem(line) || (in_list_ && line[0] == ' ');
    after_blank_ = Trim(line).empty();
  }

  void End() {
    if (open_)
      document_.defects.push_back(At(document_, document_.fences.back().line - 1) +
                                  "a fence is never closed");
    open_ = false;
  }

 private:
  static bool IsListItem(const std::string& line) {
    const std::string text = Trim(line);
    return text.rfind("- ", 0) == 0 || (text.size() > 2 && std::isdigit(text[0]) && text[1] == '.');
  }

  void Prose(const std::string& line, int number) {
    if (line.rfind("    ", 0) == 0 && after_blank_ && !in_list_)
      document_.defects.push_back(At(document_, number) +
                                  "code by indentation: use a fence, which the tests see");
    if (line[0] == '#')
      document_.anchors.push_back(AnchorOf(Trim(line.substr(line.find(' ') + 1))));
    ReadSpans(line, number, document_);
    ReadLinks(line, number, document_);
  }

  Document& document_;
  bool fences_only_;
  bool open_ = false, after_blank_ = true, in_list_ = false;
};

bool IsCode(const Fence& fence) {
  return fence.info == "cpp test" || fence.info == "cpp body" || fence.info == "cpp fragment";
}

// "docs/faults.md", 12 -> "DocsFaultsMd12".
std::string NameOf(const Document& document, int line) {
  std::string name;
  bool capital = true;
  for (const char c : document.path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte)) name += static_cast<char>(capital ? std::toupper(byte) : c);
    capital = !std::isalnum(byte);
  }
  return name + std::to_string(line);
}

void EmitFence(const Document& document, const Fence& fence, std::ostringstream& out) {
  std::string code;
  for (const std::string& text : SplitLines(fence.text)) {
    // Already at the top of the file, which keeps the numbers of the lines.
    code += (text.rfind("#include", 0) == 0 ? "" : text) + "\n";
  }
  const std::string where =
      "#line " + std::to_string(fence.line) + " \"" + document.path + "\"\n" + code;
  const std::string name = NameOf(document, fence.line);
  if (fence.info == "cpp test") {
    out << (code.find("namespace ipcsuite") == std::string::npos
                ? "namespace ipcsuite::example_" + name + " {\nnamespace {\n" + where + "}\n}\n"
                : where);
    return;
  }
  out << "namespace ipcsuite::example_" << name << " {\n";
  if (fence.info == "cpp body")
    out << "IPC_TEST(Example, " << name << ") {\n" << where << "}\n";
  else
    out << "[[maybe_unused]] static void " << name << "() {\n" << where << "}\n";
  out << "}\n";
}

}  // namespace

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::vector<std::string> SplitWords(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

Document ParseMarkdown(const std::string& path, std::string_view text) {
  Document document;
  document.path = path;
  Reader reader(document, false);
  int number = 0;
  for (const std::string& line : SplitLines(text)) reader.Line(line, ++number);
  reader.End();
  return document;
}

Document ParseComments(const std::string& path, std::string_view text) {
  Document document;
  document.path = path;
  Reader reader(document, true);
  int number = 0;
  for (const std::string& line : SplitLines(text)) {
    ++number;
    const std::string trimmed = Trim(line);
    if (trimmed.rfind("//", 0) != 0) {
      reader.End();
      continue;
    }
    reader.Line(trimmed.size() > 3 ? trimmed.substr(3) : "", number);
  }
  reader.End();
  return document;
}

std::string EmitExamples(const std::vector<Document>& documents) {
  std::ostringstream includes, code;
  for (const Document& document : documents) {
    for (const Fence& fence : document.fences) {
      if (!IsCode(fence)) continue;
      for (const std::string& line : SplitLines(fence.text)) {
        if (line.rfind("#include", 0) == 0) includes << line << "\n";
      }
      EmitFence(document, fence, code);
    }
  }
  return "// Generated from the documents.\n#include \"tools/snippets/prelude.h\"\n" +
         includes.str() + code.str();
}

}  // namespace ipcsuite::snippets
