#include "platforms/cpio.h"

#include <sys/stat.h>

#include <cstdio>

namespace ipcsuite::platforms {

void Cpio::Entry(std::string_view path, unsigned mode, std::string_view data, unsigned major,
                 unsigned minor) {
  char head[111];
  std::snprintf(head, sizeof head, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
                ++inode_, mode, 0u, 0u, 1u, 0u, static_cast<unsigned>(data.size()), 0u, 0u, major,
                minor, static_cast<unsigned>(path.size() + 1), 0u);
  bytes_ += head;
  bytes_ += path;
  bytes_ += '\0';
  while (bytes_.size() % 4) bytes_ += '\0';
  bytes_ += data;
  while (bytes_.size() % 4) bytes_ += '\0';
}

void Cpio::AddDirectory(std::string_view path, unsigned mode) {
  Entry(path, S_IFDIR | mode, "", 0, 0);
}
void Cpio::AddFile(std::string_view path, std::string_view content, unsigned mode) {
  Entry(path, S_IFREG | mode, content, 0, 0);
}
void Cpio::AddLink(std::string_view path, std::string_view target) {
  Entry(path, S_IFLNK | 0777, target, 0, 0);
}
void Cpio::AddDevice(std::string_view path, unsigned mode, unsigned major, unsigned minor) {
  Entry(path, S_IFCHR | mode, "", major, minor);
}

std::string Cpio::Finish() {
  Entry("TRAILER!!!", 0, "", 0, 0);
  return std::move(bytes_);
}

}  // namespace ipcsuite::platforms
