// Faults of when a notification comes and who is registered. Registrations for signals (and
// SIGEV_NONE) are kept here, in shared memory, instead of in the kernel: who, through which
// descriptor, what; senders deliver. A policy says what is wrong. SIGEV_THREAD stays real.
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kOwner, kSignal, kValue, kThrough, kThread, kReceivers, kQuiet };

using Time = const timespec*;

struct Policy {
  bool at_once_if_nonempty, on_any_arrival, stays, despite_receiver, on_failed_send;
  bool anybody_removes, same_descriptor_removes, survives_close, survives_owner;
  bool receiver_uses_up, ended_wait_suppresses, child_close_removes, not_after_unlink;
  bool to_thread, ignored_stays, no_pid, no_uid, once_for_all, ebusy_race, inherited_by_exec;
  bool own_messages_ignored, only_priority_zero;
  int code;
};
Policy policy{};

bool Alive(uint64_t pid) { return pid && kill(static_cast<pid_t>(pid), 0) == 0; }
uint64_t Me() { return static_cast<uint64_t>(getpid()); }

uint64_t OwnerOf(const Obj& o) {
  int saved = errno;
  auto& owner = Cell(o.key(), kOwner);
  uint64_t pid = owner.load();
  if (pid && !policy.survives_owner && !Alive(pid)) owner.compare_exchange_strong(pid, pid = 0);
  errno = saved;
  return pid;
}

// Sends the signal as the kernel does: SI_MESGQ with the sender's ids.
void Deliver(const Obj& o) {
  int saved = errno;
  uint64_t owner = OwnerOf(o);
  if (!owner) return;
  int signo = static_cast<int>(Cell(o.key(), kSignal).load());
  struct sigaction action {};
  bool keep = policy.stays;
  if (policy.ignored_stays && owner == Me() && signo && sigaction(signo, nullptr, &action) == 0) {
    keep |= action.sa_handler == SIG_IGN;
  }
  if (!keep && !Cell(o.key(), kOwner).compare_exchange_strong(owner, 0)) return;
  if (signo) {
    siginfo_t info{};
    info.si_signo = signo;
    info.si_code = policy.code ? policy.code : SI_MESGQ;
    info.si_pid = policy.no_pid ? 0 : getpid();
    info.si_uid = policy.no_uid ? 4711 : getuid();
    info.si_value.sival_ptr = reinterpret_cast<void*>(Cell(o.key(), kValue).load());
    int pid = static_cast<int>(owner), tid = static_cast<int>(Cell(o.key(), kThread).load());
    if (policy.to_thread) {
      syscall(SYS_rt_tgsigqueueinfo, pid, tid, signo, &info);
    } else {
      syscall(SYS_rt_sigqueueinfo, pid, signo, &info);
    }
  }
  errno = saved;
}

int Register(const Obj& o, const sigevent* e) {
  mq_attr a;
  if (real::mq_getattr(o.fd, &a) != 0) return -1;
  auto& owner = Cell(o.key(), kOwner);
  if (!e) {
    bool mine = owner.load() == Me() || policy.anybody_removes;
    if (policy.same_descriptor_removes)
      mine &= Cell(o.key(), kThrough).load() == static_cast<uint64_t>(o.fd);
    if (mine) owner = 0;
    return real::mq_notify(o.fd, nullptr);
  }
  if (e->sigev_notify != SIGEV_SIGNAL && e->sigev_notify != SIGEV_NONE) {
    return OwnerOf(o) ? Fail(EBUSY) : real::mq_notify(o.fd, e);
  }
  if (e->sigev_notify == SIGEV_SIGNAL && (e->sigev_signo < 1 || e->sigev_signo > SIGRTMAX)) {
    return Fail(EINVAL);
  }
  if (policy.ebusy_race) {
    if (OwnerOf(o)) return Fail(EBUSY);
    PauseMs(2);
    owner = Me();
  } else {
    uint64_t none = 0;
    if (OwnerOf(o) || !owner.compare_exchange_strong(none, Me())) return Fail(EBUSY);
  }
  Cell(o.key(), kSignal) =
      e->sigev_notify == SIGEV_SIGNAL ? static_cast<uint64_t>(e->sigev_signo) : 0;
  Cell(o.key(), kValue) = reinterpret_cast<uintptr_t>(e->sigev_value.sival_ptr);
  Cell(o.key(), kThrough) = static_cast<uint64_t>(o.fd);
  Cell(o.key(), kThread) = static_cast<uint64_t>(syscall(SYS_gettid));
  if (policy.at_once_if_nonempty && a.mq_curmsgs > 0) Deliver(o);
  return 0;
}

bool Suppressed(const Obj& o, unsigned priority) {
  struct stat s;
  if (policy.not_after_unlink && real::fstat(o.fd, &s) == 0 && s.st_nlink == 0) return true;
  if (policy.ended_wait_suppresses && Cell(o.key(), kQuiet).exchange(0)) return true;
  if (policy.own_messages_ignored && OwnerOf(o) == Me()) return true;
  return policy.only_priority_zero && priority > 0;
}

int Send(const Obj& o, const char* b, size_t n, unsigned p, Time t) {
  if (o.kind != Kind::queue || !OwnerOf(o)) return SendTo(o, b, n, p, t);
  bool empty = QueueEmpty(o), received = WaiterCount(o.key(), kReceivers) > 0;
  int r = SendTo(o, b, n, p, t);
  if (r == -1 && policy.on_failed_send) Deliver(o);
  if (r == -1) return r;
  if (received && policy.receiver_uses_up) Cell(o.key(), kOwner) = 0;
  if (!empty && !policy.on_any_arrival) return r;
  if (received && !policy.despite_receiver) return r;
  if (!Suppressed(o, p)) Deliver(o);
  return r;
}

ssize_t Receive(const Obj& o, char* b, size_t n, unsigned* p, Time t) {
  if (!QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
  Waiting wait(o.key(), kReceivers);
  ssize_t r = ReceiveFrom(o, b, n, p, t);
  if (r == -1) Cell(o.key(), kQuiet) = 1;
  return r;
}

int Close(const Obj& o) {
  if (o.kind == Kind::queue && !policy.survives_close) {
    if (OwnerOf(o) == Me() || policy.child_close_removes) Cell(o.key(), kOwner) = 0;
  }
  return real::mq_close(o.fd);
}

template <bool Policy::*Flag>
void With(Hooks& h) {
  policy.*Flag = true;
  h.mq_notify = Register;
  h.mq_send = Send;
  h.mq_receive = Receive;
  h.mq_close = Close;
  h.before_exec = [] {
    if (policy.inherited_by_exec) return;
    ForEachQueue([](const Obj& o) {
      if (OwnerOf(o) == Me()) Cell(o.key(), kOwner) = 0;
    });
  };
}

const Row kFaults[] = {
    {.name = "notify_at_once_on_nonempty",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.register.nonempty_queue_waits_for_transition"},
     .what = "Registering on a queue that holds a message notifies immediately.",
     .source = "FreeBSD",
     .arm = With<&Policy::at_once_if_nonempty>},
    {.name = "notify_on_any_arrival",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.register.no_notification_on_nonempty_arrival"},
     .what = "A message to a queue that is not empty notifies.",
     .source = "FreeBSD",
     .arm = With<&Policy::on_any_arrival>},
    {.name = "notify_stays_registered",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.oneshot.removed_after_notification"},
     .what = "The registration stays after the notification.",
     .arm = With<&Policy::stays>},
    {.name = "notify_despite_receiver",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.receiver.blocked_mq_receive_wins",
                 "mq_notify.receiver.blocked_mq_timedreceive_wins"},
     .what = "A notification is sent though a receiver was waiting for the message.",
     .arm = With<&Policy::despite_receiver>},
    {.name = "notify_on_failed_send",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.register.failed_send_no_notification"},
     .what = "A send that fails notifies.",
     .arm = With<&Policy::on_failed_send>},
    {.name = "notify_others_can_remove",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.unregister.cannot_remove_others"},
     .what = "mq_notify(q, NULL) removes the registration of another process.",
     .arm = With<&Policy::anybody_removes>},
    {.name = "notify_removed_by_same_descriptor_only",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.unregister.through_other_descriptor"},
     .what = "mq_notify(other, NULL) returns 0 and the registration stays.",
     .source = "FreeBSD",
     .arm = With<&Policy::same_descriptor_removes>},
    {.name = "notify_survives_close",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_close.notify.registration_removed"},
     .what = "Closing the descriptor leaves the registration.",
     .arm = With<&Policy::survives_close>},
    {.name = "notify_survives_process",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.exit.registration_released"},
     .what = "The registration of a process that ended stays: EBUSY for all others.",
     .arm = With<&Policy::survives_owner>},
    {.name = "notify_survives_exec",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.exec.registration_released"},
     .what = "The registration stays when the process executes another program.",
     .arm = With<&Policy::inherited_by_exec>},
    {.name = "notify_used_up_by_receiver",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.receiver.registration_kept"},
     .what = "A message that a waiting receiver gets uses up the registration.",
     .arm = With<&Policy::receiver_uses_up>},
    {.name = "notify_suppressed_by_ended_wait",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.receiver.ended_wait_does_not_suppress"},
     .what = "A receiver that timed out or was interrupted suppresses the next notification.",
     .arm = With<&Policy::ended_wait_suppresses>},
    {.name = "notify_removed_by_child_close",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_close.notify.child_close_keeps_parent_registration"},
     .what = "A child that closes its copy of the descriptor removes the parent's registration.",
     .arm = With<&Policy::child_close_removes>},
    {.name = "notify_not_after_unlink",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_unlink.deferred.notification_still_delivered"},
     .what = "A queue that was unlinked does not notify.",
     .arm = With<&Policy::not_after_unlink>},
    {.name = "notify_to_registering_thread",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.sigev_signal.process_directed"},
     .what = "The signal goes to the thread that registered.",
     .arm = With<&Policy::to_thread>},
    {.name = "notify_ignored_signal_keeps_registration",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.sigev_signal.ignored_signal"},
     .what = "When the signal is ignored, the registration is not used up.",
     .arm = With<&Policy::ignored_stays>},
    {.name = "notify_no_sender_pid",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.sigev_signal.si_pid_and_si_uid"},
     .what = "si_pid is 0.",
     .arm = With<&Policy::no_pid>},
    {.name = "notify_wrong_sender_uid",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.sigev_signal.si_pid_and_si_uid"},
     .what = "si_uid is not the sender's.",
     .arm = With<&Policy::no_uid>},
    {.name = "notify_code_is_queue",
     .family = Family::notify,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_notify.sigev_signal.code_and_value", "signal_h.si_mesgq"},
     .what = "si_code is SI_QUEUE.",
     .arm =
         [](Hooks& h) {
           With<&Policy::once_for_all>(h);
           policy.code = SI_QUEUE;
         }},
    {.name = "notify_registration_race",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.ebusy.registration_race"},
     .what = "Two processes that register at the same time can both succeed.",
     .arm = With<&Policy::ebusy_race>},
    {.name = "notify_not_for_own_messages",
     .family = Family::notify,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_notify.register.notified_on_arrival_at_empty"},
     .what = "A message sent by the registered process itself does not notify.",
     .arm = With<&Policy::own_messages_ignored>},
    {.name = "notify_only_for_priority_zero",
     .family = Family::notify,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_notify.register.notified_on_arrival_at_empty"},
     .what = "Messages with a priority above 0 do not notify.",
     .arm = With<&Policy::only_priority_zero>},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
