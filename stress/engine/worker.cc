#include "stress/engine/worker.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/os/os.h"

namespace ipcsuite::stress {

const char* ToString(Mode mode) {
  static const char* const kNames[] = {"raw", "checked", "timed"};
  return kNames[static_cast<int>(mode)];
}

int StormSignal(bool restart) { return restart ? SIGUSR2 : SIGUSR1; }

Worker::Worker(Shared& s, const RunSpec& sp, int i)
    : shared(s),
      spec(sp),
      index(i),
      role(i < sp.producers ? Role::kProducer : Role::kConsumer),
      role_index(i < sp.producers ? i : i - sp.producers),
      object_index(role_index),
      hot(*s.hot[static_cast<std::size_t>(i)]),
      cold(*s.cold[static_cast<std::size_t>(i)]),
      latency(*s.latency[static_cast<std::size_t>(i)]),
      random(Mix(sp.seed) + static_cast<std::uint64_t>(i)) {}

UsageMark Usage(std::uint64_t count) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& t) {
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_usec * 1000;
  };
  UsageMark mark;
  mark.t_ns = NowNs();
  mark.cpu_ns = ns(usage.ru_utime) + ns(usage.ru_stime);
  mark.count = count;
  mark.voluntary = static_cast<std::uint64_t>(usage.ru_nvcsw);
  mark.involuntary = static_cast<std::uint64_t>(usage.ru_nivcsw);
  mark.minor = static_cast<std::uint64_t>(usage.ru_minflt);
  mark.major = static_cast<std::uint64_t>(usage.ru_majflt);
  return mark;
}

void Worker::Changed(Phase phase) {
  if (phase >= Phase::kMeasure && seen_ < Phase::kMeasure) cold.begin = Usage(count());
  if (phase >= Phase::kStop && seen_ < Phase::kStop) cold.end = Usage(count());
  seen_ = phase;
}

void Worker::WaitForStart() {
  shared.ready[index].store(1, std::memory_order_release);
  auto& generation = shared.control->generation;
  while (shared.control->phase.load(std::memory_order_acquire) == Phase::kReady) {
    const std::uint32_t now = generation.load(std::memory_order_acquire);
    if (shared.control->phase.load(std::memory_order_acquire) != Phase::kReady) break;
    os::WaitOnWord(generation, now);
  }
  Go();
}

void Worker::Finish() {
  // A worker that was blocked from before the stop until its end sees the phases only now.
  Go();
  if (seen_ < Phase::kStop) {
    if (seen_ < Phase::kMeasure) cold.begin = Usage(count());
    cold.end = Usage(count());
  }
  cold.done.store(1, std::memory_order_release);
}

void Worker::Interrupted(ClauseRef sa_restart_clause) {
  hot.eintr.store(hot.eintr.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (!spec.eintr_expected) {
    Report(Kind::kSpuriousEintr, sa_restart_clause,
           "EINTR though no signal is caught without SA_RESTART", 0, 0, EINTR);
  }
}

Finding* Worker::NextFinding(Kind kind, ClauseRef clause) {
  cold.by_kind[static_cast<int>(kind)].fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t n = cold.finding_count.fetch_add(1, std::memory_order_acq_rel);
  if (n >= kFindingsKept) return nullptr;
  Finding* const f = &cold.findings[n];
  f->kind = kind;
  f->clause = clause;
  f->worker = index;
  f->pid = static_cast<std::int32_t>(getpid());
  f->t_ns = NowNs();
  return f;
}

void Worker::Report(Kind kind, ClauseRef clause, std::string_view text, std::uint64_t got,
                    std::uint64_t expected, int error) {
  Finding* const f = NextFinding(kind, clause);
  if (f == nullptr) return;
  f->got = got;
  f->expected = expected;
  f->error = error;
  const std::size_t n = std::min(text.size(), sizeof f->text - 1);
  std::memcpy(f->text, text.data(), n);
  f->text[n] = '\0';
}

void Worker::ReportTorn(ClauseRef clause, const unsigned char* message, std::size_t size,
                        std::size_t offset, std::uint64_t expected) {
  Finding* const f = NextFinding(Kind::kTorn, clause);
  if (f == nullptr) return;
  f->got = size >= 8 ? LoadWord(message) : 0;
  f->expected = expected;
  f->offset = offset;
  const std::size_t from = offset < 16 ? 0 : offset - 16;
  std::memcpy(f->sample, message + from, std::min<std::size_t>(sizeof f->sample, size - from));
}

}  // namespace ipcsuite::stress
