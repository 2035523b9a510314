// Streams over pipes and FIFOs: pairs with a pipe of their own, and many writers into one pipe.
#include <poll.h>
#include <sys/stat.h>

#include <cstring>

#include "spec/clauses/fifo.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/pipe_poll.h"
#include "stress/engine/workload.h"
#include "stress/traffic/transport_pipe.h"

namespace ipcsuite::stress {
namespace {

struct Ends {
  int read_fd = -1, write_fd = -1;
};

// Closes in this process all ends but those two.
void KeepOnly(const std::vector<Ends>& all, int read_fd, int write_fd) {
  for (const Ends& ends : all) {
    if (ends.read_fd != read_fd) close(ends.read_fd);
    if (ends.write_fd != write_fd) close(ends.write_fd);
  }
}

// "" when records of this run are written whole, or why they need not be.
std::string WhyNotAtomic(const RunSpec& spec, const Ends& ends) {
  const std::size_t most = PipeBufOf(ends.write_fd);
  if (spec.size_bytes <= most) return "";
  return "records of " + std::to_string(spec.size_bytes) + " bytes exceed PIPE_BUF (" +
         std::to_string(most) + ")";
}

class PipeStream : public Workload {
 public:
  explicit PipeStream(bool fifo) : fifo_(fifo) {}
  ~PipeStream() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    for (int i = 0; i < spec.producers; ++i) {
      Ends ends;
      const std::string error = fifo_ ? OpenFifo(registry, &ends) : OpenPipe(&ends);
      if (!error.empty()) return error;
      ends_.push_back(ends);
    }
    return "";
  }

  void Run(Worker& w) override {
    const Ends mine = ends_[static_cast<std::size_t>(w.object_index)];
    const bool produce = w.role == Role::kProducer;
    KeepOnly(ends_, produce ? -1 : mine.read_fd, produce ? mine.write_fd : -1);
    PipeTransport transport{mine.read_fd, mine.write_fd};
    RunStream(w, transport);
  }

  // The parent held the write ends for successors of killed producers; now readers may see the end.
  void ProducersDone(const Shared&) override {
    for (Ends& ends : ends_) {
      if (ends.write_fd >= 0) close(ends.write_fd);
      ends.write_fd = -1;
    }
  }

  void Teardown() override {
    for (const Ends& ends : ends_) {
      if (ends.read_fd >= 0) close(ends.read_fd);
      if (ends.write_fd >= 0) close(ends.write_fd);
    }
    ends_.clear();
  }

  void Forget() override { PipeStream::Teardown(); }

 protected:
  static std::string OpenPipe(Ends* ends) {
    int fds[2];
    if (pipe(fds) != 0) return std::string("pipe: ") + std::strerror(errno);
    *ends = {fds[0], fds[1]};
    return "";
  }

  // The name is gone afterwards, unless the caller asks for it: then the caller unlinks it.
  static std::string OpenFifo(Registry& registry, Ends* ends, std::string* keep = nullptr) {
    std::string path = registry.NewName(NameKind::kPath);
    if (mkfifo(path.c_str(), 0600) != 0) {
      return "mkfifo " + path + ": " + std::strerror(errno) + " (set TMPDIR to a place for FIFOs)";
    }
    ends->read_fd = open(path.c_str(), O_RDONLY | O_NONBLOCK);
    ends->write_fd = open(path.c_str(), O_WRONLY);
    const int flags = fcntl(ends->read_fd, F_GETFL);
    const bool ok = ends->read_fd >= 0 && ends->write_fd >= 0 &&
                    fcntl(ends->read_fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
    const std::string error = ok ? "" : "open " + path + ": " + std::strerror(errno);
    if (keep != nullptr && ok) {
      *keep = path;
      return "";
    }
    registry.RemovePath(&path);
    return error;
  }

  std::vector<Ends> ends_;

 private:
  const bool fifo_;
};

class PipeWriters : public PipeStream {
 public:
  PipeWriters() : PipeStream(false) {}

  std::string Setup(const RunSpec& spec, Registry&, SharedRegion&) override {
    Ends ends;
    const std::string error = OpenPipe(&ends);
    if (!error.empty()) return error;
    ends_.push_back(ends);
    return WhyNotAtomic(spec, ends);
  }

  void Run(Worker& w) override {
    const Ends mine = ends_.front();
    const bool produce = w.role == Role::kProducer;
    KeepOnly(ends_, produce ? -1 : mine.read_fd, produce ? mine.write_fd : -1);
    ChunkTransport transport(mine.read_fd, mine.write_fd);
    RunStream(w, transport);
  }
};

// One FIFO, opened without waiting by everybody: writers and the reader wait in poll().
struct PollTransport : ChunkTransport {
  using ChunkTransport::ChunkTransport;

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned) {
    for (;;) {
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kWrite);
      const ssize_t n = write(write_fd, bytes, size);
      if constexpr (M != Mode::kRaw) w.Leave();
      // All or nothing: a part of a record of at most PIPE_BUF bytes is a finding.
      if (n >= 0 || errno != EAGAIN) return n;
      if (!Await<M>(w, write_fd, POLLOUT)) return -1;
    }
  }

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned*) {
    while (have - used < size) {
      MakeRoom();
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kRead);
      const ssize_t n = read(read_fd, chunk.data() + have, chunk.size() - have);
      if constexpr (M != Mode::kRaw) w.Leave();
      if (n == 0) return static_cast<ssize_t>(have);
      if (n > 0) {
        have += static_cast<std::size_t>(n);
      } else if (errno != EAGAIN || !Await<M>(w, read_fd, POLLIN)) {
        return -1;
      }
    }
    return Take(bytes, size);
  }

  // Waits until the descriptor is ready; false with errno when poll() fails otherwise than by a
  // signal.
  template <Mode M>
  static bool Await(Worker& w, int fd, short events) {
    pollfd entry{fd, events, 0};
    for (;;) {
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kPoll);
      const int ready = poll(&entry, 1, -1);
      if constexpr (M != Mode::kRaw) w.Leave();
      if (ready == 1) return true;
      if (ready < 0 && errno != EINTR && errno != EAGAIN) return false;
      if (ready == 0) {
        w.Report(Kind::kWrongErrno, clause::poll::timeout_infinite,
                 "poll() without a time-out returned 0");
        return true;
      }
    }
  }
};

class FifoPoll : public PipeStream {
 public:
  FifoPoll() : PipeStream(true) {}
  ~FifoPoll() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    registry_ = &registry;
    Ends ends;
    const std::string error = OpenFifo(registry, &ends, &path_);
    if (!error.empty()) return error;
    ends_.push_back(ends);
    return WhyNotAtomic(spec, ends);
  }

  void Run(Worker& w) override {
    const bool produce = w.role == Role::kProducer;
    const int fd = open(path_.c_str(), (produce ? O_WRONLY : O_RDONLY) | O_NONBLOCK);
    if (fd < 0) {
      w.Report(Kind::kWrongErrno, clause::fifo::open_peer_present,
               "opening a FIFO that has a reader", 0, 0, errno);
      return;
    }
    KeepOnly(ends_, -1, -1);
    PollTransport transport(produce ? -1 : fd, produce ? fd : -1);
    RunStream(w, transport);
    close(fd);
  }

  void Teardown() override {
    PipeStream::Teardown();
    if (registry_ != nullptr) registry_->RemovePath(&path_);
  }

 private:
  Registry* registry_ = nullptr;
  std::string path_;
};

// As large as is guaranteed to be atomic: a bound that is too low somewhere shows here.
std::size_t RecordSize() { return std::min(4 * kKiB, PipeBufAt()); }

const Row<WorkloadInfo> kPipeStreamRow({
    .name = "pipe",
    .title = "stream over pipes",
    .explain = "Each producer writes messages into a pipe of its own, its consumer reads them. "
               "Every byte is compared with a template, numbers are consecutive. Writers of up to "
               "PIPE_BUF bytes are killed.",
    .test_name = "Stress.PipeStream",
    .size_min = 1,
    .size_max = 1024 * kKiB,
    .size_large = 64 * kKiB,
    .kill_producer_upto = 4 * kKiB,
    .waits = true,
    .clauses = {clause::pipe::read_fifo_order, clause::pipe::write_appends,
                clause::pipe::write_blocking_completes, clause::pipe::read_blocks_until_data,
                clause::pipe::write_atomic_le_pipe_buf},
    .loss_clause = clause::pipe::write_appends,
    .make = &Make<PipeStream, false>,
});

const Row<WorkloadInfo> kFifoStreamRow({
    .name = "fifo",
    .title = "stream over FIFOs",
    .explain = "As pipe, over FIFOs that are opened by name and unlinked.",
    .test_name = "Stress.FifoStream",
    .size_min = 1,
    .size_max = 1024 * kKiB,
    .kill_producer_upto = 4 * kKiB,
    .waits = true,
    .clauses = {clause::fifo::io_same_as_pipe},
    .loss_clause = clause::fifo::io_same_as_pipe,
    .make = &Make<PipeStream, true>,
});

const Row<WorkloadInfo> kPipeWritersRow({
    .name = "pipe-writers",
    .title = "many writers into one pipe",
    .explain = "Several producers write records of at most PIPE_BUF bytes into one pipe; the "
               "reader takes as much as it gets and cuts records out of the stream. A record that "
               "is not in one piece, lost, doubled, or out of its producer's order is a finding.",
    .test_name = "Stress.PipeWriters",
    .shape = Shape::kFanIn,
    .producers = 3,
    .size_default = RecordSize(),
    .size_max = 4 * kKiB,
    .kill_producer_upto = 4 * kKiB,
    .waits = true,
    .clauses = {clause::pipe::write_atomic_le_pipe_buf,
                clause::pipe::write_le_pipe_buf_never_partial, clause::pipe::read_fifo_order},
    .loss_clause = clause::pipe::write_atomic_le_pipe_buf,
    .make = &Make<PipeWriters>,
});

const Row<WorkloadInfo> kFifoPollRow({
    .name = "fifo-poll",
    .title = "non-blocking writers and a reader that wait in poll()",
    .explain = "Producers and the reader of one FIFO open it with O_NONBLOCK and wait in poll() "
               "when a call fails with EAGAIN. A record is written whole or not at all; a poll() "
               "that is not woken is found.",
    .test_name = "Stress.FifoPoll",
    .shape = Shape::kFanIn,
    .producers = 2,
    .size_default = 512,
    .size_max = 4 * kKiB,
    .kill_producer_upto = 4 * kKiB,
    .waits = true,
    .clauses = {clause::pipe::write_nonblock_le_eagain, clause::pipe::write_nonblock_le_room,
                clause::pipe::write_atomic_le_pipe_buf, clause::poll::wakes_on_room,
                clause::poll::pipe_pollin_with_data},
    .loss_clause = clause::poll::wakes_on_room,
    .make = &Make<FifoPoll>,
});

}  // namespace

}  // namespace ipcsuite::stress
