// open() of a FIFO in every combination of access mode, O_NONBLOCK, O_CLOEXEC, O_TRUNC, O_CREAT,
// O_EXCL and of who has it open already: what must come of it, and what the new descriptor is.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/sides.h"

namespace ipcsuite::fifo_suite {
namespace {

// kEexistOrEnxio: both errors apply to the call (XSH 2.3).
enum class Outcome { kOpens, kWaits, kEnxio, kEexist, kEexistOrEnxio };

struct Peers {
  const char* name;   // in test names
  const char* label;  // in the table of the page
  bool reader, writer;
};
const Peers kPeers[] = {
    {"Nobody", "nobody", false, false},
    {"AReader", "a reader", true, false},
    {"AWriter", "a writer", false, true},
    {"Both", "both", true, true},
};

// What the standard demands, and the clause that says so.
struct Demand {
  Outcome outcome;
  ClauseRef clause;
};
Demand Demanded(int flags, const Peers& peers) {
  const bool reads = (flags & O_ACCMODE) == O_RDONLY;
  if ((flags & O_CREAT) && (flags & O_EXCL)) {
    const bool unread = !reads && (flags & O_NONBLOCK) && !peers.reader;
    return {unread ? Outcome::kEexistOrEnxio : Outcome::kEexist, clause::fifo::open_creat_excl};
  }
  const bool met = reads ? peers.writer : peers.reader;
  if (reads && (flags & O_NONBLOCK)) return {Outcome::kOpens, clause::fifo::open_rdonly_nonblock};
  if (met) return {Outcome::kOpens, clause::fifo::open_peer_present};
  if (flags & O_NONBLOCK) return {Outcome::kEnxio, clause::fifo::open_wronly_nonblock_enxio};
  return {Outcome::kWaits, (reads ? kReading : kWriting).waits_clause()};
}

std::string FlagNames(int flags) {
  std::string text = (flags & O_ACCMODE) == O_RDONLY ? "O_RDONLY" : "O_WRONLY";
  const struct {
    int flag;
    const char* name;
  } names[] = {{O_NONBLOCK, "|O_NONBLOCK"},
               {O_CREAT, "|O_CREAT"},
               {O_EXCL, "|O_EXCL"},
               {O_TRUNC, "|O_TRUNC"},
               {O_CLOEXEC, "|O_CLOEXEC"}};
  for (const auto& one : names) {
    if (flags & one.flag) text += one.name;
  }
  return text;
}

// O_TRUNC goes with O_WRONLY only, O_EXCL with O_CREAT only: the others are undefined.
std::vector<int> AllFlags(int access) {
  std::vector<int> all;
  for (const int nonblock : {0, O_NONBLOCK}) {
    for (const int create : {0, O_CREAT, O_CREAT | O_EXCL}) {
      for (const int truncate : {0, O_TRUNC}) {
        if (truncate && access == O_RDONLY) continue;
        for (const int cloexec : {0, O_CLOEXEC})
          all.push_back(access | nonblock | create | truncate | cloexec);
      }
    }
  }
  return all;
}

struct Row {
  std::string name;
  int access;
  const Peers* peers;
  Claims claims;
};
std::vector<Row> MakeRows() {
  std::vector<Row> rows;
  for (const int access : {O_RDONLY, O_WRONLY}) {
    for (const Peers& peers : kPeers) {
      Claims claims = {clause::fifo::open_new_description};
      for (const int flags : AllFlags(access)) {
        const Demand demand = Demanded(flags, peers);
        bool known = false;
        for (const Claim& claim : claims) known = known || claim.text == demand.clause.id;
        if (!known) claims.push_back(demand.clause);
      }
      rows.push_back({std::string(access == O_RDONLY ? "ReaderMeets" : "WriterMeets") + peers.name,
                      access, &peers, claims});
    }
  }
  return rows;
}
const std::vector<Row> kRows = MakeRows();

// The new descriptor is as its flags say.
void JudgeDescriptor(int fd, int flags) {
  ForClause charged(clause::fifo::open_new_description);
  const CallResult status = CALL(fcntl(fd, F_GETFL));
  EXPECT_THAT(status, Succeeds());
  EXPECT_EQ(status.value & O_ACCMODE, flags & O_ACCMODE);
  EXPECT_EQ((status.value & O_NONBLOCK) != 0, (flags & O_NONBLOCK) != 0);
  EXPECT_EQ(DescriptorFlags(fd), flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

// Opens in a thread, since it may wait (rightly or not); says how it ended and takes care of the
// descriptor.
std::string OpenOnce(const char* path, int flags, const Demand& demand) {
  ThreadPeer opener;
  const Call call = opener.start([&] { return CALL(open(path, flags, 0600)); });
  std::string seen;
  Fd other;
  if (demand.outcome == Outcome::kWaits) {
    EXPECT_THAT(call, Blocks());
    if (!call.returned()) {
      seen = "waits";
      other =
          Fd(CALL(open(path, ((flags & O_ACCMODE) == O_RDONLY ? O_WRONLY : O_RDONLY) | O_CLOEXEC)));
    }
  }
  const CallResult result = call.result();
  switch (demand.outcome) {
    case Outcome::kOpens:
    case Outcome::kWaits: EXPECT_THAT(result, Succeeds()); break;
    case Outcome::kEnxio: EXPECT_THAT(result, Fails(ENXIO)); break;
    case Outcome::kEexist: EXPECT_THAT(result, Fails(EEXIST)); break;
    case Outcome::kEexistOrEnxio: EXPECT_THAT(result, FailsWithAnyOf(EEXIST, ENXIO)); break;
  }
  if (result.ok()) {
    const Fd opened(result.fd());
    JudgeDescriptor(opened, flags);
    return seen.empty() ? "opens" : seen;
  }
  return result.returned() ? ErrnoName(result.error) : "still waits";
}

IPC_TABLE_TEST(FifoOpenMatrix, Row, kRows) {
  for (const int flags : AllFlags(row.access)) {
    SCOPED_TRACE(FlagNames(flags));
    FifoNode fifo;
    Fd reader(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC))), writer;
    if (row.peers->writer) writer = Fd(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
    if (!row.peers->reader) reader.reset();
    const Demand demand = Demanded(flags, *row.peers);
    ForClause charged(demand.clause);
    const std::string seen = OpenOnce(fifo.path(), flags, demand);
    ObserveFact("table/open of a FIFO/" + FlagNames(flags) + "/" + row.peers->label, seen);
  }
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
