// The environment card: what a result depends on besides the code under test.
//
// Collected from uname, /proc, /sys, getrlimit and sysconf alone: none of the IPC under test is
// used, no child is started, and what is absent or unreadable is left out, never waited for.
#pragma once

#include <string>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

// Sections in reading order. The keys that expectations are tried against (FactsOf) are "os",
// "kernel", "arch", "libc", "libc_version", "bits", "container", "emulator" and "capabilities".
// commit: of the build; empty: unknown.
std::vector<EnvironmentSection> CollectEnvironment(const std::string& commit);

// Host name, or "unknown": the default label of a run.
std::string HostName();

// Now, as "2026-11-30T12:00:00Z".
std::string UtcNow();

}  // namespace ipcsuite::report
