// `ipcsuite stress`: every message of a full-speed run accounted for.
#pragma once

namespace ipcsuite::stress {

// Arguments without the program's name and the word "stress". Returns the exit status: 0 nothing
// found, 1 findings, 2 usage or set-up. The calling process must have one thread.
int StressMain(int argc, char** argv);

}  // namespace ipcsuite::stress
