// Private to reports/: what the parts of a comparison's page share, and what it shows of platforms
// that are too many for a column each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reports/compare/compare.h"

namespace ipcsuite::report::html {

// More runs than this have no column each in lists: a row names the groups of equal results.
inline constexpr std::size_t kMostColumns = 6;

bool Many(const Comparison& c);

// The badge of a result code, "absent" of an empty text, any other value as code.
std::string BadgeOrWord(const std::string& value);

// The values, one for each label, as groups of equal ones with the labels that have them: rare ones
// first, the most frequent one last, as "the other 12" or "all 15". show: HTML of a value.
std::string Groups(const std::vector<std::string>& labels, const std::vector<std::string>& values,
                   const std::function<std::string(const std::string&)>& show);

// A row for each platform: verdict, counts, what it is, how long it took.
std::string Glance(const Comparison& c, const std::vector<Run>& runs);

// All clauses and tests, with search and filters.
std::string Everything(const Comparison& c, const std::vector<Run>& runs);

}  // namespace ipcsuite::report::html
