// Writers and a reader of one FIFO that run freely, some of them with poll() and O_NONBLOCK:
// nothing is lost, and nobody waits for ever.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "harness/peers/worker.h"
#include "harness/test/test.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"
#include "suites/pipe/records.h"

namespace ipcsuite::pipe_suite {
namespace {

struct FreeRow {
  const char* name;
  int writers;
  bool polls;  // every other writer, and the reader, wait by poll() with O_NONBLOCK
  Claims claims = {clause::pipe::write_room_reaches_every_writer, clause::pipe::write_appends};
};
const FreeRow kFree[] = {
    {.name = "TwoWriters", .writers = 2, .polls = false},
    {.name = "EightWriters", .writers = 8, .polls = false},
    {.name = "TwoWritersThatMixWithPoll", .writers = 2, .polls = true},
    {.name = "EightWritersThatMixWithPoll", .writers = 8, .polls = true},
};

// Writes all of `data` in records of random sizes; the last call.
CallResult WriteRecords(int fd, const std::string& data, bool polls, std::uint64_t seed) {
  Random random(seed);
  CallResult last;
  for (std::size_t at = 0; at < data.size();) {
    if (polls) {
      pollfd entry{fd, POLLOUT, 0};
      last = CALL(poll(&entry, 1, -1));
      if (!last.ok()) break;
    }
    const std::size_t size = std::min(Between(random, 1, 3000), data.size() - at);
    last = CALL(write(fd, data.data() + at, size));
    if (last.ok()) {
      at += static_cast<std::size_t>(last.value);
    } else if (!last.failed_with(EAGAIN)) {
      break;
    }
  }
  return last;
}

CallResult ReadAll(int fd, std::size_t total, bool polls, std::string* got) {
  Random random(total);
  std::string buffer(9000, '\0');
  CallResult last;
  while (got->size() < total) {
    if (polls) {
      pollfd entry{fd, POLLIN, 0};
      last = CALL(poll(&entry, 1, -1));
      if (!last.ok()) break;
    }
    last = CALL(read(fd, buffer.data(), Between(random, 1, buffer.size())));
    if (last.ok() && last.value > 0) {
      got->append(buffer.data(), static_cast<std::size_t>(last.value));
    } else if (!last.failed_with(EAGAIN)) {
      break;
    }
  }
  return last;
}

IPC_TABLE_TEST(PipeFreeRunning, FreeRow, kFree) {
  constexpr std::size_t kEach = 200'000;
  // Descriptions of their own, so that O_NONBLOCK is each one's.
  const FifoNode fifo;
  const Fd rd(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  SetNonblocking(rd, row.polls);
  std::vector<Fd> ends;
  for (int i = 0; i < row.writers; ++i) {
    ends.emplace_back(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
    SetNonblocking(ends.back(), row.polls && i % 2 == 1);
  }
  const std::size_t each = kEach / static_cast<std::size_t>(row.writers);
  std::string got;
  ThreadPeer reader;
  std::vector<ThreadPeer> writers(ends.size());
  std::vector<Call> calls;
  const Call reading =
      reader.start([&] { return ReadAll(rd, each * ends.size(), row.polls, &got); });
  for (std::size_t i = 0; i < ends.size(); ++i) {
    calls.push_back(writers[i].start([&, i] {
      const std::string data(each, static_cast<char>('a' + i));
      return WriteRecords(ends[i], data, row.polls && i % 2 == 1, TestSeed() + i);
    }));
  }
  EXPECT_THAT(reading.result(), Succeeds());
  for (const Call& call : calls) EXPECT_THAT(call.result(), Succeeds());
  const ForClause scope(clause::pipe::write_appends);
  NoteChecks();
  ExpectAllOfEach(got, row.writers, each);
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
