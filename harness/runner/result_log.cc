#include "harness/runner/result_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "reports/results/json.h"

namespace ipcsuite::internal {
namespace {

// A test's line has 600 bytes in the mean; one with failures, processes and a metric's samples,
// some tens of thousands. Pages are taken as they are used.
constexpr std::size_t kBytesPerTest = 8u << 10;
constexpr std::size_t kBytesMin = 1u << 20;

void* Map(std::size_t bytes) {
  int flags = MAP_SHARED | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  flags |= MAP_NORESERVE;
#endif
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
}

}  // namespace

ResultLog::ResultLog(std::size_t tests) : bytes_(kBytesMin + tests * kBytesPerTest) {
  void* memory = Map(bytes_);
  while (memory == MAP_FAILED && bytes_ > kBytesMin) {
    bytes_ = std::max(bytes_ / 2, kBytesMin);
    memory = Map(bytes_);
  }
  if (memory == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "mapping memory for results");
  head_ = static_cast<Head*>(memory);
  text_ = reinterpret_cast<char*>(head_ + 1);
}

ResultLog::~ResultLog() { munmap(head_, bytes_); }

void ResultLog::Append(std::string_view line) {
  const std::uint64_t at = head_->used.load(std::memory_order_relaxed);
  if (sizeof(Head) + at + line.size() > bytes_) {
    head_->lost.fetch_add(1);
    return;
  }
  std::memcpy(text_ + at, line.data(), line.size());
  head_->used.store(at + line.size(), std::memory_order_release);
}

std::string_view ResultLog::lines() const {
  return std::string_view(text_, head_->used.load(std::memory_order_acquire));
}

std::uint32_t ResultLog::lost() const { return head_->lost.load(); }

ResultFile::ResultFile(const std::string& path, const std::string& preface, ResultLog& log)
    : log_(log), path_(path) {
  if (path.empty()) return;
  fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "can't write " + path);
  Write(preface);
  if (!problem_.empty())
    throw std::system_error(errno, std::generic_category(), "can't write " + path);
}

ResultFile::~ResultFile() {
  if (fd_ >= 0) close(fd_);
}

void ResultFile::Append(const report::TestRecord& record) {
  const std::string line = report::ToJsonLine(record) + "\n";
  log_.Append(line);
  if (fd_ >= 0 && problem_.empty()) Write(line);
}

void ResultFile::Write(const std::string& text) {
  std::size_t put = 0;
  while (put < text.size()) {
    const ssize_t n = write(fd_, text.data() + put, text.size() - put);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      problem_ = "can't write " + path_ + ": " + std::strerror(errno);
      return;
    }
    put += static_cast<std::size_t>(n);
  }
}

}  // namespace ipcsuite::internal
