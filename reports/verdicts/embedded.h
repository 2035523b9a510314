// Files of the source tree that the program carries: it must work where only the binary is.
// The tables are made at build time by embed.sh.
#pragma once

#include <string_view>
#include <vector>

namespace ipcsuite::report {

struct EmbeddedFile {
  std::string_view name;  // without its folder
  std::string_view content;
};

const std::vector<EmbeddedFile>& EmbeddedExpectations();  // reports/verdicts/expectations/*.json
const std::vector<EmbeddedFile>& EmbeddedAssets();        // reports/html/: styles and scripts

}  // namespace ipcsuite::report
