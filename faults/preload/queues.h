// What faults of message queues share.
#pragma once

#include <fcntl.h>

#include "faults/preload/state.h"

namespace faults {

inline mqd_t OpenQueue(const char* n, int f, mode_t m, const mq_attr* a) {
  return real::mq_open(n, f, m, a);
}

inline bool QueueExists(const char* n) {
  int saved = errno;
  mqd_t q = OpenQueue(n, O_RDONLY, 0, nullptr);
  if (q >= 0) real::mq_close(q);
  errno = saved;
  return q >= 0;
}

inline void DrainQueue(mqd_t q) {
  RearrangeWith(ObjectOf(q), [](Message*, int& n) { n = 0; });
}

template <class F>
void ForEachQueue(F f) {
  ForEachObject([&](const Obj& o) {
    if (o.kind == Kind::queue) f(o);
  });
}

// Whether this process has the queue open through another descriptor.
inline bool QueueOpenHere(uint64_t key, int except) {
  bool found = false;
  ForEachQueue([&](const Obj& o) { found |= o.key() == key && o.fd != except; });
  return found;
}

// The real calls, with a time or without.
inline int SendTo(const Obj& o, const char* b, size_t n, unsigned p, const timespec* t) {
  return DefaultHooks().mq_send(o, b, n, p, t);
}
inline ssize_t ReceiveFrom(const Obj& o, char* b, size_t n, unsigned* p, const timespec* t) {
  return DefaultHooks().mq_receive(o, b, n, p, t);
}

// Whether a call now would wait.
inline bool SenderWaits(const Obj& o) {
  mq_attr a = Attributes(o);
  return a.mq_maxmsg > 0 && a.mq_curmsgs >= a.mq_maxmsg && !(a.mq_flags & O_NONBLOCK);
}
inline bool QueueReaderWaits(const Obj& o) {
  mq_attr a = Attributes(o);
  return a.mq_maxmsg > 0 && a.mq_curmsgs == 0 && !(a.mq_flags & O_NONBLOCK);
}

}  // namespace faults
