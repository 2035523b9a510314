// Whether the interfaces of a suite (a folder of suites/) exist here at all, found out once by a
// process of its own before the suite's tests. A reason makes all of them UNSUPPORTED; an empty
// string lets them run (a probe that crashes or hangs does too: the tests will say what is wrong).
//
// ```cpp test
// IPC_SUITE_PROBE(example) {
//   return CALL(mq_unlink("/ipcsuite-never-created")).failed_with(ENOSYS)
//              ? "message queues are absent here (mq_unlink() fails with ENOSYS)"
//              : "";
// }
// ```
#pragma once

#include <string>

namespace ipcsuite {

using SuiteProbe = std::string (*)();
bool RegisterSuiteProbe(const std::string& suite, SuiteProbe probe);
SuiteProbe ProbeOf(const std::string& suite);  // null when the suite has none

#define IPC_SUITE_PROBE(suite)                                         \
  static std::string ipc_probe_##suite##_();                           \
  [[maybe_unused]] static const bool ipc_probe_registered_##suite##_ = \
      ::ipcsuite::RegisterSuiteProbe(#suite, &ipc_probe_##suite##_);   \
  static std::string ipc_probe_##suite##_()

}  // namespace ipcsuite
