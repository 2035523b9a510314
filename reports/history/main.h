// The command `ipcsuite history`.
#pragma once

namespace ipcsuite::report {

// ipcsuite history RESULTS.json... [--html FILE] [--out FILE]: arguments without program and
// command name; returns the exit status: 0, or 2 for usage and unreadable input.
int HistoryMain(int argc, char** argv);

}  // namespace ipcsuite::report
