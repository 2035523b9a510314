#include "props/engine/sem_target.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include <cerrno>

#include "harness/core/context.h"
#include "harness/core/names.h"
#include "harness/objects/sem_clockwait.h"
#include "props/engine/outcome.h"

namespace ipcsuite::props {
namespace {

[[noreturn]] void CannotMake(const char* call) {
  if (errno == ENOSYS) Unsupported(std::string("semaphores: ") + call + " fails with ENOSYS");
  Unresolved(std::string("can't make a semaphore: ") + call + ": " + ipcsuite::ErrnoName(errno));
}

}  // namespace

SemTarget::SemTarget(bool named, unsigned value) : named_(named) {
  if (named) {
    const UniqueName name = UniqueName::Sem();
    sem_ = sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, value);
    if (sem_ == SEM_FAILED) CannotMake("sem_open");
    sem_unlink(name.c_str());
    return;
  }
  void* const memory =
      mmap(nullptr, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) CannotMake("mmap");
  sem_ = static_cast<sem_t*>(memory);
  if (sem_init(sem_, 1, value) != 0) CannotMake("sem_init");
}

SemTarget::~SemTarget() {
  if (named_) {
    sem_close(sem_);
  } else {
    munmap(sem_, sizeof(sem_t));
  }
}

void SemTarget::Enter(int process) {
  struct sigaction interrupt {};
  interrupt.sa_handler = [](int) {};  // no SA_RESTART: a call that waits ends with EINTR
  sigaction(SIGUSR1, &interrupt, nullptr);
  signal(SIGUSR2, SIG_IGN);
  if (levels_.empty()) return;
  sched_param param{};
  param.sched_priority =
      sched_get_priority_min(SCHED_FIFO) + 1 + levels_[static_cast<std::size_t>(process)];
  sched_setscheduler(0, SCHED_FIFO, &param);
}

void SemTarget::Wait(Op& op) {
  if (op.Has(kNonblock) || op.call == Call::kSemTryWait)
    return NoteOutcome(op, CALL(sem_trywait(sem_)));
  if (op.call == Call::kSemWait) return NoteOutcome(op, CALL(sem_wait(sem_)));
  const bool monotonic = kHasClockwait && op.call == Call::kSemClockWait;
  const clockid_t clock = monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  const std::int64_t deadline_ns = DeadlineNs(op, clock);
  const timespec deadline = ToTimespec(nanoseconds(deadline_ns));
  NoteOutcome(op,
              monotonic ? ClockWait(sem_, clock, deadline) : CALL(sem_timedwait(sem_, &deadline)));
  NoteTimeout(op, deadline_ns, clock);
}

void SemTarget::Perform(Op& op, unsigned char*) {
  if (IsSemWait(op.call)) return Wait(op);
  if (op.call == Call::kSemPost) return NoteOutcome(op, CALL(sem_post(sem_)));
  int value = 0;
  NoteOutcome(op, CALL(sem_getvalue(sem_, &value)));
  op.value = static_cast<std::uint64_t>(std::int64_t{value});
}

}  // namespace ipcsuite::props
