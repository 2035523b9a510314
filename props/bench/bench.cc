// What the properties and the checker cost, measured: `bazel run -c opt //props:bench`.
//
// Each figure is the median of an odd number of samples; the sequential engine is timed in pairs
// with a raw loop of the same calls, so that what else the machine does falls on both.
#include <fcntl.h>
#include <fmt/format.h>
#include <mqueue.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/core/arena.h"
#include "harness/core/names.h"
#include "props/engine/lockstep.h"
#include "props/engine/queue_target.h"
#include "props/engine/sequential.h"
#include "props/history/check.h"
#include "props/history/generate.h"
#include "props/history/linearize.h"
#include "props/properties/queue_domain.h"

namespace ipcsuite::props {
namespace {

constexpr long kRoom = 10;
constexpr long kLength = 64;

double Seconds(const std::function<void()>& work) {
  const std::int64_t begin = NowNs();
  work();
  return static_cast<double>(NowNs() - begin) / 1e9;
}

// CPU time of this process: for the checker, which does nothing but compute, so that the figure is
// that of this machine and not of what else runs on it.
double CpuSeconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double begin = now();
  work();
  return now() - begin;
}

double Median(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

void Print(const std::string& name, const std::string& unit, const std::vector<double>& samples) {
  const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
  fmt::print("{:<58} {:>14.3f} {:<8} ({:.3f} .. {:.3f}, {} samples)\n", name, Median(samples), unit,
             *least, *most, samples.size());
}

// A program of queue steps, the same on every machine.
Program SomeProgram(std::size_t steps, std::uint64_t seed) {
  Program program(steps);
  for (std::size_t i = 0; i < steps; ++i) {
    const std::uint64_t bits = Mix(seed * 1'000'003 + i);
    program[i] = {static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>((bits >> 8) % 253),
                  static_cast<std::uint16_t>(bits >> 16), static_cast<std::uint16_t>(bits >> 32)};
    program[i].who = 0;  // no perturbation: only calls are compared
  }
  return program;
}

// Keeps the operations that the engine made, for the raw loop.
class RecordingQueue : public QueueTarget {
 public:
  RecordingQueue() : QueueTarget(1, kRoom, kLength) {}
  void Perform(Op& op, unsigned char* bytes) override {
    QueueTarget::Perform(op, bytes);
    ops.push_back(op);
  }
  std::vector<Op> ops;
};

// The same calls with the same arguments, and nothing else.
void RawLoop(const std::vector<Op>& ops) {
  mq_attr attributes{};
  attributes.mq_maxmsg = kRoom;
  attributes.mq_msgsize = kLength;
  const UniqueName name = UniqueName::Mq();
  const mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
  mq_unlink(name.c_str());
  char bytes[kLength] = {};
  unsigned priority = 0;
  const timespec far{4'000'000'000, 0};
  for (const Op& op : ops) {
    switch (op.call) {
      case Call::kMqSend: mq_send(queue, bytes, op.amount, op.priority); break;
      case Call::kMqTimedSend: mq_timedsend(queue, bytes, op.amount, op.priority, &far); break;
      case Call::kMqReceive: mq_receive(queue, bytes, kLength, &priority); break;
      case Call::kMqTimedReceive: mq_timedreceive(queue, bytes, kLength, &priority, &far); break;
      default: mq_getattr(queue, &attributes); break;
    }
  }
  mq_close(queue);
}

void MeasureSequential() {
  const Program program = SomeProgram(20'000, 1);
  std::vector<unsigned char> bytes(kLength);
  std::vector<double> engine, raw, share;
  for (int i = 0; i < 9; ++i) {
    RecordingQueue recorded;
    recorded.Enter(0);
    QueueDomain domain(PlatformQueueModel(kRoom, false), {});
    RunSequential(domain, recorded, program, bytes.data());
    const auto count = static_cast<double>(recorded.ops.size());
    QueueTarget target(1, kRoom, kLength);
    target.Enter(0);
    QueueDomain again(PlatformQueueModel(kRoom, false), {});
    engine.push_back(count / Seconds([&] { RunSequential(again, target, program, bytes.data()); }));
    raw.push_back(count / Seconds([&] { RawLoop(recorded.ops); }));
    share.push_back(engine.back() / raw.back());
  }
  Print("sequential engine, queue, commands", "/s", engine);
  Print("raw loop of the same calls", "/s", raw);
  Print("sequential engine as a share of the raw loop", "", share);
}

void MeasureLockstep() {
  std::vector<double> rate;
  std::vector<double> waits;
  for (int i = 0; i < 7; ++i) {
    QueueTarget target(4, kRoom, kLength);
    Crew crew(4, target);
    QueueDomain domain(PlatformQueueModel(kRoom, false), {});
    Program program = SomeProgram(4'000, 10);
    for (std::size_t k = 0; k < program.size(); ++k) {
      program[k].who = static_cast<std::uint8_t>(Mix(k));
      if (program[k].b % 16 == 0)
        program[k].b = 2;  // never all blocked: the program runs to its end
    }
    CaseOutcome outcome;
    const double seconds =
        Seconds([&] { outcome = Lockstep<QueueModel>(domain, crew).Run(program); });
    rate.push_back(static_cast<double>(outcome.ops) / seconds);
    waits.push_back(static_cast<double>(outcome.waits));
  }
  Print("lockstep, 4 processes on a queue, steps", "/s", rate);
  Print("  of them waits seen blocked", "", waits);
}

void MeasureChecker() {
  std::vector<double> valid, planted;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    GenerateOptions options;
    options.seed = seed;
    options.processes = 8;
    options.ops_per_process = 1000;
    const History history = GenerateQueueHistory(options);
    CheckResult result;
    valid.push_back(1e3 * CpuSeconds([&] { result = CheckHistory(history); }));
    if (result.verdict != HistoryVerdict::kValid) fmt::print("seed {}: {}\n", seed, result.reason);
    const auto wrong = Mutate(history, Mutation::kDuplicate, seed);
    planted.push_back(1e3 * CpuSeconds([&] { result = CheckHistory(*wrong); }));
    if (result.verdict != HistoryVerdict::kInvalid) fmt::print("seed {}: not found\n", seed);
  }
  Print("checker, 8 x 1,000 queue operations, valid, CPU", "ms", valid);
  Print("  the same with a planted duplicate", "ms", planted);
}

// Histories beyond the reach of the search alone.
void MeasureCrowds() {
  struct Row {
    std::size_t processes, ops;
    std::uint64_t room;
  };
  constexpr Row kRows[] = {
      {16, 1000, 10}, {16, 5000, 200}, {32, 500, 10}, {64, 1000, 10}, {64, 1000, 200}};
  for (const Row& row : kRows) {
    std::vector<double> times;
    std::size_t undecided = 0;
    for (std::uint64_t seed = 1; seed <= 9; ++seed) {
      GenerateOptions options;
      options.seed = seed;
      options.processes = row.processes;
      options.ops_per_process = row.ops;
      options.max_messages = row.room;
      const History history = GenerateQueueHistory(options);
      CheckResult result;
      times.push_back(1e3 * CpuSeconds([&] { result = CheckHistory(history); }));
      undecided += result.verdict != HistoryVerdict::kValid;
    }
    Print(fmt::format("checker, {} x {}, room for {}, valid, CPU ({} undecided)", row.processes,
                      row.ops, row.room, undecided),
          "ms", times);
  }
}

void MeasureRules() {
  GenerateOptions options;
  options.processes = 8;
  options.ops_per_process = 125'000;
  const History history = GenerateQueueHistory(options);
  std::vector<double> rate;
  for (int i = 0; i < 9; ++i) {
    std::size_t found = 0;
    const double seconds = CpuSeconds([&] { found = CheckQueueRules(history.ops, true).size(); });
    if (found != 0) fmt::print("a rule condemned a right history\n");
    rate.push_back(static_cast<double>(history.ops.size()) / seconds / 1e6);
  }
  Print(fmt::format("linear-time rules, queue, {} operations, CPU", history.ops.size()), "M ops/s",
        rate);
  rate.clear();
  const History pipe = GeneratePipeHistory(options);
  for (int i = 0; i < 9; ++i) {
    std::size_t found = 0;
    const double seconds = CpuSeconds(
        [&] { found = CheckPipeRules(pipe.ops, pipe.pieces, pipe.model.pipe_buf, true).size(); });
    if (found != 0) fmt::print("a rule condemned a right history\n");
    rate.push_back(static_cast<double>(pipe.ops.size()) / seconds / 1e6);
  }
  Print(fmt::format("linear-time rules, pipe, {} operations, CPU", pipe.ops.size()), "M ops/s",
        rate);
}

}  // namespace
}  // namespace ipcsuite::props

int main() {
  ipcsuite::props::MeasureSequential();
  ipcsuite::props::MeasureLockstep();
  ipcsuite::props::MeasureChecker();
  ipcsuite::props::MeasureCrowds();
  ipcsuite::props::MeasureRules();
}
