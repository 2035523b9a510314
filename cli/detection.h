// Where a run finds the result of `ipcsuite detect`.
#pragma once

#include <string>

namespace ipcsuite::cli {

// Reads a detection.json. With an empty path: the one in the directory of the reports, if there is
// one (else *document stays empty). False and *error, one line, if the file cannot be read or is
// not the result of a detection run.
bool LoadDetection(const std::string& path, const std::string& out, std::string* document,
                   std::string* error);

}  // namespace ipcsuite::cli
