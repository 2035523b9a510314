// The lock word of a mutex: what the C library and the kernel agree on by futex(2). Not POSIX; for
// evidence only, never for a verdict.
#pragma once

#include <pthread.h>

#include <string>

namespace ipcsuite::os {

// "lock word 0x80001234: owner 4660 (alive), somebody may sleep", or "lock word 0x00000000: free".
// "": the C library's layout is not known.
std::string DescribeMutexWord(const pthread_mutex_t& mutex);

}  // namespace ipcsuite::os
