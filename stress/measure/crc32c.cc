#include "stress/measure/crc32c.h"

#include <array>
#include <cstring>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace ipcsuite::stress {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78u;

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = MakeTable();

using Function = std::uint32_t (*)(const void*, std::size_t, std::uint32_t);

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) std::uint32_t Hardware(const void* data, std::size_t size,
                                                         std::uint32_t seed) {
  const auto* p = static_cast<const unsigned char*>(data);
  std::uint64_t crc = ~seed;
  for (; size >= 8; size -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto crc32 = static_cast<std::uint32_t>(crc);
  for (; size != 0; --size) crc32 = __builtin_ia32_crc32qi(crc32, *p++);
  return ~crc32;
}
bool HasHardware() { return __builtin_cpu_supports("sse4.2"); }
constexpr const char* kHardwareName = "SSE4.2";
#elif defined(__aarch64__) && defined(__linux__) && defined(__GNUC__)
__attribute__((target("+crc"))) std::uint32_t Hardware(const void* data, std::size_t size,
                                                       std::uint32_t seed) {
  const auto* p = static_cast<const unsigned char*>(data);
  std::uint32_t crc = ~seed;
  for (; size >= 8; size -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
  }
  for (; size != 0; --size) {
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1"
            : "+r"(crc)
            : "r"(static_cast<std::uint32_t>(*p++)));
  }
  return ~crc;
}
bool HasHardware() {
  constexpr unsigned long kHwcapCrc32 = 1ul << 7;
  return (getauxval(AT_HWCAP) & kHwcapCrc32) != 0;
}
constexpr const char* kHardwareName = "ARMv8";
#else
std::uint32_t Hardware(const void* data, std::size_t size, std::uint32_t seed) {
  return Crc32cTable(data, size, seed);
}
bool HasHardware() { return false; }
constexpr const char* kHardwareName = "table";
#endif

Function Chosen() {
  static const Function chosen = HasHardware() ? &Hardware : &Crc32cTable;
  return chosen;
}

}  // namespace

std::uint32_t Crc32cTable(const void* data, std::size_t size, std::uint32_t seed) {
  const auto* p = static_cast<const unsigned char*>(data);
  std::uint32_t crc = ~seed;
  for (; size != 0; --size) crc = (crc >> 8) ^ kTable[(crc ^ *p++) & 0xFF];
  return ~crc;
}

std::uint32_t Crc32c(const void* data, std::size_t size, std::uint32_t seed) {
  return Chosen()(data, size, seed);
}

const char* Crc32cImplementation() { return HasHardware() ? kHardwareName : "table"; }

}  // namespace ipcsuite::stress
