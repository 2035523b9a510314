#include "props/history/generate.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <random>
#include <vector>

#include "props/model/queue.h"

namespace ipcsuite::props {
namespace {

constexpr std::uint64_t kMessageBytes = 16;

// Processes over one object: each in turn begins an operation, has its effect, or returns.
class Simulation {
 public:
  explicit Simulation(const GenerateOptions& options)
      : options_(options), random_(options.seed), lanes_(options.processes) {}
  virtual ~Simulation() = default;

  History Run() {
    while (StepAny()) {
    }
    Finish();
    SortByInvoke(history_.ops);
    return std::move(history_);
  }

 protected:
  enum class Phase : std::uint8_t { kIdle, kInvoked, kEffected, kDead };
  struct Lane {
    Phase phase = Phase::kIdle;
    std::size_t done = 0;
    Op op;
  };

  virtual Op Choose(std::uint16_t process) = 0;
  // Tries to let the operation take effect; false while it must wait.
  virtual bool Effect(Op& op) = 0;
  virtual void Finish() = 0;

  bool Chance(double share) { return std::uniform_real_distribution<>(0, 1)(random_) < share; }
  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }
  std::uint64_t NextValue(std::uint16_t process) {
    return (std::uint64_t{process} + 1) << 32 | ++values_;
  }

  void Invoke(Lane& lane, std::uint16_t process) {
    lane.op = Choose(process);
    lane.op.process = process;
    lane.op.invoke = ++ticket_;
    lane.op.invoke_ns = static_cast<std::int64_t>(ticket_) * 100;
    lane.phase = Phase::kInvoked;
  }
  void Return(Lane& lane, Fate fate) {
    lane.op.fate = fate;
    lane.op.ret = ++ticket_;
    lane.op.return_ns = static_cast<std::int64_t>(ticket_) * 100;
    history_.ops.push_back(lane.op);
    lane.phase = fate == Fate::kReturned ? Phase::kIdle : Phase::kDead;
    ++lane.done;
  }

  // One step of a random lane that can make one; false when none can.
  bool StepAny() {
    const std::size_t start = Below(lanes_.size());
    for (std::size_t k = 0; k < lanes_.size(); ++k) {
      const std::size_t at = (start + k) % lanes_.size();
      if (Step(lanes_[at], static_cast<std::uint16_t>(at))) return true;
    }
    return false;
  }

  bool Step(Lane& lane, std::uint16_t process) {
    switch (lane.phase) {
      case Phase::kIdle:
        if (lane.done >= options_.ops_per_process) return false;
        Invoke(lane, process);
        return true;
      case Phase::kInvoked:
        if (Chance(options_.kills)) {  // dies before the effect
          Return(lane, Fate::kKilled);
          return true;
        }
        if (!Effect(lane.op)) return false;
        lane.phase = Phase::kEffected;
        return true;
      case Phase::kEffected:
        Return(lane, Chance(options_.kills) ? Fate::kKilled : Fate::kReturned);
        if (lane.phase == Phase::kDead) Forget(history_.ops.back());
        return true;
      default: return false;
    }
  }

  // What nobody learnt of a killed call.
  static void Forget(Op& op) {
    op.result = 0;
    op.piece_count = 0;
    if (IsReceive(op.call)) op.value = op.priority = 0;
  }

  const GenerateOptions options_;
  std::mt19937_64 random_;
  std::vector<Lane> lanes_;
  History history_;
  std::uint64_t ticket_ = 0;
  std::uint64_t values_ = 0;
};

class QueueSimulation : public Simulation {
 public:
  explicit QueueSimulation(const GenerateOptions& options) : Simulation(options) {
    history_.model.name = "queue";
    history_.model.max_messages = options.max_messages;
    QueueModel::Config config;
    config.max_messages = options.max_messages;
    model_ = QueueModel(config);
  }

 private:
  Op Choose(std::uint16_t process) override {
    Op op;
    const bool timed = Chance(options_.failures / 2);
    if (Chance(0.5)) {
      op.call = timed ? Call::kMqTimedSend : Call::kMqSend;
      op.value = NextValue(process);
      op.priority = static_cast<std::uint32_t>(Below(options_.priorities));
      op.amount = kMessageBytes;
    } else {
      op.call = timed ? Call::kMqTimedReceive : Call::kMqReceive;
    }
    if (timed) {
      op.flags = kNearDeadline;
    } else if (Chance(options_.failures)) {
      op.flags = kNonblock;
    }
    return op;
  }

  bool Effect(Op& op) override {
    const bool send = IsSend(op.call);
    const bool waits =
        send ? state_.messages.size() >= options_.max_messages : state_.messages.empty();
    if (waits && op.flags == 0) return false;
    if (waits) {
      op.error = op.Has(kNonblock) ? EAGAIN : ETIMEDOUT;
      op.result = -1;
      return true;
    }
    if (!send) {
      op.value = state_.messages.front().value;
      op.priority = state_.messages.front().priority;
      op.result = kMessageBytes;
    }
    std::vector<QueueState> next;
    model_.Step(state_, op, next);
    state_ = next.front();
    return true;
  }

  // Those that wait at the end are served by one more process, unless they are to stay blocked.
  void Finish() override {
    const auto helper = static_cast<std::uint16_t>(options_.processes);
    for (;;) {
      const bool sender_waits = std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) {
        return lane.phase == Phase::kInvoked && IsSend(lane.op.call);
      });
      const bool receiver_waits = std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) {
        return lane.phase == Phase::kInvoked && IsReceive(lane.op.call);
      });
      if (!sender_waits && (!receiver_waits || options_.leave_blocked)) break;
      Helper(helper, sender_waits ? Call::kMqReceive : Call::kMqSend, 0);
      while (StepAny()) {
      }
    }
    for (Lane& lane : lanes_) {
      if (lane.phase != Phase::kInvoked) continue;
      lane.op.fate = Fate::kBlocked;
      history_.ops.push_back(lane.op);
    }
    if (!options_.drain) return;
    while (!state_.messages.empty()) Helper(helper, Call::kMqReceive, kNonblock);
    Helper(helper, Call::kMqReceive, kNonblock);
    history_.model.drained = true;
  }

  void Helper(std::uint16_t process, Call call, std::uint16_t flags) {
    Lane lane;
    Invoke(lane, process);
    lane.op.call = call;
    lane.op.flags = flags;
    lane.op.value = IsSend(call) ? NextValue(process) : 0;
    lane.op.priority = 0;
    lane.op.amount = IsSend(call) ? kMessageBytes : 0;
    if (Effect(lane.op)) Return(lane, Fate::kReturned);
  }

  QueueModel model_;
  QueueState state_;
};

class PipeSimulation : public Simulation {
 public:
  explicit PipeSimulation(const GenerateOptions& options) : Simulation(options) {
    history_.model.name = "pipe";
    history_.model.pipe_buf = kPipeBuf;
    history_.model.readers = 1;
    history_.model.writers = ~std::uint64_t{0};
  }

 private:
  static constexpr std::uint64_t kPipeBuf = 512;
  static constexpr std::uint64_t kCapacity = 4096;

  // Process 0 reads, the others write.
  Op Choose(std::uint16_t process) override {
    Op op;
    op.call = process == 0 ? Call::kRead : Call::kWrite;
    op.amount = 1 + Below(process == 0 ? 2 * kPipeBuf : kPipeBuf);
    if (process != 0) op.value = NextValue(process);
    if (Chance(options_.failures)) op.flags = kNonblock;
    return op;
  }

  bool Effect(Op& op) override {
    const bool write = op.call == Call::kWrite;
    const bool waits = write ? held_ + op.amount > kCapacity : held_ == 0;
    if (waits && !op.Has(kNonblock)) return false;
    if (waits) {
      op.error = EAGAIN;
      op.result = -1;
      return true;
    }
    if (write) {
      content_.push_back({op.value, 0, static_cast<std::uint32_t>(op.amount)});
      op.result = static_cast<std::int64_t>(op.amount);
      held_ += op.amount;
      return true;
    }
    std::uint64_t left = op.amount;
    op.piece_begin = history_.pieces.size();
    while (left > 0 && !content_.empty()) {
      Piece& front = content_.front();
      const auto take = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, front.length));
      history_.pieces.push_back({front.record, front.offset, take});
      ++op.piece_count;
      front.offset += take;
      front.length -= take;
      left -= take;
      if (front.length == 0) content_.pop_front();
    }
    op.result = static_cast<std::int64_t>(op.amount - left);
    held_ -= op.amount - left;
    return true;
  }

  // The reader goes on until the writers are done and the pipe is empty.
  void Finish() override {
    Lane& reader = lanes_[0];
    if (reader.phase == Phase::kInvoked) {  // it waits for more: it is left blocked
      reader.op.fate = Fate::kBlocked;
      history_.ops.push_back(reader.op);
      return;
    }
    while (held_ > 0 && reader.phase != Phase::kDead) {
      Invoke(reader, 0);
      reader.op.flags = 0;
      if (Effect(reader.op)) Return(reader, Fate::kReturned);
      while (StepAny()) {
      }
    }
    history_.model.drained = reader.phase != Phase::kDead;
  }

  std::deque<Piece> content_;
  std::uint64_t held_ = 0;
};

}  // namespace

History GenerateQueueHistory(const GenerateOptions& options) {
  return QueueSimulation(options).Run();
}

History GeneratePipeHistory(const GenerateOptions& options) {
  return PipeSimulation(options).Run();
}

}  // namespace ipcsuite::props
