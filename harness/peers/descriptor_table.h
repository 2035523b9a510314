// The table of open files of a process, brought to its end: for tests of what happens there.
#pragma once

#include <sys/resource.h>

#include <initializer_list>

namespace ipcsuite {

// The soft limit on open files now; RLIM_INFINITY where there is none.
rlim_t OpenFilesLimit();

// In a peer: lowers the soft limit on open files, so that its end is near, and returns it. It is
// never below {_POSIX_OPEN_MAX} nor at or below an open number, which setrlimit()
// leaves unspecified: numbers from 3 up are closed first, except `keep`.
int LowerOpenFilesLimit(std::initializer_list<int> keep);

// In a peer: the same, and opens every number below the limit but for `free` of them, the middle
// ones. Returns a descriptor to copy, which is not one of `keep`.
int FillDescriptorTable(int free, std::initializer_list<int> keep);

// How many more descriptors this process gets; they stay open.
int CountFreeDescriptors(int source);

}  // namespace ipcsuite
