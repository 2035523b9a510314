// pipe() and pipe2(): what a new pipe is.
#include <fcntl.h>
#include <unistd.h>

#include "harness/resources.h"
#include "harness/test.h"

namespace ipcsuite {
namespace {

IPC_TEST(PipeIo, ReadBlocksUntilDataArrives, clause::pipe::create_two_ends) {
  Pipe p;
  SharedBuffer buffer(5);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 5)); });
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  EXPECT_THAT(call.result(), SucceedsWith(5));
  EXPECT_EQ(buffer.str(5), "hello");
}

}  // namespace
}  // namespace ipcsuite
