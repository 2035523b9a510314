// Which memory is resident. Not POSIX.
#pragma once

#include <cstddef>
#include <optional>

namespace ipcsuite::os {

// How many pages of a range of whole pages are in memory; nothing where the system does not say.
std::optional<std::size_t> ResidentPages(const void* address, std::size_t length);

}  // namespace ipcsuite::os
