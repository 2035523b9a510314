#include "base/os/file_system.h"

#include <cerrno>

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#endif

namespace ipcsuite::os {

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
std::string FileSystemOf(const std::string& path) {
  struct statfs about {};
  if (statfs(path.c_str(), &about) != 0) return "";
  struct {
    unsigned long magic;
    const char* name;
  } const known[] = {
      {EXT4_SUPER_MAGIC, "ext4"}, {TMPFS_MAGIC, "tmpfs"},       {OVERLAYFS_SUPER_MAGIC, "overlay"},
      {XFS_SUPER_MAGIC, "xfs"},   {BTRFS_SUPER_MAGIC, "btrfs"}, {NFS_SUPER_MAGIC, "nfs"},
      {V9FS_MAGIC, "9p"},         {RAMFS_MAGIC, "ramfs"},       {FUSE_SUPER_MAGIC, "fuse"},
      {MSDOS_SUPER_MAGIC, "vfat"}};
  const auto magic = static_cast<unsigned long>(about.f_type);
  for (const auto& entry : known) {
    if (entry.magic == magic) return entry.name;
  }
  return std::to_string(magic);
}

int MountAgain(const std::string& directory, const std::string& where) {
  return mount(directory.c_str(), where.c_str(), nullptr, MS_BIND, nullptr) == 0 ? 0 : errno;
}
#else
std::string FileSystemOf(const std::string&) { return ""; }
int MountAgain(const std::string&, const std::string&) { return ENOSYS; }
#endif

}  // namespace ipcsuite::os
