// Semaphores as tests use them: named, unnamed in shared memory, unnamed in private memory.
#pragma once

#include <fcntl.h>
#include <semaphore.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "harness/core/call.h"
#include "harness/core/names.h"

namespace ipcsuite {

// A call that returns a semaphore, or SEM_FAILED (null on some systems, -1 on others) and errno.
#define CALL_SEM(...)                                            \
  IPC_INVOKE_(#__VA_ARGS__,                                      \
              reinterpret_cast<std::intptr_t>(SEM_FAILED) == 0   \
                  ? ::ipcsuite::internal::Convention::kNull      \
                  : ::ipcsuite::internal::Convention::kMinusOne, \
              __VA_ARGS__)

// The address that a successful sem_open() returned.
inline sem_t* ToSem(const CallResult& opened) {
  return reinterpret_cast<sem_t*>(static_cast<std::intptr_t>(opened.value));
}

// Owns an open named semaphore, which it closes at the end; null owns nothing.
class OpenSemaphore {
 public:
  OpenSemaphore() = default;
  // Adopts what sem_open() returned; a failed one is kept as null (its test judges it).
  explicit OpenSemaphore(const CallResult& opened) : sem_(opened.ok() ? ToSem(opened) : nullptr) {}
  ~OpenSemaphore() { Close(); }
  OpenSemaphore(OpenSemaphore&& other) noexcept : sem_(other.release()) {}
  OpenSemaphore& operator=(OpenSemaphore&& other) noexcept;
  operator sem_t*() const { return sem_; }  // NOLINT: stands for the semaphore
  sem_t* get() const { return sem_; }
  sem_t* release() { return std::exchange(sem_, nullptr); }
  void Close();

 private:
  sem_t* sem_ = nullptr;
};

enum class SemKind { kNamed, kShared, kPrivate };

// A semaphore with this initial value. A named one has a unique name, which is unlinked at the end;
// a shared one (pshared) is in the memory that a test shares with its peers, a private one is not.
// Ends the test as UNRESOLVED (ENOSYS: UNSUPPORTED) when it can't be made.
class Semaphore {
 public:
  explicit Semaphore(SemKind kind = SemKind::kNamed, unsigned value = 0, mode_t mode = 0600);
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  operator sem_t*() const { return sem_; }  // NOLINT: stands for the semaphore
  sem_t* get() const { return sem_; }
  // Of a named one.
  const char* name() const { return name_->c_str(); }
  // Closes a named one before its end.
  void Close() { open_.Close(); }

 private:
  std::optional<UniqueName> name_;
  OpenSemaphore open_;
  sem_t private_;
  sem_t* sem_ = nullptr;
};

}  // namespace ipcsuite
