// Asynchronous input and output on pipes.
#include <aio.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe_attr.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeAio);

// A request and its buffer, which must outlive it.
struct Request {
  aiocb block{};
  std::string data;
  Request(int fd, std::string bytes) : data(std::move(bytes)) {
    block.aio_fildes = fd;
    block.aio_buf = data.data();
    block.aio_nbytes = data.size();
    block.aio_sigevent.sigev_notify = SIGEV_NONE;
  }
  Request(const Request&) = delete;
};

// A refusal is a result where fpathconf says that the file has no asynchronous I/O.
void NeedAccepted(int fd, const CallResult& queued) {
  if (queued.ok() || !queued.returned()) return;  // waiting is no refusal
  const long support = fpathconf(fd, _PC_ASYNC_IO);
  if (support == -1 || queued.failed_with(ENOSYS))
    Unsupported("asynchronous I/O on pipes is refused: " + Describe(queued));
}

// Waits until the request has ended, at most 5 s; its error status.
CallResult Await(const Request& request) {
  const aiocb* list[] = {&request.block};
  const Deadline end(5s);
  CallResult status;
  while ((status = CALL(aio_error(&request.block))).value == EINPROGRESS && !end.passed()) {
    const timespec patience{1, 0};
    aio_suspend(list, 1, &patience);
  }
  return status;
}

IPC_TEST_P(PipeAio, Support, clause::aio::pipe_support) {
  Pipe p = Make();
  errno = 0;
  const long support = fpathconf(p.rd(), _PC_ASYNC_IO);
  Observe(clause::aio::pipe_support, "fpathconf_PC_ASYNC_IO", static_cast<std::int64_t>(support));
  ASSERT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  Request request(p.rd(), "-");
  const CallResult queued = CALL(aio_read(&request.block));
  Observe(clause::aio::pipe_support, "aio_read", queued);
  if (queued.ok()) {
    Await(request);
    aio_return(&request.block);
  }
}

IPC_TEST_P(PipeAio, ReadIsQueuedAndEndsWhenDataArrives, clause::aio::pipe_read_queues) {
  Pipe p = Make();
  Request request(p.rd(), std::string(10, '-'));
  const CallResult queued = Bounded([&] { return CALL(aio_read(&request.block)); });
  NeedAccepted(p.rd(), queued);
  ASSERT_THAT(queued, SucceedsWith(0));
  EXPECT_THAT(CALL(aio_error(&request.block)), SucceedsWith(EINPROGRESS))
      << "no data was written yet";
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  EXPECT_THAT(Await(request), SucceedsWith(0));
  EXPECT_THAT(CALL(aio_return(&request.block)), SucceedsWith(5));
  EXPECT_EQ(request.data, "hello-----");
}

IPC_TEST_P(PipeAio, WritesAppend, clause::aio::pipe_write_order) {
  Pipe p = Make();
  std::vector<std::unique_ptr<Request>> requests;
  for (const char* text : {"first.", "second.", "third.", "fourth."})
    requests.push_back(std::make_unique<Request>(p.wr(), text));
  for (auto& request : requests) {
    request->block.aio_offset = 100;  // has no use here
    const CallResult queued = CALL(aio_write(&request->block));
    NeedAccepted(p.wr(), queued);
    EXPECT_THAT(queued, SucceedsWith(0));
  }
  for (auto& request : requests) {
    EXPECT_THAT(Await(*request), SucceedsWith(0));
    EXPECT_THAT(CALL(aio_return(&request->block)), SucceedsWith(request->data.size()));
  }
  // An implementation may relax the order; every request is whole and there once.
  const std::string got = DrainPipe(p.rd());
  EXPECT_EQ(got.size(), std::strlen("first.second.third.fourth."));
  for (auto& request : requests)
    EXPECT_NE(got.find(request->data), std::string::npos) << request->data;
  Observe(clause::aio::pipe_write_order, "order",
          got == "first.second.third.fourth." ? "of the calls" : "another");
}

IPC_TEST_P(PipeAio, ReadReportsEndOfFile, clause::aio::pipe_completion_errors) {
  Pipe p = Make();
  Request request(p.rd(), std::string(10, '-'));
  const CallResult queued = CALL(aio_read(&request.block));
  NeedAccepted(p.rd(), queued);
  ASSERT_THAT(queued, SucceedsWith(0));
  p.CloseWr();
  EXPECT_THAT(Await(request), SucceedsWith(0));
  EXPECT_THAT(CALL(aio_return(&request.block)), SucceedsWith(0));
}

IPC_TEST_P(PipeAio, WriteReportsEpipe, clause::aio::pipe_completion_errors) {
  Pipe p = Make();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  p.CloseRd();
  Request request(p.wr(), "lost");
  const CallResult queued = CALL(aio_write(&request.block));
  NeedAccepted(p.wr(), queued);
  ASSERT_THAT(queued, SucceedsWith(0));
  EXPECT_THAT(Await(request), SucceedsWith(EPIPE)) << "the error status";
  EXPECT_EQ(aio_return(&request.block), -1);
}

IPC_TEST_P(PipeAio, CancelOfAWaitingRead, clause::aio::pipe_cancel) {
  Pipe p = Make();
  Request request(p.rd(), std::string(5, '-'));
  const CallResult queued = CALL(aio_read(&request.block));
  NeedAccepted(p.rd(), queued);
  ASSERT_THAT(queued, SucceedsWith(0));
  const CallResult cancelled = CALL(aio_cancel(p.rd(), &request.block));
  ASSERT_TRUE(cancelled.value == AIO_CANCELED || cancelled.value == AIO_NOTCANCELED) << cancelled;
  EXPECT_THAT(CALL(write(p.wr(), "token", 5)), SucceedsWith(5));
  if (cancelled.value == AIO_CANCELED) {
    EXPECT_THAT(CALL(aio_error(&request.block)), SucceedsWith(ECANCELED));
    EXPECT_EQ(aio_return(&request.block), -1);
    EXPECT_EQ(DrainPipe(p.rd()), "token") << "a cancelled request consumed data";
  } else {
    EXPECT_THAT(Await(request), SucceedsWith(0));
    EXPECT_THAT(CALL(aio_return(&request.block)), SucceedsWith(5));
    EXPECT_EQ(request.data, "token");
    EXPECT_EQ(DrainPipe(p.rd()), "");
  }
  // Which of the two may depend on how far a helper of the system has come.
  Evidence(cancelled.value == AIO_CANCELED ? "AIO_CANCELED" : "AIO_NOTCANCELED");
  Observe(clause::aio::pipe_cancel, "accounted_for", "yes");
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
