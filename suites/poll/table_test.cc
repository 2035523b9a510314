// States times events: for every state of an end of a pipe or FIFO, what poll(), ppoll(), select()
// and pselect() report, and whether read() or write() then does what they said.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"
#include "suites/poll/descriptors.h"
#include "suites/poll/states.h"

namespace ipcsuite::poll_suite {
namespace {

struct Row {
  std::string name;
  const State* state;
  PipeKind kind;
  Claims claims;
  std::string Key(const char* column) const {
    const std::string of = state->kinds == State::kOnce ? "" : ToString(kind) + " ";
    return "table/poll/" + of + state->label + "/" + column;
  }
};

void AddRules(Claims& claims, std::initializer_list<Rule> rules) {
  for (const Rule& rule : rules) {
    if (rule.what != Rule::kOpen) claims.push_back(rule.clause);
  }
}

Claims PollClaims(const State& state) {
  Claims claims = {state.about,
                   clause::poll::pipe_only_requested,
                   clause::poll::pipe_hup_excludes_out,
                   clause::poll::return_value,
                   clause::poll::fd_events_unmodified,
                   clause::poll::output_bits_ignored_in_events,
                   clause::ppoll::timespec};
  if (!state.select_ebadf) claims.push_back(clause::poll::o_nonblock_irrelevant);
  AddRules(claims, {state.in, state.out, state.hup, state.err});
  return claims;
}

// Its own test, so that a select() that goes wrong leaves what poll() says decided.
Claims SelectClaims(const State& state) {
  Claims claims = {clause::select::result_sets};
  if (state.select_ebadf) claims = {clause::select::ebadf};
  AddRules(claims, {state.readable, state.writable});
  return claims;
}

std::vector<Row> MakeRows(Claims (*claims)(const State&)) {
  std::vector<Row> rows;
  for (const State& state : States()) {
    for (const PipeKind kind : {PipeKind::kPipe, PipeKind::kFifo}) {
      if (kind == PipeKind::kPipe && state.kinds == State::kFifoOnly) continue;
      if (kind == PipeKind::kFifo && state.kinds == State::kOnce) continue;
      const std::string of = state.kinds == State::kOnce ? ""
                             : kind == PipeKind::kFifo   ? "Fifo"
                                                         : "Pipe";
      rows.push_back({of + state.name, &state, kind, claims(state)});
    }
  }
  return rows;
}
const std::vector<Row> kPollRows = MakeRows(PollClaims);
const std::vector<Row> kSelectRows = MakeRows(SelectClaims);

void JudgeBits(const Rule& rule, int revents, int bits, const std::string& what) {
  ForClause charged(rule.clause);
  if (rule.Demands(Rule::kSet)) {
    NoteChecks();
    EXPECT_EQ(BitNames(revents & bits), BitNames(bits)) << what;
  } else if (rule.Demands(Rule::kClear)) {
    NoteChecks();
    EXPECT_EQ(BitNames(revents & bits), "-") << what;
  }
}

void JudgeReady(const Rule& rule, bool ready, const std::string& what) {
  ForClause charged(rule.clause);
  if (rule.Demands(Rule::kSet)) {
    NoteChecks();
    EXPECT_TRUE(ready) << what << " says not ready";
  } else if (rule.Demands(Rule::kClear)) {
    NoteChecks();
    EXPECT_FALSE(ready) << what << " says ready";
  }
}

// One answer of poll() against all that the state and the general rules demand.
void JudgeRevents(const State& state, int events, int revents) {
  const std::string what = "events " + BitNames(events) + ", revents " + BitNames(revents);
  JudgeBits(state.in, revents, events & kInBits, what);
  JudgeBits(state.out, revents, events & kOutBits, what);
  JudgeBits(state.hup, revents, POLLHUP, what);
  JudgeBits(state.err, revents, POLLERR, what);
  JudgeBits(state.select_ebadf ? Set(clause::poll::pollnval) : Clear(state.about), revents,
            POLLNVAL, what);
  {
    ForClause charged(clause::poll::pipe_only_requested);
    NoteChecks();
    EXPECT_EQ(revents & ~(events | kAlwaysBits), 0) << what;
  }
  ForClause charged(clause::poll::pipe_hup_excludes_out);
  NoteChecks();
  EXPECT_FALSE((revents & POLLHUP) && (revents & kOutBits)) << what;
}

// poll() with no wait; judges all but the bits themselves.
int PollNow(int fd, int events) {
  pollfd entry{fd, static_cast<short>(events), static_cast<short>(~0)};
  const CallResult polled = CALL(poll(&entry, 1, 0));
  {
    ForClause charged(clause::poll::return_value);
    EXPECT_THAT(polled, SucceedsWith(entry.revents != 0 ? 1 : 0));
  }
  ForClause charged(clause::poll::fd_events_unmodified);
  NoteChecks();
  EXPECT_EQ(entry.fd, fd);
  EXPECT_EQ(entry.events, static_cast<short>(events));
  return static_cast<unsigned short>(entry.revents);
}

void JudgePpoll(int fd, int events, int revents) {
#ifdef IPC_HAVE_PPOLL
  if (JudgedIssue() < 8) return;
  ForClause charged(clause::ppoll::timespec);
  pollfd entry{fd, static_cast<short>(events), 0};
  const timespec none{};
  const CallResult polled = CALL(ppoll(&entry, 1, &none, nullptr));
  EXPECT_THAT(polled, SucceedsWith(entry.revents != 0 ? 1 : 0));
  EXPECT_EQ(BitNames(static_cast<unsigned short>(entry.revents)), BitNames(revents))
      << "poll() says otherwise";
#else
  (void)fd, (void)events, (void)revents;
#endif
}

// All of the poll family for one state and each set of events.
void JudgePoll(const Row& row, int fd) {
  for (const Events& events : kEvents) {
    const int revents = PollNow(fd, events.bits);
    Observe(row.state->about, row.Key(events.name), std::string_view(BitNames(revents)));
    JudgeRevents(*row.state, events.bits, revents);
    {
      ForClause charged(clause::poll::output_bits_ignored_in_events);
      NoteChecks();
      EXPECT_EQ(BitNames(PollNow(fd, events.bits | kAlwaysBits)), BitNames(revents))
          << "asked for " << events.name;
    }
    JudgePpoll(fd, events.bits, revents);
    if (row.state->select_ebadf) continue;
    const int flags = fcntl(fd, F_GETFL);
    SetNonblocking(fd, (flags & O_NONBLOCK) == 0);
    {
      ForClause charged(clause::poll::o_nonblock_irrelevant);
      NoteChecks();
      EXPECT_EQ(BitNames(PollNow(fd, events.bits)), BitNames(revents))
          << "asked for " << events.name;
    }
    Setup(CALL(fcntl(fd, F_SETFL, flags)));
  }
}

// A read or write of one byte now: O_NONBLOCK tells what would have waited.
CallResult Try(const Row& row, int fd) {
  SetNonblocking(fd, true);
  char byte = 'x';
  return row.state->reads ? CALL(read(fd, &byte, 1)) : CALL(write(fd, &byte, 1));
}

// What read() or write() does, against what poll() said of it. (A writer that was not called ready
// may have room all the same.)
void JudgeTruth(const Row& row, int fd) {
  const bool called = PollNow(fd, row.state->reads ? kInBits : kOutBits) & (kInBits | kOutBits);
  const CallResult did = Try(row, fd);
  Observe(row.state->about, row.Key(row.state->reads ? "then read" : "then write"),
          did.ok() ? std::to_string(did.value) : ErrnoName(did.error));
  if (row.state->reads) {
    ForClause charged(did.ok() ? clause::poll::pipe_pollin_with_data
                               : clause::poll::pipe_no_pollin_when_empty);
    NoteChecks();
    EXPECT_FALSE(did.failed_with(EAGAIN) && called) << "called readable, " << did;
    EXPECT_FALSE(did.ok() && did.value > 0 && !called) << "not called readable, " << did;
  } else {
    ForClause charged(clause::poll::pipe_no_pollout_when_full);
    NoteChecks();
    EXPECT_FALSE(did.failed_with(EAGAIN) && called) << "called writable, " << did;
  }
}

IPC_TABLE_TEST(PollTable, Row, kPollRows) {
  ScopedSignal ignore(SIGPIPE, SIG_IGN);
  Scene scene(row.kind);
  row.state->make(scene);
  JudgePoll(row, scene.fd);
  if (!row.state->select_ebadf) JudgeTruth(row, scene.fd);
}

struct Ready {
  CallResult result;
  bool read, write, except;
};

// `close_before`: closed between FD_SET(), which is undefined for a number that is not open, and
// the call.
Ready SelectNow(int fd, bool with_pselect, Fd* close_before = nullptr) {
  fd_set sets[3];
  for (fd_set& set : sets) {
    FD_ZERO(&set);
    FD_SET(fd, &set);
  }
  if (close_before) close_before->reset();
  timeval no_time{};
  const timespec no_time_either{};
  const CallResult result =
      with_pselect ? CALL(pselect(fd + 1, &sets[0], &sets[1], &sets[2], &no_time_either, nullptr))
                   : CALL(select(fd + 1, &sets[0], &sets[1], &sets[2], &no_time));
  return {result, FD_ISSET(fd, &sets[0]) != 0, FD_ISSET(fd, &sets[1]) != 0,
          FD_ISSET(fd, &sets[2]) != 0};
}

std::string SetNames(const Ready& ready) {
  std::string text;
  if (ready.read) text += "read ";
  if (ready.write) text += "write ";
  if (ready.except) text += "except ";
  return text.empty() ? "-" : text.substr(0, text.size() - 1);
}

// select() or pselect() with the descriptor in all three sets.
void JudgeSelect(const Row& row, int fd, bool with_pselect) {
  const std::string what = with_pselect ? "pselect()" : "select()";
  const char* column = with_pselect ? "pselect" : "select";
  Fd held;  // makes a closed number valid for FD_SET()
  if (row.state->select_ebadf) {
    held = Fd(CALL(open("/", O_RDONLY | O_CLOEXEC)));
    if (held != fd) Unresolved("descriptor " + std::to_string(fd) + " was taken meanwhile");
  }
  const Ready ready = SelectNow(fd, with_pselect, &held);
  if (row.state->select_ebadf) {
    ForClause charged(clause::select::ebadf);
    EXPECT_THAT(ready.result, Fails(EBADF));
    return Observe(row.state->about, row.Key(column), ready.result);
  }
  Observe(row.state->about, row.Key(column), std::string_view(SetNames(ready)));
  {
    ForClause charged(clause::select::result_sets);
    EXPECT_THAT(ready.result, SucceedsWith(ready.read + ready.write + ready.except));
  }
  JudgeReady(row.state->readable, ready.read, what + " for reading");
  JudgeReady(row.state->writable, ready.write, what + " for writing");
}

IPC_TABLE_TEST(SelectTable, Row, kSelectRows) {
  ScopedSignal ignore(SIGPIPE, SIG_IGN);
  Scene scene(row.kind);
  row.state->make(scene);
  NeedSelectable(scene.fd);
  if (row.state->select_ebadf) {
    JudgeSelect(row, scene.fd, false);
    JudgeSelect(row, scene.fd, true);
    return;
  }
  for (const bool nonblocking : {false, true}) {
    SetNonblocking(scene.fd, nonblocking);
    JudgeSelect(row, scene.fd, false);
    JudgeSelect(row, scene.fd, true);
  }
  const Ready said = SelectNow(scene.fd, false);
  const CallResult did = Try(row, scene.fd);
  ForClause charged(row.state->reads ? clause::select::pipe_read_ready
                                     : clause::select::pipe_write_ready);
  NoteChecks();
  const bool called = row.state->reads ? said.read : said.write;
  EXPECT_FALSE(did.failed_with(EAGAIN) && called) << "called ready, " << did;
  EXPECT_FALSE(row.state->reads && did.ok() && did.value > 0 && !called)
      << "not called ready, " << did;
}

// Readiness belongs to the pipe, not to who asks: a child that shares the end sees the same.
IPC_TEST(PollTableInAChild, SeesTheSame, clause::poll::pipe_pollin_with_data,
         clause::poll::pipe_pollout_with_room, clause::poll::pipe_hup_after_last_writer) {
  ScopedSignal ignore(SIGPIPE, SIG_IGN);
  for (const Row& row : kPollRows) {
    if (row.state->select_ebadf || row.state->about == clause::poll::pipe_hup_excludes_out)
      continue;
    SCOPED_TRACE(row.name);
    Scene scene(row.kind);
    row.state->make(scene);
    const int here = PollNow(scene.fd, kInBits | kOutBits);
    pollfd entry{scene.fd, static_cast<short>(kInBits | kOutBits), 0};
    Shared<int> there;
    Peer child;
    const Call call = child.start([&] {
      const CallResult polled = CALL(poll(&entry, 1, 0));
      *there = static_cast<unsigned short>(entry.revents);
      return polled;
    });
    EXPECT_THAT(call.result(), SucceedsWith(here != 0 ? 1 : 0));
    NoteChecksOfAll();
    EXPECT_EQ(BitNames(*there), BitNames(here));
  }
}

}  // namespace
}  // namespace ipcsuite::poll_suite
