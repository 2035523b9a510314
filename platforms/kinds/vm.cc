// A kernel image in QEMU; the machine is that of the program file.
#include <elf.h>
#include <unistd.h>

#include "base/files.h"
#include "platforms/elf.h"
#include "platforms/initramfs.h"
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

struct Machine {
  int elf_machine;
  bool big_endian = false;
  const char* qemu;
  const char* package;
  std::vector<std::string> flags;
  const char* console;
};

const std::vector<Machine>& Machines() {
  static const std::vector<Machine> machines = {
      {.elf_machine = EM_X86_64,
       .qemu = "qemu-system-x86_64",
       .package = "qemu-system-x86",
       .flags = {"-M", "q35", "-cpu", "max"},
       .console = "ttyS0"},
      {.elf_machine = EM_386,
       .qemu = "qemu-system-i386",
       .package = "qemu-system-x86",
       .flags = {"-M", "q35", "-cpu", "max"},
       .console = "ttyS0"},
      {.elf_machine = EM_AARCH64,
       .qemu = "qemu-system-aarch64",
       .package = "qemu-system-arm",
       .flags = {"-M", "virt", "-cpu", "neoverse-n1"},
       .console = "ttyAMA0"},
      {.elf_machine = EM_ARM,
       .qemu = "qemu-system-arm",
       .package = "qemu-system-arm",
       .flags = {"-M", "virt", "-cpu", "cortex-a15"},
       .console = "ttyAMA0"},
      {.elf_machine = EM_RISCV,
       .qemu = "qemu-system-riscv64",
       .package = "qemu-system-misc",
       .flags = {"-M", "virt"},
       .console = "ttyS0"},
      {.elf_machine = EM_S390,
       .big_endian = true,
       .qemu = "qemu-system-s390x",
       .package = "qemu-system-misc",
       .flags = {"-M", "s390-ccw-virtio", "-cpu", "max"},
       .console = "ttysclp0"},
      {.elf_machine = EM_PPC64,
       .qemu = "qemu-system-ppc64",
       .package = "qemu-system-ppc",
       .flags = {"-M", "pseries", "-cpu", "power9"},
       .console = "hvc0"},
  };
  return machines;
}

// The machine that a program file is for; null when it is none that we know.
const Machine* MachineOf(const std::string& program) {
  const std::optional<ElfFile> elf = ReadElf(program);
  for (const Machine& known : Machines()) {
    if (elf && known.elf_machine == elf->machine && known.big_endian == elf->big_endian)
      return &known;
  }
  return nullptr;
}

// Any of them: which one is needed depends on the program.
std::string MissingQemu() {
  for (const Machine& machine : Machines()) {
    if (!FindCommand(machine.qemu).empty()) return "";
  }
  return MissingCommand({Machines().front().qemu},
                        std::string("the package ") + Machines().front().package +
                            " (or -arm, -misc, -ppc for other machines)");
}

Result<Launch> PrepareVm(const PlatformSpec& spec, const LaunchInput& input) {
  if (access(spec.target.c_str(), R_OK) != 0)
    return Error{"no kernel image " + spec.target + ": name one that can be read"};
  const Result<std::string> program = ReadFile(input.program);
  if (!program) return Error{program.error()};
  const Machine* const machine = MachineOf(*program);
  if (machine == nullptr)
    return Error{input.program + " is not for a machine that QEMU is known to emulate here"};
  const std::string qemu = FindCommand(machine->qemu);
  if (qemu.empty())
    return Error{std::string(machine->qemu) + " is not in PATH: install the package " +
                 machine->package};
  const Result<std::string> initramfs = WriteInitramfs(spec, input, *program);
  if (!initramfs) return Error{initramfs.error()};
  Launch launch;
  launch.argv = {qemu};
  launch.argv.insert(launch.argv.end(), machine->flags.begin(), machine->flags.end());
  const std::vector<std::string> rest = {
      "-accel",
      spec.Value("accel"),
      "-smp",
      spec.Value("smp"),
      "-m",
      spec.Value("mem"),
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
      *initramfs,
      "-append",
      std::string("console=") + machine->console + " quiet panic=-1 " + spec.Value("append")};
  launch.argv.insert(launch.argv.end(), rest.begin(), rest.end());
  return launch;
}

std::vector<PlatformKey> Keys() {
  std::vector<PlatformKey> keys = GuestKeys("1024");
  keys.push_back({.name = "smp",
                  .value = "N",
                  .help = "number of CPUs",
                  .otherwise = "2",
                  .check = &CheckCount});
  keys.push_back({.name = "accel",
                  .value = "NAME",
                  .help = "QEMU's accelerator, kvm for example",
                  .otherwise = "tcg,thread=multi"});
  return keys;
}

const Row<PlatformKind> kVm({
    .name = "vm",
    .syntax = "vm:KERNEL",
    .help = "a kernel image in QEMU, of the program's machine",
    .target = Target::kRequired,
    .keys = Keys(),
    .needs_static = true,
    .missing = &MissingQemu,
    .prepare = &PrepareVm,
});

}  // namespace
}  // namespace ipcsuite::platforms
