// extract OUT FILE...: writes the C++ examples of documents and headers as one translation unit.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tools/snippets/document.h"

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: extract OUT FILE...\n", stderr), 2;
  std::vector<ipcsuite::snippets::Document> documents;
  for (int i = 2; i < argc; ++i) {
    const std::string path = argv[i];
    std::ifstream in(path);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    documents.push_back(path.ends_with(".md") ? ipcsuite::snippets::ParseMarkdown(path, text)
                                              : ipcsuite::snippets::ParseComments(path, text));
  }
  std::ofstream out(argv[1]);
  out << ipcsuite::snippets::EmitExamples(documents);
  out.close();
  return out ? 0 : 1;
}
