#include "stress/commute/commute.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <deque>
#include <memory>

#include "base/random.h"

namespace ipcsuite::stress {
namespace {

// What the parent asks of a process, and what that process answers.
struct alignas(kLine) StationState {
  std::atomic<std::uint32_t> turn{0};                 // odd: make calls; even: rest
  std::atomic<std::uint32_t> counts{0};               // batches that begin now are counted
  alignas(kLine) std::atomic<std::uint32_t> runs{0};  // the turn whose first batch is over
  std::atomic<std::uint32_t> rested{0};               // the even turn that it has seen
  std::atomic<std::int32_t> error{0};                 // errno of a call that failed
  std::atomic<std::uint64_t> calls{0}, timed_ns{0};
};

struct Failed {
  int error;
};

// One batch; the time of the calls that count.
nanoseconds Batch(const CommuteCall& call, CommuteObjects& objects) {
  if (call.before != nullptr && !call.before(objects)) throw Failed{errno};
  const std::int64_t from = NowNs();
  if (!call.batch(objects)) throw Failed{errno};
  const nanoseconds took{NowNs() - from};
  if (call.after != nullptr && !call.after(objects)) throw Failed{errno};
  return took;
}

void ServeTurns(const CommuteCall& call, CommuteObjects& objects, StationState& state) {
  for (std::uint32_t seen = 0;;) {
    while (state.turn.load() == seen) os::WaitOnWord(state.turn, seen);
    seen = state.turn.load();
    if (seen % 2 == 0) {
      state.rested.store(seen);
      continue;
    }
    std::uint64_t calls = 0, timed_ns = 0;
    while (state.turn.load(std::memory_order_relaxed) == seen) {
      const bool counted = state.counts.load(std::memory_order_relaxed) != 0;
      const nanoseconds took = Batch(call, objects);
      state.runs.store(seen, std::memory_order_relaxed);
      if (!counted) continue;
      calls += static_cast<std::uint64_t>(call.calls);
      timed_ns += static_cast<std::uint64_t>(took.count());
      state.timed_ns.store(timed_ns, std::memory_order_relaxed);
      state.calls.store(calls, std::memory_order_relaxed);
    }
  }
}

// A process that makes one call on one cpu whenever it is asked to.
class Station {
 public:
  Station(Context& context, const CommuteCall& call, std::shared_ptr<CommuteObjects> objects,
          int cpu)
      : context_(context),
        objects_(std::move(objects)),
        state_(objects_->region.Make<StationState>()) {
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
      DieWithParent(parent);
      PinSelf(cpu, context.allowed);
      try {
        ServeTurns(call, *objects_, *state_);
      } catch (const Failed& failed) {
        state_->error.store(failed.error == 0 ? EIO : failed.error);
      }
      _exit(0);
    }
    if (pid_ > 0) slot_ = context.registry.Remember(pid_);
  }
  ~Station() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    context_.registry.Forget(slot_);
  }
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  void Begin() { Turn(); }
  void Count() {
    state_->calls.store(0);
    state_->counts.store(1);
  }
  void End() {
    state_->counts.store(0);
    Turn();
  }
  // Whether it has made its first batch, or rests again; false when it failed or patience ran out.
  bool Arrived() const {
    const std::uint32_t turn = state_->turn.load();
    const auto& answer = turn % 2 == 1 ? state_->runs : state_->rested;
    return Becomes([&] { return answer.load() == turn; });
  }
  // Whether it has made a batch that counts.
  bool Counted() const {
    return Becomes([&] { return state_->calls.load() != 0; });
  }
  double Rate() const {
    const auto ns = static_cast<double>(state_->timed_ns.load());
    return ns > 0 ? static_cast<double>(state_->calls.load()) * 1e9 / ns : 0;
  }
  // Empty while all is well.
  std::string Why() const {
    if (pid_ < 0) return "fork failed";
    const int error = state_->error.load();
    return error == 0 ? "" : std::strerror(error);
  }

 private:
  template <class F>
  bool Becomes(F condition) const {
    const Deadline patience(10s);
    Backoff backoff;
    while (!condition()) {
      if (patience.passed()) state_->error.store(ETIMEDOUT);
      if (state_->error.load() != 0 || context_.interrupted()) return false;
      backoff.Pause();
    }
    return true;
  }
  void Turn() {
    state_->turn.fetch_add(1);
    os::WakeWord(state_->turn);
  }

  Context& context_;
  std::shared_ptr<CommuteObjects> objects_;
  StationState* const state_;
  pid_t pid_ = -1;
  int slot_ = -1;
};

// The two processes of a call, each on objects of its own or both on one.
struct Desk {
  const CommuteCall* call;
  std::unique_ptr<Station> side[2];
};

class Measurement {
 public:
  Measurement(Context& context, const CommuteOptions& options)
      : context_(context), options_(options), random_(context.seed) {
    for (const CommuteCall* const call : options.calls) Open(*call);
  }

  CommuteResult Run(const std::function<void(const std::string&)>& progress) {
    const auto slices = 3 * result_.pairs.size() * static_cast<std::size_t>(options_.rounds);
    slice_ = std::max<nanoseconds>(
        1ms, options_.time / static_cast<std::int64_t>(std::max<std::size_t>(1, slices)));
    std::vector<std::size_t> order(result_.pairs.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const Deadline end(options_.time);
    for (int round = 0; round < options_.rounds && !context_.interrupted(); ++round) {
      if (round > 0 && end.passed()) break;  // on a busy machine
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random_.Below(i)]);
      for (std::size_t done = 0; done < order.size() && !context_.interrupted(); ++done) {
        if (done % 16 == 0) {
          progress("round " + std::to_string(round + 1) + " of " + std::to_string(options_.rounds) +
                   ", pair " + std::to_string(done + 1) + " of " + std::to_string(order.size()));
        }
        Pair(order[done], round);
      }
    }
    Conclude();
    return std::move(result_);
  }

 private:
  // Makes the processes of a call, and its pairs with those that came before.
  void Open(const CommuteCall& call) {
    Desk own = MakeDesk(call, false);
    if (own.side[1] == nullptr) return;
    result_.calls.push_back(&call);
    own_.push_back(std::move(own));
    for (std::size_t i = 0; i < own_.size(); ++i) {
      Add({.a = own_[i].call, .b = &call}, own_[i].side[0].get(), own_.back().side[1].get());
    }
    if (!call.shares) return;
    one_.push_back(MakeDesk(call, true));
    if (one_.back().side[1] != nullptr) {
      Add({.a = &call, .b = &call, .one_object = true}, one_.back().side[0].get(),
          one_.back().side[1].get());
    }
  }

  void Add(CommutePair pair, Station* a, Station* b) {
    result_.pairs.push_back(std::move(pair));
    stations_.push_back({a, b});
  }

  // A side is left out where the call is not available here.
  Desk MakeDesk(const CommuteCall& call, bool one_object) {
    Desk desk{&call, {}};
    std::shared_ptr<CommuteObjects> objects;
    for (std::size_t side = 0; side < 2; ++side) {
      if (side == 0 || !one_object) {
        objects = std::make_shared<CommuteObjects>(context_.registry, region_);
        if (call.setup != nullptr && !call.setup(*objects)) {
          result_.missing.emplace_back(call.name, std::strerror(errno));
          return desk;
        }
      }
      desk.side[side] = std::make_unique<Station>(context_, call, objects, options_.cpus[side]);
    }
    return desk;
  }

  // Lets the stations run together; false when one of them failed.
  bool Slice(std::initializer_list<Station*> stations) {
    for (Station* const station : stations) station->Begin();
    bool well = true;
    for (Station* const station : stations) well = station->Arrived() && well;
    for (Station* const station : stations) station->Count();
    if (well) {
      const Deadline end(slice_);
      while (!end.passed() && !context_.interrupted())
        context_.Pause(std::max<nanoseconds>(1us, end.left()));
      for (Station* const station : stations) well = station->Counted() && well;
    }
    for (Station* const station : stations) station->End();
    for (Station* const station : stations) well = station->Arrived() && well;
    return well;
  }

  // Each alone and both together, the latter first in every other round: a drift hurts both alike.
  void Pair(std::size_t i, int round) {
    Station* const a = stations_[i].first;
    Station* const b = stations_[i].second;
    double alone[2] = {}, both[2] = {};
    const auto together = [&] {
      const bool well = Slice({a, b});
      both[0] = a->Rate();
      both[1] = b->Rate();
      return well;
    };
    if (round % 2 == 1 && !together()) return;
    if (!Slice({a})) return;
    alone[0] = a->Rate();
    if (!Slice({b})) return;
    alone[1] = b->Rate();
    if (round % 2 == 0 && !together()) return;
    result_.pairs[i].kept_a.push_back(both[0] / alone[0]);
    result_.pairs[i].kept_b.push_back(both[1] / alone[1]);
  }

  void Conclude() {
    for (std::size_t i = 0; i < result_.pairs.size(); ++i) {
      CommutePair& pair = result_.pairs[i];
      std::vector<double> speedups;
      for (std::size_t k = 0; k < pair.kept_a.size(); ++k)
        speedups.push_back(pair.kept_a[k] + pair.kept_b[k]);
      pair.speedup = MedianInterval(speedups);
      if (!pair.one_object && std::string_view(pair.a->name) == kCommuteYardstick &&
          pair.a == pair.b) {
        result_.yardstick = pair.speedup.value;
        result_.rounds = speedups.size();
      }
      if (pair.a != pair.b) continue;  // each process is in one of these
      for (const Station* const station : {stations_[i].first, stations_[i].second}) {
        if (const std::string why = station->Why(); !why.empty())
          result_.missing.emplace_back(pair.Text(), why);
      }
    }
    const double least = kScales * result_.yardstick;
    for (CommutePair& pair : result_.pairs) {
      if (result_.busy() || pair.kept_a.size() < kRoundsMin) continue;
      if (pair.speedup.low >= least) pair.scaling = Scaling::kScales;
      if (pair.speedup.high < least) pair.scaling = Scaling::kDoesNotScale;
    }
    result_.cpus = options_.cpus;
  }

  Context& context_;
  const CommuteOptions& options_;
  SplitMix64 random_;
  SharedRegion region_{std::size_t{1024} * 65536};  // a few pages for each station
  CommuteResult result_;
  std::deque<Desk> own_, one_;
  std::vector<std::pair<Station*, Station*>> stations_;  // by pair
  nanoseconds slice_ = 1ms;
};

}  // namespace

std::string_view ToString(Scaling scaling) {
  switch (scaling) {
    case Scaling::kScales: return "scales";
    case Scaling::kDoesNotScale: return "does not scale";
    case Scaling::kUndecided: return "undecided";
  }
  return "?";
}

std::string CommutePair::Text() const {
  const std::string other = a == b ? "itself" : b->name;
  return std::string(a->name) + " beside " + other + (one_object ? " on one object" : "");
}

const CommutePair* CommuteResult::Find(const CommuteCall* a, const CommuteCall* b,
                                       bool one_object) const {
  for (const CommutePair& pair : pairs) {
    const bool same = (pair.a == a && pair.b == b) || (pair.a == b && pair.b == a);
    if (same && pair.one_object == one_object) return &pair;
  }
  return nullptr;
}

std::vector<const CommutePair*> CommuteResult::With(Scaling scaling, bool one_object) const {
  std::vector<const CommutePair*> found;
  for (const CommutePair& pair : pairs) {
    if (pair.scaling == scaling && pair.one_object == one_object) found.push_back(&pair);
  }
  std::sort(found.begin(), found.end(), [](const CommutePair* x, const CommutePair* y) {
    return x->speedup.value < y->speedup.value;
  });
  return found;
}

Interval MedianInterval(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto n = static_cast<double>(samples.size());
  // The k-th smallest and the k-th largest miss the median with 2 P(Binomial(n, 1/2) < k).
  std::size_t k = 1;
  double probability = std::pow(0.5, n), below = probability;
  while (2 * k < samples.size()) {
    const auto i = static_cast<double>(k);
    probability *= (n - i + 1) / i;
    below += probability;
    if (2 * below > 0.05) break;
    ++k;
  }
  return {.value = Median(samples), .low = samples[k - 1], .high = samples[samples.size() - k]};
}

std::string RefusesPolicy(int policy) {
#ifdef SCHED_RESET_ON_FORK
  policy &= ~SCHED_RESET_ON_FORK;
#endif
#ifdef SCHED_DEADLINE
  const bool deadline = policy == SCHED_DEADLINE;
#else
  const bool deadline = false;
#endif
  if (policy != SCHED_FIFO && policy != SCHED_RR && !deadline) return "";
  return "the scheduling policy is a real-time one, under which two processes that never rest can "
         "stop the machine: start this under SCHED_OTHER (chrt --other 0 ...)";
}

CommuteResult MeasureCommute(Context& context, const CommuteOptions& options,
                             const std::function<void(const std::string&)>& progress) {
  CommuteResult none;
  none.note = RefusesPolicy(sched_getscheduler(0));
  if (none.note.empty() && options.cpus.size() != 2) none.note = "two cpus are needed";
  if (!none.note.empty()) return none;
  return Measurement(context, options).Run(progress);
}

}  // namespace ipcsuite::stress
