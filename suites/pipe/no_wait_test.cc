// Calls that have nothing to wait for do not sleep.
#include <fcntl.h>
#include <poll.h>

#include <cerrno>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

struct NoWaitRow {
  const char* name;
  int flags;                      // of both ends
  void (*before)(const Pipe& p);  // null: empty
  CallResult (*call)(const Pipe& p, char* buffer);
  int error = 0;       // 0: succeeds
  bool opens = false;  // returns a descriptor
  Claims claims;
};

void WriteByte(const Pipe& p) { Setup(CALL(write(p.wr(), "x", 1))); }
void Fill(const Pipe& p) { FillPipe(p.wr()); }

const NoWaitRow kNoWaits[] = {
    {.name = "ReadOfLessThanAskedFor",
     .flags = 0,
     .before = WriteByte,
     .call = [](const Pipe& p, char* b) { return CALL(read(p.rd(), b, 64)); },
     .claims = {clause::pipe::read_short_when_less_available}},
    {.name = "NonblockingReadOfData",
     .flags = O_NONBLOCK,
     .before = WriteByte,
     .call = [](const Pipe& p, char* b) { return CALL(read(p.rd(), b, 64)); },
     .claims = {clause::pipe::read_nonblock_with_data}},
    {.name = "NonblockingReadOfNothing",
     .flags = O_NONBLOCK,
     .before = nullptr,
     .call = [](const Pipe& p, char* b) { return CALL(read(p.rd(), b, 64)); },
     .error = EAGAIN,
     .claims = {clause::pipe::read_eagain_empty_with_writer}},
    {.name = "NonblockingWriteToRoom",
     .flags = O_NONBLOCK,
     .before = WriteByte,
     .call = [](const Pipe& p, char* b) { return CALL(write(p.wr(), b, 64)); },
     .claims = {clause::pipe::write_nonblock_never_blocks}},
    {.name = "NonblockingWriteToFull",
     .flags = O_NONBLOCK,
     .before = Fill,
     .call = [](const Pipe& p, char* b) { return CALL(write(p.wr(), b, 64)); },
     .error = EAGAIN,
     .claims = {clause::pipe::write_nonblock_never_blocks}},
    {.name = "PollOfNothingWithoutTime",
     .flags = 0,
     .before = nullptr,
     .call =
         [](const Pipe& p, char*) {
           pollfd entry{p.rd(), POLLIN, 0};
           return CALL(poll(&entry, 1, 0));
         },
     .claims = {clause::poll::timeout_finite}},
    {.name = "OpenOfAFifoThatBothSidesHave",
     .flags = 0,
     .before = nullptr,
     .call = [](const Pipe& p,
                char*) { return CALL(open(p.path().c_str(), O_WRONLY | O_CLOEXEC)); },
     .opens = true,
     .claims = {clause::fifo::open_peer_present}},
    {.name = "NonblockingOpenForReading",
     .flags = 0,
     .before = nullptr,
     .call = [](const Pipe& p,
                char*) { return CALL(open(p.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); },
     .opens = true,
     .claims = {clause::fifo::open_rdonly_nonblock}},
};
IPC_TABLE_TEST(PipeDoesNotWait, NoWaitRow, kNoWaits) {
  const Pipe p(PipeKind::kFifo, row.flags);
  if (row.before) row.before(p);
  char buffer[64] = {};
  const CallResult result = row.call(p, buffer);
  const Fd own(row.opens && result.ok() ? result.fd() : -1);
  if (row.error == 0) {
    EXPECT_THAT(result, Succeeds());
  } else {
    EXPECT_THAT(result, Fails(row.error));
  }
  EXPECT_THAT(result, DoesNotWait());
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
