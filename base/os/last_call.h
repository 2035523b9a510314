// A death between what a library does in memory and what it asks of the system next. Not POSIX.
#pragma once

namespace ipcsuite::os {

// From now on, when the calling process, of one thread, asks the system to wake somebody (or for
// another operation on a futex), `before` is called instead, as in a signal handler, and then the
// process is killed by SIGKILL. False: this system can't do that.
bool DieAtNextWake(void (*before)(void*), void* argument);

}  // namespace ipcsuite::os
