// The program as the first process of a virtual machine: mounts what IPC needs, runs itself with
// the arguments that the host put into the initramfs, and powers off.
#pragma once

namespace ipcsuite::platforms {

// True when this process is the init of a machine that `ipcsuite on vm:` or `uml:` started.
bool IsGuestInit();
// Does all of that; never returns.
[[noreturn]] void GuestInit();

// Where the host puts the guest's orders: one word a line. Lines "uid=N" and "shm=OPTIONS" come
// first, then "--" and the arguments of the program.
inline constexpr char kOrdersPath[] = "/ipcsuite.orders";

}  // namespace ipcsuite::platforms
