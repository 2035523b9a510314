// Faults of mq_notify() that a changed registration brings about.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "faults/preload/queues.h"

namespace faults {
namespace {

int Notify(const Obj& o, const sigevent* e) { return real::mq_notify(o.fd, e); }

// A real registration with a changed sigevent.
template <void (*Change)(sigevent*)>
void NotifyWith(Hooks& h) {
  h.mq_notify = [](const Obj& o, const sigevent* e) {
    if (!e) return Notify(o, e);
    sigevent changed = *e;
    Change(&changed);
    return Notify(o, &changed);
  };
}

bool BySignal(const sigevent* e) { return e->sigev_notify == SIGEV_SIGNAL; }
bool ByThread(const sigevent* e) { return e->sigev_notify == SIGEV_THREAD; }

// Notification functions go through a function of ours: the last one registered, and its value.
std::atomic<void (*)(sigval)> function{nullptr};
std::atomic<void*> value{nullptr};

void Keep(sigevent* e, void (*ours)(sigval)) {
  function = e->sigev_notify_function;
  value = e->sigev_value.sival_ptr;
  e->sigev_notify_function = ours;
}
void CallTwice(sigval v) {
  function.load()(v);
  function.load()(v);
}
void CallJoinable(sigval v) {
  // A thread that was created joinable stays joinable to whoever asks.
  pthread_attr_t a;
  pthread_attr_init(&a);
  pthread_t t;
  static sigval passed;
  passed = v;
  if (pthread_create(
          &t, &a, [](void*) -> void* { return function.load()(passed), nullptr; }, nullptr) == 0) {
    PauseMs(50);
  }
  pthread_attr_destroy(&a);
}

void NoDelivery(sigevent* e) {
  if (BySignal(e)) e->sigev_notify = SIGEV_NONE;
}
void NoValue(sigevent* e) {
  if (BySignal(e)) e->sigev_value.sival_ptr = nullptr;
}
void HalfValue(sigevent* e) {
  if (BySignal(e)) {
    e->sigev_value.sival_ptr =
        reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(e->sigev_value.sival_ptr) & 0xffffffff);
  }
}
void NextSignal(sigevent* e) {
  if (BySignal(e) && e->sigev_signo < SIGRTMAX) ++e->sigev_signo;
}
void NoneSignals(sigevent* e) {
  if (e->sigev_notify == SIGEV_NONE) e->sigev_notify = SIGEV_SIGNAL, e->sigev_signo = SIGUSR1;
}
void NoThread(sigevent* e) {
  if (ByThread(e)) e->sigev_notify = SIGEV_NONE;
}
void NoThreadValue(sigevent* e) {
  if (ByThread(e)) e->sigev_value.sival_ptr = nullptr;
}
void TwoThreads(sigevent* e) {
  if (ByThread(e)) Keep(e, CallTwice);
}
void NoAttributes(sigevent* e) {
  if (ByThread(e)) e->sigev_notify_attributes = nullptr;
}
void OtherThread(sigevent* e) {
  if (ByThread(e) && e->sigev_notify_attributes) Keep(e, CallJoinable);
}

const Row kFaults[] = {
    {.name = "notify_never_delivered",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.register.notified_on_arrival_at_empty"},
     .what = "Registering for a signal succeeds; the signal is never sent.",
     .arm = NotifyWith<NoDelivery>},
    {.name = "notify_fails_always",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.register.returns_zero"},
     .what = "mq_notify() fails with ENOSYS.",
     .source = "gVisor issue 136; Zephyr at first",
     .arm = Edit<&Hooks::mq_notify>::Always<ENOSYS>},
    {.name = "notify_value_lost",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.sigev_signal.code_and_value"},
     .what = "si_value is 0.",
     .arm = NotifyWith<NoValue>},
    {.name = "notify_value_32_bits",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.sigev_signal.code_and_value"},
     .what = "si_value loses its upper half.",
     .arm = NotifyWith<HalfValue>},
    {.name = "notify_wrong_signal",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.register.notified_on_arrival_at_empty"},
     .what = "The signal after the one asked for is sent.",
     .arm = NotifyWith<NextSignal>},
    {.name = "notify_none_signals",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.sigev_none.nothing_delivered"},
     .what = "SIGEV_NONE sends SIGUSR1.",
     .arm = NotifyWith<NoneSignals>},
    {.name = "notify_none_refused",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.sigev_none.nothing_delivered", "mq_notify.register.returns_zero"},
     .what = "SIGEV_NONE fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* e) {
             return e && e->sigev_notify == SIGEV_NONE ? Fail(EINVAL) : Notify(o, e);
           };
         }},
    {.name = "notify_none_not_registered",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.sigev_none.registration_used_up"},
     .what = "SIGEV_NONE does not register: others can.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* e) {
             if (!e || e->sigev_notify != SIGEV_NONE) return Notify(o, e);
             int r = Notify(o, e);
             if (r == 0) Notify(o, nullptr);
             return r;
           };
         }},
    {.name = "notify_second_registration_succeeds",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.ebusy.other_process", "mq_notify.ebusy.same_process"},
     .what = "A second registration returns 0 and has no effect.",
     .arm = Edit<&Hooks::mq_notify>::Accept<EBUSY, 0>},
    {.name = "notify_same_process_replaces",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.ebusy.same_process"},
     .what = "A process that registers again replaces its registration.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* e) {
             if (e) Notify(o, nullptr);
             return Notify(o, e);
           };
         }},
    {.name = "notify_busy_eagain",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.ebusy.other_process", "mq_notify.ebusy.same_process"},
     .what = "A second registration fails with EAGAIN.",
     .arm = Edit<&Hooks::mq_notify>::Errno<EBUSY, EAGAIN>},
    {.name = "notify_null_does_nothing",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.unregister.null_removes"},
     .what = "mq_notify(q, NULL) returns 0 and the registration stays.",
     .source = "FreeBSD, through another descriptor",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* e) {
             return e || o.kind != Kind::queue ? Notify(o, e) : 0;
           };
         }},
    {.name = "notify_null_on_thread_crashes",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.unregister.null_removes"},
     .what = "Removing a SIGEV_THREAD registration without attributes kills the process.",
     .source = "glibc 2.34 (BZ 28213, CVE-2021-38604)",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* e) {
             static std::atomic<bool> armed{false};
             if (e) {
               int r = Notify(o, e);
               if (r == 0) armed = ByThread(e) && !e->sigev_notify_attributes;
               return r;
             }
             if (armed.load()) raise(SIGSEGV);
             return Notify(o, e);
           };
         }},
    {.name = "notify_write_only_refused",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.register.any_access_mode"},
     .what = "mq_notify() through an O_WRONLY descriptor fails with EBADF.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* e) {
             return o.kind == Kind::queue && AccessMode(o) == O_WRONLY ? Fail(EBADF) : Notify(o, e);
           };
         }},
    {.name = "notify_bad_descriptor_einval",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.error.ebadf"},
     .what = "mq_notify() of a closed descriptor fails with EINVAL.",
     .arm = Edit<&Hooks::mq_notify>::Errno<EBADF, EINVAL>},
    {.name = "notify_thread_never_called",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.sigev_thread.function_called"},
     .what = "SIGEV_THREAD registers and the function is never called.",
     .arm = NotifyWith<NoThread>},
    {.name = "notify_thread_refused",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.sigev_thread.function_called"},
     .what = "SIGEV_THREAD fails with ENOSYS.",
     .arm =
         [](Hooks& h) {
           h.mq_notify = [](const Obj& o, const sigevent* e) {
             return e && ByThread(e) ? Fail(ENOSYS) : Notify(o, e);
           };
         }},
    {.name = "notify_thread_value_lost",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.sigev_thread.function_called"},
     .what = "The notification function gets 0 instead of its value.",
     .arm = NotifyWith<NoThreadValue>},
    {.name = "notify_thread_called_twice",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.sigev_thread.function_called"},
     .what = "The notification function is called twice.",
     .arm = NotifyWith<TwoThreads>},
    {.name = "notify_thread_attributes_ignored",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.sigev_thread.attributes_used"},
     .what = "The thread attributes are not used.",
     .arm = NotifyWith<NoAttributes>},
    {.name = "notify_thread_in_another_thread",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.sigev_thread.attributes_used"},
     .what = "The notification function runs in a thread with default attributes beside the one "
             "asked for.",
     .arm = NotifyWith<OtherThread>},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
