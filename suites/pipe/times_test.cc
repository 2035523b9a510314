// Timestamps of pipes: what read() and write() mark for update.
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/pipe_attr.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeTimes);

std::int64_t Ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Makes sure that a stamp taken from now on can be told from those that the pipe has: waits until a
// new pipe of the same kind gets a later one. Says so if somebody sets the clock meanwhile.
class LaterTimes {
 public:
  LaterTimes(int fd, PipeKind kind)
      : fd_(fd), kind_(kind), offset_(Ns(CLOCK_REALTIME) - Ns(CLOCK_MONOTONIC)) {
    Await();
  }

  // The stamps when the wait was over; what is marked later differs from them.
  const struct stat& before() const { return before_; }
  struct stat Now() const {
    struct stat status {};
    Setup(CALL(fstat(fd_, &status)));
    if (std::llabs(Ns(CLOCK_REALTIME) - Ns(CLOCK_MONOTONIC) - offset_) > 10'000'000) {
      Unresolved("the clock was set during the test: run it again");
    }
    return status;
  }

  void Await() {
    before_ = Now();
    timespec latest = before_.st_atim;
    for (const timespec& other : {before_.st_mtim, before_.st_ctim}) {
      if (Before(latest, other)) latest = other;
    }
    // Where new pipes have no times, a second must do: no resolution is coarser (XBD File Times
    // Update).
    const std::int64_t until =
        std::int64_t{latest.tv_sec} * 1'000'000'000 + latest.tv_nsec + 1'100'000'000;
    Backoff backoff;
    while (Ns(CLOCK_REALTIME) < until) {
      const Pipe fresh(kind_);
      struct stat status {};
      Setup(CALL(fstat(fresh.wr(), &status)));
      if (Before(latest, status.st_ctim)) return;
      backoff.Pause();
    }
  }

 private:
  int fd_;
  PipeKind kind_;
  std::int64_t offset_;
  struct stat before_ {};
};

std::string Text(const timespec& time) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%09ld", static_cast<long long>(time.tv_sec),
                static_cast<long>(time.tv_nsec));
  return text;
}
MATCHER_P(IsLaterThan, before, "is later than " + Text(before)) {
  NoteChecks();
  *result_listener << Text(arg);
  return Before(before, arg);
}

bool Same(const timespec& a, const timespec& b) { return !Before(a, b) && !Before(b, a); }

// Reads of a FIFO mark nothing where its file system is mounted so.
void NeedAccessTimes([[maybe_unused]] int fd) {
#ifdef ST_NOATIME
  struct statvfs place {};
  if (fstatvfs(fd, &place) == 0 && (place.f_flag & ST_NOATIME)) {
    Unsupported(
        "access times are turned off (noatime) where FIFOs are made: set TMPDIR to another place");
  }
#endif
}

IPC_TEST_P(PipeTimes, WriteMarksModificationAndChange, clause::pipe::times_write) {
  Pipe p = Make();
  LaterTimes by_wr(p.wr(), GetParam()), by_rd(p.rd(), GetParam());
  ASSERT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  // Separate objects for the two ends are conceivable: one of them shows it, or both.
  const struct stat wr = by_wr.Now(), rd = by_rd.Now();
  EXPECT_THAT(wr.st_mtim, IsLaterThan(by_wr.before().st_mtim)) << "st_mtim is older than the write";
  EXPECT_THAT(wr.st_ctim, IsLaterThan(by_wr.before().st_ctim)) << "st_ctim is older than the write";
  EXPECT_THAT(rd.st_mtim, IsLaterThan(by_rd.before().st_mtim))
      << "st_mtim through the read end is older than the write";
  EXPECT_FALSE(Before(ClockIn(CLOCK_REALTIME, 0), wr.st_mtim)) << "st_mtim is in the future";
}

IPC_TEST_P(PipeTimes, ReadMarksAccess, clause::pipe::times_read) {
  Pipe p = Make();
  if (GetParam() == PipeKind::kFifo) NeedAccessTimes(p.rd());
  LaterTimes before_write(p.rd(), GetParam());
  ASSERT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  LaterTimes times(p.rd(), GetParam());
  char byte;
  ASSERT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(1));
  const struct stat after = times.Now();
  EXPECT_THAT(after.st_atim, IsLaterThan(times.before().st_atim))
      << "st_atim is older than the read";
  EXPECT_TRUE(Same(times.before().st_mtim, after.st_mtim)) << "a read changed st_mtim";
}

IPC_TEST_P(PipeTimes, ReadOfEndOfFileMarksAccess, clause::pipe::times_read_eof) {
  Pipe p = Make();
  if (GetParam() == PipeKind::kFifo) NeedAccessTimes(p.rd());
  p.CloseWr();
  LaterTimes times(p.rd(), GetParam());
  char byte;
  ASSERT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(0));
  EXPECT_THAT(times.Now().st_atim, IsLaterThan(times.before().st_atim))
      << "st_atim is older than the read";
}

IPC_TEST_P(PipeTimes, ReadOfZeroBytesMarksNothing, clause::pipe::times_read_zero,
           clause::pipe::read_zero_nbyte) {
  Pipe p = Make(O_NONBLOCK);
  char byte;
  for (const bool filled : {false, true}) {
    if (filled) FillPipe(p.wr());
    LaterTimes times(p.rd(), GetParam());
    {
      const ForClause scope(clause::pipe::read_zero_nbyte);
      NoteChecks();
      EXPECT_TRUE(CALL(read(p.rd(), &byte, 0)).returned());
    }
    NoteChecks();
    EXPECT_TRUE(Same(times.before().st_atim, times.Now().st_atim))
        << "st_atim changed" << (filled ? ", with data" : "");
  }
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
