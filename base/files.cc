#include "base/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace ipcsuite {
namespace {

void Say(std::string* error, std::string line) {
  if (error != nullptr) *error = std::move(line);
}

bool WriteAll(std::FILE* file, std::string_view content) {
  return std::fwrite(content.data(), 1, content.size(), file) == content.size() &&
         std::fflush(file) == 0;
}

}  // namespace

std::optional<std::string> ReadFile(const std::string& path, std::string* error) {
  const bool standard_input = path == "-";
  struct stat status {};
  if (!standard_input && ::stat(path.c_str(), &status) != 0) {
    Say(error, path + ": cannot be read: " + std::strerror(errno));
    return std::nullopt;
  }
  if (S_ISDIR(status.st_mode)) {
    Say(error, path + ": is a folder, not a file");
    return std::nullopt;
  }
  if (status.st_size > kMaxFileBytes) {
    Say(error, path + ": is larger than " + std::to_string(kMaxFileBytes) + " bytes: not read");
    return std::nullopt;
  }
  std::FILE* file = standard_input ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    Say(error, path + ": cannot be read: " + std::strerror(errno));
    return std::nullopt;
  }
  std::string text;
  char buffer[65536];
  std::size_t got = 0;
  while ((got = std::fread(buffer, 1, sizeof buffer, file)) > 0) {
    text.append(buffer, got);
    if (static_cast<long long>(text.size()) > kMaxFileBytes) break;
  }
  const bool failed = std::ferror(file) != 0;
  if (!standard_input) std::fclose(file);
  if (failed || static_cast<long long>(text.size()) > kMaxFileBytes) {
    Say(error, path + (failed ? ": reading failed" : ": is too large: not read whole"));
    return std::nullopt;
  }
  return text;
}

bool WriteFile(const std::string& path, std::string_view content, std::string* error) {
  if (path == "-") {
    if (WriteAll(stdout, content)) return true;
    Say(error, std::string("standard output: cannot be written: ") + std::strerror(errno));
    return false;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    if (S_ISDIR(status.st_mode)) {
      Say(error, path + ": cannot be written: is a folder");
      return false;
    }
    // A device or FIFO (/dev/stderr, /dev/null) must not be replaced by a file.
    std::FILE* file = std::fopen(path.c_str(), "wb");
    const bool done = file != nullptr && WriteAll(file, content);
    if (!done) Say(error, path + ": cannot be written: " + std::strerror(errno));
    if (file != nullptr) std::fclose(file);
    return done;
  }
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  int why = errno;
  if (file != nullptr) {
    bool done = WriteAll(file, content);
    why = errno;
    if (std::fclose(file) != 0 && done) {
      done = false;
      why = errno;
    }
    if (done && std::rename(temporary.c_str(), path.c_str()) == 0) return true;
    if (done) why = errno;
    std::remove(temporary.c_str());
  }
  Say(error, path + ": cannot be written: " + std::strerror(why));
  return false;
}

}  // namespace ipcsuite
