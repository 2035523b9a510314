// The system's limit on open files, which no namespace makes private.
#pragma once

namespace ipcsuite::os {

// The limit; 0 when unknown.
long SystemFileLimit();
// False when it can't be set.
bool SetSystemFileLimit(long value);

}  // namespace ipcsuite::os
