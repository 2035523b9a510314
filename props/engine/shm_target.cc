#include "props/engine/shm_target.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "harness/core/call.h"
#include "harness/core/context.h"

namespace ipcsuite::props {
namespace {

sigjmp_buf g_after_fault;

void OnFault(int) { siglongjmp(g_after_fault, 1); }

void NoteOutcome(Op& op, const CallResult& result) {
  op.result = result.failed ? -1 : 0;  // numbers of descriptors and addresses say nothing here
  op.error = result.failed ? result.error : 0;
  op.fate = Fate::kReturned;
}

}  // namespace

ShmTarget::ShmTarget()
    : page_size_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
      mapped_bytes_(page_size_ * kShmMappedPages),
      owner_(getpid()) {
  fds_.fill(-1);
  for (std::size_t i = 0; i < kShmNames; ++i) names_.push_back(UniqueName::Shm());
  const int fd = shm_open(names_[0].c_str(), O_RDWR | O_CREAT, 0600);
  if (fd < 0) {
    const int error = errno;
    if (error == ENOSYS) Unsupported("shared memory objects: shm_open fails with ENOSYS");
    Unresolved("can't make a shared memory object (" + ipcsuite::ErrnoName(error) +
               "): is /dev/shm there and writable?");
  }
  close(fd);
  shm_unlink(names_[0].c_str());
}

ShmTarget::~ShmTarget() {
  for (const int fd : fds_) {
    if (fd >= 0) close(fd);
  }
  for (void* mapping : mappings_) {
    if (mapping != nullptr) munmap(mapping, mapped_bytes_);
  }
  if (owner_ != getpid()) return;
  for (const UniqueName& name : names_) shm_unlink(name.c_str());
}

void ShmTarget::Enter(int) {
  struct sigaction action {};
  action.sa_handler = OnFault;
  sigaction(SIGBUS, &action, nullptr);
  sigaction(SIGSEGV, &action, nullptr);
}

void ShmTarget::Perform(Op& op, unsigned char*) {
  const std::size_t slot = op.object % kShmSlots;
  switch (op.call) {
    case Call::kShmOpen: return Open(op);
    case Call::kShmUnlink:
      return NoteOutcome(op, CALL(shm_unlink(names_[op.object % kShmNames].c_str())));
    case Call::kFtruncate:
      return NoteOutcome(op, CALL(ftruncate(fds_[slot], static_cast<off_t>(op.amount))));
    case Call::kFstatSize: {
      struct stat status {};
      NoteOutcome(op, CALL(fstat(fds_[slot], &status)));
      op.value = static_cast<std::uint64_t>(status.st_size);
      return;
    }
    case Call::kCloseFd:
      NoteOutcome(op, CALL(close(fds_[slot])));
      fds_[slot] = -1;
      return;
    case Call::kMmap: return Map(op);
    case Call::kMunmap:
      NoteOutcome(op, CALL(munmap(mappings_[slot], mapped_bytes_)));
      mappings_[slot] = nullptr;
      return;
    default: return Access(op);
  }
}

void ShmTarget::Open(Op& op) {
  int flags = op.Has(kReadOnly) ? O_RDONLY : O_RDWR;
  if (op.Has(kCreate)) flags |= O_CREAT;
  if (op.Has(kExclusive)) flags |= O_EXCL;
  if (op.Has(kTruncate)) flags |= O_TRUNC;
  const CallResult opened = CALL(shm_open(names_[op.object % kShmNames].c_str(), flags, 0600));
  if (opened.ok()) fds_[op.amount % kShmSlots] = opened.fd();
  NoteOutcome(op, opened);
}

void ShmTarget::Map(Op& op) {
  const int fd = fds_[op.object % kShmSlots];
  const int flags = fcntl(fd, F_GETFL);
  const int protection = (flags & O_ACCMODE) == O_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE;
  const auto offset = static_cast<off_t>(op.amount * page_size_);
  const CallResult mapped = CALL(mmap(nullptr, mapped_bytes_, protection, MAP_SHARED, fd, offset));
  if (mapped.ok()) {
    mappings_[op.priority % kShmSlots] =
        reinterpret_cast<void*>(static_cast<std::intptr_t>(mapped.value));
  }
  NoteOutcome(op, mapped);
}

// Touches one byte; a fault is noted as EFAULT.
void ShmTarget::Access(Op& op) {
  auto* byte = static_cast<volatile unsigned char*>(mappings_[op.object % kShmSlots]) + op.amount;
  op.result = 0;
  op.error = 0;
  op.fate = Fate::kReturned;
  if (sigsetjmp(g_after_fault, 1) != 0) {
    op.error = EFAULT;
    op.result = -1;
    if (op.call == Call::kLoad) op.value = 0;
    return;
  }
  if (op.call == Call::kStore) {
    *byte = static_cast<unsigned char>(op.value);
  } else {
    op.value = *byte;
  }
}

}  // namespace ipcsuite::props
