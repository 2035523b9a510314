// HDR histogram (log-linear, after Gil Tene): fixed memory, constant-time record, exact merge.
//
// Plain data without pointers, so that it lives in shared memory: each process records into its own
// and the parent merges. Values are nanoseconds from 1 to about 18 minutes; bigger ones count as
// the maximum. Relative error of a bucket: below 1/128.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

namespace ipcsuite::stress {

class Histogram {
 public:
  static constexpr int kSubBits = 8;  // 256 linear buckets, then 128 an octave
  static constexpr int kHalf = 1 << (kSubBits - 1);
  static constexpr int kMaxBits = 40;
  static constexpr int kBuckets = (kMaxBits - kSubBits + 2) * kHalf;
  static constexpr std::uint64_t kMaxValue = (std::uint64_t{1} << kMaxBits) - 1;

  static int BucketOf(std::uint64_t value) {
    if (value > kMaxValue) value = kMaxValue;
    const int width = std::bit_width(value | (kHalf * 2 - 1));
    const int shift = width - kSubBits;
    return shift * kHalf + static_cast<int>(value >> shift);
  }
  // Smallest and largest value that falls into the bucket.
  static std::uint64_t LowOf(int bucket);
  static std::uint64_t HighOf(int bucket);

  void Record(std::uint64_t value) {
    ++counts_[BucketOf(value)];
    ++total_;
    sum_ += value;
    if (value > max_) max_ = value;
    if (value < min_ || total_ == 1) min_ = value;
  }
  void Merge(const Histogram& other);

  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }
  std::uint64_t min() const { return min_; }
  double mean() const { return total_ == 0 ? 0 : static_cast<double>(sum_) / total_; }
  double StdDev() const;
  // The largest value equivalent to the one at that percentile (0..100); never above max().
  std::uint64_t Percentile(double percent) const;

  struct Point {
    double percentile;  // 0..1
    std::uint64_t value_ns;
    std::uint64_t count;
  };
  // Points as HdrHistogram prints them: `ticks` for each halving of the distance to 100 %.
  std::vector<Point> Distribution(int ticks = 5) const;
  // The text format of HdrHistogram's plotting tools (.hgrm); values divided by `scale`.
  std::string ToHgrm(double scale = 1.0) const;

 private:
  std::uint64_t total_ = 0, sum_ = 0, min_ = 0, max_ = 0;
  std::uint64_t counts_[kBuckets] = {};
};

}  // namespace ipcsuite::stress
