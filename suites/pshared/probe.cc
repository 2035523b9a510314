// Whether objects can be shared between processes here: the option TSH.
#include <unistd.h>

#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

IPC_SUITE_PROBE(pshared) {
  return sysconf(_SC_THREAD_PROCESS_SHARED) > 0
             ? ""
             : "process-shared objects are absent here (sysconf(_SC_THREAD_PROCESS_SHARED) is not "
               "positive)";
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
