// `ipcsuite check-history`: decides a recorded history from its file.
#pragma once

#include <string>
#include <vector>

namespace ipcsuite::props {

// `args`: what follows the command's name. Returns the exit status: 0 valid, 1 not valid, 2 wrong
// use, unreadable file, or given up (out of budget), with one line that says what.
int CheckHistoryMain(const std::vector<std::string>& args);

}  // namespace ipcsuite::props
