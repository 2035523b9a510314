// The whole file system of a guest: an initramfs that holds the program alone, as its init.
#pragma once

#include <string>
#include <vector>

#include "platforms/platform.h"

namespace ipcsuite::platforms {

// The keys of every guest: memory, user, /dev/shm, words for the kernel. `mem`: default, in MiB.
std::vector<PlatformKey> GuestKeys(const char* mem);

// Writes it into the work directory; its path, or one line of error. `program`: the content of the
// file to run.
Result<std::string> WriteInitramfs(const PlatformSpec& spec, const LaunchInput& input,
                                   const std::string& program);

// "a number from 1 to ..." unless it is one; for keys that count something.
const char* CheckCount(const std::string& value);

}  // namespace ipcsuite::platforms
