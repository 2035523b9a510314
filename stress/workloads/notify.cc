// Notification storms: each message that arrives at an empty queue with a registered receiver gives
// exactly one notification, of the right kind, from the right process.
//
// Paired: receiver i registers on queue i and says so; sender i sends a burst; the receiver waits
// for its signal, checks it, registers again, and only then drains. One more queue is fought for by
// all receivers: at most one may be registered at a time, the others get EBUSY.
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>

#include "base/os/os.h"
#include "spec/clauses/mqueue.h"
#include "stress/engine/workload.h"
#include "stress/traffic/queues.h"

namespace ipcsuite::stress {
namespace {

struct alignas(kLine) Meeting {
  std::atomic<std::uint32_t> round;  // written by the receiver: registered, go
  std::atomic<std::uint32_t> sent;   // written by the sender: burst is in the queue
  std::atomic<std::uint32_t> burst;  // messages of it
  std::atomic<std::uint32_t> over;   // the sender has ended
};

struct alignas(kLine) Arena {
  std::atomic<std::int32_t> registered;  // pid that holds the fought-for registration
  std::atomic<std::uint64_t> won, busy;
};

class NotifyStorm : public Workload {
 public:
  ~NotifyStorm() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) override {
    meetings_ = region.Make<Meeting>(static_cast<std::size_t>(spec.producers));
    arena_ = region.Make<Arena>();
    const Queues::Shape shape = {.depth = 8, .message_bytes = 8, .flags = O_NONBLOCK};
    std::string error;
    for (int i = 0; i <= spec.producers && error.empty(); ++i) error = queues_.Add(registry, shape);
    return error;
  }

  void Run(Worker& w) override {
    if (w.role == Role::kProducer) {
      SendBursts(w);
    } else {
      Receive(w);
    }
  }

  void Nudge(const Shared& shared) override {
    for (std::size_t i = 0; i + 1 < queues_.size() && i < shared.sent.size(); ++i) {
      os::WakeWord(meetings_[i].round);
      os::WakeWord(meetings_[i].sent);
    }
  }

  void Audit(const Shared&, const RunSpec& spec, AuditSink& sink) override {
    sink.facts.emplace_back("registrations won in the race", std::to_string(arena_->won.load()));
    sink.facts.emplace_back("registrations refused with EBUSY",
                            std::to_string(arena_->busy.load()));
    sink.checks += arena_->won.load() + arena_->busy.load();
    if (spec.mode != Mode::kRaw && spec.consumers > 1 && arena_->busy.load() == 0) {
      sink.inconclusive = "the race for one registration never met another process";
    }
  }

  void Teardown() override { queues_.Remove(); }

 private:
  static int Signal() { return SIGRTMIN + 3; }

  void SendBursts(Worker& w) {
    Meeting& meeting = meetings_[w.role_index];
    const mqd_t queue = queues_[static_cast<std::size_t>(w.role_index)];
    std::uint32_t round = 0;
    std::uint64_t done = 0;
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      // Sleeps until the receiver has registered; it may have ended with a finding.
      const std::uint32_t ready = meeting.round.load(std::memory_order_acquire);
      if (ready == round) {
        if (w.shared.cold[static_cast<std::size_t>(w.spec.producers + w.role_index)]->done.load()) {
          break;
        }
        w.Enter(CallId::kFutexWait);
        os::WaitOnWord(meeting.round, round);
        w.Leave();
        continue;
      }
      round = ready;
      const auto burst = static_cast<std::uint32_t>(1 + w.random.Below(3));
      w.Enter(CallId::kMqSend);
      for (std::uint32_t i = 0; i < burst; ++i) {
        const std::uint64_t word = static_cast<std::uint64_t>(round) << 8 | i;
        if (mq_send(queue, reinterpret_cast<const char*>(&word), sizeof word, 1) != 0) {
          w.Report(Kind::kWrongErrno, clause::mq_send::full_blocks_until_space,
                   "mq_send to a queue with room", word, 0, errno);
        }
      }
      w.Leave();
      meeting.burst.store(burst, std::memory_order_relaxed);
      meeting.sent.store(round, std::memory_order_release);
      os::WakeWord(meeting.sent, 1);
      w.Count(done += burst);
    }
    meeting.over.store(1, std::memory_order_release);
    meeting.sent.fetch_add(1u << 31);  // unlike any round: the receiver looks at `over`
    os::WakeWord(meeting.sent);
  }

  bool Register(Worker& w, mqd_t queue, int value) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = Signal();
    event.sigev_value.sival_int = value;
    w.Enter(CallId::kMqNotify);
    const int rc = mq_notify(queue, &event);
    w.Leave();
    if (rc == 0) return true;
    w.Report(Kind::kNotifyWrong, clause::mq_notify::oneshot_rearm,
             "mq_notify of a queue that nobody is registered for", 0, 0, errno);
    return false;
  }

  void Receive(Worker& w) {
    Meeting& meeting = meetings_[w.role_index];
    const mqd_t queue = queues_[static_cast<std::size_t>(w.role_index)];
    const bool checked = w.spec.mode != Mode::kRaw;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, Signal());
    sigprocmask(SIG_BLOCK, &set, nullptr);
    std::uint64_t received = 0;
    if (!Register(w, queue, 1)) return;
    for (std::uint32_t round = 1;; ++round) {
      meeting.round.store(round, std::memory_order_release);
      os::WakeWord(meeting.round, 1);
      if (!AwaitNotification(w, meeting, set, round)) return;
      // Registered again before draining: an arrival at the queue that is not empty yet must not
      // notify, or the next wait finds one signal too many.
      if (!Register(w, queue, static_cast<int>(round + 1))) return;
      while (meeting.sent.load(std::memory_order_acquire) != round) {
        if (meeting.over.load(std::memory_order_acquire) != 0) break;
        os::WaitOnWord(meeting.sent, round - 1);
      }
      received += DrainBurst(w, queue, meeting.burst.load(std::memory_order_relaxed), round);
      w.Count(received);
      if (!checked) continue;
      const timespec now{0, 0};
      siginfo_t info{};
      w.Checked();
      if (sigtimedwait(&set, &info, &now) == Signal()) {
        w.Report(Kind::kNotifyExtra,
                 clause::mq_notify::register_no_notification_on_nonempty_arrival,
                 "one more notification than arrivals at the empty queue", round);
      }
      if (w.spec.consumers > 1) Fight(w);
    }
  }

  // False at the end of the run. A lost notification shows as a message in the queue without a
  // signal: the wait is long, and what it waits for is certain.
  bool AwaitNotification(Worker& w, Meeting& meeting, const sigset_t& set, std::uint32_t round) {
    siginfo_t info{};
    const timespec slice{0, 100'000'000};
    w.Enter(CallId::kSigWait);
    int got = -1;
    for (int tries = 0; got < 0; ++tries) {
      got = sigtimedwait(&set, &info, &slice);
      if (got > 0) break;
      w.Go();
      const bool sent = meeting.sent.load(std::memory_order_acquire) == round;
      if (meeting.over.load(std::memory_order_acquire) != 0 && !sent) {
        w.Leave();
        return false;
      }
      // The send has returned: the notification was due before that, or very soon after.
      if (!sent) tries = 0;
      if (tries == 100) {
        w.Report(Kind::kNotifyLost, clause::mq_notify::register_notified_on_arrival_at_empty,
                 "10 s after mq_send to the empty queue returned there is no notification", round);
        w.Leave();
        return false;
      }
    }
    w.Leave();
    if (w.spec.mode == Mode::kRaw) return true;
    w.Checked(3);
    const pid_t sender = w.shared.cold[static_cast<std::size_t>(w.role_index)]->pid.load();
    if (info.si_code != SI_MESGQ || info.si_value.sival_int != static_cast<int>(round)) {
      w.Report(Kind::kNotifyWrong, clause::mq_notify::sigev_signal_code_and_value,
               "si_code is not SI_MESGQ or the value is not the registered one",
               static_cast<std::uint64_t>(info.si_value.sival_int), round);
    }
    if (info.si_pid != sender) {
      w.Report(Kind::kNotifyWrong, clause::mq_notify::sigev_signal_si_pid_and_si_uid,
               "si_pid is not the sender's", static_cast<std::uint64_t>(info.si_pid),
               static_cast<std::uint64_t>(sender));
    }
    return true;
  }

  std::uint64_t DrainBurst(Worker& w, mqd_t queue, std::uint32_t burst, std::uint32_t round) {
    w.Enter(CallId::kMqReceive);
    std::uint32_t got = 0;
    for (std::uint32_t i = 0; i < burst; ++i) {
      std::uint64_t word = 0;
      ssize_t n;
      do {
        n = mq_receive(queue, reinterpret_cast<char*>(&word), sizeof word, nullptr);
      } while (n < 0 && errno == EINTR);
      if (n == static_cast<ssize_t>(sizeof word)) ++got;
      if (w.spec.mode == Mode::kRaw) continue;
      w.Checked();
      if (n != static_cast<ssize_t>(sizeof word) ||
          word != (static_cast<std::uint64_t>(round) << 8 | i)) {
        w.Report(n < 0 ? Kind::kLost : Kind::kReordered,
                 clause::threads::safety_no_loss_no_duplication,
                 "the burst did not come out as it was sent", word,
                 static_cast<std::uint64_t>(round) << 8 | i, n < 0 ? errno : 0);
      }
    }
    w.Leave();
    return got;
  }

  // All receivers try to register for the last queue. Whoever succeeds owns an atomic that nobody
  // else may own at the same time.
  void Fight(Worker& w) {
    const mqd_t queue = queues_[queues_.size() - 1];
    sigevent event{};
    event.sigev_notify = SIGEV_NONE;
    w.Enter(CallId::kMqNotify);
    if (mq_notify(queue, &event) != 0) {
      w.Leave();
      arena_->busy.fetch_add(1, std::memory_order_relaxed);
      if (errno != EBUSY) {
        w.Report(Kind::kWrongErrno, clause::mq_notify::ebusy_other_process,
                 "mq_notify of a queue another process is registered for", 0, 0, errno);
      }
      return;
    }
    arena_->won.fetch_add(1, std::memory_order_relaxed);
    std::int32_t nobody = 0;
    if (!arena_->registered.compare_exchange_strong(nobody, static_cast<std::int32_t>(getpid()))) {
      w.Report(Kind::kExclusion, clause::mq_notify::ebusy_registration_race,
               "two processes are registered for one queue", static_cast<std::uint64_t>(getpid()),
               static_cast<std::uint64_t>(nobody));
    }
    // Others must get to try meanwhile, also those that need this very cpu.
    if (w.count() % 8 == 0) sched_yield();
    for (int i = 0; i < 200; ++i) Relax();
    arena_->registered.store(0);
    mq_notify(queue, nullptr);
    w.Leave();
  }

  Meeting* meetings_ = nullptr;
  Arena* arena_ = nullptr;
  Queues queues_;  // one for each producer, and the one that is fought for
};

const Row<WorkloadInfo> kNotifyStormRow({
    .name = "notify",
    .title = "notification storm",
    .explain =
        "Bursts arrive at empty queues with a registered receiver: exactly one notification for "
        "each, with the right code, value and sender; and receivers race for one registration.",
    .test_name = "Stress.NotifyStorm",
    .uses_ledgers = false,
    .producers = 2,
    .consumers = 2,
    .open_loop = false,
    .sample_every = 0,
    .clauses = {clause::mq_notify::register_notified_on_arrival_at_empty,
                clause::mq_notify::register_no_notification_on_nonempty_arrival,
                clause::mq_notify::sigev_signal_code_and_value,
                clause::mq_notify::sigev_signal_si_pid_and_si_uid, clause::mq_notify::oneshot_rearm,
                clause::mq_notify::ebusy_registration_race},
    .loss_clause = clause::mq_notify::register_notified_on_arrival_at_empty,
    .make = &Make<NotifyStorm>,
});

}  // namespace

}  // namespace ipcsuite::stress
