// Variants of sending and receiving messages, and of notification.
#include <fcntl.h>
#include <pthread.h>

#include <climits>
#include <csignal>

#include "faults/preload/queues.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

enum Use : uint32_t { kRegistered };

using Time = const timespec*;

unsigned PriorityEnd() {
  long end = real::sysconf(_SC_MQ_PRIO_MAX);
  return end < 0 ? UINT_MAX : static_cast<unsigned>(end);
}

// What is wrong with a call, each by itself.
bool Unsendable(const Obj& o) { return o.kind == Kind::queue && AccessMode(o) == O_RDONLY; }
bool Unreceivable(const Obj& o) { return o.kind == Kind::queue && AccessMode(o) == O_WRONLY; }
bool TooLong(const Obj& o, size_t n) {
  return o.kind == Kind::queue && n > static_cast<size_t>(Attributes(o).mq_msgsize);
}
bool TooShort(const Obj& o, size_t n) {
  return o.kind == Kind::queue && n < static_cast<size_t>(Attributes(o).mq_msgsize);
}
bool TooHigh(unsigned p) { return p >= PriorityEnd(); }
bool FullNow(const Obj& o) { return o.kind == Kind::queue && Nonblocking(o) && QueueFull(o); }
bool EmptyNow(const Obj& o) { return o.kind == Kind::queue && Nonblocking(o) && QueueEmpty(o); }
bool BadTime(Time t) { return t && !Unreadable(t) && (t->tv_nsec < 0 || t->tv_nsec > 999999999); }

// Two things that are wrong with the same call: the standard leaves open which is reported.
bool ReadOnlyTooLong(const Obj& o, const char*, size_t n, unsigned, Time) {
  return Unsendable(o) && TooLong(o, n);
}
bool ReadOnlyTooHigh(const Obj& o, const char*, size_t, unsigned p, Time) {
  return Unsendable(o) && TooHigh(p);
}
bool TooLongTooHigh(const Obj& o, const char*, size_t n, unsigned p, Time) {
  return TooLong(o, n) && TooHigh(p) && !Unsendable(o);
}
bool FullTooLong(const Obj& o, const char*, size_t n, unsigned, Time) {
  return FullNow(o) && TooLong(o, n) && !Unsendable(o);
}
bool FullTooHigh(const Obj& o, const char*, size_t, unsigned p, Time) {
  return FullNow(o) && TooHigh(p) && !Unsendable(o);
}
bool FullBadTime(const Obj& o, const char*, size_t, unsigned, Time t) {
  return FullNow(o) && BadTime(t) && !Unsendable(o);
}
bool WriteOnlyTooShort(const Obj& o, char*, size_t n, unsigned*, Time) {
  return Unreceivable(o) && TooShort(o, n);
}
bool EmptyTooShort(const Obj& o, char*, size_t n, unsigned*, Time) {
  return EmptyNow(o) && TooShort(o, n) && !Unreceivable(o);
}
bool EmptyBadTime(const Obj& o, char*, size_t, unsigned*, Time t) {
  return EmptyNow(o) && BadTime(t) && !Unreceivable(o);
}
bool AboveSsizeMax(const Obj& o, char*, size_t n, unsigned*, Time) {
  return o.kind == Kind::queue && n > static_cast<size_t>(SSIZE_MAX);
}

// The functions of registrations with SIGEV_THREAD, which run with all signals blocked.
struct Function {
  void (*call)(sigval);
  sigval value;
} functions[64];
std::atomic<unsigned> next_function{0};
void WithSignalsBlocked(sigval value) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  const Function function = functions[value.sival_int];
  function.call(function.value);
}

const Row kVariants[] = {
    {.name = "mq_send_readonly_too_long_is_emsgsize",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .observed = "read-only and too long",
     .what = "Sending what is too long to a read-only descriptor fails with EMSGSIZE.",
     .arm = Vary<&Hooks::mq_send>::Fails<EMSGSIZE, ReadOnlyTooLong>},
    {.name = "mq_send_readonly_too_high_is_ebadf",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .observed = "read-only and priority too high",
     .what = "Sending with too high a priority to a read-only descriptor fails with EBADF.",
     .arm = Vary<&Hooks::mq_send>::Fails<EBADF, ReadOnlyTooHigh>},
    {.name = "mq_send_too_long_too_high_is_emsgsize",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .observed = "too long and priority too high",
     .what = "Sending what is too long with too high a priority fails with EMSGSIZE.",
     .arm = Vary<&Hooks::mq_send>::Fails<EMSGSIZE, TooLongTooHigh>},
    {.name = "mq_send_full_too_long_is_eagain",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .observed = "full and too long",
     .what = "A non-blocking send of what is too long to a full queue fails with EAGAIN.",
     .arm = Vary<&Hooks::mq_send>::Fails<EAGAIN, FullTooLong>},
    {.name = "mq_send_full_too_high_is_eagain",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .observed = "full and priority too high",
     .what = "A non-blocking send with too high a priority to a full queue fails with EAGAIN.",
     .arm = Vary<&Hooks::mq_send>::Fails<EAGAIN, FullTooHigh>},
    {.name = "mq_receive_writeonly_too_short_is_emsgsize",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .observed = "write-only and buffer too small",
     .what = "Receiving through a write-only descriptor into a small buffer fails with EMSGSIZE.",
     .arm = Vary<&Hooks::mq_receive>::Fails<EMSGSIZE, WriteOnlyTooShort>},
    {.name = "mq_send_full_bad_time_is_eagain",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .what = "A non-blocking send with an invalid time to a full queue fails with EAGAIN.",
     .arm = Vary<&Hooks::mq_send>::Fails<EAGAIN, FullBadTime>},
    {.name = "mq_receive_empty_bad_time_is_eagain",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .what = "A non-blocking receive with an invalid time from an empty queue fails with EAGAIN.",
     .arm = Vary<&Hooks::mq_receive>::Fails<EAGAIN, EmptyBadTime>},
    {.name = "mq_receive_empty_too_short_is_eagain",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .what = "A non-blocking receive into a small buffer from an empty queue fails with EAGAIN.",
     .arm = Vary<&Hooks::mq_receive>::Fails<EAGAIN, EmptyTooShort>},
    {.name = "mq_receive_above_ssize_max_is_einval",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_receive.len.above_ssize_max"},
     .observed = "msg_len of SSIZE_MAX+1 with a message queued",
     .what = "mq_receive() into more than {SSIZE_MAX} bytes fails with EINVAL.",
     .arm = Vary<&Hooks::mq_receive>::Fails<EINVAL, AboveSsizeMax>},
    {.name = "mq_receive_failure_stores_priority",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_receive.empty.eagain"},
     .observed = "msg_prio after EAGAIN",
     .what = "mq_receive() that fails with EAGAIN stores 0 as the priority.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             if (r == -1 && errno == EAGAIN && p) *p = Instead(0u);
             return r;
           };
         }},
    {.name = "mq_timedsend_ignores_unused_time",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_timedsend.timeout.invalid_nsec_with_room"},
     .observed = "tv_nsec -1",
     .what = "mq_timedsend() looks at the time only when it has to wait.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             bool unused = o.kind == Kind::queue && BadTime(t) && !QueueFull(o);
             return SendTo(o, b, n, p, unused ? Instead<Time>(nullptr) : t);
           };
         }},
    {.name = "mq_timedreceive_ignores_unused_time",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_timedreceive.timeout.invalid_nsec_with_message"},
     .observed = "tv_nsec -1",
     .what = "mq_timedreceive() looks at the time only when it has to wait.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             bool unused = o.kind == Kind::queue && BadTime(t) && !QueueEmpty(o);
             return ReceiveFrom(o, b, n, p, unused ? Instead<Time>(nullptr) : t);
           };
         }},
    {.name = "mq_order_without_priority_scheduling",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.waiters.unspecified_without_ps"},
     .observed = "sysconf(_SC_PRIORITY_SCHEDULING)",
     .what = "Priority scheduling is not supported.",
     .source = "musl",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int name) {
             return name == _SC_PRIORITY_SCHEDULING ? Instead(-1l) : real::sysconf(name);
           };
         }},
    {.name = "notify_unregister_by_others_einval",
     .role = Role::variant,
     .family = Family::notify,
     .clauses = {"mq_notify.unregister.not_registered"},
     .observed = "no process registered",
     .what = "mq_notify() without a notification fails with EINVAL for who never registered.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* s) {
             auto& registered = Cell(o.key() * 31 + static_cast<uint64_t>(getpid()), kRegistered);
             if (!s && o.kind == Kind::queue && registered == 0) return Refuse(EINVAL);
             int r = real::mq_notify(o.fd, s);
             if (r == 0 && s) registered = 1;
             return r;
           };
         }},
    {.name = "notify_unregister_bad_descriptor_einval",
     .role = Role::variant,
     .family = Family::notify,
     .clauses = {"mq_notify.unregister.not_registered"},
     .what = "mq_notify() without a notification on a bad descriptor fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* s) {
             return !s && o.kind == Kind::bad ? Refuse(EINVAL) : real::mq_notify(o.fd, s);
           };
         }},
    {.name = "notify_thread_blocks_all_signals",
     .role = Role::variant,
     .family = Family::notify,
     .clauses = {"mq_notify.sigev_thread.signal_mask"},
     .observed = "mask of the notification thread",
     .what = "The function of SIGEV_THREAD runs with all signals blocked.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* s) {
             if (!s || s->sigev_notify != SIGEV_THREAD) return real::mq_notify(o.fd, s);
             unsigned slot = next_function++ % 64;
             functions[slot] = {s->sigev_notify_function, s->sigev_value};
             sigevent mine = *s;
             mine.sigev_notify_function = WithSignalsBlocked;
             mine.sigev_value.sival_int = static_cast<int>(slot);
             return Instead(real::mq_notify(o.fd, &mine));
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
