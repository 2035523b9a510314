#include "stress/measure/usl.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "stress/measure/message.h"

namespace ipcsuite::stress {
namespace {

struct Parameters {
  double lambda, sigma, kappa;
  double At(double n) const { return lambda * n / (1 + sigma * (n - 1) + kappa * n * (n - 1)); }
};

// Solves the normal equations for the columns in use by elimination with pivoting.
bool Solve(std::array<std::array<double, 4>, 3> m, const std::array<bool, 3>& use,
           std::array<double, 3>* out) {
  std::vector<int> columns;
  for (int i = 0; i < 3; ++i) {
    if (use[static_cast<std::size_t>(i)]) columns.push_back(i);
  }
  const std::size_t n = columns.size();
  std::vector<std::vector<double>> a(n, std::vector<double>(n + 1));
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      a[r][c] = m[static_cast<std::size_t>(columns[r])][static_cast<std::size_t>(columns[c])];
    }
    a[r][n] = m[static_cast<std::size_t>(columns[r])][3];
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i + 1; r < n; ++r) {
      if (std::fabs(a[r][i]) > std::fabs(a[pivot][i])) pivot = r;
    }
    if (std::fabs(a[pivot][i]) < 1e-300) return false;
    std::swap(a[i], a[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const double f = a[r][i] / a[i][i];
      for (std::size_t c = i; c <= n; ++c) a[r][c] -= f * a[i][c];
    }
  }
  out->fill(0);
  for (std::size_t i = 0; i < n; ++i) {
    (*out)[static_cast<std::size_t>(columns[i])] = a[i][n] / a[i][i];
  }
  return true;
}

// N / X is linear in 1/lambda, sigma/lambda, kappa/lambda. Weights make the errors relative ones;
// sigma and kappa must not be negative: one that would be is left out.
std::optional<Parameters> FitOnce(const std::vector<double>& n, const std::vector<double>& x) {
  std::array<bool, 3> use = {true, true, true};
  std::array<double, 3> solution{};
  for (int round = 0; round < 3; ++round) {
    std::array<std::array<double, 4>, 3> m{};
    for (std::size_t i = 0; i < n.size(); ++i) {
      const double y = n[i] / x[i];
      const std::array<double, 3> f = {1, n[i] - 1, n[i] * (n[i] - 1)};
      for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t c = 0; c < 3; ++c) m[r][c] += f[r] * f[c] / (y * y);
        m[r][3] += f[r] * y / (y * y);
      }
    }
    if (!Solve(m, use, &solution)) return std::nullopt;
    if (solution[1] < 0 && solution[1] <= solution[2]) {
      use[1] = false;
    } else if (solution[2] < 0) {
      use[2] = false;
    } else {
      break;
    }
  }
  if (solution[0] <= 0) return std::nullopt;
  return Parameters{1 / solution[0], std::max(0.0, solution[1] / solution[0]),
                    std::max(0.0, solution[2] / solution[0])};
}

Interval MakeInterval(double value, std::vector<double> all) {
  std::sort(all.begin(), all.end());
  if (all.empty()) return {value, value, value};
  const auto at = [&](double q) {
    return all[static_cast<std::size_t>(q * static_cast<double>(all.size() - 1))];
  };
  return {value, std::min(value, at(0.025)), std::max(value, at(0.975))};
}

}  // namespace

double UslFit::At(double n) const {
  return Parameters{lambda.value, sigma.value, kappa.value}.At(n);
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

std::optional<UslFit> FitUsl(const std::vector<ScalingPoint>& points, std::uint64_t seed) {
  std::set<int> different;
  std::vector<double> n, x;
  for (const ScalingPoint& point : points) {
    const double median = Median(point.samples);
    if (point.n < 1 || median <= 0) continue;
    different.insert(point.n);
    n.push_back(point.n);
    x.push_back(median);
  }
  if (static_cast<int>(different.size()) < kUslPoints) return std::nullopt;
  const std::optional<Parameters> best = FitOnce(n, x);
  if (!best) return std::nullopt;
  SplitMix64 random(seed);
  std::vector<double> lambdas, sigmas, kappas;
  for (int round = 0; round < 1000; ++round) {
    std::vector<double> resampled;
    for (const ScalingPoint& point : points) {
      if (point.n < 1 || Median(point.samples) <= 0) continue;
      std::vector<double> drawn;
      for (std::size_t i = 0; i < point.samples.size(); ++i) {
        drawn.push_back(point.samples[random.Below(point.samples.size())]);
      }
      resampled.push_back(std::max(1e-9, Median(drawn)));
    }
    if (const auto p = FitOnce(n, resampled)) {
      lambdas.push_back(p->lambda);
      sigmas.push_back(p->sigma);
      kappas.push_back(p->kappa);
    }
  }
  UslFit fit;
  fit.lambda = MakeInterval(best->lambda, lambdas);
  fit.sigma = MakeInterval(best->sigma, sigmas);
  fit.kappa = MakeInterval(best->kappa, kappas);
  double mean = 0, total = 0, residual = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    total += (x[i] - mean) * (x[i] - mean);
    residual += (x[i] - best->At(n[i])) * (x[i] - best->At(n[i]));
  }
  fit.r_squared = total > 0 ? 1 - residual / total : 1;
  if (best->kappa > 0 && best->sigma < 1) fit.peak_n = std::sqrt((1 - best->sigma) / best->kappa);
  return fit;
}

}  // namespace ipcsuite::stress
