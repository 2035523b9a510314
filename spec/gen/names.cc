// Ids to C++ names.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "spec/gen/catalog.h"

namespace ipcsuite::gen {
namespace {

// Lower-case words that a constant or a namespace can't be called: keywords, alternative tokens,
// and object-like macros of the C, C++ and POSIX headers (of some system that the suite may be
// built on).
// clang-format off
constexpr auto kTaken = std::to_array<std::string_view>({
    // C++20 keywords and alternative tokens
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break",
    "case", "catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return",
    "co_yield", "compl", "concept", "const", "const_cast", "consteval", "constexpr", "constinit",
    "continue", "decltype", "default", "delete", "do", "double", "dynamic_cast", "else", "enum",
    "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if", "inline",
    "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "requires", "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast",
    "struct", "switch", "template", "this", "thread_local", "throw", "true", "try", "typedef",
    "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile", "wchar_t",
    "while", "xor", "xor_eq",
    // macros
    "errno", "h_errno", "linux", "unix", "stdin", "stdout", "stderr", "environ", "sa_handler",
    "sa_sigaction", "si_pid", "si_uid", "si_value", "si_int", "si_ptr", "si_status", "si_addr",
    "si_band", "si_fd", "si_utime", "si_stime", "si_timerid", "si_overrun", "st_atime", "st_mtime",
    "st_ctime", "sigev_notify_function", "sigev_notify_attributes", "sched_priority", "stat64",
    "assert", "major", "minor", "makedev", "offsetof", "alloca", "i386", "arm", "mips", "sparc",
});
// clang-format on

std::string CppName(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  if (!name.empty() && name.front() >= '0' && name.front() <= '9') name.insert(name.begin(), '_');
  if (std::ranges::find(kTaken, name) != kTaken.end()) name += '_';
  return name;
}

}  // namespace

Constant ClauseConstant(std::string_view id) {
  const auto dot = id.find('.');
  if (dot == std::string_view::npos) return {CppName(std::string(id)), ""};
  return {CppName(std::string(id.substr(0, dot))), CppName(std::string(id.substr(dot + 1)))};
}

Constant RegressionConstant(std::string_view id) { return {"", CppName(std::string(id))}; }

}  // namespace ipcsuite::gen
