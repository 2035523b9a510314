// CRC-32C (Castagnoli, reflected, as in RFC 3720): by the processor's own instruction where it has
// one (SSE4.2, ARMv8 CRC), otherwise by table. Which one is decided once, when first asked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ipcsuite::stress {

// CRC of `size` bytes; `seed` is the CRC of what came before (0 at the start).
std::uint32_t Crc32c(const void* data, std::size_t size, std::uint32_t seed = 0);
std::uint32_t Crc32cTable(const void* data, std::size_t size, std::uint32_t seed = 0);
// "SSE4.2", "ARMv8" or "table".
const char* Crc32cImplementation();

}  // namespace ipcsuite::stress
