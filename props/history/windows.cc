#include "props/history/windows.h"

#include <algorithm>
#include <utility>

#include "props/history/sweep.h"

namespace ipcsuite::props {
namespace {

std::uint64_t End(const Op& op) { return op.ret != 0 ? op.ret : kNeverTicket; }

// Sends whose message may be in the queue after these operations; nothing when the state is not
// known for sure: see the header.
bool FindContent(const std::vector<Op>& ops, std::vector<Op>& content) {
  ValueIndex sends(ops.size());
  std::vector<bool> gone(ops.size());
  bool killed_receiver = false;
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    // Of a value that is sent twice the rules of the window say so.
    if (IsSend(ops[i].call) && (ops[i].Optional() || ops[i].Ok())) sends.Insert(ops[i].value, i);
  }
  for (const Op& op : ops) {
    if (!IsReceive(op.call)) continue;
    if (op.Optional()) {
      killed_receiver = true;
    } else if (op.Ok()) {
      if (const std::uint32_t send = sends.At(op.value); send != kNone) gone[send] = true;
    }
  }
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    if (gone[i] || !IsSend(ops[i].call) || !(ops[i].Optional() || ops[i].Ok())) continue;
    if (killed_receiver || ops[i].Optional()) return false;
    content.push_back(ops[i]);
  }
  std::stable_sort(content.begin(), content.end(),
                   [](const Op& a, const Op& b) { return a.priority < b.priority; });
  const auto overlap = [](const Op& a, const Op& b) {
    return a.priority == b.priority && a.ret > b.invoke;
  };
  return std::adjacent_find(content.begin(), content.end(), overlap) == content.end();
}

}  // namespace

WindowedCheck::WindowedCheck(const HistoryModel& model, const CheckOptions& check,
                             const WindowOptions& windows)
    : model_(model), check_(check), windows_(windows) {
  unsigned threads = windows.threads;
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

WindowedCheck::~WindowedCheck() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    ended_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WindowedCheck::Refuse(std::string why) {
  const std::lock_guard lock(mutex_);
  if (result_.verdict == HistoryVerdict::kInvalid) return false;
  refused_ = true;
  result_.verdict = HistoryVerdict::kUnresolved;
  result_.reason = "not a history";
  result_.explanation = std::move(why) + "\n";
  return false;
}

bool WindowedCheck::Add(const Op& op) {
  if (op.invoke <= last_invoke_) return Refuse("operations are not in order: " + Describe(op));
  last_invoke_ = op.invoke;
  if (process_ends_.size() <= op.process) process_ends_.resize(op.process + 1U);
  if (process_ends_[op.process] > op.invoke)
    return Refuse("a process begins an operation while another is unfinished: " + Describe(op));
  process_ends_[op.process] = End(op);
  Lane& lane = lanes_[op.object];
  if (lane.last_end < op.invoke && lane.ops.size() - lane.carried >= windows_.least_ops &&
      lane.ops.size() >= lane.try_at && !lane.uncut) {
    TryCut(lane);
  }
  lane.ops.push_back(op);
  lane.last_end = std::max(lane.last_end, End(op));
  lane.uncut = lane.uncut || !(IsSend(op.call) || IsReceive(op.call) || op.call == Call::kMqCount);
  if (++ops_ % 4096 != 0) return true;
  const std::lock_guard lock(mutex_);
  return result_.verdict == HistoryVerdict::kValid;
}

void WindowedCheck::TryCut(Lane& lane) {
  std::vector<Op> content;
  if (!FindContent(lane.ops, content)) {
    lane.try_at = lane.ops.size() + lane.ops.size() / 8;
    return;
  }
  Submit(lane, false);
  lane.ops = std::move(content);
  lane.carried = lane.ops.size();
  lane.last_end = 0;
  lane.try_at = 0;
}

// With tickets from 1 on: what was carried in comes first, one after the other.
void WindowedCheck::Submit(Lane& lane, bool last) {
  History window;
  window.model = model_;
  window.model.drained = last && model_.drained;
  window.ops = std::move(lane.ops);
  std::uint64_t ticket = 0;
  for (std::size_t i = 0; i < lane.carried; ++i) {
    window.ops[i].invoke = ++ticket;
    window.ops[i].ret = ++ticket;
  }
  const std::uint64_t begin =
      window.ops.size() > lane.carried ? window.ops[lane.carried].invoke : 0;
  for (std::size_t i = lane.carried; i < window.ops.size(); ++i) {
    Op& op = window.ops[i];
    op.invoke = op.invoke - begin + ticket + 1;
    if (op.ret != 0) op.ret = op.ret - begin + ticket + 1;
  }
  largest_ = std::max(largest_, window.ops.size());
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.size() < threads_.size(); });
  waiting_.push_back(std::move(window));
  changed_.notify_all();
}

void WindowedCheck::Work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    History window = std::move(waiting_.front());
    waiting_.pop_front();
    changed_.notify_all();
    if (refused_ || result_.verdict == HistoryVerdict::kInvalid) continue;
    lock.unlock();
    Decide(std::move(window));
  }
}

void WindowedCheck::Decide(History window) {
  CheckResult decided = CheckHistory(window, check_);
  const std::lock_guard lock(mutex_);
  ++result_.windows;
  result_.steps += decided.steps;
  const bool worse =
      decided.verdict == HistoryVerdict::kInvalid ||
      (decided.verdict == HistoryVerdict::kUnresolved && result_.verdict == HistoryVerdict::kValid);
  if (!worse || refused_ || result_.verdict == HistoryVerdict::kInvalid) return;
  decided.windows = result_.windows;
  decided.steps = result_.steps;
  result_ = std::move(decided);
  failed_ = std::move(window);
}

CheckResult WindowedCheck::Finish() {
  for (auto& [object, lane] : lanes_) Submit(lane, true);
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  result_.ops = ops_;
  result_.objects = lanes_.size();
  return result_;
}

}  // namespace ipcsuite::props
