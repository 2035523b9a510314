#include "platforms/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

void Mount(const char* type, const char* where, const char* options = nullptr) {
  mkdir(where, 0755);
  if (mount(type, where, type, 0, options) != 0 && errno != EBUSY)
    std::printf("guest: mounting %s: %s\n", where, std::strerror(errno));
}

struct Orders {
  uid_t uid = 0;
  std::string shm = "mode=1777";
  std::vector<std::string> args;
};

Orders ReadOrders() {
  Orders orders;
  std::ifstream in(kOrdersPath);
  bool arguments = false;
  for (std::string line; std::getline(in, line);) {
    if (arguments) {
      orders.args.push_back(line);
    } else if (line == "--") {
      arguments = true;
    } else if (line.rfind("uid=", 0) == 0) {
      orders.uid = static_cast<uid_t>(ParseNumber(line.substr(4), 0xFFFFFFFEu).value_or(0));
    } else if (line.rfind("shm=", 0) == 0) {
      orders.shm = "mode=1777," + line.substr(4);
    }
  }
  return orders;
}

void RunProgram(const Orders& orders) {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (orders.uid != 0 &&
        (setgroups(0, nullptr) != 0 || setgid(orders.uid) != 0 || setuid(orders.uid) != 0))
      _exit(125);
    std::vector<char*> argv{const_cast<char*>("/ipcsuite")};
    for (const std::string& word : orders.args) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execv("/ipcsuite", argv.data());
    _exit(127);
  }
  int status = 0;
  for (pid_t got; (got = waitpid(-1, &status, 0)) != child;) {
    if (got < 0 && errno != EINTR) break;
  }
  std::printf("guest: the program ended with status %d\n",
              WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

bool IsGuestInit() { return getpid() == 1 && access(kOrdersPath, R_OK) == 0; }

void GuestInit() {
  Mount("devtmpfs", "/dev");
  const int console = open("/dev/console", O_RDWR);
  if (console >= 0) {
    for (int fd = 0; fd < 3; ++fd) dup2(console, fd);
    if (console > 2) close(console);
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Orders orders = ReadOrders();
  Mount("proc", "/proc");
  Mount("sysfs", "/sys");
  Mount("tmpfs", "/tmp", "mode=1777");
  Mount("tmpfs", "/dev/shm", orders.shm.c_str());
  Mount("mqueue", "/dev/mqueue");
  setenv("PATH", "/bin", 1);
  setenv("TMPDIR", "/tmp", 1);
  setenv("TERM", "dumb", 1);
  // Kernel messages would cut result lines in two.
  if (const int printk = open("/proc/sys/kernel/printk", O_WRONLY); printk >= 0) {
    [[maybe_unused]] const ssize_t put = write(printk, "1 1 1 1", 7);
    close(printk);
  }
  RunProgram(orders);
  std::fflush(stdout);
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

}  // namespace ipcsuite::platforms
