#include "cli/detection.h"

#include <string.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "reports/verdicts/detection.h"

namespace ipcsuite::cli {

bool LoadDetection(const std::string& path, const std::string& out, std::string* document,
                   std::string* error) {
  const std::string name = !path.empty() ? path : out.empty() ? "" : out + "/detection.json";
  if (name.empty()) return true;
  errno = 0;
  std::ifstream file(name);
  if (!file) {
    if (path.empty()) return true;
    *error = "can't read " + name + ": " + strerror(errno);
    return false;
  }
  std::stringstream text;
  text << file.rdbuf();
  // A malformed file is reported now, not after all tests have run.
  report::Run trial;
  if (!report::FoldDetection(text.str(), &trial, error)) {
    *error = name + ": " + *error + "; remove it, or run `ipcsuite detect` again";
    return false;
  }
  *document = text.str();
  return true;
}

}  // namespace ipcsuite::cli
