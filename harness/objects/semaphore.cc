#include "harness/objects/semaphore.h"

#include <cerrno>

#include "harness/core/context.h"
#include "harness/objects/resources.h"

namespace ipcsuite {

using namespace calls;  // NOLINT: what objects do is in the trace

namespace {

const CallResult& NeedMade(const CallResult& made, const char* interface) {
  if (made.failed_with(ENOSYS)) Unsupported(std::string(interface) + " is absent here (ENOSYS)");
  if (const std::string trouble = TroubleOfShmPlace(); !made.ok() && !trouble.empty())
    Unresolved("set-up failed: " + Describe(made) + "; " + trouble);
  return Setup(made);
}

sem_t* SharedMemoryForOne() {
  Slot* slot = CurrentSlot();
  void* memory = slot ? slot->Allocate(sizeof(sem_t), alignof(sem_t)) : nullptr;
  if (!memory) Unresolved("the test's shared memory is used up");
  return static_cast<sem_t*>(memory);
}

}  // namespace

OpenSemaphore& OpenSemaphore::operator=(OpenSemaphore&& other) noexcept {
  Close();
  sem_ = other.release();
  return *this;
}

void OpenSemaphore::Close() {
  const int saved = errno;
  if (sem_) sem_close(sem_);
  sem_ = nullptr;
  errno = saved;
}

Semaphore::Semaphore(SemKind kind, unsigned value, mode_t mode) {
  if (kind == SemKind::kNamed) {
    name_.emplace(UniqueName::Sem());
    open_ = OpenSemaphore(
        NeedMade(CALL_SEM(sem_open(name_->c_str(), O_CREAT | O_EXCL, mode, value)), "sem_open()"));
    sem_ = open_;
    return;
  }
  sem_ = kind == SemKind::kShared ? SharedMemoryForOne() : &private_;
  NeedMade(CALL(sem_init(sem_, kind == SemKind::kShared, value)), "sem_init()");
}

Semaphore::~Semaphore() {
  const int saved = errno;
  if (!name_) sem_destroy(sem_);
  errno = saved;
}

}  // namespace ipcsuite
