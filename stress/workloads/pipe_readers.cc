// Many writers and many readers of one pipe.
//
// Concurrent reads of one pipe are unspecified (XSH read()), so the readers take turns: between two
// of them the turn is handed over through shared memory, and no two reads overlap. What each of
// them gets is then laid down, and the order is known exactly: records of each writer ascend over
// all readers.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "base/os/os.h"
#include "spec/clauses/pipe_io.h"
#include "stress/engine/workload.h"
#include "stress/traffic/transport_pipe.h"

namespace ipcsuite::stress {
namespace {

// Records that a reader takes before it hands the turn over: a switch of processes for each record
// would be all that is measured.
constexpr int kTurnRecords = 16;

struct alignas(kLine) Turn {
  std::atomic<std::uint32_t> mine;  // 1: its reader may read
};

struct TurnTransport : PipeTransport {
  Turn* turns;          // by reader
  std::uint64_t* next;  // by writer: one more than the last number read; of who has the turn
  int records_left = 0;

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned* priority) {
    if (records_left == 0) Await<M>(w);
    const ssize_t n = PipeTransport::Receive<M>(w, bytes, size, priority);
    if constexpr (M != Mode::kRaw) {
      if (n == static_cast<ssize_t>(size)) CheckOrder(w, Templates::Peek(bytes, size));
    }
    // At the end of the file each reader has one turn more.
    if (--records_left == 0 || n <= 0) HandOver(w);
    return n;
  }

  template <Mode M>
  void Await(Worker& w) {
    std::atomic<std::uint32_t>& mine = turns[w.role_index].mine;
    if constexpr (M != Mode::kRaw) w.Enter(CallId::kFutexWait);
    while (mine.load(std::memory_order_acquire) == 0) os::WaitOnWord(mine, 0);
    if constexpr (M != Mode::kRaw) w.Leave();
    records_left = kTurnRecords;
  }

  void HandOver(Worker& w) {
    records_left = 0;
    turns[w.role_index].mine.store(0, std::memory_order_relaxed);
    std::atomic<std::uint32_t>& others = turns[(w.role_index + 1) % w.spec.consumers].mine;
    others.store(1, std::memory_order_release);
    os::WakeWord(others, 1);
  }

  void CheckOrder(Worker& w, const Stamp& stamp) const {
    if (stamp.producer >= static_cast<std::uint32_t>(w.spec.producers))
      return;  // torn: is reported
    std::uint64_t& expected = next[stamp.producer];
    if (stamp.sequence < expected) [[unlikely]] {
      w.Report(Kind::kReordered, kClauses.order, "read after a later record of its writer",
               stamp.Pack(), Stamp{expected, stamp.producer, 0}.Pack());
    } else {
      expected = stamp.sequence + 1;
    }
  }
};

class PipeReaders : public Workload {
 public:
  ~PipeReaders() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry&, SharedRegion& region) override {
    int fds[2];
    if (pipe(fds) != 0) return std::string("pipe: ") + std::strerror(errno);
    read_fd_ = fds[0];
    write_fd_ = fds[1];
    const std::size_t most = PipeBufOf(write_fd_);
    if (spec.size_bytes > most) {
      return "records of " + std::to_string(spec.size_bytes) + " bytes exceed PIPE_BUF (" +
             std::to_string(most) + ")";
    }
    turns_ = region.Make<Turn>(static_cast<std::size_t>(spec.consumers));
    turns_[0].mine.store(1);
    next_ = region.Make<std::uint64_t>(static_cast<std::size_t>(spec.producers));
    return "";
  }

  void Run(Worker& w) override {
    CloseOne(w.role == Role::kProducer ? &read_fd_ : &write_fd_);
    TurnTransport transport{{read_fd_, write_fd_}, turns_, next_};
    RunStream(w, transport);
  }

  // The parent held the write end for successors of killed writers; now readers may see the end.
  void ProducersDone(const Shared&) override { CloseOne(&write_fd_); }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    if (spec.mode == Mode::kRaw) return;
    std::uint64_t records = 0;
    for (int i = 0; i < spec.consumers; ++i)
      records += shared.hot[static_cast<std::size_t>(spec.producers + i)]->count.load();
    sink.checks += records;
    sink.facts.emplace_back("records whose order over all readers was decided",
                            std::to_string(records));
  }

  void Teardown() override {
    CloseOne(&read_fd_);
    CloseOne(&write_fd_);
  }

  void Forget() override { PipeReaders::Teardown(); }

 private:
  static void CloseOne(int* fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
  }

  int read_fd_ = -1, write_fd_ = -1;
  Turn* turns_ = nullptr;
  std::uint64_t* next_ = nullptr;
};

const Row<WorkloadInfo> kPipeReadersRow({
    .name = "pipe-readers",
    .title = "many writers and many readers of one pipe",
    .explain = "Producers write records of at most PIPE_BUF bytes into one pipe; its readers take "
               "turns, since POSIX leaves concurrent reads open. Each record is whole, none is "
               "lost or doubled, and those of each writer ascend over all readers. Writers are "
               "killed.",
    .test_name = "Stress.PipeReaders",
    .shape = Shape::kShared,
    .producers = 2,
    .consumers = 2,
    .size_max = 4 * kKiB,
    .kill_producer_upto = 4 * kKiB,
    .waits = true,
    .clauses = {clause::pipe::read_fifo_order, clause::pipe::write_atomic_le_pipe_buf,
                clause::pipe::write_appends, clause::pipe::read_blocks_until_data},
    .loss_clause = clause::pipe::write_appends,
    .make = &Make<PipeReaders>,
});

}  // namespace
}  // namespace ipcsuite::stress
