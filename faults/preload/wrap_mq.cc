// Message queues. Hooks see impossible descriptors too: EBADF is part of what can be wrong.
#include <fcntl.h>

#include <cstdarg>

#include "faults/preload/wrap.h"

using namespace faults;

namespace {

bool Queue(mqd_t q, Obj* o) {
  if (!Active() || (q >= 0 && q <= 2)) return false;
  *o = ObjectOf(q);
  return o->kind == Kind::queue || o->kind == Kind::bad;
}

mqd_t DoOpen(const char* name, int flags, mode_t mode, const mq_attr* attr) {
  return Active() ? hooks.mq_open(name, flags, mode, attr) : real::mq_open(name, flags, mode, attr);
}

int DoSend(mqd_t q, const char* b, size_t n, unsigned prio, const timespec* t) {
  Obj o;
  if (Queue(q, &o)) return hooks.mq_send(o, b, n, prio, t);
  return t ? real::mq_timedsend(q, b, n, prio, t) : real::mq_send(q, b, n, prio);
}

ssize_t DoReceive(mqd_t q, char* b, size_t n, unsigned* prio, const timespec* t) {
  Obj o;
  if (Queue(q, &o)) return hooks.mq_receive(o, b, n, prio, t);
  return t ? real::mq_timedreceive(q, b, n, prio, t) : real::mq_receive(q, b, n, prio);
}

}  // namespace

IPC_WRAP(mqd_t, mq_open, const char* name, int flags, ...) {
  mode_t mode = 0;
  const mq_attr* attr = nullptr;
  if (flags & O_CREAT) {
    va_list list;
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    attr = va_arg(list, const mq_attr*);
    va_end(list);
  }
  return DoOpen(name, flags, mode, attr);
}
IPC_WRAP(mqd_t, __mq_open_2, const char* name, int flags) {
  return DoOpen(name, flags, 0, nullptr);
}
IPC_WRAP(int, mq_close, mqd_t q) {
  Obj o;
  return Queue(q, &o) ? hooks.mq_close(o) : real::mq_close(q);
}
IPC_WRAP(int, mq_getattr, mqd_t q, mq_attr* a) {
  Obj o;
  return Queue(q, &o) ? hooks.mq_getattr(o, a) : real::mq_getattr(q, a);
}
IPC_WRAP(int, mq_setattr, mqd_t q, const mq_attr* now, mq_attr* before) {
  Obj o;
  return Queue(q, &o) ? hooks.mq_setattr(o, now, before) : real::mq_setattr(q, now, before);
}
IPC_WRAP(int, mq_send, mqd_t q, const char* b, size_t n, unsigned prio) {
  return DoSend(q, b, n, prio, nullptr);
}
IPC_WRAP(ssize_t, mq_receive, mqd_t q, char* b, size_t n, unsigned* prio) {
  return DoReceive(q, b, n, prio, nullptr);
}
IPC_WRAP(int, mq_notify, mqd_t q, const sigevent* s) {
  Obj o;
  return Queue(q, &o) ? hooks.mq_notify(o, s) : real::mq_notify(q, s);
}

#if __SIZEOF_POINTER__ == 8
IPC_WRAP(int, mq_timedsend, mqd_t q, const char* b, size_t n, unsigned p, const timespec* t) {
  return DoSend(q, b, n, p, t);
}
IPC_WRAP(ssize_t, mq_timedreceive, mqd_t q, char* b, size_t n, unsigned* p, const timespec* t) {
  return DoReceive(q, b, n, p, t);
}
#else
// Programs with 32-bit time_t call the plain entries, others the time64 ones.
struct Time32 {
  int32_t tv_sec, tv_nsec;
};
IPC_WRAP(int, __mq_timedsend_time64, mqd_t q, const char* b, size_t n, unsigned p,
         const timespec* t) {
  return DoSend(q, b, n, p, t);
}
IPC_WRAP(ssize_t, __mq_timedreceive_time64, mqd_t q, char* b, size_t n, unsigned* p,
         const timespec* t) {
  return DoReceive(q, b, n, p, t);
}
IPC_WRAP(int, mq_timedsend, mqd_t q, const char* b, size_t n, unsigned p, const Time32* t) {
  timespec wide{};
  if (t) wide.tv_sec = t->tv_sec, wide.tv_nsec = t->tv_nsec;
  return DoSend(q, b, n, p, t ? &wide : nullptr);
}
IPC_WRAP(ssize_t, mq_timedreceive, mqd_t q, char* b, size_t n, unsigned* p, const Time32* t) {
  timespec wide{};
  if (t) wide.tv_sec = t->tv_sec, wide.tv_nsec = t->tv_nsec;
  return DoReceive(q, b, n, p, t ? &wide : nullptr);
}
#endif
