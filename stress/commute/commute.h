// Pairs of calls that commute, and whether the platform lets them run beside each other.
//
// Where two calls commute (their results don't depend on their order: here because they are made on
// objects of their own), an implementation exists in which neither waits for the other (the
// scalable commutativity rule: Clements, Kaashoek, Zeldovich, Morris, Kohler, SOSP 2013). Each pair
// is measured: call A on one cpu and call B on another, concurrently, each relative to the same
// process alone. The speed-up is the sum of both shares: 2 where they don't hinder each other, 1
// where they take turns.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stress/commute/calls.h"
#include "stress/engine/engine.h"
#include "stress/measure/usl.h"

namespace ipcsuite::stress {

// Compared with what two processes reach that make no call (see kScales).
enum class Scaling { kScales, kDoesNotScale, kUndecided };
std::string_view ToString(Scaling scaling);

// Share of the yardstick's speed-up that a pair must reach.
inline constexpr double kScales = 0.8;
// With a yardstick outside of these the machine is too busy to decide anything.
inline constexpr double kYardstickMin = 1.6, kYardstickMax = 2.4;
// Fewer rounds have no interval of 95 %.
inline constexpr std::size_t kRoundsMin = 6;

struct CommutePair {
  const CommuteCall* a = nullptr;
  const CommuteCall* b = nullptr;
  bool one_object = false;  // both on the same object: for comparison, these need not commute
  std::vector<double> kept_a = {},
                      kept_b = {};  // by round: rate beside the other, relative to alone
  Interval speedup = {};  // median over rounds, with an interval of at least 95 % (MedianInterval)
  Scaling scaling = Scaling::kUndecided;

  std::string Text() const;  // "mq_send beside read", "mq_send beside itself on one object"
};

struct CommuteResult {
  std::vector<int> cpus;                  // the two
  std::vector<const CommuteCall*> calls;  // that could be measured, in table order
  std::vector<CommutePair> pairs;         // a not after b in that order
  std::vector<std::pair<std::string, std::string>> missing;  // call, and why it is not there
  std::string note;        // why nothing was measured; empty: it was
  double yardstick = 0;    // median speed-up without calls
  std::size_t rounds = 0;  // of the yardstick

  // The two processes did not have the two cpus for themselves, or not for long enough.
  bool busy() const {
    return yardstick < kYardstickMin || yardstick > kYardstickMax || rounds < kRoundsMin;
  }
  // nullptr where that pair was not measured.
  const CommutePair* Find(const CommuteCall* a, const CommuteCall* b, bool one_object) const;
  std::vector<const CommutePair*> With(Scaling scaling, bool one_object) const;
};

struct CommuteOptions {
  std::vector<const CommuteCall*> calls = AllCommuteCalls();
  std::vector<int> cpus;   // two different ones
  nanoseconds time = 30s;  // about, of all measurements together
  int rounds = 9;
};

// Why nothing may be measured under this scheduling policy of the caller (SCHED_*); empty: it may.
// Two processes that never rest take two cpus from everybody else under a real-time policy, which
// has stopped machines.
std::string RefusesPolicy(int policy);

// Forks two processes for each call once; in each round, in random order, measures each pair.
CommuteResult MeasureCommute(Context& context, const CommuteOptions& options,
                             const std::function<void(const std::string&)>& progress);

// The median with order statistics around it that hold the true median with a probability of at
// least 95 %, whatever the distribution (binomial); the extremes where there are too few samples.
Interval MedianInterval(std::vector<double> samples);

// The matrix with row numbers, and what does not scale: for a terminal.
std::string CommuteText(const CommuteResult& result);

}  // namespace ipcsuite::stress
