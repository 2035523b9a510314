// What stress is measured with: histogram, checksums, messages, topology, scaling law.
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "base/cpus.h"
#include "stress/measure/histogram.h"
#include "stress/measure/message.h"
#include "stress/measure/topology.h"
#include "stress/measure/usl.h"

namespace ipcsuite::stress {
namespace {

TEST(Histogram, BucketsAreContiguousAndNarrow) {
  for (int b = 0; b + 1 < Histogram::kBuckets; ++b) {
    ASSERT_EQ(Histogram::HighOf(b) + 1, Histogram::LowOf(b + 1)) << b;
    ASSERT_EQ(Histogram::BucketOf(Histogram::LowOf(b)), b);
    ASSERT_EQ(Histogram::BucketOf(Histogram::HighOf(b)), b);
    const double width = static_cast<double>(Histogram::HighOf(b) - Histogram::LowOf(b));
    ASSERT_LE(width, static_cast<double>(Histogram::LowOf(b)) / 128.0) << b;
  }
  EXPECT_EQ(Histogram::BucketOf(~std::uint64_t{0}), Histogram::kBuckets - 1);
}

TEST(Histogram, PercentilesOfKnownValues) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 100000; ++v) h.Record(v);
  EXPECT_EQ(h.total(), 100000u);
  EXPECT_EQ(h.min(), 1u);
  EXPECT_EQ(h.max(), 100000u);
  EXPECT_EQ(h.Percentile(100), 100000u);
  EXPECT_EQ(h.Percentile(0), 1u);
  for (const double p : {1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99}) {
    EXPECT_NEAR(static_cast<double>(h.Percentile(p)), p * 1000, p * 1000 / 128 + 1) << p;
  }
  EXPECT_NEAR(h.mean(), 50000.5, 1e-6);
  EXPECT_NEAR(h.StdDev(), 28867.5, 30);
}

TEST(Histogram, MergeEqualsRecordingIntoOne) {
  Histogram a, b, both;
  SplitMix64 random(3);
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t v = random.Below(1 << 30);
    (i % 3 == 0 ? a : b).Record(v);
    both.Record(v);
  }
  a.Merge(b);
  a.Merge(Histogram());
  EXPECT_EQ(a.ToHgrm(), both.ToHgrm());
  EXPECT_EQ(a.min(), both.min());
}

TEST(Histogram, HgrmHasTheLinesOfHdrHistogram) {
  Histogram h;
  for (int i = 0; i < 1000; ++i) h.Record(1000);
  h.Record(5000000);
  const std::string text = h.ToHgrm(1000);
  EXPECT_EQ(text.find("       Value     Percentile TotalCount 1/(1-Percentile)"), 0u);
  EXPECT_NE(text.find("#[Mean    ="), std::string::npos);
  EXPECT_NE(text.find("#[Max     =     5000.000, Total count    =         1001]"),
            std::string::npos);
  EXPECT_NE(text.find("1.000000000000       1001"), std::string::npos);
}

TEST(Message, StampsSurvivePacking) {
  const Stamp stamp{(std::uint64_t{1} << 46) - 1, kMaxProducers - 1, kMaxPriorities - 1};
  const Stamp back = Stamp::Unpack(stamp.Pack());
  EXPECT_EQ(back.sequence, stamp.sequence);
  EXPECT_EQ(back.producer, stamp.producer);
  EXPECT_EQ(back.priority, stamp.priority);
}

TEST(Message, EveryFlippedByteIsSeenAtEverySize) {
  for (const std::size_t size : {1,    2,    7,    8,    9,    15,   16,   17,   64,   511,
                                 4095, 4096, 4097, 4104, 4106, 4111, 4112, 8192, 8199, 65536}) {
    Templates sender(size, 9), receiver(size, 9);
    const Stamp stamp{5, 0, 0};
    std::vector<unsigned char> message(sender.Stamped(stamp), sender.Stamped(stamp) + size);
    ASSERT_TRUE(receiver.Matches(message.data(), stamp)) << size;
    const std::size_t step = size > 5000 ? 61 : 1;
    for (std::size_t i = 0; i < size; i += step) {
      message[i] ^= 0x40;
      ASSERT_FALSE(receiver.Matches(message.data(), stamp)) << size << " byte " << i;
      ASSERT_EQ(receiver.FirstDifference(message.data(), stamp), i);
      message[i] ^= 0x40;
    }
  }
}

TEST(Message, APageOfANeighbourIsSeenAsATear) {
  Templates templates(65536, 1);
  for (std::uint64_t other = 0; other < 20; ++other) {
    const Stamp stamp{10, 0, 0};
    if (other == stamp.sequence) continue;
    std::vector<unsigned char> message(templates.Stamped(stamp), templates.Stamped(stamp) + 65536);
    const unsigned char* neighbour = templates.Stamped({other, 0, 0});
    for (std::size_t page = 0; page < 65536; page += 4096) {
      std::vector<unsigned char> torn = message;
      std::copy(neighbour + page, neighbour + page + 4096, torn.begin() + static_cast<long>(page));
      ASSERT_FALSE(templates.Matches(torn.data(), stamp)) << other << " at " << page;
    }
  }
}

TEST(Message, PagesThatChangedPlacesAreSeen) {
  const Stamp stamp{7, 0, 0};
  for (const std::size_t size : {std::size_t{65536}, std::size_t{1} << 20}) {
    Templates templates(size, 1);
    const std::vector<unsigned char> message(templates.Stamped(stamp),
                                             templates.Stamped(stamp) + size);
    for (std::size_t other = 4096; other + 4096 <= size; other += 4096) {
      std::vector<unsigned char> repeated = message;
      std::copy_n(message.begin() + 4096, 4096, repeated.begin() + static_cast<long>(other));
      ASSERT_EQ(templates.Matches(repeated.data(), stamp), other == 4096)
          << size << " at " << other;
    }
  }
}

TEST(CpuList, ParsesAndFormats) {
  EXPECT_EQ(ParseCpuList("0-3,7\n"), (std::vector<int>{0, 1, 2, 3, 7}));
  EXPECT_EQ(ParseCpuList("5"), std::vector<int>{5});
  EXPECT_TRUE(ParseCpuList("").empty());
  for (const char* wrong : {"x", "3-", "3-1", "-1", "1,,2", "1 2", "0-99999999"}) {
    EXPECT_TRUE(ParseCpuList(wrong).empty()) << wrong;
  }
  EXPECT_EQ(FormatCpuList({0, 1, 2, 3, 7, 9, 10}), "0-3,7,9-10");
}

// A made-up sysfs tree.
class SysfsFiles {
 public:
  SysfsFiles() {
    const char* tmp = std::getenv("TEST_TMPDIR");
    std::string made = std::string(tmp != nullptr ? tmp : "/tmp") + "/sysfs-" + std::string(6, 'X');
    if (mkdtemp(made.data()) == nullptr) std::abort();
    root = made;
  }
  ~SysfsFiles() { std::filesystem::remove_all(root); }
  void Put(const std::string& path, const std::string& text) const {
    const std::filesystem::path full = root + "/" + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text << "\n";
  }
  std::string root;
};

// A sysfs tree of a machine of `packages` x `nodes` x `cores` x 2 hardware threads; siblings are
// numbered as real machines do: all first threads, then all second ones.
class Sysfs : public SysfsFiles {
 public:
  Sysfs(int packages, int nodes_of_package, int cores_of_node) {
    const int cores = packages * nodes_of_package * cores_of_node;
    cpus = cores * 2;
    Put("devices/system/cpu/online", "0-" + std::to_string(cpus - 1));
    std::map<int, std::vector<int>> nodes;
    for (int cpu = 0; cpu < cpus; ++cpu) {
      const int core = cpu % cores, node = core / cores_of_node;
      nodes[node].push_back(cpu);
      const std::string dir = "devices/system/cpu/cpu" + std::to_string(cpu);
      Put(dir + "/topology/core_id", std::to_string(core % (nodes_of_package * cores_of_node)));
      Put(dir + "/topology/physical_package_id", std::to_string(node / nodes_of_package));
      Put(dir + "/cache/index0/level", "1");
      Put(dir + "/cache/index0/type", "Data");
      Put(dir + "/cache/index0/shared_cpu_list",
          std::to_string(core) + "," + std::to_string(core + cores));
      Put(dir + "/cache/index1/level", "3");
      Put(dir + "/cache/index1/type", "Unified");
      const int first = node * cores_of_node, last = first + cores_of_node - 1;
      Put(dir + "/cache/index1/shared_cpu_list",
          std::to_string(first) + "-" + std::to_string(last) + "," + std::to_string(first + cores) +
              "-" + std::to_string(last + cores));
    }
    Put("devices/system/node/online", "0-" + std::to_string(nodes.size() - 1));
    for (const auto& [node, list] : nodes) {
      Put("devices/system/node/node" + std::to_string(node) + "/cpulist", FormatCpuList(list));
    }
  }
  std::vector<int> All() const {
    std::vector<int> all;
    for (int i = 0; i < cpus; ++i) all.push_back(i);
    return all;
  }
  int cpus = 0;
};

TEST(Topology, TwoSocketsFourNodesOf256Threads) {
  const Sysfs sysfs(2, 2, 32);  // 2 x 2 x 32 x 2 = 256
  const Topology t = ReadTopology(sysfs.root, sysfs.All());
  ASSERT_EQ(t.cpus.size(), 256u);
  EXPECT_TRUE(t.from_sysfs);
  EXPECT_EQ(t.cores(), 128);
  EXPECT_EQ(t.packages(), 2);
  EXPECT_EQ(t.nodes(), 4);
  EXPECT_EQ(t.caches(), 4);
  EXPECT_EQ(t.Describe(), "256 cpus, 128 cores, 2 packages, 4 NUMA nodes, 4 last-level caches");
  std::string why;
  EXPECT_EQ(Plan(t, Placement::kSameCore, 3, &why), (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(Plan(t, Placement::kSmt, 2, &why), (std::vector<int>{0, 128}));
  const std::vector<int> cache = Plan(t, Placement::kCache, 3, &why);
  EXPECT_EQ(cache, (std::vector<int>{0, 1, 2}));
  const std::vector<int> socket = Plan(t, Placement::kSocket, 2, &why);
  EXPECT_EQ(socket, (std::vector<int>{0, 32}));  // one package, different caches
  const std::vector<int> spread = Plan(t, Placement::kSpread, 4, &why);
  EXPECT_EQ(spread, (std::vector<int>{0, 64, 32, 96}));  // the other package, then other nodes
}

TEST(Topology, SweepTakesCoresOverNodesThenSiblings) {
  const Sysfs sysfs(2, 1, 4);  // 16 threads
  const Topology t = ReadTopology(sysfs.root, sysfs.All());
  EXPECT_EQ(SweepOrder(t),
            (std::vector<int>{0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}));
}

// As a guest of QEMU with -smp sockets=1,dies=2,cores=2,threads=2: core ids repeat in each die.
TEST(Topology, CoreIdsMayRepeatInEachDie) {
  const SysfsFiles sysfs;
  sysfs.Put("devices/system/cpu/online", "0-7");
  for (int cpu = 0; cpu < 8; ++cpu) {
    const std::string dir = "devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    sysfs.Put(dir + "core_id", std::to_string(cpu / 2 % 2));
    sysfs.Put(dir + "physical_package_id", "0");
    sysfs.Put(dir + "core_cpus_list", FormatCpuList({cpu / 2 * 2, cpu / 2 * 2 + 1}));
  }
  const Topology t = ReadTopology(sysfs.root, {0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(t.Describe(), "8 cpus, 4 cores, 1 package, 1 NUMA node, caches unknown");
  std::string why;
  EXPECT_EQ(Plan(t, Placement::kSmt, 2, &why), (std::vector<int>{0, 1}));
  EXPECT_TRUE(Plan(t, Placement::kCache, 2, &why).empty()) << "unknown caches are not shared ones";
  EXPECT_EQ(why, "sysfs does not say which cpus share a cache");
  EXPECT_EQ(SweepOrder(t), (std::vector<int>{0, 2, 4, 6, 1, 3, 5, 7}));
}

// Cores of one package and one node below two caches (as on AMD), cpus 2 and 3 offline, ids with
// holes; sibling lists in the older file.
TEST(Topology, SpreadTakesCachesInTurnAndSkipsWhatIsOffline) {
  const SysfsFiles sysfs;
  sysfs.Put("devices/system/cpu/online", "0-1,4-7");
  sysfs.Put("devices/system/node/online", "0");
  sysfs.Put("devices/system/node/node0/cpulist", "0-1,4-7");
  for (const int cpu : {0, 1, 4, 5, 6, 7}) {
    const std::string dir = "devices/system/cpu/cpu" + std::to_string(cpu);
    sysfs.Put(dir + "/topology/thread_siblings_list", std::to_string(cpu));
    sysfs.Put(dir + "/topology/physical_package_id", "7");
    sysfs.Put(dir + "/cache/index0/level", "3");
    sysfs.Put(dir + "/cache/index0/type", "Unified");
    sysfs.Put(dir + "/cache/index0/shared_cpu_list", cpu < 5 ? "0-1,4" : "5-7");
  }
  const Topology t = ReadTopology(sysfs.root, {0, 1, 4, 5, 6, 7});
  EXPECT_EQ(t.Describe(), "6 cpus, 6 cores, 1 package, 1 NUMA node, 2 last-level caches");
  EXPECT_EQ(Plan(t, Placement::kSpread, 2, nullptr), (std::vector<int>{0, 5}));
  EXPECT_EQ(SweepOrder(t), (std::vector<int>{0, 5, 1, 6, 4, 7}));
  EXPECT_EQ(Plan(t, Placement::kCache, 3, nullptr), (std::vector<int>{0, 1, 4}));
}

// Two packages on one node: more processes than cores go to siblings, not back to the first core.
TEST(Topology, SpreadUsesSiblingsBeforeItUsesACpuTwice) {
  const Sysfs sysfs(2, 1, 2);  // 8 threads
  Topology t = ReadTopology(sysfs.root, sysfs.All());
  for (Cpu& cpu : t.cpus) cpu.node = 0;
  EXPECT_EQ(Plan(t, Placement::kSpread, 6, nullptr), (std::vector<int>{0, 2, 1, 3, 4, 6}));
}

TEST(Topology, OnlyAllowedCpusCount) {
  const Sysfs sysfs(2, 2, 32);
  const Topology t = ReadTopology(sysfs.root, {3, 131, 40});
  EXPECT_EQ(t.cpus.size(), 3u);
  EXPECT_EQ(t.online, 256);
  EXPECT_EQ(t.cores(), 2);
  std::string why;
  EXPECT_EQ(Plan(t, Placement::kSmt, 2, &why), (std::vector<int>{3, 131}));
  EXPECT_TRUE(Plan(t, Placement::kCache, 2, &why).empty());
  EXPECT_EQ(why, "no two cores of the allowed set share a last-level cache");
}

TEST(Topology, WithoutSysfsEachCpuIsACore) {
  const Topology t = ReadTopology("/nonexistent", {0, 1});
  EXPECT_FALSE(t.from_sysfs);
  EXPECT_EQ(t.cores(), 2);
  EXPECT_EQ(t.packages(), 1);
  std::string why;
  EXPECT_TRUE(Plan(t, Placement::kSmt, 2, &why).empty());
  EXPECT_EQ(Plan(t, Placement::kNone, 2, &why), (std::vector<int>{-1, -1}));
}

std::vector<ScalingPoint> Curve(double lambda, double sigma, double kappa, double noise) {
  std::vector<ScalingPoint> points;
  SplitMix64 random(11);
  for (const int n : {1, 2, 4, 8, 16, 32, 64}) {
    ScalingPoint p;
    p.n = n;
    const double x = lambda * n / (1 + sigma * (n - 1) + kappa * n * (n - 1));
    for (int i = 0; i < 5; ++i) {
      const double r = static_cast<double>(random.Below(2001)) / 1000 - 1;
      p.samples.push_back(x * (1 + noise * r));
    }
    points.push_back(p);
  }
  return points;
}

TEST(Usl, FindsTheParametersOfAnExactCurve) {
  const auto fit = FitUsl(Curve(1e6, 0.05, 0.0005, 0));
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->lambda.value, 1e6, 1);
  EXPECT_NEAR(fit->sigma.value, 0.05, 1e-6);
  EXPECT_NEAR(fit->kappa.value, 0.0005, 1e-8);
  EXPECT_NEAR(fit->peak_n, std::sqrt(0.95 / 0.0005), 0.01);
  EXPECT_NEAR(fit->r_squared, 1, 1e-9);
}

TEST(Usl, IntervalsHoldTheTruthOfANoisyCurve) {
  const auto fit = FitUsl(Curve(1e6, 0.05, 0.0005, 0.03));
  ASSERT_TRUE(fit);
  EXPECT_LT(fit->sigma.low, fit->sigma.high);
  EXPECT_LE(fit->sigma.low, 0.06);
  EXPECT_GE(fit->sigma.high, 0.04);
  EXPECT_LE(fit->kappa.low, 0.0006);
  EXPECT_GE(fit->kappa.high, 0.0004);
}

TEST(Usl, LinearScalingHasNoContentionAndNoNegativeOne) {
  const auto fit = FitUsl(Curve(1e6, 0, 0, 0.01));
  ASSERT_TRUE(fit);
  EXPECT_GE(fit->sigma.low, 0);
  EXPECT_GE(fit->kappa.low, 0);
  EXPECT_LT(fit->sigma.value, 0.01);
}

TEST(Usl, FourPointsGiveNoFitButARatio) {
  std::vector<ScalingPoint> points = Curve(1e6, 0.05, 0.0005, 0);
  points.resize(4);
  EXPECT_FALSE(FitUsl(points));
}

}  // namespace
}  // namespace ipcsuite::stress
