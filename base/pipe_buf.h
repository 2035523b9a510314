// {PIPE_BUF}: the one way to ask for it. The macro of <limits.h> may be absent and may differ from
// what a file says (XBD limits.h, fpathconf()).
#pragma once

#include <cstddef>

namespace ipcsuite {

// What fpathconf() says of the pipe or FIFO; _POSIX_PIPE_BUF where it says nothing.
std::size_t PipeBufOf(int fd);
// Before there is a pipe: what pathconf() says of FIFOs in that directory.
std::size_t PipeBufAt(const char* directory = "/");

}  // namespace ipcsuite
