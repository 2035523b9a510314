#include "harness/core/functions.h"

#include <array>

#include "harness/core/thread_shapes.h"

namespace ipcsuite {
namespace {

constexpr FunctionShape kShapes[] = {
    {.function = Function::read,
     .name = "read",
     .parameters = {{"fd", K::kFd}, {"", K::kBytesOut}, {"", K::kUnsigned}}},
    {.function = Function::write,
     .name = "write",
     .parameters = {{"fd", K::kFd}, {"", K::kBytesIn}, {"", K::kUnsigned}}},
    {.function = Function::readv,
     .name = "readv",
     .parameters = {{"fd", K::kFd}, {"iov", K::kOpaqueOut}, {"count", K::kInt}}},
    {.function = Function::writev,
     .name = "writev",
     .parameters = {{"fd", K::kFd}, {"iov", K::kVectorIn}, {"count", K::kInt}}},
    {.function = Function::pread,
     .name = "pread",
     .parameters = {{"fd", K::kFd}, {"", K::kBytesOut}, {"", K::kUnsigned}, {"offset", K::kInt}}},
    {.function = Function::pwrite,
     .name = "pwrite",
     .parameters = {{"fd", K::kFd}, {"", K::kBytesIn}, {"", K::kUnsigned}, {"offset", K::kInt}}},
    {.function = Function::open,
     .name = "open",
     .parameters = {{"", K::kString}, {"", K::kOpenFlags}, {"mode", K::kMode}}},
    {.function = Function::openat,
     .name = "openat",
     .parameters = {{"dir", K::kDirFd}, {"", K::kString}, {"", K::kOpenFlags}, {"mode", K::kMode}}},
    {.function = Function::creat,
     .name = "creat",
     .parameters = {{"", K::kString}, {"mode", K::kMode}}},
    {.function = Function::close, .name = "close", .parameters = {{"fd", K::kFd}}},
    {.function = Function::pipe, .name = "pipe", .parameters = {{"", K::kEndsOut}}},
    {.function = Function::dup, .name = "dup", .parameters = {{"fd", K::kFd}}},
    {.function = Function::dup2, .name = "dup2", .parameters = {{"fd", K::kFd}, {"to", K::kInt}}},
    {.function = Function::fcntl,
     .name = "fcntl",
     .parameters = {{"fd", K::kFd}, {"", K::kCommand}, {"", K::kCommandArgument}}},
    {.function = Function::mkfifo,
     .name = "mkfifo",
     .parameters = {{"", K::kString}, {"mode", K::kMode}}},
    {.function = Function::mkfifoat,
     .name = "mkfifoat",
     .parameters = {{"dir", K::kDirFd}, {"", K::kString}, {"mode", K::kMode}}},
    {.function = Function::mknod,
     .name = "mknod",
     .parameters = {{"", K::kString}, {"mode", K::kMode}, {"dev", K::kUnsigned}}},
    {.function = Function::mkdir,
     .name = "mkdir",
     .parameters = {{"", K::kString}, {"mode", K::kMode}}},
    {.function = Function::rmdir, .name = "rmdir", .parameters = {{"", K::kString}}},
    {.function = Function::unlink, .name = "unlink", .parameters = {{"", K::kString}}},
    {.function = Function::rename,
     .name = "rename",
     .parameters = {{"", K::kString}, {"to", K::kString}}},
    {.function = Function::link,
     .name = "link",
     .parameters = {{"", K::kString}, {"to", K::kString}}},
    {.function = Function::symlink,
     .name = "symlink",
     .parameters = {{"", K::kString}, {"at", K::kString}}},
    {.function = Function::chmod,
     .name = "chmod",
     .parameters = {{"", K::kString}, {"mode", K::kMode}}},
    {.function = Function::fchmod,
     .name = "fchmod",
     .parameters = {{"fd", K::kFd}, {"mode", K::kMode}}},
    {.function = Function::fchown,
     .name = "fchown",
     .parameters = {{"fd", K::kFd}, {"uid", K::kInt}, {"gid", K::kInt}}},
    {.function = Function::ftruncate,
     .name = "ftruncate",
     .parameters = {{"fd", K::kFd}, {"size", K::kInt}}},
    {.function = Function::truncate,
     .name = "truncate",
     .parameters = {{"", K::kString}, {"size", K::kInt}}},
    {.function = Function::fstat,
     .name = "fstat",
     .parameters = {{"fd", K::kFd}, {"", K::kStatOut}}},
    {.function = Function::stat,
     .name = "stat",
     .parameters = {{"", K::kString}, {"", K::kStatOut}}},
    {.function = Function::lstat,
     .name = "lstat",
     .parameters = {{"", K::kString}, {"", K::kStatOut}}},
    {.function = Function::lseek,
     .name = "lseek",
     .parameters = {{"fd", K::kFd}, {"offset", K::kInt}, {"", K::kWhence}}},
    {.function = Function::fsync, .name = "fsync", .parameters = {{"fd", K::kFd}}},
    {.function = Function::fdatasync, .name = "fdatasync", .parameters = {{"fd", K::kFd}}},
    {.function = Function::pathconf,
     .name = "pathconf",
     .parameters = {{"", K::kString}, {"name", K::kInt}}},
    {.function = Function::fpathconf,
     .name = "fpathconf",
     .parameters = {{"fd", K::kFd}, {"name", K::kInt}}},
    {.function = Function::sysconf,
     .name = "sysconf",
     .style = ErrorStyle::kNever,
     .parameters = {{"name", K::kInt}}},
    {.function = Function::umask,
     .name = "umask",
     .style = ErrorStyle::kNever,
     .parameters = {{"mask", K::kMode}}},
    {.function = Function::poll,
     .name = "poll",
     .parameters = {{"", K::kPolls}, {"", K::kUnsigned}, {"timeout_ms", K::kInt}}},
    {.function = Function::ppoll,
     .name = "ppoll",
     .parameters =
         {{"", K::kPolls}, {"", K::kUnsigned}, {"timeout", K::kInterval}, {"mask", K::kSigsetIn}}},
    {.function = Function::select,
     .name = "select",
     .parameters = {{"nfds", K::kInt},
                    {"read", K::kFdSet},
                    {"write", K::kFdSet},
                    {"except", K::kFdSet},
                    {"timeout", K::kTimeval}}},
    {.function = Function::pselect,
     .name = "pselect",
     .parameters = {{"nfds", K::kInt},
                    {"read", K::kFdSet},
                    {"write", K::kFdSet},
                    {"except", K::kFdSet},
                    {"timeout", K::kInterval},
                    {"mask", K::kSigsetIn}}},
    {.function = Function::mq_open,
     .name = "mq_open",
     .parameters =
         {{"", K::kString}, {"", K::kOpenFlags}, {"mode", K::kMode}, {"attr", K::kAttributesIn}}},
    {.function = Function::mq_close, .name = "mq_close", .parameters = {{"mqd", K::kMqd}}},
    {.function = Function::mq_unlink, .name = "mq_unlink", .parameters = {{"", K::kString}}},
    {.function = Function::mq_send,
     .name = "mq_send",
     .parameters =
         {{"mqd", K::kMqd}, {"", K::kBytesIn}, {"", K::kUnsigned}, {"prio", K::kUnsigned}}},
    {.function = Function::mq_timedsend,
     .name = "mq_timedsend",
     .parameters = {{"mqd", K::kMqd},
                    {"", K::kBytesIn},
                    {"", K::kUnsigned},
                    {"prio", K::kUnsigned},
                    {"abstime", K::kDeadline}}},
    {.function = Function::mq_receive,
     .name = "mq_receive",
     .parameters =
         {{"mqd", K::kMqd}, {"", K::kBytesOut}, {"", K::kUnsigned}, {"prio", K::kUnsignedOut}}},
    {.function = Function::mq_timedreceive,
     .name = "mq_timedreceive",
     .parameters = {{"mqd", K::kMqd},
                    {"", K::kBytesOut},
                    {"", K::kUnsigned},
                    {"prio", K::kUnsignedOut},
                    {"abstime", K::kDeadline}}},
    {.function = Function::mq_getattr,
     .name = "mq_getattr",
     .parameters = {{"mqd", K::kMqd}, {"", K::kAttributesOut}}},
    {.function = Function::mq_setattr,
     .name = "mq_setattr",
     .parameters = {{"mqd", K::kMqd}, {"", K::kAttributesIn}, {"old", K::kAttributesOut}}},
    {.function = Function::mq_notify,
     .name = "mq_notify",
     .parameters = {{"mqd", K::kMqd}, {"", K::kEvent}}},
    {.function = Function::shm_open,
     .name = "shm_open",
     .parameters = {{"", K::kString}, {"", K::kOpenFlags}, {"mode", K::kMode}}},
    {.function = Function::shm_unlink, .name = "shm_unlink", .parameters = {{"", K::kString}}},
    {.function = Function::mmap,
     .name = "mmap",
     .parameters = {{"addr", K::kPointer},
                    {"length", K::kUnsigned},
                    {"", K::kProtection},
                    {"", K::kMapFlags},
                    {"fd", K::kFd},
                    {"offset", K::kInt}}},
    {.function = Function::munmap,
     .name = "munmap",
     .parameters = {{"addr", K::kPointer}, {"length", K::kUnsigned}}},
    {.function = Function::mprotect,
     .name = "mprotect",
     .parameters = {{"addr", K::kPointer}, {"length", K::kUnsigned}, {"", K::kProtection}}},
    {.function = Function::msync,
     .name = "msync",
     .parameters = {{"addr", K::kPointer}, {"length", K::kUnsigned}, {"", K::kSyncFlags}}},
    {.function = Function::mlock,
     .name = "mlock",
     .parameters = {{"addr", K::kPointer}, {"length", K::kUnsigned}}},
    {.function = Function::munlock,
     .name = "munlock",
     .parameters = {{"addr", K::kPointer}, {"length", K::kUnsigned}}},
    {.function = Function::mlockall, .name = "mlockall", .parameters = {{"flags", K::kInt}}},
    {.function = Function::munlockall, .name = "munlockall"},
    {.function = Function::posix_fallocate,
     .name = "posix_fallocate",
     .style = ErrorStyle::kNumber,
     .parameters = {{"fd", K::kFd}, {"offset", K::kInt}, {"length", K::kInt}}},
    {.function = Function::posix_madvise,
     .name = "posix_madvise",
     .style = ErrorStyle::kNumber,
     .parameters = {{"addr", K::kPointer}, {"length", K::kUnsigned}, {"", K::kAdvice}}},
    {.function = Function::posix_fadvise,
     .name = "posix_fadvise",
     .style = ErrorStyle::kNumber,
     .parameters = {{"fd", K::kFd}, {"offset", K::kInt}, {"length", K::kInt}, {"advice", K::kInt}}},
    {.function = Function::kill,
     .name = "kill",
     .parameters = {{"pid", K::kPid}, {"", K::kSignal}}},
    {.function = Function::raise, .name = "raise", .parameters = {{"", K::kSignal}}},
    {.function = Function::sigqueue,
     .name = "sigqueue",
     .parameters = {{"pid", K::kPid}, {"", K::kSignal}, {"value", K::kSigval}}},
    {.function = Function::sigaction,
     .name = "sigaction",
     .parameters = {{"", K::kSignal}, {"", K::kActionIn}, {"old", K::kOpaqueOut}}},
    {.function = Function::sigprocmask,
     .name = "sigprocmask",
     .parameters = {{"", K::kHow}, {"set", K::kSigsetIn}, {"old", K::kSigsetOut}}},
    {.function = Function::sigtimedwait,
     .name = "sigtimedwait",
     .parameters = {{"set", K::kSigsetIn}, {"info", K::kInfoOut}, {"timeout", K::kInterval}}},
    {.function = Function::sigwaitinfo,
     .name = "sigwaitinfo",
     .parameters = {{"set", K::kSigsetIn}, {"info", K::kInfoOut}}},
    {.function = Function::sigwait,
     .name = "sigwait",
     .style = ErrorStyle::kNumber,
     .parameters = {{"set", K::kSigsetIn}, {"signal", K::kIntOut}}},
    {.function = Function::sigpending, .name = "sigpending", .parameters = {{"", K::kSigsetOut}}},
    {.function = Function::sigsuspend,
     .name = "sigsuspend",
     .parameters = {{"mask", K::kSigsetIn}}},
    {.function = Function::pause, .name = "pause"},
    {.function = Function::alarm,
     .name = "alarm",
     .style = ErrorStyle::kNever,
     .parameters = {{"seconds", K::kUnsigned}}},
    {.function = Function::setrlimit,
     .name = "setrlimit",
     .parameters = {{"", K::kResource}, {"", K::kLimitIn}}},
    {.function = Function::getrlimit,
     .name = "getrlimit",
     .parameters = {{"", K::kResource}, {"", K::kOpaqueOut}}},
    {.function = Function::fork, .name = "fork"},
    {.function = Function::waitpid,
     .name = "waitpid",
     .parameters = {{"pid", K::kPid}, {"status", K::kIntOut}, {"options", K::kInt}}},
    {.function = Function::mknodat,
     .name = "mknodat",
     .parameters =
         {{"dir", K::kDirFd}, {"", K::kString}, {"mode", K::kMode}, {"dev", K::kUnsigned}}},
#if defined(__linux__) || defined(__FreeBSD__)
    {.function = Function::pipe2,
     .name = "pipe2",
     .parameters = {{"", K::kEndsOut}, {"", K::kOpenFlags}}},
#endif
#if defined(__linux__)
    {.function = Function::dup3,
     .name = "dup3",
     .parameters = {{"fd", K::kFd}, {"to", K::kInt}, {"", K::kOpenFlags}}},
#endif
};

// By number: also handlers of signals look here, so nothing is made on first use.
constexpr std::size_t kCount = static_cast<std::size_t>(Function::count);
constexpr std::array<FunctionShape, kCount> kByFunction = [] {
  std::array<FunctionShape, kCount> table{};
  for (const FunctionShape& shape : kShapes)
    table[static_cast<std::size_t>(shape.function)] = shape;
  for (const FunctionShape& shape : kThreadShapes)
    table[static_cast<std::size_t>(shape.function)] = shape;
  return table;
}();

constexpr bool EachHasAShape() {
  for (std::size_t i = 1; i < kCount; ++i) {
    if (kByFunction[i].function == Function::none) return false;
  }
  return true;
}
static_assert(EachHasAShape());

}  // namespace

const FunctionShape& ShapeOf(Function function) {
  return kByFunction[static_cast<std::size_t>(function)];
}

bool IsResult(ParameterKind kind) {
  switch (kind) {
    case K::kBytesOut:
    case K::kAttributesOut:
    case K::kIntOut:
    case K::kUnsignedOut:
    case K::kEndsOut:
    case K::kSigsetOut:
    case K::kInfoOut:
    case K::kStatOut:
    case K::kOpaqueOut: return true;
    default: return false;
  }
}

std::size_t CopiedBytes(ParameterKind kind, std::uint64_t next, std::int64_t value) {
  constexpr std::uint64_t kBytesMax = 40, kStringMax = 110, kPollsMax = 4, kVectorsMax = 3;
  const auto at_most = [](std::uint64_t a, std::uint64_t b) { return a < b ? a : b; };
  switch (kind) {
    case K::kString: return kStringMax;
    case K::kBytesIn: return at_most(next, kBytesMax);
    case K::kBytesOut: return value < 0 ? 0 : at_most(static_cast<std::uint64_t>(value), kBytesMax);
    case K::kDeadline:
    case K::kInterval: return sizeof(timespec);
    case K::kTimeval: return sizeof(timeval);
    case K::kAttributesIn:
    case K::kAttributesOut: return 4 * sizeof(long);
    case K::kEvent: return at_most(sizeof(sigevent), 32);
    case K::kPolls: return at_most(next, kPollsMax) * sizeof(pollfd);
    case K::kFdSet: return 2 * sizeof(std::uint64_t);  // as it was and as it became
    case K::kSigsetIn:
    case K::kSigsetOut: return sizeof(std::uint64_t);
    case K::kActionIn: return at_most(sizeof(struct sigaction), 160);
    case K::kVectorIn: return at_most(next, kVectorsMax) * sizeof(iovec);
    case K::kLimitIn: return sizeof(rlim_t);
    case K::kStatOut: return at_most(sizeof(struct stat), 64);  // all but the times
    case K::kIntOut:
    case K::kUnsignedOut: return sizeof(int);
    case K::kEndsOut: return 2 * sizeof(int);
    case K::kInfoOut: return 32;
    default: return 0;
  }
}

}  // namespace ipcsuite
