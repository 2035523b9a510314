// Which file system a path is on, and one directory at two places. Not POSIX.
#pragma once

#include <string>

namespace ipcsuite::os {

// "ext4", "tmpfs", "overlay"; a number where the name is not known, empty where nothing is.
std::string FileSystemOf(const std::string& path);
// Shows the directory at `where` too, for the calling process's mount namespace; 0 or an errno.
int MountAgain(const std::string& directory, const std::string& where);

}  // namespace ipcsuite::os
