// The end of a child that is not needed any more.
#pragma once

#include <sys/types.h>

namespace ipcsuite {

// Kills a child of this process and waits for its end; its wait status goes to `status`. A child
// that can't be killed, where the platform has no kill(), is not waited for: it ends by itself or
// with this process.
void KillAndReap(pid_t child, int* status = nullptr);

}  // namespace ipcsuite
