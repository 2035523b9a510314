// Faults of mq_notify() that a changed registration brings about.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "faults/bank/banks.h"
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

const Fault kFaults[] = {
    {"notify_never_delivered", "notify", "easy", "mq_notify.register.notified_on_arrival_at_empty",
     "Registering for a signal succeeds; the signal is never sent.", "", NotifyWith<NoDelivery>},
    {"notify_fails_always", "notify", "easy", "mq_notify.register.returns_zero",
     "mq_notify() fails with ENOSYS.", "gVisor issue 136; Zephyr at first",
     Edit<&Hooks::mq_notify>::Always<ENOSYS>},
    {"notify_value_lost", "notify", "easy", "mq_notify.sigev_signal.code_and_value",
     "si_value is 0.", "", NotifyWith<NoValue>},
    {"notify_value_32_bits", "notify", "hard", "mq_notify.sigev_signal.code_and_value",
     "si_value loses its upper half.", "", NotifyWith<HalfValue>},
    {"notify_wrong_signal", "notify", "easy", "mq_notify.register.notified_on_arrival_at_empty",
     "The signal after the one asked for is sent.", "", NotifyWith<NextSignal>},
    {"notify_none_signals", "notify", "medium", "mq_notify.sigev_none.nothing_delivered",
     "SIGEV_NONE sends SIGUSR1.", "", NotifyWith<NoneSignals>},
    {"notify_none_refused", "notify", "easy",
     "mq_notify.sigev_none.nothing_delivered mq_notify.register.returns_zero",
     "SIGEV_NONE fails with EINVAL.", "",
     [](Hooks& h) {
       h.mq_notify = [](const Obj& o, const sigevent* e) {
         return e && e->sigev_notify == SIGEV_NONE ? Fail(EINVAL) : Notify(o, e);
       };
     }},
    {"notify_none_not_registered", "notify", "hard", "mq_notify.sigev_none.registration_used_up",
     "SIGEV_NONE does not register: others can.", "",
     [](Hooks& h) {
       h.mq_notify = [](const Obj& o, const sigevent* e) {
         if (!e || e->sigev_notify != SIGEV_NONE) return Notify(o, e);
         int r = Notify(o, e);
         if (r == 0) Notify(o, nullptr);
         return r;
       };
     }},
    {"notify_second_registration_succeeds", "notify", "easy",
     "mq_notify.ebusy.other_process mq_notify.ebusy.same_process",
     "A second registration returns 0 and has no effect.", "",
     Edit<&Hooks::mq_notify>::Accept<EBUSY, 0>},
    {"notify_same_process_replaces", "notify", "medium", "mq_notify.ebusy.same_process",
     "A process that registers again replaces its registration.", "",
     [](Hooks& h) {
       h.mq_notify = [](const Obj& o, const sigevent* e) {
         if (e) Notify(o, nullptr);
         return Notify(o, e);
       };
     }},
    {"notify_busy_eagain", "notify", "easy",
     "mq_notify.ebusy.other_process mq_notify.ebusy.same_process",
     "A second registration fails with EAGAIN.", "", Edit<&Hooks::mq_notify>::Errno<EBUSY, EAGAIN>},
    {"notify_null_does_nothing", "notify", "easy", "mq_notify.unregister.null_removes",
     "mq_notify(q, NULL) returns 0 and the registration stays.",
     "FreeBSD, through another descriptor",
     [](Hooks& h) {
       h.mq_notify = [](const Obj& o, const sigevent* e) {
         return e || o.kind != Kind::queue ? Notify(o, e) : 0;
       };
     }},
    {"notify_null_on_thread_crashes", "notify", "hard", "mq_notify.unregister.null_removes",
     "Removing a SIGEV_THREAD registration without attributes kills the process.",
     "glibc 2.34 (BZ 28213, CVE-2021-38604)",
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
    {"notify_write_only_refused", "notify", "medium", "mq_notify.register.any_access_mode",
     "mq_notify() through an O_WRONLY descriptor fails with EBADF.", "",
     [](Hooks& h) {
       h.mq_notify = [](const Obj& o, const sigevent* e) {
         return o.kind == Kind::queue && AccessMode(o) == O_WRONLY ? Fail(EBADF) : Notify(o, e);
       };
     }},
    {"notify_bad_descriptor_einval", "notify", "easy", "mq_notify.error.ebadf",
     "mq_notify() of a closed descriptor fails with EINVAL.", "",
     Edit<&Hooks::mq_notify>::Errno<EBADF, EINVAL>},
    {"notify_thread_never_called", "notify", "easy", "mq_notify.sigev_thread.function_called",
     "SIGEV_THREAD registers and the function is never called.", "", NotifyWith<NoThread>},
    {"notify_thread_refused", "notify", "easy", "mq_notify.sigev_thread.function_called",
     "SIGEV_THREAD fails with ENOSYS.", "",
     [](Hooks& h) {
       h.mq_notify = [](const Obj& o, const sigevent* e) {
         return e && ByThread(e) ? Fail(ENOSYS) : Notify(o, e);
       };
     }},
    {"notify_thread_value_lost", "notify", "easy", "mq_notify.sigev_thread.function_called",
     "The notification function gets 0 instead of its value.", "", NotifyWith<NoThreadValue>},
    {"notify_thread_called_twice", "notify", "medium", "mq_notify.sigev_thread.function_called",
     "The notification function is called twice.", "", NotifyWith<TwoThreads>},
    {"notify_thread_attributes_ignored", "notify", "medium",
     "mq_notify.sigev_thread.attributes_used", "The thread attributes are not used.", "",
     NotifyWith<NoAttributes>},
    {"notify_thread_in_another_thread", "notify", "hard", "mq_notify.sigev_thread.attributes_used",
     "The notification function runs in a thread with default attributes beside the one asked for.",
     "", NotifyWith<OtherThread>},
};

}  // namespace

Bank NotifyBank() { return BankOf(kFaults); }

}  // namespace faults
