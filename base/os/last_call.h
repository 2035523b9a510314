// A death between what a library does in memory and what it asks of the system next. Not POSIX.
#pragma once

namespace ipcsuite::os {

// From now on the calling process, of one thread, is killed by SIGKILL when it makes a system call
// other than read(), write() and exit. False: this system can't do that.
bool DieAtNextSystemCall();

}  // namespace ipcsuite::os
