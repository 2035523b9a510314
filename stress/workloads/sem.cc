// Semaphores: tokens that are posted and taken by many, and round trips.
#include <sched.h>
#include <time.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "spec/clauses/sem.h"
#include "stress/engine/ticks.h"
#include "stress/engine/workload.h"
#include "stress/traffic/lives.h"
#include "stress/traffic/semaphore.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {
namespace {

// ---- tokens: initial + posts - waits = value

struct TokenHeader {
  alignas(kLine) sem_t tokens;
  alignas(kLine) std::atomic<std::uint32_t> closing;  // the next token is a consumer's last one
};

class Tokens : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) override {
    const std::string error = object_.Make(registry, sizeof(TokenHeader));
    if (!error.empty()) return error;
    lives_.Make(region, spec.workers());
    consumers_ = spec.consumers;
    return MakeSemaphore(&Header()->tokens, kInitial);
  }

  void Run(Worker& w) override {
    auto* const header = object_.MapElsewhere<TokenHeader>(w);
    if (header == nullptr) return;
    lives_.Begin(w.index);
    const bool checked = w.spec.mode != Mode::kRaw;
    if (w.role == Role::kProducer) {
      checked ? Post<true>(w, header) : Post<false>(w, header);
    } else {
      checked ? Consume<true>(w, header) : Consume<false>(w, header);
    }
    lives_.End(w.index);
  }

  // One token for each consumer, who ends with it; what is left then is the value at rest.
  void ProducersDone(const Shared&) override {
    Header()->closing.store(1);
    for (int i = 0; i < consumers_; ++i) sem_post(&Header()->tokens);
    closing_posts_ = consumers_;
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    std::int64_t posted = kInitial + closing_posts_, taken = 0;
    const std::int64_t killed = lives_.Killed();
    for (int i = 0; i < spec.workers(); ++i) {
      const auto count = static_cast<std::int64_t>(shared.hot[static_cast<std::size_t>(i)]->count);
      (i < spec.producers ? posted : taken) += count;
    }
    const std::int64_t value = ValueOf(&Header()->tokens);
    const std::int64_t missing = posted - taken - value;
    sink.facts.emplace_back("tokens posted", std::to_string(posted));
    sink.facts.emplace_back("tokens taken", std::to_string(taken));
    sink.facts.emplace_back("value at rest", std::to_string(value));
    sink.facts.emplace_back("takers killed", std::to_string(killed));
    sink.facts.emplace_back("tokens that killed takers took", std::to_string(missing));
    if (spec.mode == Mode::kRaw) return;
    ++sink.checks;
    if (missing > killed) {
      sink.findings.push_back(
          {Kind::kLost, clause::sem_post::concurrent_exact,
           std::to_string(missing) + " tokens are gone; takers killed: " + std::to_string(killed)});
    } else if (missing < 0) {
      sink.findings.push_back({Kind::kDuplicated, clause::sem_wait::one_release_per_post,
                               std::to_string(-missing) + " tokens too many"});
    }
  }
  std::string Describe(const Shared&) override {
    return "the value of the semaphore is " + std::to_string(ValueOf(&Header()->tokens));
  }
  void Teardown() override { object_.Close(); }

 private:
  static constexpr int kInitial = 3;
  TokenHeader* Header() const { return static_cast<TokenHeader*>(object_.base()); }

  // No more than some tokens lie about. Under kills one at a time: a wake-up that is lost with a
  // killed process then leaves a token and everybody asleep, and the next post does not heal it.
  template <bool kChecked>
  void Post(Worker& w, TokenHeader* header) {
    const int most = w.spec.kills ? 1 : 256;
    std::uint64_t done = w.count();
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      if ((w.spec.kills || done % 16 == 0) && ValueOf(&header->tokens) >= most) {
        AwaitTakers(w, header, most);
        continue;
      }
      if (!Give<kChecked>(w, &header->tokens)) return;
      w.Count(++done);
    }
  }

  // Gives the takers room; asleep after a while, so that a run in which nobody goes on is seen.
  void AwaitTakers(Worker& w, TokenHeader* header, int most) {
    for (int tries = 0; w.Go() && ValueOf(&header->tokens) >= most; ++tries) {
      if (tries < 1000) {
        sched_yield();
      } else {
        const timespec moment{0, 200'000'000};
        nanosleep(&moment, nullptr);  // sleep-ok: nothing moves; for as long as it lasts
      }
    }
  }

  template <bool kChecked>
  void Consume(Worker& w, TokenHeader* header) {
    std::uint64_t done = w.count();
    for (;;) {
      w.Go();
      if (!TakeSomehow<kChecked>(w, &header->tokens, done)) return;
      w.Count(++done);
      if (header->closing.load(std::memory_order_relaxed) != 0) return;
    }
  }

  // Each way to wait; those that come back with nothing are followed by sem_wait().
  template <bool kChecked>
  static bool TakeSomehow(Worker& w, sem_t* sem, std::uint64_t turn) {
    if (turn % 8 == 0) {
      if (sem_trywait(sem) == 0) return true;
      if (kChecked && errno != EAGAIN) {
        w.Report(Kind::kWrongErrno, clause::sem_trywait::err_eagain, "sem_trywait", 0, 0, errno);
        return false;
      }
    } else if (turn % 32 == 1) {
      timespec deadline;
      clock_gettime(CLOCK_REALTIME, &deadline);
      deadline.tv_nsec += 20'000;
      if (deadline.tv_nsec >= 1'000'000'000) ++deadline.tv_sec, deadline.tv_nsec -= 1'000'000'000;
      if (kChecked) w.Enter(CallId::kSemWait);
      if (sem_timedwait(sem, &deadline) == 0) return true;
      if (kChecked && errno != ETIMEDOUT && errno != EINTR) {
        w.Report(Kind::kWrongErrno, clause::sem_timedwait::post_wins, "sem_timedwait", 0, 0, errno);
        return false;
      }
    }
    return Take<kChecked>(w, sem);
  }

  ShmObject object_;
  Lives lives_;
  int consumers_ = 0, closing_posts_ = 0;
};

const Row<WorkloadInfo> kTokensRow({
    .name = "sem",
    .title = "tokens of one semaphore, many posters and takers",
    .explain =
        "Posters and takers of one process-shared semaphore; takers use each way to wait. At rest, "
        "initial value + posts - waits is the value: every token is accounted for. Takers are "
        "killed: each may have taken one token more than it counted. Under kills one token is "
        "there at a time, so that a wake-up that is lost with a killed taker leaves all asleep. "
        "Posters are not killed: what half a sem_post() leaves is open.",
    .test_name = "Stress.Semaphore",
    .shape = Shape::kShared,
    .uses_ledgers = false,
    .producers = 2,
    .consumers = 2,
    .kill_consumer_upto = 8 * kKiB,
    .hands_over = true,
    .lost_handover_clause = clause::sem::killed_woken_waiter,
    .open_loop = false,
    .waits = true,
    .sample_every = 0,
    .unit = "tokens",
    .clauses = {clause::sem_post::concurrent_exact, clause::sem_wait::one_release_per_post,
                clause::sem_post::wakes_waiter, clause::sem_init::pshared,
                clause::sem_init::pshared_other_address, clause::sem_timedwait::timeout_state,
                clause::sem::killed_waiter_takes_nothing, clause::sem::killed_woken_waiter,
                clause::sem::exit_does_not_post, clause::sem_wait::sa_restart},
    .loss_clause = clause::sem_post::wakes_waiter,
    .make = &Make<Tokens>,
});

// ---- round trips over two semaphores

struct PairHeader {
  alignas(kLine) sem_t there;
  alignas(kLine) sem_t back;
  alignas(kLine) std::atomic<std::uint32_t> closing;
  volatile std::uint64_t question, answer;  // plain data, one side at a time
};

class PingPongSemaphore : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    for (int i = 0; i < spec.producers; ++i) {
      pairs_.push_back(std::make_unique<ShmObject>());
      std::string error = pairs_.back()->Make(registry, sizeof(PairHeader));
      if (error.empty()) error = MakeSemaphore(&Header(i)->there, 0);
      if (error.empty()) error = MakeSemaphore(&Header(i)->back, 0);
      if (!error.empty()) return error;
    }
    return "";
  }

  void Run(Worker& w) override {
    auto* const header =
        pairs_[static_cast<std::size_t>(w.role_index)]->MapElsewhere<PairHeader>(w);
    if (header == nullptr) return;
    const bool ask = w.role == Role::kProducer;
    switch (w.spec.mode) {
      case Mode::kRaw: return ask ? Ask<Mode::kRaw>(w, header) : Answer<Mode::kRaw>(w, header);
      case Mode::kChecked:
        return ask ? Ask<Mode::kChecked>(w, header) : Answer<Mode::kChecked>(w, header);
      case Mode::kTimed:
        return ask ? Ask<Mode::kTimed>(w, header) : Answer<Mode::kTimed>(w, header);
    }
  }
  void ProducersDone(const Shared&) override {
    for (int i = 0; i < static_cast<int>(pairs_.size()); ++i) {
      Header(i)->closing.store(1);
      sem_post(&Header(i)->there);
    }
  }
  std::string Describe(const Shared&) override {
    std::string text;
    for (int i = 0; i < static_cast<int>(pairs_.size()); ++i) {
      text += (i > 0 ? "; " : "") + std::string("values: there ") +
              std::to_string(ValueOf(&Header(i)->there)) + ", back " +
              std::to_string(ValueOf(&Header(i)->back));
    }
    return text;
  }
  void Teardown() override { pairs_.clear(); }

 private:
  PairHeader* Header(int i) const {
    return static_cast<PairHeader*>(pairs_[static_cast<std::size_t>(i)]->base());
  }

  static void Compare(Worker& w, std::uint64_t got, std::uint64_t expected) {
    w.Checked();
    if (got == expected) return;
    w.Report(Kind::kStaleData, clause::sem_post::memory_sync,
             "what was stored before sem_post() is not seen after sem_wait()", got, expected);
  }

  template <Mode M>
  static void Ask(Worker& w, PairHeader* header) {
    constexpr bool kChecked = M != Mode::kRaw;
    std::uint64_t done = 0;
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      const std::int64_t from = M == Mode::kTimed ? Ticks() : 0;
      header->question = done + 1;
      if (!Give<kChecked>(w, &header->there) || !Take<kChecked>(w, &header->back)) return;
      if constexpr (M == Mode::kTimed) w.Latency(TicksToNs(Ticks() - from));
      if constexpr (kChecked) Compare(w, header->answer, ~(done + 1));
      w.Count(++done);
    }
  }
  template <Mode M>
  static void Answer(Worker& w, PairHeader* header) {
    constexpr bool kChecked = M != Mode::kRaw;
    std::uint64_t done = 0;
    for (;;) {
      w.Go();
      if (!Take<kChecked>(w, &header->there)) return;
      if (header->closing.load(std::memory_order_relaxed) != 0) return;
      if constexpr (kChecked) Compare(w, header->question, done + 1);
      header->answer = ~header->question;
      if (!Give<kChecked>(w, &header->back)) return;
      w.Count(++done);
    }
  }

  std::vector<std::unique_ptr<ShmObject>> pairs_;
};

const Row<WorkloadInfo> kPingPongRow({
    .name = "sem-pingpong",
    .title = "round trips over two semaphores",
    .explain = "One token under way: the latency of two wake-ups. What was stored before a post "
               "must be seen after the wait.",
    .test_name = "Stress.SemaphorePingPong",
    .uses_ledgers = false,
    .open_loop = false,
    .waits = true,
    .unit = "round trips",
    .clauses = {clause::sem_post::wakes_waiter, clause::sem_post::memory_sync,
                clause::sem_wait::blocks_at_zero, clause::sem_wait::sa_restart},
    .loss_clause = clause::sem_post::wakes_waiter,
    .make = &Make<PingPongSemaphore>,
});

}  // namespace

}  // namespace ipcsuite::stress
