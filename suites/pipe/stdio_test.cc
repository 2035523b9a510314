// Streams over pipes, and popen().
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>

#include "harness/test/test.h"
#include "spec/clauses/pipe_attr.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeStream);

// A stream over a pipe end; closed at the end, unless the test did.
class Stream {
 public:
  Stream(int fd, const char* mode) : file_(fdopen(dup(fd), mode)) {
    if (!file_) Unresolved("set-up failed: fdopen");
  }
  ~Stream() {
    if (file_) fclose(file_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  FILE* get() const { return file_; }
  FILE* release() { return std::exchange(file_, nullptr); }

 private:
  FILE* file_;
};

IPC_TEST_P(PipeStream, HasNoPosition, clause::stdio::pipe_position) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "data", 4)), SucceedsWith(4));
  Stream stream(p.rd(), "r");
  setvbuf(stream.get(), nullptr, _IONBF, 0);
  fpos_t position;
  EXPECT_THAT(CALL(ftell(stream.get())), Fails(ESPIPE));
  EXPECT_THAT(CALL(ftello(stream.get())), Fails(ESPIPE));
  const CallResult got = CALL(fgetpos(stream.get(), &position));
  EXPECT_TRUE(got.value != 0 && got.error == ESPIPE) << Describe(got);
  for (const int origin : {SEEK_SET, SEEK_CUR, SEEK_END}) {
    EXPECT_THAT(CALL(fseek(stream.get(), 0, origin)), Fails(ESPIPE));
    EXPECT_THAT(CALL(fseeko(stream.get(), 1, origin)), Fails(ESPIPE));
  }
  char text[5] = {};
  EXPECT_EQ(fread(text, 1, 4, stream.get()), 4u);
  EXPECT_STREQ(text, "data");
}

// A position that the stream gave while a regular file was behind its descriptor.
IPC_TEST_P(PipeStream, CannotGoBackToAPosition, clause::stdio::pipe_position) {
  Pipe p = Make();
  const UniqueName path = UniqueName::Path(".file");
  Fd file(CALL(open(path.c_str(), O_RDWR | O_CREAT, 0600)));
  Stream stream(file, "r");
  setvbuf(stream.get(), nullptr, _IONBF, 0);
  fpos_t position;
  ASSERT_EQ(fgetpos(stream.get(), &position), 0);
  ASSERT_THAT(CALL(dup2(p.rd(), fileno(stream.get()))), Succeeds());
  const CallResult set = CALL(fsetpos(stream.get(), &position));
  EXPECT_TRUE(set.value != 0 && set.error == ESPIPE) << Describe(set);
}

IPC_TEST_P(PipeStream, FlushWithoutReaderFailsWithEpipe, clause::stdio::pipe_epipe) {
  for (const bool by_close : {false, true}) {
    Pipe p = Make();
    ScopedSignal handler(SIGPIPE, CountSignal);
    const int before = SignalCount();
    Stream stream(p.wr(), "w");
    p.CloseWr();
    ASSERT_GE(fputs("buffered", stream.get()), 0);
    p.CloseRd();
    if (by_close) {
      EXPECT_THAT(CALL(fclose(stream.release())), Fails(EPIPE));
    } else {
      EXPECT_THAT(CALL(fflush(stream.get())), Fails(EPIPE));
    }
    EXPECT_EQ(SignalCount() - before, 1) << "SIGPIPE deliveries";
    ScopedSignal ignored(SIGPIPE, SIG_IGN);  // the stream's own close may try again
    if (!by_close) fclose(stream.release());
  }
}

// What a stream reports of a call that would wait: the errno of the call, and the error indicator.
IPC_TEST_P(PipeStream, WithoutWaitingFailsWithEagain, clause::stdio::pipe_eagain) {
  Pipe p = Make(O_NONBLOCK);
  Stream in(p.rd(), "r"), out(p.wr(), "w");
  EXPECT_THAT(CALL(fgetc(in.get())), Fails(EAGAIN));
  EXPECT_TRUE(ferror(in.get()) && !feof(in.get())) << "the error indicator alone";
  clearerr(in.get());
  const std::size_t filled = FillPipe(p.wr(), 1);
  ASSERT_GE(fputs("late", out.get()), 0);
  EXPECT_THAT(CALL(fflush(out.get())), Fails(EAGAIN));
  EXPECT_TRUE(ferror(out.get()));
  clearerr(out.get());
  EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), FillBytes(filled)), "");
  ASSERT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(fgetc(in.get())), SucceedsWith('x')) << "once there is something to read";
}

IPC_TEST_P(PipeStream, ReadThatWaitsFailsWithEintr, clause::stdio::pipe_eintr) {
  Pipe p = Make();
  ScopedSignal handler(SIGUSR1, CountSignal);
  Stream in(p.rd(), "r");
  Peer reader;
  Call call = reader.start([&] {
    const CallResult got = CALL(fgetc(in.get()));
    EXPECT_TRUE(ferror(in.get()) && !feof(in.get())) << "the error indicator alone";
    return got;
  });
  EXPECT_THAT(call, Blocks());
  SignalUntilReturned(reader, call, SIGUSR1);
  EXPECT_THAT(call.result(), Fails(EINTR));
}

// ---- popen() and pclose() ----

// Reads a stream to its end.
std::string ReadAll(FILE* stream) {
  std::string all;
  for (int c; (c = fgetc(stream)) != EOF;) all += static_cast<char>(c);
  return all;
}

FILE* Popen(const std::string& command, const char* mode) {
  FILE* stream = popen(command.c_str(), mode);
  if (!stream && access("/bin/sh", X_OK) != 0)
    Unsupported("popen() needs a shell, and /bin/sh is absent here");
  if (!stream) Unresolved("set-up failed: popen(\"" + command + "\"): " + ErrnoName(errno));
  return stream;
}

void NeedShell() {
  const int status = pclose(Popen("exit 0", "r"));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) Unsupported("no shell could be run (sh)");
}

std::string FileText(const std::string& path) {
  FILE* file = fopen(path.c_str(), "r");
  if (!file) return "(no file)";
  const std::string text = ReadAll(file);
  fclose(file);
  return text;
}

bool IsFifo(FILE* stream) {
  struct stat status {};
  return fstat(fileno(stream), &status) == 0 && S_ISFIFO(status.st_mode);
}

IPC_TEST(PipePopen, ReadsTheOutputOfTheCommand, clause::popen::pipe_direction) {
  NeedShell();
  const CallResult opened = CALL_NULL(popen("printf token", "r"));
  ASSERT_THAT(opened, Succeeds());
  FILE* stream = reinterpret_cast<FILE*>(opened.value);
  EXPECT_TRUE(IsFifo(stream));
  EXPECT_NE(fcntl(fileno(stream), F_GETFL) & O_ACCMODE, O_WRONLY);
  EXPECT_EQ(ReadAll(stream), "token");
  EXPECT_TRUE(feof(stream));
  EXPECT_THAT(CALL(pclose(stream)), SucceedsWith(0));
}

IPC_TEST(PipePopen, WritesTheInputOfTheCommand, clause::popen::pipe_direction) {
  NeedShell();
  const UniqueName out = UniqueName::Path(".out");
  const CallResult opened = CALL_NULL(popen(("cat >'" + out.str() + "'").c_str(), "w"));
  ASSERT_THAT(opened, Succeeds());
  FILE* stream = reinterpret_cast<FILE*>(opened.value);
  EXPECT_TRUE(IsFifo(stream));
  EXPECT_NE(fcntl(fileno(stream), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_GE(fputs("token", stream), 0);
  EXPECT_THAT(CALL(pclose(stream)), SucceedsWith(0));
  EXPECT_EQ(FileText(out.str()), "token");
}

// The first command sees end-of-file although the second one lives: it did not get the stream.
IPC_TEST(PipePopen, ClosesEarlierStreamsInTheCommand, clause::popen::closes_earlier_streams) {
  NeedShell();
  const UniqueName a = UniqueName::Path(".a"), b = UniqueName::Path(".b");
  FILE* first = Popen("cat >'" + a.str() + "'", "w");
  FILE* second = Popen("cat >'" + b.str() + "'", "w");
  fputs("first", first);
  fputs("second", second);
  EXPECT_THAT(Bounded([&] { return CALL(pclose(first)); }), SucceedsWith(0))
      << "the second command holds the first one's input open";
  EXPECT_EQ(FileText(a.str()), "first");
  EXPECT_THAT(Bounded([&] { return CALL(pclose(second)); }), SucceedsWith(0));
  EXPECT_EQ(FileText(b.str()), "second");
}

IPC_TEST(PipePopen, ModeESetsCloexec, clause::popen::mode_e) {
  NeedShell();
  for (const char* mode : {"re", "we"}) {
    const CallResult opened = CALL_NULL(popen("exit 0", mode));
    EXPECT_THAT(opened, Succeeds()) << mode;
    if (!opened.ok()) continue;
    FILE* stream = reinterpret_cast<FILE*>(opened.value);
    EXPECT_EQ(fcntl(fileno(stream), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << mode;
    pclose(stream);
  }
  // Without it the flag is clear.
  FILE* plain = Popen("exit 0", "r");
  EXPECT_EQ(fcntl(fileno(plain), F_GETFD) & FD_CLOEXEC, 0);
  pclose(plain);
}

IPC_TEST(PipePopen, OtherModes, clause::popen::mode_values) {
  const auto judge = [](const char* key, const char* mode) {
    const CallResult opened = CALL_NULL(popen("exit 0", mode));
    Observe(clause::popen::mode_values, key, opened);
    if (opened.ok()) pclose(reinterpret_cast<FILE*>(opened.value));
  };
  judge("x", "x");
  judge("rw", "rw");
  judge("r_plus", "r+");
  judge("empty", "");
  if (JudgedIssue() < 8) judge("re", "re");
}

IPC_TEST(PipePclose, ReturnsTheWaitStatus, clause::pclose::waits) {
  NeedShell();
  const auto status_of = [](const char* command) {
    FILE* stream = Popen(command, "r");
    return CALL(pclose(stream));
  };
  const CallResult with_37 = status_of("exit 37"), by_signal = status_of("kill -TERM $$");
  ASSERT_THAT(with_37, Succeeds());
  EXPECT_TRUE(WIFEXITED(with_37.value));
  EXPECT_EQ(WEXITSTATUS(with_37.value), 37);
  ASSERT_THAT(by_signal, Succeeds());
  EXPECT_TRUE(WIFSIGNALED(by_signal.value));
  EXPECT_EQ(WTERMSIG(by_signal.value), SIGTERM);
}

// A FIFO opens for writing without waiting once the command reads it.
Fd WriterOf(const FifoNode& gate) {
  Fd writer;
  const Deadline end(10s);
  Backoff backoff;
  while (writer < 0 && !end.passed()) {
    writer.reset(open(gate.path(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    backoff.Pause();
  }
  if (writer < 0) Unresolved("the command did not open the FIFO");
  return writer;
}

// The command cannot end before the test opens a FIFO: pclose() is seen waiting for it.
IPC_TEST(PipePclose, WaitsForTheEndOfTheCommand, clause::pclose::waits) {
  NeedShell();
  FifoNode gate;
  FILE* stream = Popen("cat '" + std::string(gate.path()) + "'; exit 5", "r");
  ThreadPeer closer;
  Call call = closer.start([&] { return CALL(pclose(stream)); });
  EXPECT_THAT(call, Blocks());
  Fd writer = WriterOf(gate);
  EXPECT_FALSE(call.returned()) << "the command has not ended";
  writer.reset();
  const CallResult closed = call.result();
  ASSERT_THAT(closed, Succeeds());
  EXPECT_TRUE(WIFEXITED(closed.value) && WEXITSTATUS(closed.value) == 5)
      << "status " << closed.value;
}

IPC_TEST(PipePclose, GoesOnWaitingAfterSignals, clause::pclose::waits) {
  NeedShell();
  FifoNode gate;
  ScopedSignal interrupt(SIGINT, CountSignal), quit(SIGQUIT, CountSignal),
      hang_up(SIGHUP, CountSignal);
  FILE* stream = Popen("cat '" + std::string(gate.path()) + "'; exit 5", "r");
  Fd writer = WriterOf(gate);
  ThreadPeer closer;
  Call call = closer.start([&] { return CALL(pclose(stream)); });
  EXPECT_THAT(call, Blocks());
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP}) {
    const int before = SignalCount();
    Setup(CALL_ERRNO(pthread_kill(closer.handle(), signal)));
    EXPECT_TRUE(AwaitSignals(before, 1)) << SignalName(signal) << " was blocked or ignored";
    EXPECT_THAT(call, StaysBlocked()) << SignalName(signal);
  }
  writer.reset();
  const CallResult closed = call.result();
  ASSERT_THAT(closed, Succeeds());
  EXPECT_TRUE(WIFEXITED(closed.value) && WEXITSTATUS(closed.value) == 5)
      << "status " << closed.value;
}

IPC_TEST(PipePclose, FailsWithEchildWhenTheStatusWasTaken, clause::pclose::echild) {
  NeedShell();
  FILE* stream = Popen("exit 0", "r");
  int status = 0;
  ASSERT_THAT(CALL(waitpid(-1, &status, 0)), Succeeds());
  EXPECT_THAT(CALL(pclose(stream)), Fails(ECHILD));
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
