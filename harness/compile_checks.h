// Outcomes of compiling C snippets against the platform's headers, at build time; see
// compile_checks.bzl. They describe the headers that this program was built with.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "harness/core/context.h"

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

// The outcome of that name, for a test to judge. UNRESOLVED when the controls among the results
// (control_compiles, control_fails) show that the build's compiler decided nothing, UNSUPPORTED
// when the first of them found that `header` is absent.
template <std::size_t N>
const Result& Judged(const Result (&results)[N], std::string_view name, std::string_view header) {
  const auto outcome = [&](std::string_view one) {
    const Result* result = Find(results, one);
    if (!result) Unresolved("no outcome of compiling " + std::string(one) + " is in this program");
    return result;
  };
  if (const Result* control = outcome("control_compiles"); !control->compiles) {
    const std::string why = control->message;
    if (why.find(header) != std::string::npos)
      Unsupported("no <" + std::string(header) + ">: " + why);
    Unresolved("the build could not compile C: " + why);
  }
  if (outcome("control_fails")->compiles)
    Unresolved("the build's compiler takes what no header declares");
  return *outcome(name);
}

}  // namespace ipcsuite::compile_checks
