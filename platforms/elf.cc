#include "platforms/elf.h"

#include <elf.h>

#include <cstdint>

namespace ipcsuite::platforms {
namespace {

// Numbers of either byte order at an offset; 0 beyond the end.
class Bytes {
 public:
  Bytes(const std::string& content, bool big) : content_(content), big_(big) {}
  std::uint64_t At(std::uint64_t offset, unsigned size) const {
    if (offset > content_.size() || size > content_.size() - offset) return 0;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) {
      const unsigned at = big_ ? i : size - 1 - i;
      value = value << 8 | static_cast<unsigned char>(content_[offset + at]);
    }
    return value;
  }

 private:
  const std::string& content_;
  const bool big_;
};

// Where the fields lie: sizes and offsets of the ELF specification for 64 and 32 bits.
struct Layout {
  unsigned word, phoff, phentsize, phnum, segment_offset, segment_size;
};
constexpr Layout k64 = {8, 32, 54, 56, 8, 32};
constexpr Layout k32 = {4, 28, 42, 44, 4, 16};

}  // namespace

std::optional<ElfFile> ReadElf(const std::string& content) {
  if (content.size() < 52 || content.compare(0, SELFMAG, ELFMAG) != 0) return std::nullopt;
  ElfFile elf;
  elf.big_endian = content[EI_DATA] == ELFDATA2MSB;
  elf.bits = content[EI_CLASS] == ELFCLASS32 ? 32 : 64;
  const Bytes bytes(content, elf.big_endian);
  const Layout& layout = elf.bits == 32 ? k32 : k64;
  elf.machine = static_cast<int>(bytes.At(18, 2));
  std::uint64_t header = bytes.At(layout.phoff, layout.word);
  for (std::uint64_t n = bytes.At(layout.phnum, 2); n > 0; --n) {
    if (bytes.At(header, 4) == PT_INTERP) {
      const std::uint64_t from = bytes.At(header + layout.segment_offset, layout.word);
      const std::uint64_t size = bytes.At(header + layout.segment_size, layout.word);
      if (from < content.size()) elf.interpreter = content.substr(from, size).c_str();
    }
    header += bytes.At(layout.phentsize, 2);
  }
  return elf;
}

}  // namespace ipcsuite::platforms
