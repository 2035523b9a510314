// Whether this platform has shared memory objects at all.
#include <fcntl.h>
#include <sys/mman.h>

#include "harness/names.h"
#include "harness/resources.h"
#include "harness/call.h"
#include "harness/suite_probe.h"

namespace ipcsuite {
namespace {

IPC_SUITE_PROBE(shm) {
  UniqueName name = UniqueName::Shm();
  const CallResult opened = CALL(shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
  if (opened.failed_with(ENOSYS)) return "shared memory objects are absent here (shm_open() fails with ENOSYS)";
  // Where objects are files of a directory, a directory that is absent or read-only is the absence of
  // the option. Any other failure is the tests' to judge.
  const std::string trouble = TroubleOfShmPlace();
  if ((opened.failed_with(ENOENT) || opened.failed_with(EROFS)) && !trouble.empty()) {
    return "shared memory objects can't be made here (shm_open() fails with " + ErrnoName(opened.error) + "): " + trouble;
  }
  if (opened.ok()) Fd closes(opened.fd());
  return "";
}

}  // namespace
}  // namespace ipcsuite
