// ftruncate on shared memory objects: errors, and that nothing changes on any of them.
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <limits>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

constexpr std::size_t kSize = 1000;

// An object with a pattern, which an unsuccessful call must leave as it is.
class Untouched {
 public:
  Untouched() : object_(kSize), view_(Mapping::Of(object_, kSize)) { Fill(view_.data(), kSize); }
  ~Untouched() {
    ForClause scope(clause::ftruncate::err_unaffected);
    NoteChecks();
    EXPECT_EQ(SizeOf(object_), static_cast<std::int64_t>(kSize));
    EXPECT_EQ(FirstMismatch(view_.data(), kSize), kSize);
  }
  const ShmObject& object() const { return object_; }
  operator int() const { return object_; }  // NOLINT: stands for the descriptor

 private:
  ShmObject object_;
  Mapping view_;
};

IPC_TEST(ShmTruncateErrors, ReadOnlyDescriptor, clause::ftruncate::err_not_writable,
         clause::ftruncate::err_unaffected) {
  Untouched object;
  Fd reader(CALL(shm_open(object.object().name(), O_RDONLY, 0)));
  ForClause scope(clause::ftruncate::err_not_writable);
  for (off_t size : {off_t{10}, off_t{kSize}, off_t{2 * kSize}}) {
    EXPECT_THAT(CALL(ftruncate(reader, size)), FailsWithAnyOf(EBADF, EINVAL)) << "size " << size;
  }
}

IPC_TEST(ShmTruncateErrors, BadDescriptor, clause::ftruncate::err_bad_fd,
         clause::ftruncate::err_unaffected) {
  Untouched object;
  ForClause scope(clause::ftruncate::err_bad_fd);
  const int closed = Fd(CALL(dup(object))).get();
  for (int fd : {closed, -1, std::numeric_limits<int>::max()}) {
    EXPECT_THAT(CALL(ftruncate(fd, 10)), FailsWithAnyOf(EBADF, EINVAL)) << "descriptor " << fd;
  }
}

IPC_TEST(ShmTruncateErrors, NegativeLength, clause::ftruncate::err_negative,
         clause::ftruncate::err_unaffected) {
  Untouched object;
  ForClause scope(clause::ftruncate::err_negative);
  for (off_t size :
       {off_t{-1}, -static_cast<off_t>(PageSize()), std::numeric_limits<off_t>::min()}) {
    EXPECT_THAT(CALL(ftruncate(object, size)), Fails(EINVAL)) << "size " << size;
  }
}

IPC_TEST(ShmTruncateErrors, TooLarge, clause::ftruncate::err_too_large) {
  ShmObject object(kSize);
  Mapping view = Mapping::Of(object, kSize);
  Fill(view.data(), kSize);
  bool refused = false;
  for (off_t size : {std::numeric_limits<off_t>::max(),
                     std::numeric_limits<off_t>::max() - static_cast<off_t>(PageSize()) + 1}) {
    const CallResult grown = CALL(ftruncate(object, size));
    // Success: the system has no smaller maximum. Nor is there memory for so much, which a system
    // may look at first.
    EXPECT_THAT(grown, SucceedsOrFailsWith(EFBIG, EINVAL, ENOSPC, ENOMEM));
    EXPECT_EQ(SizeOf(object), grown.ok() ? size : static_cast<off_t>(kSize));
    EXPECT_EQ(FirstMismatch(view.data(), kSize), kSize);
    ObserveFact("ftruncate of an object to the maximum of off_t",
                grown.ok() ? "success" : ErrnoName(grown.error));
    refused = refused || !grown.ok();
    Setup(CALL(ftruncate(object, kSize)));
  }
  if (!refused) Untested("every size is taken here");
}

IPC_TEST(ShmTruncateErrors, FileSizeLimit, clause::ftruncate::err_rlimit_fsize,
         clause::ftruncate::err_unaffected) {
  Untouched object;
  const bool is_file = S_ISREG(StatOf(object).st_mode);
  if (!is_file) Unsupported("objects are no files here: the limit on file sizes need not apply");
  ForClause scope(clause::ftruncate::err_rlimit_fsize);
  InChild([&] {
    ScopedRlimit limit(RLIMIT_FSIZE, 2 * kSize);
    {
      ScopedSignal ignore(SIGXFSZ, SIG_IGN);
      EXPECT_THAT(CALL(ftruncate(object, 2 * kSize + 1)), Fails(EFBIG)) << "the signal is ignored";
    }
    ScopedSignal count(SIGXFSZ, CountSignal);
    const int before = SignalCount();
    EXPECT_THAT(CALL(ftruncate(object, 2 * kSize + 1)), Fails(EFBIG));
    EXPECT_EQ(SignalCount(), before + 1) << "times that SIGXFSZ came";
    EXPECT_THAT(CALL(ftruncate(object, 2 * kSize)), SucceedsWith(0)) << "up to the limit";
    EXPECT_THAT(CALL(ftruncate(object, kSize)), SucceedsWith(0));
  });
}

// A storm of signals while `work` runs: its calls may fail with EINTR.
class Storm {
 public:
  Storm() : handler_(SIGALRM, CountSignal) {
    itimerval timer{};
    timer.it_interval.tv_usec = timer.it_value.tv_usec = 100;
    if (setitimer(ITIMER_REAL, &timer, nullptr) != 0) Unresolved("set-up failed: setitimer");
  }
  ~Storm() {
    itimerval off{};
    setitimer(ITIMER_REAL, &off, nullptr);
  }

 private:
  ScopedSignal handler_;
};

// Rounds of a storm: until this many signals came, but no fewer than 200 and no more than 200,000.
bool Goes(int round, int signals_before) {
  return round < 200 || (round < 200'000 && SignalCount() < signals_before + 20);
}

IPC_TEST(ShmTruncateErrors, SignalsChangeNothingHalfWay, clause::ftruncate::err_eintr) {
  ShmObject object(1);
  Storm storm;
  const int before = SignalCount();
  std::int64_t size = 1;
  int interrupted = 0;
  for (int round = 0; Goes(round, before); ++round) {
    const off_t wanted = 1 + round % 7 * 5000;
    const CallResult set = CALL(ftruncate(object, wanted));
    if (set.ok()) size = wanted;
    if (set.failed_with(EINTR)) ++interrupted;
    if (!set.ok() && !set.failed_with(EINTR)) ADD_FAILURE() << Describe(set);
    if (SizeOf(object) != size)
      ADD_FAILURE() << "size " << SizeOf(object) << " after " << Describe(set);
    if (testing::Test::HasFailure()) break;
  }
  ObserveFact("ftruncate of an object interrupted by signals",
              interrupted > 0 ? "seen" : "not seen");
  if (interrupted == 0) Untested("no call was interrupted");
}

IPC_TEST(ShmOpenErrors, SignalsInterruptCleanly, clause::shm_open::err_eintr) {
  ShmObject object(1);
  UniqueName fresh = UniqueName::Shm();
  const int lowest = LowestFreeFd();
  Storm storm;
  const int before = SignalCount();
  int interrupted = 0;
  for (int round = 0; Goes(round, before); ++round) {
    const bool create = round % 2 == 0;
    const CallResult opened =
        create ? Create(fresh.c_str(), O_RDWR) : CALL(shm_open(object.name(), O_RDWR, 0));
    if (opened.failed_with(EINTR)) ++interrupted;
    if (!opened.ok() && !opened.failed_with(EINTR)) ADD_FAILURE() << Describe(opened);
    if (opened.ok()) close(opened.fd());
    if (create && opened.ok()) shm_unlink(fresh.c_str());
    if (testing::Test::HasFailure()) break;
  }
  NoteChecks();
  EXPECT_EQ(LowestFreeFd(), lowest) << "an interrupted call left a descriptor";
  ObserveFact("shm_open interrupted by signals", interrupted > 0 ? "seen" : "not seen");
  if (interrupted == 0) Untested("no call was interrupted");
}

IPC_TEST(ShmOpenErrors, NoDescriptorLeft, clause::shm_open::err_emfile,
         clause::shm_open::return_failure) {
  ShmObject object(10);
  UniqueName fresh = UniqueName::Shm();
  InChild([&] {
    ScopedRlimit limit(RLIMIT_NOFILE, static_cast<rlim_t>(object.fd() + 4));
    std::vector<Fd> filling;
    for (;;) {
      const int fd = dup(object);
      if (fd < 0) break;
      filling.emplace_back(fd);
    }
    {
      ForClause scope(clause::shm_open::err_emfile);
      EXPECT_THAT(CALL(shm_open(object.name(), O_RDWR, 0)), Fails(EMFILE)) << "an existing object";
      EXPECT_THAT(CALL(shm_open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600)), Fails(EMFILE))
          << "a new object";
      EXPECT_THAT(CALL(shm_open(object.name(), O_RDWR | O_TRUNC, 0)), Fails(EMFILE));
    }
    // O_TRUNC takes effect on an object that is "successfully opened"; that a failing call leaves
    // it alone is said of open() only.
    ObserveFact("size after O_TRUNC that failed with EMFILE",
                SizeOf(object) == 10 ? "as before" : std::to_string(SizeOf(object)));
    filling.pop_back();
    ForClause scope(clause::shm_open::return_failure);
    const CallResult probe = CALL(shm_open(fresh.c_str(), O_RDWR, 0));
    ObserveFact("name left by O_CREAT that failed with EMFILE", probe.ok() ? "yes" : "no");
    if (probe.ok()) close(probe.fd());
    EXPECT_EQ(shm_unlink(fresh.c_str()) == 0 || errno == ENOENT, true);
    EXPECT_THAT(CALL(shm_open(object.name(), O_RDWR, 0)), Succeeds()) << "with one descriptor free";
  });
}

// Every failure returns -1, sets errno and takes no descriptor.
IPC_TEST(ShmOpenErrors, FailureReturnsMinusOne, clause::shm_open::return_failure) {
  ShmObject object;
  UniqueName absent = UniqueName::Shm();
  const int lowest = LowestFreeFd();
  for (int round = 0; round < 50; ++round) {
    const CallResult none = CALL(shm_open(absent.c_str(), O_RDWR, 0));
    const CallResult exists = CALL(shm_open(object.name(), O_RDWR | O_CREAT | O_EXCL, 0600));
    for (const CallResult& result : {none, exists}) {
      EXPECT_TRUE(result.failed) << Describe(result);
      EXPECT_EQ(result.value, -1);
      EXPECT_NE(result.error, 0);
    }
  }
  NoteChecks();
  EXPECT_EQ(LowestFreeFd(), lowest);
}

}  // namespace
}  // namespace ipcsuite::shm_suite
