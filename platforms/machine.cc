// Whole machines: QEMU and user-mode Linux, booted into an initramfs that holds this program alone.
#include <elf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "platforms/cpio.h"
#include "platforms/guest.h"
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

struct Machine {
  int elf_machine;
  bool big_endian;
  int bits;
  const char* qemu;
  const char* package;
  std::vector<std::string> flags;
  const char* console;
};

const std::vector<Machine>& Machines() {
  static const std::vector<Machine> machines = {
      {EM_X86_64,
       false,
       64,
       "qemu-system-x86_64",
       "qemu-system-x86",
       {"-M", "q35", "-cpu", "max"},
       "ttyS0"},
      {EM_386,
       false,
       32,
       "qemu-system-i386",
       "qemu-system-x86",
       {"-M", "q35", "-cpu", "max"},
       "ttyS0"},
      {EM_AARCH64,
       false,
       64,
       "qemu-system-aarch64",
       "qemu-system-arm",
       {"-M", "virt", "-cpu", "neoverse-n1"},
       "ttyAMA0"},
      {EM_ARM,
       false,
       32,
       "qemu-system-arm",
       "qemu-system-arm",
       {"-M", "virt", "-cpu", "cortex-a15"},
       "ttyAMA0"},
      {EM_RISCV, false, 64, "qemu-system-riscv64", "qemu-system-misc", {"-M", "virt"}, "ttyS0"},
      {EM_S390,
       true,
       64,
       "qemu-system-s390x",
       "qemu-system-misc",
       {"-M", "s390-ccw-virtio", "-cpu", "max"},
       "ttysclp0"},
      {EM_PPC64,
       false,
       64,
       "qemu-system-ppc64",
       "qemu-system-ppc",
       {"-M", "pseries", "-cpu", "power9"},
       "hvc0"},
  };
  return machines;
}

std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// The machine that a program file is for, from its ELF header; null when it is none that we know.
const Machine* MachineOf(const std::string& program) {
  if (program.size() < 20 || std::memcmp(program.data(), ELFMAG, SELFMAG) != 0) return nullptr;
  const auto byte = [&](int i) {
    return static_cast<unsigned char>(program[static_cast<std::size_t>(i)]);
  };
  const bool big = byte(EI_DATA) == ELFDATA2MSB;
  const int machine = big ? byte(18) << 8 | byte(19) : byte(19) << 8 | byte(18);
  for (const Machine& known : Machines()) {
    if (known.elf_machine == machine && known.big_endian == big) return &known;
  }
  return nullptr;
}

std::string Option(const PlatformSpec& spec, const std::string& key, const std::string& otherwise) {
  const auto it = spec.options.find(key);
  return it == spec.options.end() ? otherwise : it->second;
}

std::string Initramfs(const PlatformSpec& spec, const LaunchInput& input,
                      const std::string& program) {
  std::string orders = "uid=" + Option(spec, "uid", "0") + "\n";
  if (const std::string shm = Option(spec, "shm", ""); !shm.empty()) orders += "shm=" + shm + "\n";
  orders += "--\n";
  for (const std::string& arg : input.args) orders += arg + "\n";
  Cpio cpio;
  for (const char* dir : {"dev", "proc", "sys", "bin"}) cpio.AddDirectory(dir);
  cpio.AddDirectory("tmp", 01777);
  cpio.AddDevice("dev/console", 0600, 5, 1);
  cpio.AddDevice("dev/null", 0666, 1, 3);
  cpio.AddFile("ipcsuite", program);
  cpio.AddFile("init", program);
  cpio.AddFile(kOrdersPath + 1, orders, 0644);
  return cpio.Finish();
}

bool WriteInitramfs(const PlatformSpec& spec, const LaunchInput& input, const std::string& program,
                    std::string* error) {
  std::ofstream out(input.work_dir + "/initrd", std::ios::binary);
  out << Initramfs(spec, input, program);
  out.close();
  if (!out) *error = "can't write " + input.work_dir + "/initrd: free some space, or set TMPDIR";
  return static_cast<bool>(out);
}

}  // namespace

namespace internal {

std::optional<Launch> PrepareVm(const PlatformSpec& spec, const LaunchInput& input,
                                std::string* error) {
  if (!std::filesystem::exists(spec.target)) {
    *error = "no kernel image " + spec.target;
    return std::nullopt;
  }
  const std::string program = ReadWhole(input.program);
  const Machine* machine = MachineOf(program);
  if (!machine) {
    *error = input.program + " is for no machine that QEMU is known to emulate here";
    return std::nullopt;
  }
  const std::string qemu = FindCommand(machine->qemu);
  if (qemu.empty()) {
    *error =
        std::string(machine->qemu) + " is not in PATH: install the package " + machine->package;
    return std::nullopt;
  }
  if (!WriteInitramfs(spec, input, program, error)) return std::nullopt;
  Launch launch;
  launch.argv = {qemu};
  launch.argv.insert(launch.argv.end(), machine->flags.begin(), machine->flags.end());
  const std::vector<std::string> rest = {
      "-accel",
      Option(spec, "accel", "tcg,thread=multi"),
      "-smp",
      Option(spec, "smp", "2"),
      "-m",
      Option(spec, "mem", "1024"),
      "-nographic",
      "-no-reboot",
      "-nodefaults",
      "-serial",
      "stdio",
      "-monitor",
      "none",
      "-kernel",
      spec.target,
      "-initrd",
      input.work_dir + "/initrd",
      "-append",
      std::string("console=") + machine->console + " quiet panic=-1 " + Option(spec, "append", "")};
  launch.argv.insert(launch.argv.end(), rest.begin(), rest.end());
  return launch;
}

std::optional<Launch> PrepareUml(const PlatformSpec& spec, const LaunchInput& input,
                                 std::string* error) {
  const std::string binary =
      spec.target.find('/') == std::string::npos ? FindCommand(spec.target) : spec.target;
  if (binary.empty() || !std::filesystem::exists(binary)) {
    *error = "no user-mode Linux " + spec.target +
             ": install the package user-mode-linux, or name a binary";
    return std::nullopt;
  }
  if (!WriteInitramfs(spec, input, ReadWhole(input.program), error)) return std::nullopt;
  Launch launch;
  launch.environment.emplace_back("TMPDIR", input.work_dir);
  launch.argv = {binary,
                 "mem=" + Option(spec, "mem", "512") + "M",
                 "initrd=" + input.work_dir + "/initrd",
                 "uml_dir=" + input.work_dir + "/uml",
                 "con=null",
                 "con0=null,fd:1",
                 "quiet",
                 "panic=-1"};
  if (const std::string append = Option(spec, "append", ""); !append.empty())
    launch.argv.push_back(append);
  return launch;
}

}  // namespace internal
}  // namespace ipcsuite::platforms
