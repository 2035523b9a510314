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
  // Added to the CPU model, the last of the flags, when a core has several hardware threads.
  const char* with_threads = "";
};

const std::vector<Machine>& Machines() {
  static const std::vector<Machine> machines = {
      {.elf_machine = EM_X86_64,
       .qemu = "qemu-system-x86_64",
       .package = "qemu-system-x86",
       .flags = {"-M", "q35", "-cpu", "max"},
       .console = "ttyS0",
       // TCG's own, of AMD, has one thread for each core.
       .with_threads = ",vendor=GenuineIntel"},
      {.elf_machine = EM_386,
       .qemu = "qemu-system-i386",
       .package = "qemu-system-x86",
       .flags = {"-M", "q35", "-cpu", "max"},
       .console = "ttyS0",
       // TCG's own, of AMD, has one thread for each core.
       .with_threads = ",vendor=GenuineIntel"},
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

int Number(const PlatformSpec& spec, const char* key) { return std::stoi(spec.Value(key)); }

// How QEMU is told about CPUs and NUMA nodes: "-smp 8,sockets=2,cores=2,threads=2 ...".
Result<std::vector<std::string>> CpuArguments(const PlatformSpec& spec) {
  const int cpus = Number(spec, "smp"), nodes = Number(spec, "nodes");
  std::string smp = std::to_string(cpus);
  int product = 1, given = 0;
  for (const char* const level : {"sockets", "cores", "threads"}) {
    if (!spec.Has(level)) continue;
    ++given;
    product *= Number(spec, level);
    smp += std::string(",") + level + "=" + spec.Value(level);
  }
  if (given == 3 ? product != cpus : cpus % product != 0)
    return Error{"sockets, cores and threads make " + std::to_string(product) +
                 " CPUs of smp=" + std::to_string(cpus) + ": give a product that fits"};
  std::vector<std::string> arguments = {"-smp", smp};
  if (nodes == 1) return arguments;
  const int memory = Number(spec, "mem");
  if (cpus % nodes != 0 || memory % nodes != 0)
    return Error{"nodes=" + std::to_string(nodes) + " does not divide smp=" + std::to_string(cpus) +
                 " and mem=" + std::to_string(memory) + ": give numbers that do"};
  for (int node = 0; node < nodes; ++node) {
    const std::string id = std::to_string(node);
    const int first = node * (cpus / nodes);
    arguments.insert(
        arguments.end(),
        {"-object",
         "memory-backend-ram,id=m" + id + ",size=" + std::to_string(memory / nodes) + "M", "-numa",
         "node,nodeid=" + id + ",cpus=" + std::to_string(first) + "-" +
             std::to_string(first + cpus / nodes - 1) + ",memdev=m" + id});
  }
  return arguments;
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
  const Result<std::vector<std::string>> cpus = CpuArguments(spec);
  if (!cpus) return Error{cpus.error()};
  const Result<std::string> initramfs = WriteInitramfs(spec, input, *program);
  if (!initramfs) return Error{initramfs.error()};
  Launch launch;
  launch.argv = {qemu};
  launch.argv.insert(launch.argv.end(), machine->flags.begin(), machine->flags.end());
  if (spec.Has("threads") && Number(spec, "threads") > 1)
    launch.argv.back() += machine->with_threads;
  launch.argv.insert(launch.argv.end(), cpus->begin(), cpus->end());
  const std::vector<std::string> rest = {
      "-accel",
      spec.Value("accel"),
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
  struct CountKey {
    const char *name, *help, *otherwise = "";  // empty: QEMU decides
  } const kCounts[] = {
      {.name = "smp", .help = "number of CPUs", .otherwise = "2"},
      {.name = "sockets", .help = "packages of these CPUs"},
      {.name = "cores", .help = "cores of each package"},
      {.name = "threads", .help = "hardware threads of each core"},
      {.name = "nodes", .help = "NUMA nodes, of equal CPUs and memory", .otherwise = "1"},
  };
  for (const CountKey& count : kCounts) {
    keys.push_back({.name = count.name,
                    .value = "N",
                    .help = count.help,
                    .otherwise = count.otherwise,
                    .check = &CheckCount});
  }
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
