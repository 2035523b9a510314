// Whole files in and out, with errors of one line that begin with the path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ipcsuite {

// A file larger than this is refused: no result of a run comes near it.
inline constexpr long long kMaxFileBytes = 256LL * 1024 * 1024;

// "-" is standard input. On failure: nullopt, and *error (may be null) holds one line.
std::optional<std::string> ReadFile(const std::string& path, std::string* error);

// Writes to a temporary name in the same folder, then renames: a reader (or a full disk) never
// sees half a file. "-" is standard output. On failure: false, one line in *error, and whatever
// `path` held before is still there.
bool WriteFile(const std::string& path, std::string_view content, std::string* error);

}  // namespace ipcsuite
