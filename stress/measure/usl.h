// Universal Scalability Law (N. Gunther): X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)).
// sigma is the share that is serialized (contention), kappa the cost of agreement (coherence).
//
// With fewer than five values of N three parameters say nothing: then there is only the ratio.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ipcsuite::stress {

struct ScalingPoint {
  int n = 1;                    // processes
  std::vector<double> samples;  // throughput of each repeat
};

struct Interval {
  double value = 0, low = 0, high = 0;  // low..high: 95 % by bootstrap over the samples
};

struct UslFit {
  Interval lambda, sigma, kappa;
  double r_squared = 0;
  double peak_n = 0;  // where throughput is highest; 0: it never falls
  double At(double n) const;
};

double Median(std::vector<double> values);

constexpr int kUslPoints = 5;

// Nothing when there are fewer than five different N or the fit is degenerate. Deterministic for a
// given seed.
std::optional<UslFit> FitUsl(const std::vector<ScalingPoint>& points, std::uint64_t seed = 1);

}  // namespace ipcsuite::stress
