// The results of a run, one JSON line each, in shared memory: they outlive the scheduler's process,
// and a place where no file can be written (full disk, RLIMIT_FSIZE).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "reports/results/model.h"

namespace ipcsuite::internal {

class ResultLog {
 public:
  // An anonymous shared mapping for the results of `tests` tests, to be made before any fork:
  // at most what ordinary runs use many times over, less where memory is short. Throws
  // std::system_error when not even a small one can be mapped.
  explicit ResultLog(std::size_t tests);
  ~ResultLog();
  ResultLog(const ResultLog&) = delete;
  ResultLog& operator=(const ResultLog&) = delete;

  void Append(std::string_view line);  // with its newline; one writer
  std::string_view lines() const;      // complete ones
  std::uint32_t lost() const;          // lines that did not fit

 private:
  struct Head {
    std::atomic<std::uint64_t> used;
    std::atomic<std::uint32_t> lost;
  };
  Head* head_ = nullptr;
  char* text_ = nullptr;
  std::size_t bytes_ = 0;  // of the mapping
};

// Keeps results as JSON lines: in the arena, and in a file, each with one write.
class ResultFile {
 public:
  // Creates or truncates, and begins with `preface` (whole lines); throws std::system_error with
  // the path when that fails. Empty: no file.
  ResultFile(const std::string& path, const std::string& preface, ResultLog& log);
  ~ResultFile();
  void Append(const report::TestRecord& record);
  // Why an append failed; empty while all is on disk.
  const std::string& problem() const { return problem_; }

 private:
  void Write(const std::string& text);

  int fd_ = -1;
  ResultLog& log_;
  std::string path_, problem_;
};

}  // namespace ipcsuite::internal
