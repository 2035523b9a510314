// The results of a run, one JSON line each, in shared memory: they outlive the scheduler's process,
// and a place where no file can be written (full disk, RLIMIT_FSIZE).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace ipcsuite::internal {

struct ResultLog {
  static constexpr std::size_t kBytes =
      sizeof(void*) == 8 ? 512u << 20 : 32u << 20;  // touched as used
  std::atomic<std::uint64_t> used;                  // complete lines
  std::atomic<std::uint32_t> lost;                  // lines that did not fit
  char text[kBytes];

  void Append(std::string_view line);  // with its newline; one writer
  std::string_view lines() const {
    return std::string_view(text, used.load(std::memory_order_acquire));
  }
};

struct UnmapResultLog {
  void operator()(ResultLog* log) const;
};
// An anonymous shared mapping, to be made before any fork; throws std::system_error.
std::unique_ptr<ResultLog, UnmapResultLog> NewResultLog();

}  // namespace ipcsuite::internal
