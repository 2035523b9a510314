// What the header of an ELF file says about the program in it.
#pragma once

#include <optional>
#include <string>

namespace ipcsuite::platforms {

struct ElfFile {
  int machine = 0;  // EM_X86_64, ...
  bool big_endian = false;
  int bits = 64;
  std::string interpreter;  // PT_INTERP: the dynamic loader; empty: a static program
};

// nullopt: not an ELF file (a script, say), or one that is cut off.
std::optional<ElfFile> ReadElf(const std::string& content);

}  // namespace ipcsuite::platforms
