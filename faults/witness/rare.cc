// Witnesses of bank_rare.cc.
#include <pthread.h>
#include <sys/select.h>

#include <cstdio>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
// A thread that runs `body` with a cancellation request pending: whether it came to its end.
template <class Body>
bool SurvivesPendingCancel(Body body) {
  static Body* call;
  static volatile bool ended;
  call = &body;
  ended = false;
  pthread_t t;
  pthread_create(
      &t, nullptr,
      [](void*) -> void* {
        pthread_cancel(pthread_self());
        (*call)();
        ended = true;
        return nullptr;
      },
      nullptr);
  pthread_join(t, nullptr);
  return ended;
}
// Whether a thread blocked in `body` can't be cancelled soon.
template <class Body>
bool CancelHangs(Body body) {
  return Hangs([&] {
    static Body* call;
    call = &body;
    pthread_t t;
    pthread_create(
        &t, nullptr, [](void*) -> void* { return (*call)(), nullptr; }, nullptr);
    Nap(50);
    pthread_cancel(t);
    pthread_join(t, nullptr);
  });
}
long LockedKb() {
  FILE* f = fopen("/proc/self/status", "r");
  char line[256];
  long kb = -1;
  while (fgets(line, sizeof line, f)) sscanf(line, "VmLck: %ld", &kb);
  fclose(f);
  return kb;
}
int UnlinkAsNobody(int (*unlink_it)(const char*), const std::string& name) {
  return Unprivileged([&] { return unlink_it(name.c_str()) == 0 ? 0 : errno; });
}
}  // namespace

WITNESS(pipe_is_cancellation_point) {
  return !SurvivesPendingCancel([] {
    int p[2];
    pipe(p);
  });
}
WITNESS(popen_e_ignored) {
  FILE* f = popen("true", "re");
  bool clear = !(fcntl(fileno(f), F_GETFD) & FD_CLOEXEC);
  pclose(f);
  return clear;
}
WITNESS(ppoll_never_eintr) {
  Pipe p;
  Child c([&] {
    Handle(SIGUSR1);
    pollfd one{p.r, POLLIN, 0};
    return ppoll(&one, 1, nullptr, nullptr) & 1;
  });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
WITNESS(poll_not_cancellation_point) {
  Pipe p;
  return CancelHangs([&] {
    pollfd one{p.r, POLLIN, 0};
    poll(&one, 1, -1);
  });
}
WITNESS(ppoll_not_cancellation_point) {
  Pipe p;
  return CancelHangs([&] {
    pollfd one{p.r, POLLIN, 0};
    ppoll(&one, 1, nullptr, nullptr);
  });
}
WITNESS(select_not_cancellation_point) {
  Pipe p;
  return CancelHangs([&] {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p.r, &set);
    select(p.r + 1, &set, nullptr, nullptr, nullptr);
  });
}
WITNESS(shm_creat_does_not_create) { return Shm().fd < 0; }
WITNESS(shm_exec_closes_all) {
  Shm s;
  fcntl(s.fd, F_SETFD, 0);
  return Child([&] { return ExecSelf("fd-open", s.fd); }).Exit(5000) == 0;
}
WITNESS(shm_open_reuses_description) {
  Shm s;
  return (fcntl(shm_open(s.name.c_str(), O_RDONLY, 0), F_GETFL) & O_ACCMODE) == O_RDWR;
}
WITNESS(shm_unlink_eacces_as_eperm) {
  Shm s;
  return UnlinkAsNobody(shm_unlink, s.name) == EPERM;
}
WITNESS(shm_close_of_duplicate_empties_unlinked) {
  Shm s(10);
  char* p = s.Map(10);
  p[0] = 'x';
  shm_unlink(s.name.c_str());
  close(dup(s.fd));
  return p[0] == 0;
}
WITNESS(sysconf_mapped_files_unsupported) { return sysconf(_SC_MAPPED_FILES) == -1; }
WITNESS(mmap_failure_returns_null) { return Shm(10).Map(0) == nullptr; }
WITNESS(mmap_negative_offset_is_zero) {
  return Shm(10).Map(10, PROT_READ, MAP_SHARED, -getpagesize()) != MAP_FAILED;
}
WITNESS(munmap_writes_private_pages) {
  Shm s(10);
  char* p = s.Map(10, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  p[0] = 'x';
  munmap(p, 10);
  return s.Map(10)[0] == 'x';
}
WITNESS(fork_drops_private_pages) {
  Shm s(10);
  char* p = s.Map(10, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  p[0] = 'x';
  return Child([&] { return p[0] == 0; }).Exit() == 1;
}
WITNESS(mlock_nests) {
  Shm s(10);
  char* p = s.Map(10);
  mlock(p, 10), mlock(p, 10), munlock(p, 10);
  return LockedKb() > 0;
}
WITNESS(mlock_inherited_by_fork) {
  Shm s(10);
  mlock(s.Map(10), 10);
  return Child([&] { return LockedKb() > 0; }).Exit() == 1;
}
WITNESS(mq_open_failure_returns_minus_two) {
  return mq_open(NewName("none").c_str(), O_RDWR) == -2;
}
WITNESS(mq_new_queue_holds_message) { return Queue().Attr().mq_curmsgs == 1; }
WITNESS(mq_close_returns_one) {
  Queue q;
  return mq_close(mq_open(q.name.c_str(), O_RDWR)) == 1;
}
WITNESS(mq_unlink_eacces_as_eperm) {
  Queue q;
  return UnlinkAsNobody(mq_unlink, q.name) == EPERM;
}
WITNESS(mq_getattr_counts_waiting_senders) {
  Queue q(2);
  q.Fill();
  Child c([&] { return q.Send("x"); });
  for (int i = 0; i < 100 && q.Attr().mq_curmsgs == 2; ++i) Nap(5);
  return q.Attr().mq_curmsgs == 3;
}
WITNESS(mq_receive_ignores_pending_cancellation) {
  Queue q;
  q.Send("x");
  return SurvivesPendingCancel([&] { q.Receive(); });
}
WITNESS(mq_close_is_cancellation_point) {
  Queue q;
  mqd_t other = mq_open(q.name.c_str(), O_RDWR);
  return !SurvivesPendingCancel([&] { mq_close(other); });
}
