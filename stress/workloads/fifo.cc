// FIFO whose openers come and go: writers open, send a few records, close; the reader opens again
// at each end-of-file while it holds the old descriptor, so that nothing that was written may be
// lost.
#include <sys/stat.h>

#include "spec/clauses/fifo.h"
#include "spec/clauses/pipe_io.h"
#include "stress/engine/workload.h"
#include "stress/traffic/transport_pipe.h"

namespace ipcsuite::stress {
namespace {

constexpr StreamClauses kFifoClauses = {
    .content = clause::fifo::io_same_as_pipe,
    .order = clause::fifo::io_same_as_pipe,
    .priority = clause::fifo::io_same_as_pipe,
    .loss = clause::fifo::io_discard_on_last_close,
    .length = clause::pipe::write_blocking_completes,
    .send_error = clause::fifo::open_wronly_waits_for_reader,
    .receive_error = clause::fifo::open_rdonly_waits_for_writer,
    .send_restart = clause::fifo::open_sa_restart,
    .receive_restart = clause::fifo::open_sa_restart,
};

struct OpenerTransport {
  static constexpr StreamClauses kClauses = kFifoClauses;
  std::string path;
  ChunkTransport pipe{-1, -1};
  int left = 0;  // records until the writer closes
  std::uint64_t opens = 0;

  std::size_t BufferBytes(std::size_t message) const { return message; }

  template <Mode M>
  int Open(Worker& w, int flags) {
    for (;;) {
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kOpen);
      const int fd = open(path.c_str(), flags);
      if constexpr (M != Mode::kRaw) w.Leave();
      if (fd >= 0) {
        w.cold.extra[0] = ++opens;
        return fd;
      }
      // Another process's exhaustion of descriptors is not ours, but the system's table may be
      // full.
      if (errno != EINTR) return -1;
      if constexpr (M != Mode::kRaw) w.Interrupted(kClauses.send_restart);
    }
  }

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned) {
    if (pipe.write_fd < 0) {
      pipe.write_fd = Open<M>(w, O_WRONLY);
      if (pipe.write_fd < 0) return -1;
      left = 1 + static_cast<int>(w.random.Below(16));
    }
    const ssize_t n = pipe.Send<M>(w, bytes, size, 0);
    if (--left == 0 || n < 0) {
      close(pipe.write_fd);
      pipe.write_fd = -1;
    }
    return n;
  }

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned*) {
    if (pipe.read_fd < 0) {
      pipe.read_fd = Open<M>(w, O_RDONLY);
      if (pipe.read_fd < 0) return -1;
    }
    for (;;) {
      // The state before the read: what was written before "drained" is then seen.
      const bool drained = w.Drained();
      const ssize_t n = pipe.Receive<M>(w, bytes, size, nullptr);
      if (n != 0 || drained) return n;
      const int next = Open<M>(w, O_RDONLY);
      if (next < 0) return -1;
      close(pipe.read_fd);
      pipe.read_fd = next;
    }
  }
};

class FifoOpeners : public Workload {
 public:
  ~FifoOpeners() override { Teardown(); }
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    registry_ = &registry;
    path_ = registry.NewName(NameKind::kPath);
    if (mkfifo(path_.c_str(), 0600) != 0) {
      return "mkfifo " + path_ + ": " + std::strerror(errno) + " (set TMPDIR to a place for FIFOs)";
    }
    const long pipe_buf = pathconf(path_.c_str(), _PC_PIPE_BUF);
    if (pipe_buf > 0 && spec.size_bytes > static_cast<std::size_t>(pipe_buf)) {
      return "records of " + std::to_string(spec.size_bytes) + " bytes exceed PIPE_BUF";
    }
    return "";
  }
  void Run(Worker& w) override {
    OpenerTransport transport;
    transport.path = path_;
    transport.opens = w.cold.extra[0];
    RunStream(w, transport);
  }
  void Nudge(const Shared& shared) override {
    // Releases a reader that waits in open() for writers that won't come any more.
    if (shared.control->phase.load() != Phase::kDrained) return;
    const int fd = open(path_.c_str(), O_WRONLY | O_NONBLOCK);
    if (fd >= 0) close(fd);
  }
  void Audit(const Shared& shared, const RunSpec&, AuditSink& sink) override {
    std::uint64_t opens = 0;
    for (const WorkerCold* cold : shared.cold) opens += cold->extra[0];
    sink.facts.emplace_back("opens", std::to_string(opens));
    sink.checks += opens;
  }
  void Teardown() override {
    if (registry_ != nullptr) registry_->RemovePath(&path_);
  }

 private:
  Registry* registry_ = nullptr;
  std::string path_;
};

const Row<WorkloadInfo> kFifoOpenersRow({
    .name = "fifo-openers",
    .title = "FIFO with openers coming and going",
    .explain = "Producers open a FIFO, write a few records, close it, and so on; the reader opens "
               "it again at each end-of-file while it holds the old descriptor. Nothing that was "
               "written may be lost.",
    .test_name = "Stress.FifoOpeners",
    .shape = Shape::kFanIn,
    .producers = 2,
    .size_max = 4 * kKiB,
    .kill_producer_upto = 4 * kKiB,
    .waits = true,
    .clauses = {clause::fifo::open_wronly_waits_for_reader,
                clause::fifo::open_rdonly_waits_for_writer, clause::fifo::io_same_as_pipe,
                clause::fifo::io_eof_not_sticky},
    .loss_clause = clause::fifo::io_discard_on_last_close,
    .make = &Make<FifoOpeners>,
});

}  // namespace

}  // namespace ipcsuite::stress
