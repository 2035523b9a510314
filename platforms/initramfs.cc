#include "platforms/initramfs.h"

#include "base/files.h"
#include "platforms/cpio.h"
#include "platforms/guest.h"

namespace ipcsuite::platforms {
namespace {

const char* CheckUid(const std::string& value) {
  return ParseNumber(value, 0xFFFFFFFEu) ? nullptr : "a user id";
}

}  // namespace

const char* CheckCount(const std::string& value) {
  const auto number = ParseNumber(value, 1'000'000);
  return number && *number > 0 ? nullptr : "a number from 1 to 1000000";
}

std::vector<PlatformKey> GuestKeys(const char* mem) {
  return {
      {.name = "mem",
       .value = "MIB",
       .help = "memory in MiB",
       .otherwise = mem,
       .check = &CheckCount},
      {.name = "uid",
       .value = "UID",
       .help = "user that the suite runs as",
       .otherwise = "0",
       .check = &CheckUid},
      {.name = "shm", .value = "OPTION", .help = "mount option of /dev/shm, size=1m for example"},
      {.name = "append", .value = "WORDS", .help = "further words of the kernel's command line"}};
}

Result<std::string> WriteInitramfs(const PlatformSpec& spec, const LaunchInput& input,
                                   const std::string& program) {
  std::string orders = "uid=" + spec.Value("uid") + "\n";
  if (const std::string shm = spec.Value("shm"); !shm.empty()) orders += "shm=" + shm + "\n";
  orders += "--\n";
  for (const std::string& arg : input.args) orders += arg + "\n";
  Cpio cpio;
  for (const char* dir : {"dev", "proc", "sys", "bin"}) cpio.AddDirectory(dir);
  cpio.AddDirectory("tmp", 01777);
  cpio.AddDevice("dev/console", 0600, 5, 1);
  cpio.AddDevice("dev/null", 0666, 1, 3);
  cpio.AddFile("ipcsuite", program);
  cpio.AddLink("init", "/ipcsuite");  // the file system is memory of the guest
  cpio.AddFile(kOrdersPath + 1, orders, 0644);
  const std::string path = input.work_dir + "/initrd";
  if (const auto written = WriteFile(path, cpio.Finish()); !written) return Error{written.error()};
  return path;
}

}  // namespace ipcsuite::platforms
