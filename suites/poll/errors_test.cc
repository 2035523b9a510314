// Arguments that poll(), ppoll(), select() and pselect() must refuse, and what stays untouched
// then; entries of poll() that are no descriptors.
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/select.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "harness/peers/descriptor_table.h"
#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"
#include "suites/poll/descriptors.h"

namespace ipcsuite::poll_suite {
namespace {

IPC_TEST(PollEntries, ClosedDescriptorIsTellingAtOnce, clause::poll::pollnval) {
  Pipe healthy, other;
  const int closed = other.rd();
  other.CloseRd();
  pollfd entries[2] = {{healthy.rd(), POLLIN, 0}, {closed, POLLIN, 0}};
  EXPECT_THAT(CALL(poll(entries, 2, -1)), SucceedsWith(1));
  EXPECT_EQ(BitNames(entries[0].revents), "-");
  EXPECT_EQ(BitNames(entries[1].revents), "POLLNVAL");
  // A number that is not open, whatever the limits are.
  pollfd high{INT_MAX, 0, 0};
  EXPECT_THAT(CALL(poll(&high, 1, -1)), SucceedsWith(1));
  EXPECT_EQ(BitNames(high.revents), "POLLNVAL");
}

IPC_TEST(PollEntries, NegativeDescriptorIsIgnored, clause::poll::negative_fd) {
  Pipe pipe;
  Setup(CALL(write(pipe.wr(), "x", 1)));
  const short all = static_cast<short>(kInBits | kOutBits | kAlwaysBits);
  pollfd entries[3] = {{-1, all, all}, {pipe.rd(), POLLIN, 0}, {-pipe.rd() - 1, all, all}};
  EXPECT_THAT(CALL(poll(entries, 3, -1)), SucceedsWith(1));
  EXPECT_EQ(entries[0].revents, 0);
  EXPECT_EQ(BitNames(entries[1].revents), "POLLIN");
  EXPECT_EQ(entries[2].revents, 0);
  pollfd alone{-1, all, all};
  EXPECT_THAT(CALL(poll(&alone, 1, 0)), SucceedsWith(0));
  EXPECT_EQ(alone.revents, 0);
}

IPC_TEST(PollEntries, ReturnValueCountsEntries, clause::poll::return_value) {
  Pipe hung_up, idle;
  Setup(CALL(write(hung_up.wr(), "x", 1)));
  hung_up.CloseWr();
  pollfd entries[3] = {
      {hung_up.rd(), POLLIN, 0}, {idle.rd(), POLLIN, 0}, {hung_up.rd(), POLLIN | POLLRDNORM, 0}};
  EXPECT_THAT(CALL(poll(entries, 3, 0)), SucceedsWith(2));
  EXPECT_EQ(BitNames(entries[1].revents), "-");
  EXPECT_EQ(BitNames(entries[0].revents), "POLLIN|POLLHUP");
  EXPECT_EQ(BitNames(entries[2].revents), "POLLIN|POLLRDNORM|POLLHUP");
  EXPECT_THAT(CALL(poll(entries + 1, 1, 0)), SucceedsWith(0));
}

// Entries for which nothing but an output-only bit is set count like the others.
IPC_TEST(PollEntries, ReturnValueCountsErrorBitsAlone, clause::poll::return_value) {
  Pipe hung_up, ready, closed;
  hung_up.CloseWr();
  const int number = closed.rd();
  closed.CloseRd();
  pollfd entries[3] = {{number, POLLIN, 0}, {hung_up.rd(), 0, 0}, {ready.wr(), POLLOUT, 0}};
  EXPECT_THAT(CALL(poll(entries, 3, 0)), SucceedsWith(3));
  EXPECT_EQ(BitNames(entries[0].revents), "POLLNVAL");
  EXPECT_EQ(BitNames(entries[1].revents), "POLLHUP");
  EXPECT_EQ(BitNames(entries[2].revents), "POLLOUT");
}

IPC_TEST(PollEntries, RegularFileBesideIdlePipe, clause::poll::regular_file,
         clause::select::regular_file) {
  Pipe idle;
  const std::string path = ScratchDir() + "/file";
  const Fd file(CALL(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  {
    ForClause charged(clause::poll::regular_file);
    pollfd entries[2] = {{idle.rd(), POLLIN, 0}, {file, POLLIN | POLLOUT, 0}};
    EXPECT_THAT(CALL(poll(entries, 2, -1)), SucceedsWith(1));
    EXPECT_EQ(BitNames(entries[1].revents), "POLLIN|POLLOUT");
  }
  ForClause charged(clause::select::regular_file);
  fd_set rd, wr;
  FD_ZERO(&rd);
  FD_ZERO(&wr);
  FD_SET(idle.rd(), &rd);
  FD_SET(file, &rd);
  FD_SET(file, &wr);
  EXPECT_THAT(CALL(select(std::max<int>(file, idle.rd()) + 1, &rd, &wr, nullptr, nullptr)),
              SucceedsWith(2));
  EXPECT_FALSE(FD_ISSET(idle.rd(), &rd));
}

// Arrays that a kernel copies in pieces: the last entry counts like the first.
IPC_TEST(PollEntries, ManyEntries, clause::poll::return_value,
         clause::poll::pipe_no_pollin_when_empty) {
  const long limit = sysconf(_SC_OPEN_MAX);
  const std::size_t count = limit > 0 && limit < 900 ? static_cast<std::size_t>(limit) : 900;
  Pipe idle, ready;
  Setup(CALL(write(ready.wr(), "x", 1)));
  std::vector<pollfd> entries(count, pollfd{idle.rd(), POLLIN, -1});
  for (const std::size_t at : {std::size_t{0}, count / 2, count - 1}) entries[at].fd = ready.rd();
  EXPECT_THAT(CALL(poll(entries.data(), static_cast<nfds_t>(count), -1)), SucceedsWith(3));
  int set = 0;
  for (const pollfd& entry : entries) {
    if (entry.fd == ready.rd()) {
      EXPECT_EQ(BitNames(entry.revents), "POLLIN");
    }
    set += entry.revents != 0;
  }
  const ForClause scope(clause::poll::pipe_no_pollin_when_empty);
  NoteChecks();
  EXPECT_EQ(set, 3) << "entries with a bit";
}

IPC_TEST(PollErrors, MoreEntriesThanOpenMax, clause::poll::nfds_range) {
  struct Limits {
    long limit, open_max;
  };
  Shared<Limits> limits;
  Peer limited([&](Peer::Self& self) {
    limits->limit = LowerOpenFilesLimit({});
    const long open_max = limits->open_max = sysconf(_SC_OPEN_MAX);
    if (open_max < 0) Unsupported("{OPEN_MAX} is unlimited here");
    if (open_max > 100'000'000) Unsupported("{OPEN_MAX} is too large to go beyond");
    std::vector<pollfd> entries(static_cast<std::size_t>(open_max) + 1, pollfd{-1, POLLIN, 0});
    const nfds_t most = static_cast<nfds_t>(open_max);
    self.step([&] { return CALL(poll(entries.data(), most, 0)); });
    self.step([&] { return CALL(poll(entries.data(), most + 1, 0)); });
  });
  EXPECT_THAT(limited.next().result(), SucceedsWith(0));
  EXPECT_THAT(limited.next().result(), Fails(EINVAL));
  Observe(clause::poll::nfds_range, "open_max_follows_rlimit_nofile",
          std::string_view(limits->open_max == limits->limit ? "yes" : "no"));
}

#ifdef IPC_HAVE_PPOLL
struct IntervalCase {
  const char* name;
  timespec timeout;
  Claims claims;
};
const IntervalCase kIntervals[] = {
    {"PpollNegativeNanoseconds", {0, -1}, {clause::ppoll::timespec}},
    {"PpollThousandMillionNanoseconds", {0, 1'000'000'000}, {clause::ppoll::timespec}},
};
IPC_TABLE_TEST(PollErrors, IntervalCase, kIntervals) {
  Pipe pipe;
  pollfd entry{pipe.rd(), POLLIN, 0};
  const timespec before = row.timeout;
  EXPECT_THAT(CALL(ppoll(&entry, 1, &row.timeout, nullptr)), Fails(EINVAL));
  EXPECT_EQ(std::memcmp(&before, &row.timeout, sizeof before), 0);
}
#endif

// ---- select() and pselect() --------------------------------------------------------------------

// Three sets, alike, with room behind for kernels that look beyond FD_SETSIZE.
struct Sets {
  fd_set sets[3][2];
  Sets() { std::memset(sets, 0, sizeof sets); }
  explicit Sets(int fd) : Sets() {
    for (auto& set : sets) FD_SET(fd, &set[0]);
  }
  bool operator==(const Sets& other) const {
    return std::memcmp(sets, other.sets, sizeof sets) == 0;
  }
};

CallResult SelectNow(int nfds, Sets& s) {
  timeval none{};
  return CALL(select(nfds, &s.sets[0][0], &s.sets[1][0], &s.sets[2][0], &none));
}
CallResult PselectNow(int nfds, Sets& s) {
  const timespec none{};
  return CALL(pselect(nfds, &s.sets[0][0], &s.sets[1][0], &s.sets[2][0], &none, nullptr));
}
using SelectFunction = CallResult (*)(int nfds, Sets& sets);

struct BadDescriptorCase {
  const char* name;
  SelectFunction call;
  int which;              // of the three sets
  bool high = false;      // the highest number that a set has
  bool in_child = false;  // of a process forked afterwards, whose table never held the number
  Claims claims = {clause::select::ebadf, clause::select::failure_keeps_sets};
};
const BadDescriptorCase kBadDescriptors[] = {
    {"SelectClosedInReadSet", SelectNow, 0},
    {"SelectClosedInWriteSet", SelectNow, 1},
    {"SelectClosedInErrorSet", SelectNow, 2},
    {"PselectClosedInReadSet", PselectNow, 0},
    {"PselectClosedInWriteSet", PselectNow, 1},
    {"PselectClosedInErrorSet", PselectNow, 2},
    {"SelectClosedInAChild", SelectNow, 0, false, true},
    {"PselectClosedInAChild", PselectNow, 0, false, true},
    {"SelectHighNumber", SelectNow, 0, true},
    {"PselectHighNumber", PselectNow, 0, true},
    {"SelectHighNumberInAChild", SelectNow, 0, true, true},
    {"PselectHighNumberInAChild", PselectNow, 0, true, true},
};
IPC_TABLE_TEST(SelectBadDescriptor, BadDescriptorCase, kBadDescriptors) {
  Pipe pipe;
  Setup(CALL(write(pipe.wr(), "x", 1)));  // something that is ready does not hide it
  std::optional<OpenFilesRoom> room;
  if (row.high) room.emplace(FD_SETSIZE);
  Fd open = row.high ? DuplicateAt(pipe.rd(), FD_SETSIZE - 1) : Fd(CALL(dup(pipe.rd())));
  const int bad = NeedSelectable(open);
  Shared<Sets> sets;
  FD_SET(pipe.rd(), &sets->sets[0][0]);
  FD_SET(bad, &sets->sets[row.which][0]);  // undefined for a number that is not open
  open.reset();
  const Sets before = *sets;
  const auto call = [&] { return row.call(std::max(bad, pipe.rd()) + 1, *sets); };
  Peer child;
  const CallResult result = row.in_child ? child.start(call).result() : call();
  {
    ForClause charged(clause::select::ebadf);
    EXPECT_THAT(result, Fails(EBADF));
  }
  if (result.ok()) return;
  ForClause charged(clause::select::failure_keeps_sets);
  NoteChecks();
  EXPECT_TRUE(*sets == before);
}

IPC_TEST(SelectBadDescriptor, BitsFromNfdsOnAreNotLookedAt, clause::select::result_sets) {
  Pipe pipe;
  Setup(CALL(write(pipe.wr(), "x", 1)));
  Fd beyond(CALL(fcntl(pipe.rd(), F_DUPFD, pipe.rd() + 1)));
  Sets sets;
  FD_SET(pipe.rd(), &sets.sets[0][0]);
  FD_SET(NeedSelectable(beyond), &sets.sets[0][0]);
  beyond.reset();  // EBADF if it were looked at
  EXPECT_THAT(SelectNow(pipe.rd() + 1, sets), SucceedsWith(1));
  EXPECT_TRUE(FD_ISSET(pipe.rd(), &sets.sets[0][0]));
}

struct NfdsCase {
  const char* name;
  SelectFunction call;
  int nfds;
  Claims claims = {clause::select::einval, clause::select::failure_keeps_sets};
};
const NfdsCase kNfds[] = {
    {"SelectNegative", SelectNow, -1},
    {"PselectNegative", PselectNow, -1},
    {"SelectAboveFdSetsize", SelectNow, FD_SETSIZE + 1},
    {"PselectAboveFdSetsize", PselectNow, FD_SETSIZE + 1},
};
IPC_TABLE_TEST(SelectNfds, NfdsCase, kNfds) {
  Pipe pipe;
  Sets sets(pipe.wr());
  const Sets before = sets;
  const CallResult result = row.call(row.nfds, sets);
  {
    ForClause charged(clause::select::einval);
    EXPECT_THAT(result, Fails(EINVAL));
  }
  if (result.ok()) return;
  ForClause charged(clause::select::failure_keeps_sets);
  NoteChecks();
  EXPECT_TRUE(sets == before);
}

IPC_TEST(SelectNfds, FdSetsizeIsInRange, clause::select::einval, clause::select::result_sets) {
  Pipe pipe;
  Sets sets;
  FD_SET(pipe.wr(), &sets.sets[1][0]);
  EXPECT_THAT(SelectNow(FD_SETSIZE, sets), SucceedsWith(1));
  NoteChecksOf(clause::select::result_sets);  // one descriptor is ready
  Sets again;
  FD_SET(pipe.wr(), &again.sets[1][0]);
  EXPECT_THAT(PselectNow(FD_SETSIZE, again), SucceedsWith(1));
}

struct TimevalCase {
  const char* name;
  timeval time;
  Claims claims = {clause::select::einval, clause::select::failure_keeps_sets};
};
const TimevalCase kTimevals[] = {{"NegativeSeconds", {-1, 0}}, {"NegativeMicroseconds", {0, -1}}};
IPC_TABLE_TEST(SelectTimeval, TimevalCase, kTimevals) {
  Pipe pipe;
  Sets sets(pipe.rd());
  const Sets before = sets;
  timeval time = row.time;
  const CallResult result =
      CALL(select(pipe.rd() + 1, &sets.sets[0][0], &sets.sets[1][0], &sets.sets[2][0], &time));
  {
    ForClause charged(clause::select::einval);
    EXPECT_THAT(result, Fails(EINVAL));
  }
  if (result.ok()) return;
  ForClause charged(clause::select::failure_keeps_sets);
  NoteChecks();
  EXPECT_TRUE(sets == before);
}

// No range is given for tv_usec, so a million of them may be a second, or an invalid interval.
IPC_TEST(SelectTimeval, MillionMicrosecondsAreItsOwnChoice, clause::select::timeval_range) {
  Pipe pipe;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipe.wr(), &set);
  timeval time{0, 1'000'000};
  const CallResult result = CALL(select(pipe.wr() + 1, nullptr, &set, nullptr, &time));
  EXPECT_THAT(result, SucceedsOrFailsWith(EINVAL));
  Observe(clause::select::timeval_range, "select_with_a_million_microseconds", result);
}

struct TimespecCase {
  const char* name;
  timespec time;
  bool in_range = false;  // for Issue 7, which gives tv_nsec no range
  Claims claims = {clause::select::einval, clause::select::failure_keeps_sets};
};
const TimespecCase kTimespecs[] = {{"NegativeSeconds", {-1, 0}},
                                   {"NegativeNanoseconds", {0, -1}},
                                   {"ThousandMillionNanoseconds", {0, 1'000'000'000}, true}};
IPC_TABLE_TEST(PselectTimespec, TimespecCase, kTimespecs) {
  Pipe pipe;
  Sets sets(pipe.rd());
  const Sets before = sets;
  const CallResult result = CALL(pselect(pipe.rd() + 1, &sets.sets[0][0], &sets.sets[1][0],
                                         &sets.sets[2][0], &row.time, nullptr));
  {
    ForClause charged(clause::select::einval);
    if (row.in_range && JudgedIssue() < 8) {
      EXPECT_THAT(result, SucceedsOrFailsWith(EINVAL));
    } else {
      EXPECT_THAT(result, Fails(EINVAL));
    }
  }
  if (result.ok()) return;
  ForClause charged(clause::select::failure_keeps_sets);
  NoteChecks();
  EXPECT_TRUE(sets == before);
}

IPC_TEST(SelectSets, OnlyReadyBitsRemain, clause::select::result_sets) {
  Pipe ready, empty, idle;
  Setup(CALL(write(ready.wr(), "x", 1)));
  FillPipe(idle.wr());
  DrainPipe(idle.rd());
  Pipe full;
  FillPipe(full.wr());
  for (const SelectFunction call : {&SelectNow, &PselectNow}) {
    Sets sets;
    for (const int fd : {ready.rd(), empty.wr(), idle.rd(), full.wr()}) {
      FD_SET(fd, &sets.sets[0][0]);
      FD_SET(fd, &sets.sets[1][0]);
    }
    // Which direction of an end that has only one is ready for the other one is not our question.
    for (const int fd : {ready.rd(), idle.rd()}) FD_CLR(fd, &sets.sets[1][0]);
    for (const int fd : {empty.wr(), full.wr()}) FD_CLR(fd, &sets.sets[0][0]);
    EXPECT_THAT(call(full.wr() + 1, sets), SucceedsWith(2));
    EXPECT_TRUE(FD_ISSET(ready.rd(), &sets.sets[0][0]));
    EXPECT_TRUE(FD_ISSET(empty.wr(), &sets.sets[1][0]));
    EXPECT_FALSE(FD_ISSET(idle.rd(), &sets.sets[0][0]));
    EXPECT_FALSE(FD_ISSET(full.wr(), &sets.sets[1][0]));
  }
}

IPC_TEST(SelectSets, AreClearAfterATimeOut, clause::select::result_sets) {
  Pipe idle, full;
  FillPipe(full.wr());
  for (const SelectFunction call : {&SelectNow, &PselectNow}) {
    Sets sets;
    FD_SET(idle.rd(), &sets.sets[0][0]);
    FD_SET(full.wr(), &sets.sets[1][0]);
    EXPECT_THAT(call(full.wr() + 1, sets), SucceedsWith(0));
    EXPECT_TRUE(sets == Sets());
  }
}

IPC_TEST(SelectSets, NullSetsAreNotLookedAt, clause::select::result_sets) {
  Pipe pipe;
  const int nfds = pipe.wr() + 1;
  timeval none{};
  EXPECT_THAT(CALL(select(nfds, nullptr, nullptr, nullptr, &none)), SucceedsWith(0));
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipe.wr(), &set);
  EXPECT_THAT(CALL(select(nfds, nullptr, &set, nullptr, nullptr)), SucceedsWith(1));
}

}  // namespace
}  // namespace ipcsuite::poll_suite
