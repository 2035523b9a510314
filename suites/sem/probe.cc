// Whether this platform has semaphores at all. Some have a part: macOS has named ones and declares
// the unnamed ones, whose functions fail with ENOSYS; then the tests of those say so.
#include <fcntl.h>

#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

IPC_SUITE_PROBE(sem) {
  UniqueName name = UniqueName::Sem();
  const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 0));
  const OpenSemaphore closes(opened);
  sem_t unnamed;
  const CallResult made = CALL(sem_init(&unnamed, 0, 0));
  if (made.ok()) sem_destroy(&unnamed);
  if (opened.failed_with(ENOSYS) && made.failed_with(ENOSYS))
    return "semaphores are absent here (sem_open() and sem_init() fail with ENOSYS)";
  return "";
}

IPC_TEST(SemPromise, SemaphoresAreThere, clause::sem::option_always, promise) {
  sem_t semaphore;
  const CallResult made = CALL(sem_init(&semaphore, 0, 0));
  UniqueName name = UniqueName::Sem();
  const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 0));
  const OpenSemaphore closes(opened);
  NoteChecks();
  EXPECT_FALSE(made.failed_with(ENOSYS) && opened.failed_with(ENOSYS))
      << "sem_init() and sem_open() are absent";
}

}  // namespace
}  // namespace ipcsuite::sem_suite
