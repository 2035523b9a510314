// Descriptors whose numbers lie at the borders of words, and beyond what one word or one set holds:
// the macros of sets, and all four functions.
#include <poll.h>
#include <sys/select.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"
#include "suites/poll/descriptors.h"
#include "suites/poll/waiters.h"

namespace ipcsuite::poll_suite {
namespace {

// Each of them is first or last in a word of some size.
const int kBorders[] = {31, 32, 63, 64, 127, 128, 255, 256, 511, 512, FD_SETSIZE - 1};
// Beyond every set of select().
const int kBeyond[] = {FD_SETSIZE, FD_SETSIZE + 1, 2 * FD_SETSIZE - 1, 2 * FD_SETSIZE};

struct Row {
  std::string name;
  const Waiter* waiter;
  Claims claims;
};
std::vector<Row> MakeRows() {
  std::vector<Row> rows;
  for (const Waiter& waiter : Waiters()) {
    Claims claims = {waiter.waits};
    claims.push_back(waiter.selects ? clause::select::result_sets : clause::poll::return_value);
    rows.push_back({waiter.name, &waiter, claims});
  }
  return rows;
}
const std::vector<Row> kRows = MakeRows();

// Empty, then readable, and written to: at one number.
void JudgeNumber(const Waiter& waiter, int number) {
  SCOPED_TRACE("descriptor " + std::to_string(number));
  const timespec none{};
  Pipe pipe;
  const Fd rd = DuplicateAt(pipe.rd(), number);
  EXPECT_THAT(waiter.wait(rd, For::kReading, &none, nullptr).result, SucceedsWith(0));
  Setup(CALL(write(pipe.wr(), "x", 1)));
  const Answer ready = waiter.wait(rd, For::kReading, nullptr, nullptr);
  EXPECT_THAT(ready.result, SucceedsWith(1));
  EXPECT_EQ(BitNames(ready.bits), "POLLIN");
}

IPC_TABLE_TEST(PollNumbers, Row, kRows) {
  ForClause charged(row.waiter->waits);
  OpenFilesRoom room(FD_SETSIZE);
  for (const int number : kBorders) JudgeNumber(*row.waiter, number);
}

// Numbers that no set of select() holds.
IPC_TEST(PollNumbers, BeyondFdSetsize, clause::poll::return_value, clause::ppoll::timespec) {
  OpenFilesRoom room(2 * FD_SETSIZE + 1);
  for (const Waiter& waiter : Waiters()) {
    if (waiter.selects || waiter.first_issue > JudgedIssue()) continue;
    SCOPED_TRACE(waiter.name);
    ForClause charged(waiter.first_issue == 8 ? clause::ppoll::timespec
                                              : clause::poll::return_value);
    for (const int number : kBeyond) JudgeNumber(waiter, number);
  }
}

// Copies of two pipes, one with data, alternately at every border: which bits remain is exact.
IPC_TEST(SelectNumbers, OnlyTheReadyOnesRemain, clause::select::result_sets) {
  OpenFilesRoom room(FD_SETSIZE);
  Pipe idle, ready;
  Setup(CALL(write(ready.wr(), "x", 1)));
  std::vector<Fd> copies;
  for (std::size_t i = 0; i < std::size(kBorders); ++i)
    copies.push_back(DuplicateAt(i % 2 ? ready.rd() : idle.rd(), kBorders[i]));
  for (const bool with_pselect : {false, true}) {
    SCOPED_TRACE(with_pselect ? "pselect" : "select");
    fd_set set;
    FD_ZERO(&set);
    for (const int number : kBorders) FD_SET(number, &set);
    timeval none{};
    const timespec none_either{};
    EXPECT_THAT(with_pselect
                    ? CALL(pselect(FD_SETSIZE, &set, nullptr, nullptr, &none_either, nullptr))
                    : CALL(select(FD_SETSIZE, &set, nullptr, nullptr, &none)),
                SucceedsWith(std::size(kBorders) / 2));
    for (std::size_t i = 0; i < std::size(kBorders); ++i)
      EXPECT_EQ(FD_ISSET(kBorders[i], &set) != 0, i % 2 == 1) << "descriptor " << kBorders[i];
  }
}

// Of two descriptors only one is ready; the second call asks about the other one.
IPC_TEST(SelectNumbers, AnswersHoldNothingOfEarlierOnes, clause::select::result_sets) {
  OpenFilesRoom room(FD_SETSIZE);
  Pipe empty, full;
  FillPipe(full.wr());
  for (const int number : {32, FD_SETSIZE - 2}) {
    SCOPED_TRACE("descriptor " + std::to_string(number));
    const Fd ready[] = {DuplicateAt(full.rd(), number), DuplicateAt(empty.wr(), number + 1)};
    for (const bool writes : {false, true}) {
      SCOPED_TRACE(writes ? "for writing" : "for reading");
      fd_set first, second;
      FD_ZERO(&first);
      FD_ZERO(&second);
      FD_SET(ready[writes], &first);
      FD_SET(writes ? full.wr() : empty.rd(), &second);
      timeval none{};
      const auto ask = [&](fd_set* set) {
        return CALL(
            select(number + 2, writes ? nullptr : set, writes ? set : nullptr, nullptr, &none));
      };
      EXPECT_THAT(ask(&first), SucceedsWith(1));
      EXPECT_THAT(ask(&second), SucceedsWith(0));
      EXPECT_FALSE(FD_ISSET(ready[writes], &second)) << "which was not asked about";
    }
  }
}

// Every number is opened first: the macros are undefined for others.
IPC_TEST(SelectNumbers, MacrosTouchOneNumberOnly, clause::select::fd_macros) {
  OpenFilesRoom room(FD_SETSIZE);
  Pipe pipe;
  std::vector<Fd> copies;
  for (const int number : kBorders) copies.push_back(DuplicateAt(pipe.rd(), number));
  fd_set set;
  FD_ZERO(&set);
  NoteChecks();
  const auto expect_members = [&](const std::vector<int>& members, const char* after, int changed) {
    for (const int number : kBorders) {
      bool member = false;
      for (const int one : members) member = member || one == number;
      EXPECT_EQ(FD_ISSET(number, &set) != 0, member)
          << "descriptor " << number << " after " << after << " of " << changed;
    }
  };
  expect_members({}, "FD_ZERO", 0);
  std::vector<int> members;
  for (const int number : kBorders) {
    FD_SET(number, &set);
    FD_SET(number, &set);  // a member already
    members.push_back(number);
    expect_members(members, "FD_SET", number);
  }
  while (members.size() > 1) {
    const int number = members[members.size() / 2];
    FD_CLR(number, &set);
    FD_CLR(number, &set);  // absent already
    members.erase(members.begin() + static_cast<std::ptrdiff_t>(members.size() / 2));
    expect_members(members, "FD_CLR", number);
  }
  FD_ZERO(&set);
  expect_members({}, "FD_ZERO", 0);
}

// ---- What only sets say ------------------------------------------------------------------------

IPC_TEST(SelectSets, RegularFileHasErrorConditions, clause::select::regular_file_error_conditions) {
  const std::string path = ScratchDir() + "/file";
  const Fd file(CALL(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  NeedSelectable(file);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(file, &set);
  timeval none{};
  EXPECT_THAT(CALL(select(file + 1, nullptr, nullptr, &set, &none)), SucceedsWith(1));
  EXPECT_TRUE(FD_ISSET(file, &set));
}

struct DirectionCase {
  const char* name;
  bool of_writer;  // the write end is asked for reading; else the read end for writing
  bool full;
  Claims claims = {clause::select::wrong_direction};
};
const DirectionCase kDirections[] = {
    {"EmptyWriterForReading", true, false},
    {"FullWriterForReading", true, true},
    {"EmptyReaderForWriting", false, false},
    {"FullReaderForWriting", false, true},
};
IPC_TABLE_TEST(SelectWrongDirection, DirectionCase, kDirections) {
  Pipe pipe;
  const int fd = row.of_writer ? pipe.wr() : pipe.rd();
  if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR) Unsupported("pipes go both ways here");
  if (row.full) FillPipe(pipe.wr());
  for (const bool with_pselect : {false, true}) {
    SCOPED_TRACE(with_pselect ? "pselect" : "select");
    fd_set set;
    FD_ZERO(&set);
    FD_SET(NeedSelectable(fd), &set);
    fd_set* const rd = row.of_writer ? &set : nullptr;
    fd_set* const wr = row.of_writer ? nullptr : &set;
    timeval none{};
    const timespec none_either{};
    EXPECT_THAT(with_pselect ? CALL(pselect(fd + 1, rd, wr, nullptr, &none_either, nullptr))
                             : CALL(select(fd + 1, rd, wr, nullptr, &none)),
                SucceedsWith(1))
        << "the call would fail with EBADF without a wait";
  }
}

}  // namespace
}  // namespace ipcsuite::poll_suite
