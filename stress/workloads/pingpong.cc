// Round trips: a client sends, a server answers with the same bytes. One message is under way at a
// time, so the latency is that of two hand-overs without queueing.

#include "base/os/os.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"
#include "stress/traffic/queues.h"
#include "stress/traffic/transport_mq.h"
#include "stress/traffic/transport_pipe.h"
#include "stress/traffic/transport_ring.h"

namespace ipcsuite::stress {
namespace {

template <Mode M, class Transport>
void Ask(Worker& w, Transport& out, Transport& in) {
  Templates templates(w.spec.size_bytes, w.spec.seed);
  SentBook& book = w.shared.sent[static_cast<std::size_t>(w.role_index)];
  std::vector<unsigned char> buffer(in.BufferBytes(w.spec.size_bytes));
  const auto size = static_cast<ssize_t>(w.spec.size_bytes);
  std::uint64_t done = 0;
  while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
    Stamp stamp{book.next[0], static_cast<std::uint32_t>(w.role_index), 0};
    const unsigned char* bytes =
        M == Mode::kRaw ? templates.Unstamped(done) : templates.Stamped(stamp);
    const std::int64_t from = M == Mode::kTimed ? Ticks() : 0;
    unsigned priority = 0;
    if (out.template Send<M>(w, bytes, w.spec.size_bytes, 0) != size ||
        in.template Receive<M>(w, buffer.data(), buffer.size(), &priority) != size) {
      w.Report(Kind::kWrongErrno, Transport::kClauses.receive_error, "a round trip failed",
               stamp.Pack(), 0, errno);
      return;
    }
    if constexpr (M == Mode::kTimed) w.Latency(TicksToNs(Ticks() - from));
    if constexpr (M != Mode::kRaw) {
      w.Checked();
      if (!templates.Matches(buffer.data(), stamp)) {
        w.ReportTorn(Transport::kClauses.content, buffer.data(), w.spec.size_bytes,
                     templates.FirstDifference(buffer.data(), stamp), stamp.Pack());
      }
      book.next[0] = stamp.sequence + 1;
    }
    w.Count(++done);
  }
}

template <Mode M, class Transport>
void Answer(Worker& w, Transport& in, Transport& out) {
  Templates templates(w.spec.size_bytes, w.spec.seed);
  Ledger& ledger = w.shared.ledgers[static_cast<std::size_t>(w.role_index)];
  std::vector<unsigned char> buffer(in.BufferBytes(w.spec.size_bytes));
  std::uint64_t done = 0;
  for (;;) {
    w.Go();
    unsigned priority = 0;
    const ssize_t got = in.template Receive<M>(w, buffer.data(), buffer.size(), &priority);
    if (got == 0) return;
    if (got != static_cast<ssize_t>(w.spec.size_bytes)) {
      w.Report(got < 0 ? Kind::kWrongErrno : Kind::kWrongLength, Transport::kClauses.length,
               "a request has another length than was sent", 0, 0, got < 0 ? errno : 0);
      return;
    }
    if constexpr (M != Mode::kRaw) {
      CheckMessage<Transport>(w, templates, ledger, buffer.data(), w.spec.size_bytes, priority);
    }
    if (out.template Send<M>(w, buffer.data(), w.spec.size_bytes, 0) != got) {
      w.Report(Kind::kWrongErrno, Transport::kClauses.send_error, "an answer failed", 0, 0, errno);
      return;
    }
    w.Count(++done);
  }
}

// Runs the side of this worker; `there` carries requests, `back` answers.
template <class Transport>
void RunPingPong(Worker& w, Transport& there, Transport& back) {
  const bool ask = w.role == Role::kProducer;
  switch (w.spec.mode) {
    case Mode::kRaw:
      return ask ? Ask<Mode::kRaw>(w, there, back) : Answer<Mode::kRaw>(w, there, back);
    case Mode::kChecked:
      return ask ? Ask<Mode::kChecked>(w, there, back) : Answer<Mode::kChecked>(w, there, back);
    case Mode::kTimed:
      return ask ? Ask<Mode::kTimed>(w, there, back) : Answer<Mode::kTimed>(w, there, back);
  }
}

class PingPongPipe : public Workload {
 public:
  ~PingPongPipe() override { Teardown(); }
  std::string Setup(const RunSpec& spec, Registry&, SharedRegion&) override {
    fds_.assign(static_cast<std::size_t>(spec.producers) * 4, -1);
    for (std::size_t i = 0; i < fds_.size(); i += 2) {
      if (pipe(&fds_[i]) != 0) return std::string("pipe: ") + std::strerror(errno);
    }
    return "";
  }
  void Run(Worker& w) override {
    const std::size_t mine = static_cast<std::size_t>(w.role_index) * 4;
    const bool ask = w.role == Role::kProducer;
    const int out = fds_[mine + (ask ? 1 : 3)], in = fds_[mine + (ask ? 2 : 0)];
    for (const int fd : fds_) {
      if (fd != out && fd != in) close(fd);
    }
    PipeTransport there{ask ? -1 : in, ask ? out : -1}, back{ask ? in : -1, ask ? -1 : out};
    RunPingPong(w, there, back);
  }
  void ProducersDone(const Shared&) override {
    for (std::size_t i = 1; i < fds_.size(); i += 2) {
      close(fds_[i]);
      fds_[i] = -1;
    }
  }
  void Teardown() override {
    for (const int fd : fds_) {
      if (fd >= 0) close(fd);
    }
    fds_.clear();
  }

 private:
  std::vector<int> fds_;  // of each pair: request read, request write, answer read, answer write
};

class PingPongMq : public Workload {
 public:
  ~PingPongMq() override { Teardown(); }
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    size_ = spec.size_bytes;
    std::string error;
    for (int i = 0; i < spec.producers * 2 && error.empty(); ++i) {
      error = queues_.Add(registry, {.depth = 2, .message_bytes = size_});
    }
    return error;
  }
  void Run(Worker& w) override {
    const std::size_t mine = static_cast<std::size_t>(w.role_index) * 2;
    MqTransport there{queues_[mine], size_}, back{queues_[mine + 1], size_};
    RunPingPong(w, there, back);
  }
  void ProducersDone(const Shared&) override {
    const timespec past{0, 0};
    for (std::size_t i = 0; i < queues_.size(); i += 2) mq_timedsend(queues_[i], "", 0, 0, &past);
  }
  void Teardown() override { queues_.Remove(); }

 private:
  std::size_t size_ = 0;
  Queues queues_;  // of each pair: there, back
};

class PingPongShm : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    for (int i = 0; i < spec.producers * 2; ++i) {
      rings_.push_back(std::make_unique<ShmObject>());
      const std::string error =
          rings_.back()->Make(registry, sizeof(SpscHeader) + kSlots * Pitch(spec.size_bytes));
      if (!error.empty()) return error;
    }
    return "";
  }
  void Run(Worker& w) override {
    const std::size_t mine = static_cast<std::size_t>(w.role_index) * 2;
    void* const there_base = rings_[mine]->MapElsewhere(w);
    void* const back_base = rings_[mine + 1]->MapElsewhere(w);
    if (there_base == nullptr || back_base == nullptr) return;
    const bool ask = w.role == Role::kProducer;
    const int spins = SpinBudget(w.shared);
    SpscTransport there(there_base, w.spec.size_bytes, spins, ask);
    SpscTransport back(back_base, w.spec.size_bytes, spins, !ask);
    RunPingPong(w, there, back);
  }
  void Nudge(const Shared&) override {
    for (const auto& ring : rings_) {
      os::WakeWord(static_cast<SpscHeader*>(ring->base())->tail);
    }
  }
  void Teardown() override { rings_.clear(); }

 private:
  std::vector<std::unique_ptr<ShmObject>> rings_;
};

const Row<WorkloadInfo> kPingPongPipeRow({
    .name = "pingpong-pipe",
    .title = "round trips over two pipes",
    .explain = "One message under way: the latency of two hand-overs without queueing.",
    .test_name = "Stress.PingPongPipe",
    .size_default = 8,
    .open_loop = false,
    .unit = "round trips",
    .clauses = {clause::pipe::read_blocks_until_data},
    .loss_clause = clause::pipe::read_blocks_until_data,
    .make = &Make<PingPongPipe>,
});

const Row<WorkloadInfo> kPingPongMqRow({
    .name = "pingpong-mq",
    .title = "round trips over two queues",
    .explain = "One message under way: the latency of two hand-overs without queueing.",
    .test_name = "Stress.PingPongMq",
    .size_default = 8,
    .open_loop = false,
    .unit = "round trips",
    .clauses = {clause::mq_receive::empty_blocks_until_message},
    .loss_clause = clause::mq_receive::empty_blocks_until_message,
    .make = &Make<PingPongMq>,
});

const Row<WorkloadInfo> kPingPongShmRow({
    .name = "pingpong-shm",
    .title = "round trips over two rings in shared memory",
    .explain = "One message under way: the latency of two hand-overs without queueing.",
    .test_name = "Stress.PingPongShm",
    .size_default = 8,
    .open_loop = false,
    .unit = "round trips",
    .clauses = {clause::mmap::shared_visible_unrelated},
    .loss_clause = clause::mmap::shared_changes_object,
    .make = &Make<PingPongShm>,
});

}  // namespace

}  // namespace ipcsuite::stress
