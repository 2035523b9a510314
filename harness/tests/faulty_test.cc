// Tests that misbehave on purpose: runner_test.cc runs them and looks at the verdicts. Never linked
// into the suite.
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"

namespace ipcsuite {
namespace {

IPC_TEST(Faulty, Passes, clause::pipe::create_two_ends) {
  Pipe p;
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
}

IPC_TEST(Faulty, Fails, clause::pipe::create_two_ends) {
  Pipe p;
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(2));
}

IPC_TEST(Faulty, FailsInPeer, clause::pipe::create_two_ends) {
  Peer peer;
  EXPECT_THAT(peer.start([] {
                    EXPECT_EQ(1, 2);
                    return CALL(getpid());
                  })
                  .result(),
              Succeeds());
}

IPC_TEST(Faulty, FailsForOneClause, clause::pipe::create_two_ends, clause::pipe::create_owner) {
  ForClause scope(clause::pipe::create_owner);
  EXPECT_THAT(CALL(close(-1)), Succeeds());
}

IPC_TEST(Faulty, ChecksNothing, clause::pipe::create_two_ends) {}

IPC_TEST(Faulty, SegmentationFault, clause::pipe::create_two_ends) {
  volatile std::uintptr_t nowhere = 8;
  *reinterpret_cast<volatile int*>(nowhere) = 1;
}

IPC_TEST(Faulty, BusError, clause::pipe::create_two_ends) { raise(SIGBUS); }

IPC_TEST(Faulty, Aborts, clause::pipe::create_two_ends) { std::abort(); }

IPC_TEST(Faulty, KilledFromOutside, clause::pipe::create_two_ends) { raise(SIGKILL); }

IPC_TEST(Faulty, ExitsEarly, clause::pipe::create_two_ends) { _exit(7); }

IPC_TEST(Faulty, HangsOutsideOfCalls, clause::pipe::create_two_ends, timeout_s(2)) {
  for (;;) pause();
}

IPC_TEST(Faulty, HangsInCall, clause::pipe::create_two_ends, timeout_s(5)) {
  Pipe p;
  char byte;
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), Succeeds());
}

IPC_TEST(Faulty, SpinsForEver, clause::pipe::create_two_ends, timeout_s(2)) {
  NoteChecks();
  while (CurrentSlot()->seed != 0) {
  }
}

IPC_TEST(Faulty, LostWakeup, clause::pipe::create_two_ends) {
  Pipe p;
  SharedBuffer buffer(1);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 1)); });
  ASSERT_THAT(call, Blocks());
  EXPECT_THAT(call.result(500ms), SucceedsWith(1));
}

IPC_TEST(Faulty, LeaksChild, clause::pipe::create_two_ends) {
  NoteChecks();
  if (fork() == 0) {
    for (;;) pause();
  }
}

IPC_TEST(Faulty, LeaksDescriptor, clause::pipe::create_two_ends) {
  NoteChecks();
  [[maybe_unused]] const int fd = dup(2);
}

IPC_TEST(Faulty, LeaksQueue, clause::pipe::create_two_ends) {
  const std::string name = "/ipcsuite-leak-" + std::to_string(getpid());
  RegisterName(NameEntry::kMqueue, name);
  CurrentSlot()->names[0].live.store(1);
  mq_attr attr{};
  attr.mq_maxmsg = 1, attr.mq_msgsize = 8;
  const CallResult made = CALL(mq_open(name.c_str(), O_CREAT | O_RDWR, 0600, &attr));
  Setup(made);
  mq_close(static_cast<mqd_t>(made.value));
  NoteChecks();
}

IPC_TEST(Faulty, LeaksShmName, clause::pipe::create_two_ends) {
  const std::string name = "/ipcsuite-leak-" + std::to_string(getpid());
  RegisterName(NameEntry::kShm, name);
  CurrentSlot()->names[0].live.store(1);
  Fd fd(CALL(shm_open(name.c_str(), O_CREAT | O_RDWR, 0600)));
  NoteChecks();
}

// Dies with names in the system: they must be swept by the runner.
IPC_TEST(Faulty, CrashesWithNames, clause::pipe::create_two_ends) {
  ShmObject object(4096);
  ObserveFact("name", object.name());
  raise(SIGSEGV);
}

IPC_TEST(Faulty, Unsupported, clause::pipe::create_two_ends) { Unsupported("no such option"); }
IPC_TEST(Faulty, UnresolvedInPeer, clause::pipe::create_two_ends) {
  Peer peer([](Peer::Self&) { Unresolved("no room"); });
  peer.Join();
}

IPC_TEST(Faulty, Issue8Only, clause::pipe2::cloexec) {
  Pipe p(PipeKind::kPipe2, O_CLOEXEC);
  EXPECT_THAT(CALL(fcntl(p.rd(), F_GETFD)), SucceedsWith(FD_CLOEXEC));
}

IPC_TEST(Faulty, Dangerous, clause::pipe::create_two_ends, dangerous("on purpose")) {
  EXPECT_THAT(CALL(getpid()), Succeeds());
}

// Passes in every second attempt.
IPC_TEST(Faulty, Flaky, clause::pipe::create_two_ends) {
  const int odd = static_cast<int>(TestSeed() % 2);
  EXPECT_THAT(CALL(dup2(2, 2 + 0 * odd)), SucceedsWith(2 + odd));
}

// Takes a while: for killing the runner in the middle.
IPC_TEST(Slow, WaitsForItsEnd, clause::pipe::create_two_ends, timeout_s(60)) {
  NoteChecks();
  Pipe p;
  ShmObject object(4096);
  ObserveFact("name", object.name());
  for (;;) pause();
}

}  // namespace
}  // namespace ipcsuite
