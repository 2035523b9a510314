#include "base/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

namespace ipcsuite {
namespace {

Error CannotBe(const std::string& path, const char* what, int why) {
  return {(path == "-" ? "standard output" : path) + ": cannot be " + what + ": " +
          std::strerror(why)};
}

bool WriteAll(std::FILE* file, std::string_view content) {
  return std::fwrite(content.data(), 1, content.size(), file) == content.size() &&
         std::fflush(file) == 0;
}

// A device or FIFO (/dev/stderr, /dev/null), which must not be replaced by a file.
Result<void> WriteInto(const std::string& path, std::string_view content) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool done = file != nullptr && WriteAll(file, content);
  const int why = errno;
  if (file != nullptr) std::fclose(file);
  if (!done) return CannotBe(path, "written", why);
  return {};
}

Result<void> Replace(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (file == nullptr) return CannotBe(path, "written", errno);
  bool done = WriteAll(file, content);
  int why = errno;
  if (std::fclose(file) != 0 && done) {
    done = false;
    why = errno;
  }
  if (done && std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  if (done) why = errno;
  std::remove(temporary.c_str());
  return CannotBe(path, "written", why);
}

}  // namespace

Result<std::string> ReadFile(const std::string& path) {
  const bool standard_input = path == "-";
  struct stat status {};
  if (!standard_input && ::stat(path.c_str(), &status) != 0) return CannotBe(path, "read", errno);
  if (S_ISDIR(status.st_mode)) return Error{path + ": is a folder, not a file"};
  if (status.st_size > kMaxFileBytes) {
    return Error{path + ": is larger than " + std::to_string(kMaxFileBytes) + " bytes: not read"};
  }
  std::FILE* file = standard_input ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return CannotBe(path, "read", errno);
  std::string text;
  char buffer[65536];
  std::size_t got = 0;
  while ((got = std::fread(buffer, 1, sizeof buffer, file)) > 0) {
    text.append(buffer, got);
    if (static_cast<long long>(text.size()) > kMaxFileBytes) break;
  }
  const bool failed = std::ferror(file) != 0;
  if (!standard_input) std::fclose(file);
  if (failed) return Error{path + ": reading failed"};
  if (static_cast<long long>(text.size()) > kMaxFileBytes)
    return Error{path + ": is too large: not read whole"};
  return text;
}

Result<void> WriteFile(const std::string& path, std::string_view content) {
  if (path == "-") {
    if (!WriteAll(stdout, content)) return CannotBe(path, "written", errno);
    return {};
  }
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) return Error{path + ": cannot be written: is a folder"};
  return exists && !S_ISREG(status.st_mode) ? WriteInto(path, content) : Replace(path, content);
}

}  // namespace ipcsuite
