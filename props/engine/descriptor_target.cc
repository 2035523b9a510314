#include "props/engine/descriptor_target.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "harness/core/call.h"
#include "harness/core/context.h"
#include "harness/peers/exec.h"
#include "props/model/descriptors.h"

namespace ipcsuite::props {
namespace {

void NoteOutcome(Op& op, const CallResult& result) {
  op.result = result.failed ? -1 : 0;
  op.error = result.failed ? result.error : 0;
  op.fate = Fate::kReturned;
}

// Says which of the slots are open after exec, as a bit mask.
IPC_ROLE(props_open_slots) {
  const int base = std::atoi(args.at(0).c_str());
  unsigned open = 0;
  for (unsigned i = 0; i < kFdSlots; ++i) {
    if (fcntl(base + static_cast<int>(i), F_GETFD) != -1) open |= 1U << i;
  }
  self.Say(std::to_string(open));
  return 0;
}

}  // namespace

DescriptorTarget::DescriptorTarget() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t most = std::min<rlim_t>(limit.rlim_cur, 1024);
  base_ = static_cast<int>(most) - static_cast<int>(kFdSlots) - 1;
  if (base_ < 16) Unresolved("the limit on descriptors is too low: raise ulimit -n");
}

DescriptorTarget::~DescriptorTarget() {
  for (std::size_t slot = 0; slot < kFdSlots; ++slot) close(At(slot));
}

void DescriptorTarget::Enter(int) { signal(SIGPIPE, SIG_IGN); }

void DescriptorTarget::Perform(Op& op, unsigned char*) {
  const int fd = At(op.object % kFdSlots);
  switch (op.call) {
    case Call::kPipe: return MakePipe(op);
    case Call::kDup: return NoteOutcome(op, CALL(dup2(fd, At(op.amount % kFdSlots))));
    case Call::kClose: return NoteOutcome(op, CALL(close(fd)));
    case Call::kPutByte:
    case Call::kGetByte: return Bytes(op);
    case Call::kFork: {
      const int pid = spawn(static_cast<int>(op.amount));
      op.error = pid < 0 ? EAGAIN : 0;
      op.result = pid;
      op.fate = Fate::kReturned;
      return;
    }
    case Call::kExit:
      op.error = 0;
      op.fate = Fate::kReturned;
      _exit(0);
    case Call::kExecProbe: return ExecProbe(op);
    default: return Flags(op);
  }
}

// pipe() chooses the numbers; the ends are moved to the slots.
void DescriptorTarget::MakePipe(Op& op) {
  int fds[2] = {-1, -1};
  NoteOutcome(op, CALL(pipe(fds)));
  if (!op.Ok()) return;
  dup2(fds[0], At(op.object % kFdSlots));
  dup2(fds[1], At(op.amount % kFdSlots));
  close(fds[0]);
  close(fds[1]);
}

void DescriptorTarget::Flags(Op& op) {
  const int fd = At(op.object % kFdSlots);
  const bool status = op.call == Call::kSetNonblock || op.call == Call::kGetNonblock;
  const int flag = status ? O_NONBLOCK : FD_CLOEXEC;
  const CallResult flags = status ? CALL(fcntl(fd, F_GETFL)) : CALL(fcntl(fd, F_GETFD));
  NoteOutcome(op, flags);
  if (op.call == Call::kGetNonblock || op.call == Call::kGetCloexec) {
    op.value = (flags.value & flag) != 0;
    return;
  }
  const int wanted = static_cast<int>(op.value != 0 ? flags.value | flag : flags.value & ~flag);
  NoteOutcome(op, status ? CALL(fcntl(fd, F_SETFL, wanted)) : CALL(fcntl(fd, F_SETFD, wanted)));
}

void DescriptorTarget::Bytes(Op& op) {
  const int fd = At(op.object % kFdSlots);
  auto byte = static_cast<unsigned char>(op.value);
  const CallResult moved =
      op.call == Call::kPutByte ? CALL(write(fd, &byte, 1)) : CALL(read(fd, &byte, 1));
  NoteOutcome(op, moved);
  op.result = moved.value;
  op.value = op.call == Call::kPutByte || moved.value == 1 ? byte : 0;
}

void DescriptorTarget::ExecProbe(Op& op) {
  op.fate = Fate::kReturned;
  op.result = 0;
  // An exec that fails leaves all as it was: what follows would notice.
  char* const nothing[] = {nullptr};
  execv("/dev/null/none", nothing);
  try {
    ExecSelf probe("props_open_slots", {std::to_string(base_)});
    op.error = probe.Wait() == 0 ? 0 : ECHILD;
    op.value = static_cast<std::uint64_t>(std::atol(probe.said().c_str()));
  } catch (const TestAbort&) {
    op.error = ECHILD;
  }
}

}  // namespace ipcsuite::props
