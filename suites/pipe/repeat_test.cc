// Calls that fail or do nothing, two thousand times: nothing is used up, the good call still works.
#include <poll.h>
#include <sys/select.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_attr.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

constexpr int kTimes = 2000;

// A pipe that works, both ends with O_NONBLOCK, one that nobody reads, and a FIFO that nobody
// opens.
struct Scene {
  Scene() {
    lonely.CloseRd();
    closed = LowestFreeFd();
  }
  Pipe pipe{PipeKind::kFifo, O_NONBLOCK}, lonely{PipeKind::kFifo, O_NONBLOCK};
  FifoNode unopened;
  ScopedSignal ignored{SIGPIPE, SIG_IGN};
  int closed = -1;
};

struct RepeatRow {
  const char* name;
  CallResult (*call)(const Scene& scene);
  int error = 0;      // 0: succeeds with 0
  bool full = false;  // the FIFO is full before; else empty
  Claims claims;
};
const RepeatRow kRepeats[] = {
    {.name = "ReadOfNothing",
     .call =
         [](const Scene& s) {
           char byte;
           return CALL(read(s.pipe.rd(), &byte, 1));
         },
     .error = EAGAIN,
     .claims = {clause::pipe::read_eagain_empty_with_writer}},
    {.name = "ReadOfClosed",
     .call =
         [](const Scene& s) {
           char byte;
           return CALL(read(s.closed, &byte, 1));
         },
     .error = EBADF,
     .claims = {clause::pipe::read_ebadf}},
    {.name = "WriteToFull",
     .call = [](const Scene& s) { return CALL(write(s.pipe.wr(), "x", 1)); },
     .error = EAGAIN,
     .full = true,
     .claims = {clause::pipe::write_nonblock_le_eagain}},
    {.name = "WriteToClosed",
     .call = [](const Scene& s) { return CALL(write(s.closed, "x", 1)); },
     .error = EBADF,
     .claims = {clause::pipe::write_ebadf}},
    {.name = "WriteWithoutReader",
     .call = [](const Scene& s) { return CALL(write(s.lonely.wr(), "x", 1)); },
     .error = EPIPE,
     .claims = {clause::pipe::write_epipe}},
    {.name = "OpenForWritingWithoutReader",
     .call = [](const Scene& s) { return CALL(open(s.unopened.path(), O_WRONLY | O_NONBLOCK)); },
     .error = ENXIO,
     .claims = {clause::fifo::open_wronly_nonblock_enxio}},
    {.name = "MkfifoOfAnExistingName",
     .call = [](const Scene& s) { return CALL(mkfifo(s.unopened.path(), 0600)); },
     .error = EEXIST,
     .claims = {clause::mkfifo::eexist}},
    {.name = "Lseek",
     .call = [](const Scene& s) { return CALL(lseek(s.pipe.rd(), 0, SEEK_CUR)); },
     .error = ESPIPE,
     .claims = {clause::lseek::pipe_espipe}},
    {.name = "DupOfClosed",
     .call = [](const Scene& s) { return CALL(dup(s.closed)); },
     .error = EBADF,
     .claims = {clause::dup::errors}},
    {.name = "PollWithoutTime",
     .call =
         [](const Scene& s) {
           pollfd entry{s.pipe.rd(), POLLIN, 0};
           return CALL(poll(&entry, 1, 0));
         },
     .claims = {clause::poll::timeout_finite}},
    {.name = "SelectWithNegativeCount",
     .call =
         [](const Scene&) {
           timeval none{};
           return CALL(select(-1, nullptr, nullptr, nullptr, &none));
         },
     .error = EINVAL,
     .claims = {clause::select::einval}},
};
IPC_TABLE_TEST(PipeRepeat, RepeatRow, kRepeats) {
  const Scene scene;
  const std::size_t filled = row.full ? FillPipe(scene.pipe.wr()) : 0;
  for (int i = 0; i < kTimes; ++i) {
    if (row.error == 0) {
      ASSERT_THAT(row.call(scene), SucceedsWith(0)) << "time " << i + 1;
    } else {
      ASSERT_THAT(row.call(scene), Fails(row.error)) << "time " << i + 1;
    }
  }
  EXPECT_EQ(LowestFreeFd(), scene.closed) << "a descriptor was used up";
  EXPECT_EQ(FirstDifference(DrainPipe(scene.pipe.rd()), FillBytes(filled)), "");
  EXPECT_THAT(CALL(write(scene.pipe.wr(), "good", 4)), SucceedsWith(4));
  EXPECT_EQ(DrainPipe(scene.pipe.rd()), "good");
}

// Made and gone again: no number, name or memory for pipes is used up.
IPC_TEST(PipeRepeat, PipesThatAreClosed, clause::pipe::create_two_ends) {
  const int lowest = LowestFreeFd();
  for (int i = 0; i < kTimes; ++i) {
    int ends[2] = {-1, -1};
    ASSERT_THAT(CALL(pipe(ends)), SucceedsWith(0)) << "time " << i + 1;
    ASSERT_THAT(CALL(write(ends[1], "x", 1)), SucceedsWith(1)) << "time " << i + 1;
    close(ends[0]);
    close(ends[1]);
  }
  EXPECT_EQ(LowestFreeFd(), lowest);
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
