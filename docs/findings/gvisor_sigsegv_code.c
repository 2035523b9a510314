/* A load from a mapping with PROT_NONE gets SIGSEGV with si_code SEGV_ACCERR: the page is mapped,
 * its protection forbids the access. gVisor says SEGV_MAPERR. XSH mmap(), XBD <signal.h>. 0:
 * conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int code;

static void on_fault(int sig, siginfo_t* info, void* context) {
  (void)sig, (void)context;
  code = info->si_code;
  siglongjmp(back, 1);
}

static int code_of_load(const volatile char* from) {
  code = -1;
  if (sigsetjmp(back, 1) == 0) (void)*from;
  return code;
}

int main(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* data = mmap(NULL, page, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return perror("mmap"), 77;
  sigaction(SIGSEGV, &(struct sigaction){.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, NULL);
  const int forbidden = code_of_load(data);
  munmap(data, page);
  const int absent = code_of_load(data);
  printf("PROT_NONE: si_code %d (SEGV_ACCERR is %d)\n", forbidden, SEGV_ACCERR);
  printf("not mapped: si_code %d (SEGV_MAPERR is %d)\n", absent, SEGV_MAPERR);
  return forbidden != SEGV_ACCERR || absent != SEGV_MAPERR;
}
