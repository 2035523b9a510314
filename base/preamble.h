// The preamble of every process of ours: what a caller may hand over that a program is rarely
// started with, and that would decide verdicts, is put right before anything else happens.
#pragma once

#include <vector>

namespace ipcsuite {

// At the start of main(), before any thread and any GoogleTest:
// - closed descriptors 0 to 2 become /dev/null, so that no object under test gets their numbers;
// - SIGCHLD has its default action (an ignored one reaps children before they can be awaited),
//   SIGPIPE and SIGXFSZ are ignored (writing to nobody, or beyond a limit, is an error to handle),
//   and no signal is blocked;
// - the umask leaves the owner's bits alone;
// - the soft limit on core files is 0: tests crash on purpose;
// - a working directory that was removed or can't be named is left for TMPDIR, /tmp or /, with one
//   line on standard error (before main() already, for GoogleTest, which also finds none of its
//   own variables, GTEST_*).
void TidySurroundings();

// In the process of one test: every signal has its default action and none is blocked, the umask
// is 022, and the descriptors that the program's caller left open from 3 up are closed.
void TidyTestProcess();

// Descriptors from 3 up that were open when TidySurroundings() was called, ascending.
const std::vector<int>& InheritedDescriptors();

}  // namespace ipcsuite
