// This kernel with the C library of a directory tree.
#include <filesystem>

#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

using Walk = std::filesystem::recursive_directory_iterator;
constexpr auto kSkip = std::filesystem::directory_options::skip_permission_denied;

// The dynamic loader of a tree that holds a C library.
std::string FindLoader(const std::string& tree) {
  std::error_code error;
  for (const auto& entry : Walk(tree, kSkip, error)) {
    const std::string name = entry.path().filename().string();
    // ld-musl-x86_64.path beside it is a list of directories.
    if ((name.rfind("ld-linux", 0) == 0 || name.rfind("ld-musl", 0) == 0) &&
        name.find(".so") != std::string::npos)
      return entry.path().string();
  }
  return "";
}

// Directories of a tree that hold shared libraries, as a loader's search path.
std::string LibraryPath(const std::string& tree) {
  std::string path;
  std::error_code error;
  for (const auto& entry : Walk(tree, kSkip, error)) {
    if (!entry.is_directory(error)) continue;
    bool holds = false;
    for (const auto& file : std::filesystem::directory_iterator(entry.path(), error)) {
      if (file.path().filename().string().find(".so") != std::string::npos) holds = true;
    }
    if (holds) path += (path.empty() ? "" : ":") + entry.path().string();
  }
  return path;
}

Result<Launch> PrepareLibc(const PlatformSpec& spec, const LaunchInput& input) {
  const std::string loader = FindLoader(spec.target);
  if (loader.empty())
    return Error{"no dynamic loader (ld-linux*, ld-musl*) under " + spec.target +
                 ": unpack the libc's package there"};
  return Under({loader, "--library-path", LibraryPath(spec.target)}, input);
}

const Row<PlatformKind> kLibc({
    .name = "libc",
    .syntax = "libc:DIRECTORY",
    .help = "this kernel with the C library of a tree (loader and libraries); a dynamic program",
    .target = Target::kRequired,
    .prepare = &PrepareLibc,
});

}  // namespace
}  // namespace ipcsuite::platforms
