#include "props/engine/seeds.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

namespace ipcsuite::props {
namespace {

std::optional<KeptProgram> Parse(const std::string& line) {
  std::istringstream words(line);
  KeptProgram kept;
  std::string text;
  if (!(words >> kept.property >> kept.passes >> text)) return std::nullopt;
  std::optional<Program> program = DecodeProgram(text);
  if (!program.has_value()) return std::nullopt;
  kept.program = std::move(*program);
  return kept;
}

std::string Format(const KeptProgram& kept) {
  return fmt::format("{} {} {}", kept.property, kept.passes, Encode(kept.program));
}

std::vector<std::string> ReadLines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::vector<KeptProgram> SeedFile::Load(std::string_view property) const {
  std::vector<KeptProgram> programs;
  if (path_.empty()) return programs;
  for (const std::string& line : ReadLines(path_)) {
    std::optional<KeptProgram> kept = Parse(line);
    if (kept.has_value() && kept->property == property) programs.push_back(std::move(*kept));
  }
  return programs;
}

// Reads, edits and replaces the file under a lock, so that concurrent tests don't lose lines.
template <typename Edit>
bool SeedFile::Rewrite(Edit&& edit, std::string& why) {
  if (path_.empty()) {
    why = "neither HOME nor XDG_CACHE_HOME is set";
    return false;
  }
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  const int lock = open((path_ + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    why = path_ + ": " + std::strerror(errno);
    return false;
  }
  flock(lock, LOCK_EX);
  std::vector<std::string> lines = ReadLines(path_);
  edit(lines);
  const std::string temporary = fmt::format("{}.{}", path_, getpid());
  bool written = false;
  {
    std::ofstream out(temporary, std::ios::trunc);
    for (const std::string& line : lines) out << line << '\n';
    out.flush();
    written = out.good();
  }
  if (written) std::filesystem::rename(temporary, path_, error);
  written = written && !error;
  if (!written) {
    std::filesystem::remove(temporary, error);
    why = path_ + " can't be written";
  }
  close(lock);
  return written;
}

bool SeedFile::Failed(std::string_view property, const Program& program, std::string& why) {
  const KeptProgram now{std::string(property), 0, program};
  return Rewrite(
      [&](std::vector<std::string>& lines) {
        std::erase_if(lines, [&](const std::string& line) {
          const std::optional<KeptProgram> kept = Parse(line);
          return kept.has_value() && kept->property == property && kept->program == program;
        });
        lines.push_back(Format(now));
        std::size_t count = 0;
        for (std::size_t i = lines.size(); i > 0; --i) {  // the newest are kept
          const std::optional<KeptProgram> kept = Parse(lines[i - 1]);
          if (!kept.has_value() || kept->property != property) continue;
          if (++count > kMaxPerProperty)
            lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i) - 1);
        }
      },
      why);
}

void SeedFile::Passed(std::string_view property, const Program& program) {
  std::string why;
  Rewrite(
      [&](std::vector<std::string>& lines) {
        for (std::size_t i = 0; i < lines.size(); ++i) {
          std::optional<KeptProgram> kept = Parse(lines[i]);
          if (!kept.has_value() || kept->property != property || kept->program != program) continue;
          if (++kept->passes >= kPassesToForget) {
            lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
          } else {
            lines[i] = Format(*kept);
          }
          return;
        }
      },
      why);
}

}  // namespace ipcsuite::props
