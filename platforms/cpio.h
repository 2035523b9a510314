// An initramfs (cpio, "newc" format) made in memory: what a virtual machine boots into.
// Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
#pragma once

#include <string>
#include <string_view>

namespace ipcsuite::platforms {

class Cpio {
 public:
  void AddDirectory(std::string_view path, unsigned mode = 0755);
  void AddFile(std::string_view path, std::string_view content, unsigned mode = 0755);
  void AddLink(std::string_view path, std::string_view target);  // symbolic
  void AddDevice(std::string_view path, unsigned mode, unsigned major, unsigned minor);
  // Ends the archive and returns it.
  std::string Finish();

 private:
  void Entry(std::string_view path, unsigned mode, std::string_view data, unsigned major,
             unsigned minor);
  std::string bytes_;
  unsigned inode_ = 0;
};

}  // namespace ipcsuite::platforms
