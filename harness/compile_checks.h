// Outcomes of compiling C snippets against the platform's headers, at build time; see
// compile_checks.bzl. They describe the headers that this program was built with.
#pragma once

#include <cstddef>
#include <string_view>

namespace ipcsuite::compile_checks {

struct Result {
  const char* name;  // of the snippet, without ".c"
  bool compiles;
  const char* message;  // the compiler's first complaint; empty when it compiles
};

// The outcome of that name; null when no snippet has that name.
template <std::size_t N>
const Result* Find(const Result (&results)[N], std::string_view name) {
  for (const Result& result : results) {
    if (name == result.name) return &result;
  }
  return nullptr;
}

}  // namespace ipcsuite::compile_checks
