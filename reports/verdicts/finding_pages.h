// Where the documents describe a known deviation.
#pragma once

#include <string_view>

namespace ipcsuite::report {

// The page of an expectation, from the index docs/findings/README.md: "docs/findings/x.md"; "" for
// an expectation of a user's own.
std::string_view FindingPage(std::string_view expectation);

}  // namespace ipcsuite::report
