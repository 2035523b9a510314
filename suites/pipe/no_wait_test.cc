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

// A FIFO with both ends open, and its name.
struct Scene {
  explicit Scene(int flags)
      : rd(CALL(open(node.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC))),
        wr(CALL(open(node.path(), O_WRONLY | O_NONBLOCK | O_CLOEXEC))) {
    SetNonblocking(rd, flags & O_NONBLOCK);
    SetNonblocking(wr, flags & O_NONBLOCK);
  }
  FifoNode node;
  Fd rd, wr;
};

struct NoWaitRow {
  const char* name;
  int flags;                       // of both ends
  void (*before)(const Scene& s);  // null: empty
  CallResult (*call)(const Scene& s, char* buffer);
  int error = 0;       // 0: succeeds
  bool opens = false;  // returns a descriptor
  Claims claims;
};

void WriteByte(const Scene& s) { Setup(CALL(write(s.wr, "x", 1))); }
void Fill(const Scene& s) { FillPipe(s.wr); }

const NoWaitRow kNoWaits[] = {
    {.name = "ReadOfLessThanAskedFor",
     .flags = 0,
     .before = WriteByte,
     .call = [](const Scene& s, char* b) { return CALL(read(s.rd, b, 64)); },
     .claims = {clause::pipe::read_short_when_less_available}},
    {.name = "NonblockingReadOfData",
     .flags = O_NONBLOCK,
     .before = WriteByte,
     .call = [](const Scene& s, char* b) { return CALL(read(s.rd, b, 64)); },
     .claims = {clause::pipe::read_nonblock_with_data}},
    {.name = "NonblockingReadOfNothing",
     .flags = O_NONBLOCK,
     .before = nullptr,
     .call = [](const Scene& s, char* b) { return CALL(read(s.rd, b, 64)); },
     .error = EAGAIN,
     .claims = {clause::pipe::read_eagain_empty_with_writer}},
    {.name = "NonblockingWriteToRoom",
     .flags = O_NONBLOCK,
     .before = WriteByte,
     .call = [](const Scene& s, char* b) { return CALL(write(s.wr, b, 64)); },
     .claims = {clause::pipe::write_nonblock_never_blocks}},
    {.name = "NonblockingWriteToFull",
     .flags = O_NONBLOCK,
     .before = Fill,
     .call = [](const Scene& s, char* b) { return CALL(write(s.wr, b, 64)); },
     .error = EAGAIN,
     .claims = {clause::pipe::write_nonblock_never_blocks}},
    {.name = "PollOfNothingWithoutTime",
     .flags = 0,
     .before = nullptr,
     .call =
         [](const Scene& s, char*) {
           pollfd entry{s.rd, POLLIN, 0};
           return CALL(poll(&entry, 1, 0));
         },
     .claims = {clause::poll::timeout_finite}},
    {.name = "OpenOfAFifoThatBothSidesHave",
     .flags = 0,
     .before = nullptr,
     .call = [](const Scene& s, char*) { return CALL(open(s.node.path(), O_WRONLY | O_CLOEXEC)); },
     .opens = true,
     .claims = {clause::fifo::open_peer_present}},
    {.name = "NonblockingOpenForReading",
     .flags = 0,
     .before = nullptr,
     .call = [](const Scene& s,
                char*) { return CALL(open(s.node.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); },
     .opens = true,
     .claims = {clause::fifo::open_rdonly_nonblock}},
};
IPC_TABLE_TEST(PipeDoesNotWait, NoWaitRow, kNoWaits) {
  const Scene scene(row.flags);
  if (row.before) row.before(scene);
  char buffer[64] = {};
  const CallResult result = row.call(scene, buffer);
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
