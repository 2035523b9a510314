// Whole files in and out, with errors of one line that begin with the path.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ipcsuite {

// A file larger than this is refused: no result of a run comes near it.
inline constexpr long long kMaxFileBytes = 256LL * 1024 * 1024;

// "-" is standard input.
Result<std::string> ReadFile(const std::string& path);

// Writes to a temporary name in the same folder, then renames: a reader (or a full disk) never
// sees half a file. "-" is standard output. On failure, whatever `path` held before is still there.
Result<void> WriteFile(const std::string& path, std::string_view content);

}  // namespace ipcsuite
