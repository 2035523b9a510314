#include "props/engine/pipe_target.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/core/context.h"
#include "props/engine/outcome.h"
#include "props/model/record.h"

namespace ipcsuite::props {
namespace {

void SetNonblock(int fd, bool on) {
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

void CloseIfOpen(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

// Three parts of a buffer, uneven on purpose, and an empty one between them.
void Split(iovec (&parts)[4], unsigned char* bytes, std::size_t length) {
  const std::size_t first = length / 3;
  const std::size_t second = (length - first) / 2 + (length - first) % 2;
  parts[0] = {bytes, first};
  parts[1] = {bytes, 0};
  parts[2] = {bytes + first, second};
  parts[3] = {bytes + first + second, length - first - second};
}

}  // namespace

void FillWrite(const Op& op, unsigned char* bytes) {
  FillRecord(bytes, op.value, 0, op.amount);
  if (op.Has(kStamped) && op.amount >= 2 * sizeof op.amount) {
    std::memcpy(bytes, &op.value, sizeof op.value);
    std::memcpy(bytes + sizeof op.value, &op.amount, sizeof op.amount);
  }
}

PipeTarget::PipeTarget(const Ends& ends) : ends_(ends) {
  int fds[2];
  const CallResult made = CALL(pipe(fds));
  if (!made.ok()) Unresolved("can't make a pipe: " + ipcsuite::Describe(made));
  read_end_ = fds[0];
  write_end_ = fds[1];
}

std::unique_ptr<PipeTarget> PipeTarget::Fifo() {
  std::unique_ptr<PipeTarget> target(new PipeTarget());
  target->path_ = std::make_unique<UniqueName>(UniqueName::Path("fifo"));
  const CallResult made = CALL(mkfifo(target->path_->c_str(), 0600));
  if (!made.ok()) Unresolved("can't make a FIFO: " + ipcsuite::Describe(made));
  target->read_end_ = open(target->path_->c_str(), O_RDONLY | O_NONBLOCK);
  target->write_end_ = open(target->path_->c_str(), O_WRONLY | O_NONBLOCK);
  if (target->read_end_ < 0 || target->write_end_ < 0) Unresolved("can't open a FIFO");
  SetNonblock(target->read_end_, false);
  SetNonblock(target->write_end_, false);
  return target;
}

PipeTarget::~PipeTarget() {
  CloseIfOpen(read_end_);
  CloseIfOpen(write_end_);
  if (path_) unlink(path_->c_str());
}

void PipeTarget::Enter(int process) {
  signal(SIGPIPE, SIG_IGN);
  struct sigaction interrupt {};
  interrupt.sa_handler = [](int) {};  // no SA_RESTART: a call that waits ends with EINTR
  sigaction(SIGUSR1, &interrupt, nullptr);
  const std::uint64_t bit = std::uint64_t{1} << process;
  if ((ends_.readers & bit) == 0) CloseIfOpen(read_end_);
  if ((ends_.writers & bit) == 0) CloseIfOpen(write_end_);
}

void PipeTarget::Forked() {
  CloseIfOpen(read_end_);
  CloseIfOpen(write_end_);
}

void PipeTarget::Perform(Op& op, unsigned char* bytes) {
  switch (op.call) {
    case Call::kWrite:
    case Call::kRead: return Transfer(op, bytes);
    case Call::kCloseRead: return CloseEnd(op, read_end_);
    case Call::kCloseWrite: return CloseEnd(op, write_end_);
    case Call::kOpenRead: return OpenEnd(op, read_end_, O_RDONLY);
    case Call::kOpenWrite: return OpenEnd(op, write_end_, O_WRONLY);
    default: return Poll(op);
  }
}

void PipeTarget::Transfer(Op& op, unsigned char* bytes) {
  const bool write_it = op.call == Call::kWrite;
  const int fd = write_it ? write_end_ : read_end_;
  const std::size_t length = op.amount;
  unsigned char* buffer = bytes;
  if (write_it) {
    if (scratch_.size() < length) scratch_.resize(length);
    buffer = scratch_.data();
    FillWrite(op, buffer);
  }
  // The flag belongs to the description, which other processes share: it is set only for the call.
  if (op.Has(kNonblock)) SetNonblock(fd, true);
  if (op.Has(kGather)) {
    iovec parts[4];
    Split(parts, buffer, length);
    NoteOutcome(op, write_it ? CALL(writev(fd, parts, 4)) : CALL(readv(fd, parts, 4)));
  } else {
    NoteOutcome(op, write_it ? CALL(write(fd, buffer, length)) : CALL(read(fd, buffer, length)));
  }
  if (op.Has(kNonblock)) SetNonblock(fd, false);
}

void PipeTarget::CloseEnd(Op& op, int& fd) {
  NoteOutcome(op, CALL(close(fd)));
  fd = -1;
}

void PipeTarget::OpenEnd(Op& op, int& fd, int access) {
  const CallResult opened = CALL(open(path_->c_str(), access | O_NONBLOCK));
  NoteOutcome(op, opened);
  if (!opened.ok()) return;
  fd = opened.fd();
  SetNonblock(fd, false);
  op.result = 0;  // the number says nothing here
}

void PipeTarget::Poll(Op& op) {
  const bool in = op.call == Call::kPollIn;
  pollfd entry{in ? read_end_ : write_end_, static_cast<short>(in ? POLLIN : POLLOUT), 0};
  NoteOutcome(op, CALL(poll(&entry, 1, 0)));
  op.value = (entry.revents & (in ? POLLIN | POLLHUP : POLLOUT)) != 0 ? 1 : 0;
  op.result = 0;
}

}  // namespace ipcsuite::props
