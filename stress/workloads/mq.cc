// Message queues: n producers and m consumers with priorities on one queue, and the exact order of
// bursts.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "spec/clauses/mqueue.h"
#include "stress/engine/workload.h"
#include "stress/traffic/queues.h"
#include "stress/traffic/transport_mq.h"

namespace ipcsuite::stress {

namespace {

class MqStream : public Workload {
 public:
  ~MqStream() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    message_bytes_ = spec.size_bytes;
    consumers_ = spec.consumers;
    return queues_.Add(registry, {.depth = 10, .message_bytes = spec.size_bytes});
  }

  void Run(Worker& w) override {
    // Each process opens the queue itself, as unrelated processes do.
    const mqd_t own =
        mq_open(queues_.name(0).c_str(), w.role == Role::kProducer ? O_WRONLY : O_RDONLY);
    if (own == static_cast<mqd_t>(-1)) {
      w.Report(Kind::kWrongErrno, clause::mq_open::oflag_access_modes_usable,
               "mq_open of a queue that exists", 0, 0, errno);
      return;
    }
    MqTransport transport{own, message_bytes_};
    RunStream(w, transport);
    mq_close(own);
  }

  void ProducersDone(const Shared& shared) override {
    stops_wanted_ = consumers_;
    Nudge(shared);
  }
  // One stop message of no bytes for each consumer, as there is room: the parent must not block.
  void Nudge(const Shared&) override {
    const timespec past{0, 0};
    while (stops_sent_ < stops_wanted_ && mq_timedsend(queues_[0], "", 0, 0, &past) == 0) {
      ++stops_sent_;
    }
  }

  void Audit(const Shared&, const RunSpec& spec, AuditSink& sink) override {
    mq_attr attr{};
    if (spec.mode == Mode::kRaw || mq_getattr(queues_[0], &attr) != 0) return;
    ++sink.checks;
    // A consumer that ended early leaves its stop message; only stops may be left.
    if (attr.mq_curmsgs > stops_sent_) {
      sink.findings.push_back({Kind::kStuck, clause::mq_receive::basic_length_and_removal,
                               std::to_string(attr.mq_curmsgs) +
                                   " messages are left in the queue after all consumers ended"});
    }
  }

  void Teardown() override { queues_.Remove(); }

 private:
  Queues queues_;  // one
  std::size_t message_bytes_ = 0;
  int consumers_ = 0, stops_wanted_ = 0, stops_sent_ = 0;
};

// Every process fills and drains a queue of its own with messages of random priorities: the order
// in which they come out is known exactly.
class MqOrder : public Workload {
 public:
  ~MqOrder() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    const Queues::Shape shape = {.depth = 10,
                                 .message_bytes = std::max<std::size_t>(8, spec.size_bytes),
                                 .flags = O_NONBLOCK};
    std::string error;
    for (int i = 0; i < spec.producers && error.empty(); ++i) error = queues_.Add(registry, shape);
    return error;
  }

  void Run(Worker& w) override {
    const mqd_t queue = queues_[static_cast<std::size_t>(w.role_index)];
    mq_attr attr{};
    if (mq_getattr(queue, &attr) != 0) return;
    if (w.spec.mode == Mode::kRaw) {
      Bursts<true>(w, queue, attr);
    } else {
      Bursts<false>(w, queue, attr);
    }
  }

  void Teardown() override { queues_.Remove(); }

 private:
  template <bool kRaw>
  void Bursts(Worker& w, mqd_t queue, const mq_attr& attr) {
    const auto size = static_cast<std::size_t>(attr.mq_msgsize);
    Templates templates(size, w.spec.seed);
    std::vector<unsigned char> buffer(size);
    std::vector<Stamp> order;
    std::uint64_t sequence = 0, done = w.count();
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      const auto burst = 1 + w.random.Below(static_cast<std::uint64_t>(attr.mq_maxmsg));
      order.clear();
      for (std::uint64_t i = 0; i < burst; ++i) {
        Stamp stamp{sequence++, static_cast<std::uint32_t>(w.role_index),
                    static_cast<std::uint32_t>(
                        w.random.Below(static_cast<std::uint64_t>(w.spec.priorities)))};
        const unsigned char* bytes =
            kRaw ? templates.Unstamped(stamp.sequence) : templates.Stamped(stamp);
        if (!kRaw) w.Enter(CallId::kMqSend);
        if (mq_send(queue, reinterpret_cast<const char*>(bytes), size, stamp.priority) != 0 &&
            !Retry(w, queue, bytes, size, stamp)) {
          return;
        }
        if (!kRaw) order.push_back(stamp);
      }
      if (!kRaw) {
        std::stable_sort(order.begin(), order.end(),
                         [](const Stamp& a, const Stamp& b) { return a.priority > b.priority; });
      }
      for (std::uint64_t i = 0; i < burst; ++i) {
        unsigned priority = 0;
        if (!kRaw) w.Enter(CallId::kMqReceive);
        ssize_t n;
        do {
          n = mq_receive(queue, reinterpret_cast<char*>(buffer.data()), size, &priority);
        } while (n < 0 && errno == EINTR);
        if (!kRaw && !CheckOne(w, templates, buffer.data(), n, priority, order[i])) return;
        w.Count(++done);
      }
      if (!kRaw) w.Leave();
    }
  }

  static bool Retry(Worker& w, mqd_t queue, const unsigned char* bytes, std::size_t size,
                    const Stamp& stamp) {
    while (errno == EINTR) {
      if (mq_send(queue, reinterpret_cast<const char*>(bytes), size, stamp.priority) == 0)
        return true;
    }
    w.Report(Kind::kWrongErrno, clause::mq_open::create_capacity_honoured,
             "mq_send failed on a queue with room", stamp.Pack(), 0, errno);
    return false;
  }

  static bool CheckOne(Worker& w, Templates& templates, const unsigned char* bytes, ssize_t n,
                       unsigned priority, const Stamp& expected) {
    w.Checked();
    if (n != static_cast<ssize_t>(templates.size())) {
      w.Report(n < 0 ? Kind::kLost : Kind::kWrongLength,
               clause::mq_receive::basic_length_and_removal,
               "mq_receive of a message that was sent", 0, expected.Pack(), n < 0 ? errno : 0);
      return false;
    }
    const Stamp got = Templates::Peek(bytes, templates.size());
    if (got.Pack() != expected.Pack()) {
      const bool inverted = got.priority < expected.priority;
      w.Report(inverted ? Kind::kPriorityInversion : Kind::kReordered,
               inverted ? clause::mq_receive::order_highest_priority_first
                        : clause::mq_receive::order_oldest_within_priority,
               "another message came out than the order of the burst says", got.Pack(),
               expected.Pack());
      return false;
    }
    if (priority != expected.priority) {
      w.Report(Kind::kPriorityInversion, clause::mq_receive::prio_stored_unless_null,
               "arrived with another priority than it was sent with", got.Pack(), expected.Pack());
    }
    if (!templates.Matches(bytes, expected)) {
      w.ReportTorn(clause::mq_send::content_bytes_preserved, bytes, templates.size(),
                   templates.FirstDifference(bytes, expected), expected.Pack());
    }
    return true;
  }

  Queues queues_;  // one for each process
};

const Row<WorkloadInfo> kMqStreamRow({
    .name = "mq",
    .title = "message queue, n producers and m consumers with priorities",
    .explain =
        "Producers send to one queue with random priorities, consumers receive. Numbers of each "
        "producer and priority ascend at each consumer; after the run each message was received "
        "exactly once. Logged calls decide the order between consumers, and of priorities. "
        "Producers and consumers are killed: each has at most one message in hand.",
    .test_name = "Stress.MqStream",
    .shape = Shape::kShared,
    .producers = 2,
    .consumers = 2,
    .max_priorities = 31,
    .size_large = 8 * kKiB,
    .kill_producer_upto = 8 * kKiB,
    .kill_consumer_upto = 8 * kKiB,
    .waits = true,
    .clauses = {clause::threads::safety_no_loss_no_duplication,
                clause::mq_send::content_bytes_preserved,
                clause::mq_receive::order_oldest_within_priority,
                clause::mq_receive::order_highest_priority_first,
                clause::mq_receive::prio_stored_unless_null,
                clause::mq_send::full_blocks_until_space,
                clause::mq_receive::empty_blocks_until_message,
                clause::mq_receive::basic_length_and_removal},
    .loss_clause = clause::threads::safety_no_loss_no_duplication,
    .order_clause = clause::mq_receive::order_oldest_within_priority,
    .priority_clause = clause::mq_receive::order_highest_priority_first,
    .make = &Make<MqStream>,
});

const Row<WorkloadInfo> kMqOrderRow({
    .name = "mq-order",
    .title = "exact order of bursts in a queue",
    .explain = "Each process fills and drains a queue of its own with random priorities: the order "
               "in which messages come out is known exactly.",
    .test_name = "Stress.MqOrder",
    .shape = Shape::kAlike,
    .uses_ledgers = false,
    .producers = 2,
    .consumers = 0,
    .max_priorities = 31,
    .open_loop = false,
    .sample_every = 0,
    .clauses = {clause::mq_receive::order_highest_priority_first,
                clause::mq_receive::order_oldest_within_priority,
                clause::mq_send::content_bytes_preserved},
    .loss_clause = clause::mq_receive::order_highest_priority_first,
    .make = &Make<MqOrder>,
});

}  // namespace

}  // namespace ipcsuite::stress
