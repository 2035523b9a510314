// Whether this platform has shared memory objects at all, and as it claims.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"

namespace ipcsuite::shm_suite {
namespace {

// Why the memory that tests of this suite fill is not available; empty: it is. Memory that can't be
// backed ends whoever touches it with SIGBUS.
std::string LackOfRoom(int object) {
  constexpr off_t kNeeded = 256 << 10;
  const CallResult filled = CALL_ERRNO(posix_fallocate(object, 0, kNeeded));
  if (!filled.failed_with(ENOSPC) && !filled.failed_with(ENOMEM)) return "";
  return "less than 256 KiB of room for shared memory objects (posix_fallocate() fails with " +
         ErrnoName(filled.error) + "): make /dev/shm larger, or remove what fills it";
}

IPC_SUITE_PROBE(shm) {
  UniqueName name = UniqueName::Shm();
  const CallResult opened = CALL(shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
  if (opened.failed_with(ENOSYS))
    return "shared memory objects are absent here (shm_open() fails with ENOSYS)";
  // Where objects are files of a directory, a directory that is absent, read-only or not open to
  // this user is the absence of the option. Any other failure is the tests' to judge.
  const std::string trouble = TroubleOfShmPlace();
  if ((opened.failed_with(ENOENT) || opened.failed_with(EROFS) || opened.failed_with(EACCES)) &&
      !trouble.empty()) {
    return "shared memory objects can't be made here (shm_open() fails with " +
           ErrnoName(opened.error) + "): " + trouble;
  }
  if (!opened.ok()) return "";
  Fd closes(opened.fd());
  // A limit on file sizes ends with a signal whoever makes an object larger.
  rlimit file_size{};
  constexpr rlim_t kNeeded = 64 << 20;
  if (getrlimit(RLIMIT_FSIZE, &file_size) == 0 && file_size.rlim_cur != RLIM_INFINITY &&
      file_size.rlim_cur < kNeeded) {
    return "objects may not be larger than " + std::to_string(file_size.rlim_cur) +
           " bytes here: raise RLIMIT_FSIZE to 64 MiB at least";
  }
  return LackOfRoom(closes);
}

IPC_TEST(ShmPromise, OptionThatIsClaimedIsThere, clause::sysconf::shared_memory_objects, promise) {
  long claimed = sysconf(_SC_SHARED_MEMORY_OBJECTS);
#ifdef _POSIX_SHARED_MEMORY_OBJECTS
  if (claimed <= 0) claimed = _POSIX_SHARED_MEMORY_OBJECTS;
#endif
  if (claimed <= 0) Unsupported("the Shared Memory Objects option is not claimed here");
  UniqueName name = UniqueName::Shm();
  const CallResult opened = CALL(shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
  const Fd closes(opened.ok() ? opened.fd() : -1);
  // C libraries report an absent directory by ENOSYS too.
  if (const std::string trouble = TroubleOfShmPlace(); !opened.ok() && !trouble.empty())
    Unsupported(trouble);
  NoteChecks();
  EXPECT_FALSE(opened.failed_with(ENOSYS))
      << "shm_open() is absent, although the Shared Memory Objects option is claimed "
         "(_SC_SHARED_MEMORY_OBJECTS, _POSIX_SHARED_MEMORY_OBJECTS: "
      << claimed << ')';
}

}  // namespace
}  // namespace ipcsuite::shm_suite
