// SIGKILL in mid-write, thousands of times a second.
//
// Each process of this workload forks a victim that writes records into a pipe (or messages into a
// queue) without end, kills it at a random moment, and looks at what it left: a record of at most
// PIPE_BUF bytes is there whole or not at all, a longer one may be there in part; a message is
// whole.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe_io.h"
#include "stress/engine/workload.h"
#include "stress/traffic/queues.h"
#include "stress/traffic/transport_pipe.h"

namespace ipcsuite::stress {
namespace {

// What the victim says about itself; survives it.
struct alignas(kLine) Victim {
  std::atomic<std::uint32_t> in_call;
  std::atomic<std::uint64_t> sent;  // calls that returned
};

constexpr std::size_t kMostBytes = 8192;  // of a message

enum Counter { kPipeKills, kPipeInCall, kPartial, kMqKills, kMqInCall, kUnsent };

class KillWrite : public Workload {
 public:
  ~KillWrite() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) override {
    victims_ = region.Make<Victim>(static_cast<std::size_t>(spec.producers));
    for (int i = 0; i < spec.producers; ++i) {
      int fds[2];
      if (pipe(fds) != 0) return std::string("pipe: ") + std::strerror(errno);
      fcntl(fds[0], F_SETFL, O_NONBLOCK);
      pipes_.push_back({fds[0], fds[1]});
      // A platform without queues still gets its pipes tested.
      queues_.Add(registry, {.depth = 4, .message_bytes = std::min(spec.size_bytes, kMostBytes)});
    }
    return "";
  }

  void Run(Worker& w) override {
    const auto mine = static_cast<std::size_t>(w.role_index);
    const pid_t self = getpid();
    Victim& victim = victims_[mine];
    Templates templates(w.spec.size_bytes, w.spec.seed);
    Templates small(std::min(w.spec.size_bytes, kMostBytes), w.spec.seed);
    // The buffers are made here, not in each victim.
    templates.Stamped({});
    small.Stamped({});
    std::uint64_t sequence = 0, kills = 0, next_on_queue = 0;
    const bool has_queue = mine < queues_.size();
    while (w.Go() && (w.spec.ops == 0 || kills < w.spec.ops)) {
      const bool use_queue = has_queue && kills % 4 == 3;
      victim.in_call.store(0);
      victim.sent.store(0);
      const std::uint64_t first = use_queue ? next_on_queue : sequence;
      // Some bytes before the records: where the pipe gets full is no multiple of anything then.
      std::size_t filler = 0;
      if (!use_queue) {
        unsigned char bytes[2048] = {};
        const ssize_t n = write(pipes_[mine].second, bytes, 1 + w.random.Below(sizeof bytes));
        filler = n > 0 ? static_cast<std::size_t>(n) : 0;
      }
      const pid_t pid = fork();
      if (pid == 0) {
        DieWithParent(self);
        if (use_queue) {
          SendForever(small, queues_[mine], victim, first);
        } else {
          WriteForever(templates, pipes_[mine].second, victim, first);
        }
      }
      if (pid < 0) {
        const int error = errno;
        Discard(pipes_[mine].first, filler);
        errno = error;
        if (errno == EAGAIN || errno == ENOMEM) continue;  // exhausted for the moment
        return;
      }
      Strike(w, victim, pid);
      while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
      const bool in_call = victim.in_call.load() != 0;
      const std::uint64_t sent = victim.sent.load();
      ++w.cold.extra[use_queue ? kMqKills : kPipeKills];
      if (in_call) ++w.cold.extra[use_queue ? kMqInCall : kPipeInCall];
      if (use_queue) {
        next_on_queue = DrainQueue(w, small, queues_[mine], first, sent, in_call);
      } else {
        Discard(pipes_[mine].first, filler);
        sequence = DrainPipe(w, templates, pipes_[mine].first, first, sent, in_call);
      }
      w.Count(++kills);
    }
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    std::uint64_t sum[8] = {};
    for (int i = 0; i < spec.producers; ++i) {
      for (int k = 0; k < 8; ++k) sum[k] += shared.cold[static_cast<std::size_t>(i)]->extra[k];
    }
    sink.facts.emplace_back("kills of a writer to a pipe", std::to_string(sum[kPipeKills]));
    sink.facts.emplace_back("of them inside write()", std::to_string(sum[kPipeInCall]));
    sink.facts.emplace_back("records left in part (allowed above PIPE_BUF only)",
                            std::to_string(sum[kPartial]));
    sink.facts.emplace_back("kills of a sender to a queue", std::to_string(sum[kMqKills]));
    sink.facts.emplace_back("of them inside mq_send()", std::to_string(sum[kMqInCall]));
    sink.facts.emplace_back("calls killed before they took effect", std::to_string(sum[kUnsent]));
    if (sum[kPipeInCall] == 0) sink.inconclusive = "no kill landed inside write()";
  }

  void Teardown() override {
    for (const auto& [reader, writer] : pipes_) {
      close(reader);
      close(writer);
    }
    pipes_.clear();
    queues_.Remove();
  }

 private:
  [[noreturn]] static void WriteForever(Templates& templates, int fd, Victim& victim,
                                        std::uint64_t sequence) {
    for (;; ++sequence) {
      const unsigned char* bytes = templates.Stamped({sequence, 0, 0});
      victim.in_call.store(1, std::memory_order_relaxed);
      const ssize_t n = write(fd, bytes, templates.size());
      if (n != static_cast<ssize_t>(templates.size())) _exit(1);
      victim.sent.fetch_add(1, std::memory_order_relaxed);
      victim.in_call.store(0, std::memory_order_relaxed);
    }
  }

  [[noreturn]] static void SendForever(Templates& templates, mqd_t queue, Victim& victim,
                                       std::uint64_t sequence) {
    for (;; ++sequence) {
      const unsigned char* bytes = templates.Stamped({sequence, 0, 0});
      victim.in_call.store(1, std::memory_order_relaxed);
      if (mq_send(queue, reinterpret_cast<const char*>(bytes), templates.size(), 1) != 0) _exit(1);
      victim.sent.fetch_add(1, std::memory_order_relaxed);
      victim.in_call.store(0, std::memory_order_relaxed);
    }
  }

  // Waits until the victim works, then kills it after a random moment. Where both share a cpu, the
  // wait gives it away.
  static void Strike(Worker& w, Victim& victim, pid_t pid) {
    const bool one_cpu = SpinLess(w);
    for (int i = 0; victim.sent.load(std::memory_order_relaxed) == 0 &&
                    victim.in_call.load(std::memory_order_relaxed) == 0;
         ++i) {
      if (one_cpu || i % 1000 == 999) {
        sched_yield();
      } else {
        Relax();
      }
    }
    const std::uint64_t moment = w.random.Below(200);
    for (std::uint64_t i = 0; i < moment; ++i) Relax();
    w.Enter(CallId::kNone);
    kill(pid, SIGKILL);
  }

  static bool SpinLess(const Worker& w) {
    return w.shared.allowed.size() < 2 || (w.shared.cpus.front() >= 0);
  }

  static void Discard(int fd, std::size_t bytes) {
    unsigned char sink[2048];
    while (bytes != 0) {
      const ssize_t n = read(fd, sink, std::min(bytes, sizeof sink));
      if (n <= 0) return;
      bytes -= static_cast<std::size_t>(n);
    }
  }

  std::uint64_t DrainPipe(Worker& w, Templates& templates, int fd, std::uint64_t first,
                          std::uint64_t sent, bool in_call) {
    const std::size_t size = templates.size();
    std::vector<unsigned char>& buffer = Buffer(size);
    std::uint64_t got = 0;
    std::size_t have = 0;
    for (;;) {
      const ssize_t n = read(fd, buffer.data() + have, size - have);
      if (n <= 0) break;
      have += static_cast<std::size_t>(n);
      if (have < size) continue;
      Check(w, templates, buffer.data(), first + got, clause::pipe::write_atomic_le_pipe_buf);
      ++got;
      have = 0;
    }
    w.Checked();
    if (have != 0) {
      ++w.cold.extra[kPartial];
      if (size <= PipeBufOf(fd)) {
        w.Report(Kind::kPartialWrite, clause::pipe::write_le_pipe_buf_never_partial,
                 "a writer killed in write() left a part of a record of at most PIPE_BUF bytes",
                 Stamp{first + got, 0, 0}.Pack(), have);
      }
    }
    Bounded(w, got, sent, in_call, have != 0, clause::pipe::write_blocking_completes);
    return first + got + 1;
  }

  std::uint64_t DrainQueue(Worker& w, Templates& templates, mqd_t queue, std::uint64_t first,
                           std::uint64_t sent, bool in_call) {
    std::vector<unsigned char>& buffer = Buffer(templates.size());
    const timespec past{0, 0};
    std::uint64_t got = 0;
    for (;; ++got) {
      const ssize_t n = mq_timedreceive(queue, reinterpret_cast<char*>(buffer.data()),
                                        templates.size(), nullptr, &past);
      if (n < 0) break;
      if (n != static_cast<ssize_t>(templates.size())) {
        w.Report(Kind::kTorn, clause::mq_send::content_bytes_preserved,
                 "a sender killed in mq_send() left a message of another length",
                 static_cast<std::uint64_t>(n), templates.size());
      } else {
        Check(w, templates, buffer.data(), first + got, clause::mq_send::content_bytes_preserved);
      }
    }
    w.Checked();
    Bounded(w, got, sent, in_call, false, clause::exit::waiter_killed_sender_queues_nothing);
    return first + got + 1;
  }

  // All calls that returned took effect; of the one that was killed either nothing or all of it.
  static void Bounded(Worker& w, std::uint64_t got, std::uint64_t sent, bool in_call, bool partial,
                      ClauseRef clause) {
    if (got < sent) {
      w.Report(Kind::kLost, clause, "calls that had returned left nothing", got, sent);
    } else if (got > sent + 1) {
      w.Report(Kind::kDuplicated, clause, "more arrived than was sent", got, sent);
    } else if (in_call && got == sent && !partial) {
      ++w.cold.extra[kUnsent];
    }
  }

  static void Check(Worker& w, Templates& templates, const unsigned char* bytes,
                    std::uint64_t sequence, ClauseRef clause) {
    w.Checked();
    const Stamp expected{sequence, 0, 0};
    if (templates.Matches(bytes, expected)) return;
    w.ReportTorn(clause, bytes, templates.size(), templates.FirstDifference(bytes, expected),
                 expected.Pack());
  }

  std::vector<unsigned char>& Buffer(std::size_t size) {
    if (buffer_.size() < size) buffer_.resize(size);
    return buffer_;
  }

  Victim* victims_ = nullptr;
  std::vector<std::pair<int, int>> pipes_;
  Queues queues_;  // of the producers; fewer where the platform has none
  std::vector<unsigned char> buffer_;
};

const Row<WorkloadInfo> kKillWriteRow(Alike({
    .name = "kill-write",
    .title = "SIGKILL in mid-write, thousands of times a second",
    .explain = "Victims write into a pipe (or send to a queue) until they are killed. A record of "
               "at most PIPE_BUF bytes is there whole or not at all; a longer one may be there in "
               "part; a message is whole. One count is one kill.",
    .test_name = "Stress.KillWrite",
    .has_raw = false,
    .producers = 2,
    .size_default = 4 * kKiB,
    .size_max = 64 * kKiB,
    .signals = false,
    .sample_every = 0,
    .unit = "kills",
    .clauses = {clause::pipe::write_le_pipe_buf_never_partial,
                clause::pipe::write_atomic_le_pipe_buf,
                clause::exit::waiter_killed_sender_queues_nothing,
                clause::mq_send::content_bytes_preserved},
    .loss_clause = clause::pipe::write_le_pipe_buf_never_partial,
    .make = &Make<KillWrite>,
}));

}  // namespace

}  // namespace ipcsuite::stress
