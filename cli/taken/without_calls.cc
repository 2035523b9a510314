// without_calls ERROR CALL,... PROGRAM [ARGUMENT...]: starts a program for which system calls end
// with an error, as sandboxes do it (seccomp). Exits with 125 where that is not possible.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Named {
  const char* name;
  long number;
};

#define CALL_ROW(name) \
  Named { #name, SYS_##name }
const Named kCalls[] = {
    CALL_ROW(mq_open),
    CALL_ROW(mq_unlink),
    CALL_ROW(mq_timedsend),
    CALL_ROW(mq_timedreceive),
    CALL_ROW(mq_notify),
    CALL_ROW(mq_getsetattr),
    CALL_ROW(pipe2),
    CALL_ROW(ppoll),
    CALL_ROW(pselect6),
    CALL_ROW(mknodat),
    CALL_ROW(msync),
    CALL_ROW(mlock),
    CALL_ROW(munlock),
    CALL_ROW(ftruncate),
    CALL_ROW(readv),
    CALL_ROW(writev),
    CALL_ROW(dup3),
    CALL_ROW(fallocate),
    CALL_ROW(preadv),
    CALL_ROW(pwritev),
    CALL_ROW(clone),
    CALL_ROW(clone3),
    CALL_ROW(wait4),
    CALL_ROW(kill),
    CALL_ROW(tgkill),
    CALL_ROW(setpgid),
    CALL_ROW(prctl),
    CALL_ROW(futex),
    CALL_ROW(set_robust_list),
    CALL_ROW(rseq),
    CALL_ROW(sched_getaffinity),
    CALL_ROW(sched_setaffinity),
    CALL_ROW(sched_yield),
    CALL_ROW(clock_nanosleep),
    CALL_ROW(clock_gettime),
    CALL_ROW(process_vm_readv),
    CALL_ROW(rt_sigaction),
    CALL_ROW(rt_sigprocmask),
    CALL_ROW(rt_sigtimedwait),
    CALL_ROW(rt_sigsuspend),
    CALL_ROW(gettid),
    CALL_ROW(getrandom),
    CALL_ROW(prlimit64),
    CALL_ROW(statfs),
    CALL_ROW(uname),
    CALL_ROW(getcwd),
    CALL_ROW(readlinkat),
    CALL_ROW(ioctl),
    CALL_ROW(lseek),
    CALL_ROW(fcntl),
    CALL_ROW(umask),
    CALL_ROW(madvise),
    CALL_ROW(getdents64),
    CALL_ROW(mkdirat),
    CALL_ROW(unlinkat),
    CALL_ROW(faccessat),
    CALL_ROW(linkat),
    CALL_ROW(socket),
    CALL_ROW(unshare),
    CALL_ROW(mount),
    CALL_ROW(capset),
    CALL_ROW(setresuid),
    CALL_ROW(sched_setscheduler),
    CALL_ROW(mincore),
#ifdef SYS_pipe
    CALL_ROW(pipe),
    CALL_ROW(poll),
    CALL_ROW(select),
    CALL_ROW(mknod),
    CALL_ROW(fork),
    CALL_ROW(vfork),
    CALL_ROW(readlink),
    CALL_ROW(mkdir),
    CALL_ROW(rmdir),
    CALL_ROW(unlink),
    CALL_ROW(rename),
    CALL_ROW(access),
    CALL_ROW(link),
    CALL_ROW(alarm),
#endif
};
const Named kErrors[] = {{"ENOSYS", ENOSYS}, {"EPERM", EPERM}};

template <std::size_t N>
long NumberOf(const Named (&table)[N], const std::string& name) {
  for (const Named& row : table) {
    if (name == row.name) return row.number;
  }
  std::fprintf(stderr, "without_calls: unknown name %s\n", name.c_str());
  _exit(125);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 125;
  const auto error = static_cast<unsigned>(NumberOf(kErrors, argv[1]));
  std::vector<sock_filter> filter = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (char* name = std::strtok(argv[2], ","); name != nullptr; name = std::strtok(nullptr, ",")) {
    const auto number = static_cast<unsigned>(NumberOf(kCalls, name));
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::perror("without_calls: no seccomp filter");
    return 125;
  }
  execv(argv[3], argv + 3);
  std::perror(argv[3]);
  return 127;
}
