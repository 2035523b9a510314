// What POSIX leaves open about readiness, recorded so that platforms can be compared.
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <unistd.h>

#include <string>

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"

namespace ipcsuite::poll_suite {
namespace {

int PollFor(int fd, int events) {
  pollfd entry{fd, static_cast<short>(events), 0};
  EXPECT_THAT(CALL(poll(&entry, 1, 0)), Succeeds());
  return static_cast<unsigned short>(entry.revents);
}

IPC_TEST(PollOpen, PriorityDataOfAPipe, clause::poll::pipe_priority_data) {
  Pipe pipe;
  Setup(CALL(write(pipe.wr(), "x", 1)));
  Observe(clause::poll::pipe_priority_data, "band_bits_of_read_end_with_data",
          std::string_view(BitNames(PollFor(pipe.rd(), kBandBits))));
  Observe(clause::poll::pipe_priority_data, "band_bits_of_write_end_with_room",
          std::string_view(BitNames(PollFor(pipe.wr(), kBandBits))));
}

IPC_TEST(PollOpen, EndOfFileWithPollin, clause::poll::pipe_pollin_at_eof) {
  Pipe pipe;
  pipe.CloseWr();
  const int revents = PollFor(pipe.rd(), POLLIN);
  Observe(clause::poll::pipe_pollin_at_eof, "revents_at_end_of_file",
          std::string_view(BitNames(revents)));
}

// Bytes to read from a full pipe until poll() calls it writable.
IPC_TEST(PollOpen, RoomThatMakesAPipeWritable, clause::poll::pipe_pollout_threshold) {
  Pipe pipe;
  const std::size_t capacity = FillPipe(pipe.wr());
  std::size_t room = 0;
  char byte;
  while (PollFor(pipe.wr(), POLLOUT) == 0 && room < capacity && room < 65536) {
    Setup(CALL(read(pipe.rd(), &byte, 1)));
    ++room;
  }
  Observe(clause::poll::pipe_pollout_threshold, "room_when_called_writable_bytes",
          static_cast<std::int64_t>(room));
}

IPC_TEST(PollOpen, WriteEndWithoutReaderInIssue7, clause::poll::pipe_err_without_reader_issue7) {
  Pipe pipe;
  pipe.CloseRd();
  Observe(clause::poll::pipe_err_without_reader_issue7, "revents_of_write_end_without_reader",
          std::string_view(BitNames(PollFor(pipe.wr(), POLLOUT))));
}

IPC_TEST(SelectOpen, ExceptionalConditionOfAPipe, clause::select::pipe_exceptional) {
  Pipe with_data, hung_up, broken;
  Setup(CALL(write(with_data.wr(), "x", 1)));
  hung_up.CloseWr();
  broken.CloseRd();
  const struct {
    const char* key;
    int fd;
  } cases[] = {{"exceptional_read_end_with_data", with_data.rd()},
               {"exceptional_read_end_hung_up", hung_up.rd()},
               {"exceptional_write_end_without_reader", broken.wr()}};
  for (const auto& one : cases) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(one.fd, &set);
    timeval none{};
    const CallResult result = CALL(select(one.fd + 1, nullptr, nullptr, &set, &none));
    EXPECT_THAT(result, Succeeds());
    Observe(clause::select::pipe_exceptional, one.key,
            std::string_view(result.value > 0 ? "set" : "clear"));
  }
}

}  // namespace
}  // namespace ipcsuite::poll_suite
