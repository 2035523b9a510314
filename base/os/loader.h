// The dynamic loader as a command: `ld.so --library-path DIR PROGRAM ARGUMENT...`. Not POSIX.
#pragma once

#include <string>
#include <vector>

namespace ipcsuite::os {

// How this program was started, without its arguments, if by naming it to a loader: the loader, its
// options, the path of the program; both paths absolute. Empty: the system started it, or that is
// unknown. `argc`: as main() got it, after the loader took its own words away.
std::vector<std::string> LoaderCommand(int argc);

}  // namespace ipcsuite::os
