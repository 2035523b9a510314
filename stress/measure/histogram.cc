#include "stress/measure/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ipcsuite::stress {

std::uint64_t Histogram::LowOf(int bucket) {
  if (bucket < 2 * kHalf) return static_cast<std::uint64_t>(bucket);
  const int shift = bucket / kHalf - 1;
  return static_cast<std::uint64_t>(bucket - shift * kHalf) << shift;
}

std::uint64_t Histogram::HighOf(int bucket) {
  return bucket + 1 >= kBuckets ? kMaxValue : LowOf(bucket + 1) - 1;
}

void Histogram::Merge(const Histogram& other) {
  if (other.total_ == 0) return;
  min_ = total_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  total_ += other.total_;
  sum_ += other.sum_;
  for (int i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
}

double Histogram::StdDev() const {
  if (total_ == 0) return 0;
  const double mu = mean();
  double sum = 0;
  for (int i = 0; i < kBuckets; ++i) {
    if (counts_[i] == 0) continue;
    const double mid = 0.5 * (static_cast<double>(LowOf(i)) + static_cast<double>(HighOf(i)));
    sum += (mid - mu) * (mid - mu) * static_cast<double>(counts_[i]);
  }
  return std::sqrt(sum / static_cast<double>(total_));
}

std::uint64_t Histogram::Percentile(double percent) const {
  if (total_ == 0) return 0;
  const double clamped = std::clamp(percent, 0.0, 100.0);
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(clamped / 100.0 * static_cast<double>(total_))));
  std::uint64_t seen = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::min(HighOf(i), max_);
  }
  return max_;
}

std::vector<Histogram::Point> Histogram::Distribution(int ticks) const {
  std::vector<Point> points;
  if (total_ == 0) return points;
  double percentile = 0;
  std::uint64_t seen = 0;
  int bucket = 0;
  for (;;) {
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(percentile * static_cast<double>(total_))));
    while (seen + counts_[bucket] < wanted) seen += counts_[bucket++];
    const std::uint64_t upto = seen + counts_[bucket];
    points.push_back({percentile, std::min(HighOf(bucket), max_), upto});
    if (upto >= total_) break;
    const double halvings = std::floor(std::log2(1.0 / (1.0 - percentile))) + 1;
    percentile += 1.0 / (std::exp2(halvings) * ticks);
  }
  points.push_back({1.0, max_, total_});
  return points;
}

std::string Histogram::ToHgrm(double scale) const {
  std::string out = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  char line[128];
  for (const Point& p : Distribution()) {
    const double value = static_cast<double>(p.value_ns) / scale;
    const auto count = static_cast<unsigned long long>(p.count);
    if (p.percentile >= 1.0) {
      std::snprintf(line, sizeof line, "%12.3f %2.12f %10llu\n", value, 1.0, count);
    } else {
      std::snprintf(line, sizeof line, "%12.3f %2.12f %10llu %14.2f\n", value, p.percentile, count,
                    1.0 / (1.0 - p.percentile));
    }
    out += line;
  }
  std::snprintf(line, sizeof line, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean() / scale,
                StdDev() / scale);
  out += line;
  std::snprintf(line, sizeof line, "#[Max     = %12.3f, Total count    = %12llu]\n",
                static_cast<double>(max_) / scale, static_cast<unsigned long long>(total_));
  out += line;
  std::snprintf(line, sizeof line, "#[Buckets = %12d, SubBuckets     = %12d]\n",
                kMaxBits - kSubBits + 1, kHalf * 2);
  return out + line;
}

}  // namespace ipcsuite::stress
