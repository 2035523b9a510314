#include "stress/campaign/sweep.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/os/os.h"

namespace ipcsuite::stress {
namespace {

struct SweepControl {
  alignas(kLine) std::atomic<std::uint32_t> go;
  alignas(kLine) std::atomic<std::uint32_t> stop;
  alignas(kLine) std::atomic<std::uint64_t> counter;  // of the atomic add on one object
};

struct alignas(kLine) SweepWorker {
  std::atomic<std::uint64_t> count;
  std::atomic<std::uint32_t> ready;
  std::atomic<std::uint64_t> own;
};

enum class Operation { kPipe, kMq, kAtomic };

// The objects of a point: one for each process, or one for all.
struct Objects {
  std::vector<std::pair<int, int>> pipes;
  std::vector<mqd_t> queues;
  std::vector<std::string> names;
  Registry& registry;

  explicit Objects(Registry& r) : registry(r) {}
  ~Objects() {
    for (const auto& [reader, writer] : pipes) {
      close(reader);
      close(writer);
    }
    for (const mqd_t queue : queues) mq_close(queue);
    for (const std::string& name : names) {
      mq_unlink(name.c_str());
      registry.ForgetName(name);
    }
  }
  bool Make(Operation operation, int n) {
    for (int i = 0; i < n && operation != Operation::kAtomic; ++i) {
      if (operation == Operation::kPipe) {
        int fds[2];
        if (pipe(fds) != 0) return false;
        pipes.push_back({fds[0], fds[1]});
        continue;
      }
      const std::string name = registry.NewName(NameKind::kQueue);
      mq_attr attr{};
      attr.mq_maxmsg = 10;
      attr.mq_msgsize = 64;
      const mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
      names.push_back(name);
      if (queue == static_cast<mqd_t>(-1)) return false;
      queues.push_back(queue);
    }
    return true;
  }
};

// A process writes one message and reads one: at most one message of each process is under way, so
// nobody ever waits for room, and on a shared object nobody can be left without a message.
void Work(Operation operation, const Objects& objects, std::size_t object, SweepControl& control,
          SweepWorker& worker, bool shared) {
  char message[64] = {};
  std::uint64_t count = 0;
  while (control.stop.load(std::memory_order_relaxed) == 0) {
    switch (operation) {
      case Operation::kPipe:
        if (write(objects.pipes[object].second, message, sizeof message) < 0 ||
            read(objects.pipes[object].first, message, sizeof message) < 0) {
          return;
        }
        ++count;
        break;
      case Operation::kMq:
        if (mq_send(objects.queues[object], message, sizeof message, 0) != 0 ||
            mq_receive(objects.queues[object], message, sizeof message, nullptr) < 0) {
          return;
        }
        ++count;
        break;
      case Operation::kAtomic:
        for (int i = 0; i < 64; ++i) {
          (shared ? control.counter : worker.own).fetch_add(1, std::memory_order_relaxed);
        }
        count += 64;
        break;
    }
    worker.count.store(count, std::memory_order_relaxed);
  }
}

// Operations per second of `n` processes; -1 when it could not be set up.
double OnePoint(Context& context, Operation operation, bool shared, const std::vector<int>& cpus,
                int n, nanoseconds slice) {
  SharedRegion region((static_cast<std::size_t>(n) + 4) * 65536);
  auto* const control = region.Make<SweepControl>();
  std::vector<SweepWorker*> workers;
  for (int i = 0; i < n; ++i) workers.push_back(region.Make<SweepWorker>());
  Objects objects(context.registry);
  // No more than ten messages fit into a queue of default limits.
  if (operation == Operation::kMq && shared && n > 10) return -1;
  if (!objects.Make(operation, shared ? 1 : n)) return -1;
  std::vector<std::pair<pid_t, int>> children;
  const pid_t parent = getpid();
  for (int i = 0; i < n; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      DieWithParent(parent);
      PinSelf(cpus[static_cast<std::size_t>(i) % cpus.size()], context.allowed);
      SweepWorker& mine = *workers[static_cast<std::size_t>(i)];
      mine.ready.store(1);
      while (control->go.load() == 0) os::WaitOnWord(control->go, 0);
      Work(operation, objects, shared ? 0 : static_cast<std::size_t>(i), *control, mine, shared);
      _exit(0);
    }
    if (pid > 0) children.push_back({pid, context.registry.Remember(pid)});
  }
  const auto total = [&] {
    std::uint64_t sum = 0;
    for (const SweepWorker* worker : workers) sum += worker->count.load();
    return sum;
  };
  const auto wait = [&](nanoseconds duration) {
    const Deadline end(duration);
    while (!end.passed() && !context.interrupted())
      context.Pause(std::max<nanoseconds>(1us, end.left()));
  };
  for (const SweepWorker* worker : workers) {
    for (int i = 0; i < 10000 && worker->ready.load() == 0; ++i) context.Pause(1ms);
  }
  control->go.store(1);
  os::WakeWord(control->go);
  wait(slice / 5);
  const std::uint64_t before = total();
  const std::int64_t from = NowNs();
  wait(slice);
  const std::uint64_t after = total();
  const double elapsed = static_cast<double>(NowNs() - from) / 1e9;
  control->stop.store(1);
  for (const auto& [pid, slot] : children) {
    // On a shared object the last ones could wait for a message that a stopped one took along.
    for (int i = 0; i < 20 && waitpid(pid, nullptr, WNOHANG) == 0; ++i) {
      if (i == 19) {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        break;
      }
      context.Pause(1ms);
    }
    context.registry.Forget(slot);
  }
  return static_cast<double>(after - before) / elapsed;
}

std::string Where(int n, int cores, int cpus) {
  if (n <= cores) return std::to_string(n) + (n == 1 ? " core" : " cores");
  if (n <= cpus) return std::to_string(n) + " hardware threads";
  return std::to_string(n) + " on " + std::to_string(cpus) + " cpus";
}

}  // namespace

std::vector<int> SweepSizes(int cores, int cpus) {
  std::vector<int> sizes;
  for (int n = 1; n < cores; n *= 2) sizes.push_back(n);
  sizes.push_back(cores);
  if (cpus > cores) sizes.push_back(cpus);
  sizes.push_back(2 * cpus);
  return sizes;
}

std::vector<ScalingCurve> RunSweep(Context& context, const Topology& topology, nanoseconds slice,
                                   int repeats,
                                   const std::function<void(const std::string&)>& progress) {
  std::vector<ScalingCurve> curves;
  const std::vector<int> order = SweepOrder(topology);
  const int cores = topology.cores(), cpus = static_cast<int>(order.size());
  struct Row {
    Operation operation;
    const char* name;
  };
  for (const Row& row :
       {Row{Operation::kPipe, "pipe write+read"}, Row{Operation::kMq, "mq send+receive"},
        Row{Operation::kAtomic, "atomic add"}}) {
    for (const bool shared : {false, true}) {
      ScalingCurve curve;
      curve.operation = row.name;
      curve.shared_object = shared;
      double first = 0;
      for (const int n : SweepSizes(cores, cpus)) {
        ScalingPoint point;
        point.n = n;
        for (int i = 0; i < repeats && !context.interrupted(); ++i) {
          progress(std::string(row.name) + (shared ? ", one object" : ", own objects") + ", " +
                   Where(n, cores, cpus));
          const double rate = OnePoint(context, row.operation, shared, order, n, slice);
          if (rate > 0) point.samples.push_back(rate);
        }
        if (point.samples.empty()) continue;
        const double median = Median(point.samples);
        if (n == 1) first = median;
        if (n <= cpus && first > 0) curve.ratio = median / first;
        curve.points.push_back(point);
        curve.where.push_back(Where(n, cores, cpus));
      }
      // Oversubscribed points are no more of the machine: the law is fitted to cpus of their own.
      std::vector<ScalingPoint> own;
      for (const ScalingPoint& point : curve.points) {
        if (point.n <= cpus) own.push_back(point);
      }
      curve.fit = FitUsl(own, context.seed);
      curves.push_back(std::move(curve));
    }
  }
  return curves;
}

namespace {

struct Line {
  alignas(kLine) std::atomic<std::uint32_t> ball;
  alignas(kLine) std::atomic<std::uint32_t> ready;
};

// One way, in nanoseconds; 0 when it could not be measured.
double HandOver(Context& context, int from, int to) {
  constexpr std::uint32_t kRounds = 20000;
  SharedRegion region(4 * 65536);
  auto* const line = region.Make<Line>();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    DieWithParent(parent);
    if (!PinSelf(to, context.allowed)) _exit(1);
    line->ready.store(1);
    for (std::uint32_t i = 1; i < 2 * kRounds; i += 2) {
      while (line->ball.load(std::memory_order_acquire) != i) {
      }
      line->ball.store(i + 1, std::memory_order_release);
    }
    _exit(0);
  }
  if (pid < 0) return 0;
  const int slot = context.registry.Remember(pid);
  double best = 0;
  if (PinSelf(from, context.allowed)) {
    for (int i = 0; i < 5000 && line->ready.load() == 0; ++i) context.Pause(1ms);
    std::int64_t t = NowNs();
    const Deadline patience(5s);
    constexpr std::uint32_t kBatch = 1000;
    for (std::uint32_t i = 0; i < kRounds; ++i) {
      line->ball.store(2 * i + 1, std::memory_order_release);
      for (std::uint32_t spin = 0; line->ball.load(std::memory_order_acquire) != 2 * i + 2;
           ++spin) {
        if (spin % 100000 == 99999 && patience.passed()) {
          best = 0;
          i = kRounds;
          break;
        }
      }
      if (i < kRounds && i % kBatch == kBatch - 1) {
        // The best batch: a tick or another process spoils the others.
        const std::int64_t now = NowNs();
        const double each = static_cast<double>(now - t) / kBatch / 2;
        best = best == 0 ? each : std::min(best, each);
        t = now;
      }
    }
  }
  kill(pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  context.registry.Forget(slot);
  return best;
}

}  // namespace

CoreMatrix MeasureCoreMatrix(Context& context, const Topology& topology, int max_cpus) {
  CoreMatrix matrix;
  const std::vector<int> order = SweepOrder(topology);
  for (const int cpu : order) {
    if (static_cast<int>(matrix.cpus.size()) < max_cpus) matrix.cpus.push_back(cpu);
  }
  if (matrix.cpus.size() < order.size()) {
    matrix.note = "the first " + std::to_string(max_cpus) + " of " + std::to_string(order.size()) +
                  " cpus in sweep order";
  }
  if (matrix.cpus.size() < 2) {
    matrix.note = "only one cpu is allowed";
    return matrix;
  }
  std::sort(matrix.cpus.begin(), matrix.cpus.end());
  const std::size_t n = matrix.cpus.size();
  matrix.ns.assign(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n && !context.interrupted(); ++i) {
    for (std::size_t j = 0; j < i && !context.interrupted(); ++j) {
      matrix.ns[i][j] = matrix.ns[j][i] = HandOver(context, matrix.cpus[i], matrix.cpus[j]);
    }
  }
  PinSelf(-1, context.allowed);
  return matrix;
}

}  // namespace ipcsuite::stress
