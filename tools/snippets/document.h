// A document of the project as the tests see it: its fenced blocks, its `code` spans and its links.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ipcsuite::snippets {

// A block between fences of backquotes.
struct Fence {
  std::string info;  // "cpp body", "sh", "cpp from suites/pipe/dup_test.cc"
  std::string text;  // lines with their newlines
  int line = 0;      // of the first line of `text`, from 1
};

struct Mention {
  std::string text;  // of a code span, or the target of a link
  int line = 0;
};

struct Document {
  std::string path;  // relative to the root of the source tree
  std::vector<Fence> fences;
  std::vector<Mention> spans;
  std::vector<Mention> links;
  std::vector<std::string> anchors;  // of the headings, as GitHub makes them
  std::vector<std::string> defects;  // "PATH:LINE: what is wrong"
};

// Reads Markdown. A fence that is never closed, and a block of code by indentation, which no test
// could see, are defects.
Document ParseMarkdown(const std::string& path, std::string_view text);

// Reads the comments of a C++ file: only the fences in them count.
Document ParseComments(const std::string& path, std::string_view text);

// The C++ of all "cpp test", "cpp body" and "cpp fragment" blocks as one translation unit, whose
// lines the compiler names by document and line:
//   cpp test      declarations and tests of namespace ipcsuite
//   cpp body      statements: the body of a test
//   cpp fragment  statements that are compiled and never run
std::string EmitExamples(const std::vector<Document>& documents);

std::vector<std::string> SplitLines(std::string_view text);
std::vector<std::string> SplitWords(std::string_view text);
std::string Trim(std::string_view text);

}  // namespace ipcsuite::snippets
