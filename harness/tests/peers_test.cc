// The harness's own working: peers, the blocked probe, resources. Run like a suite.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "harness/core/patience.h"
#include "harness/test/test.h"

namespace ipcsuite {
namespace {

IPC_TEST(HarnessPeer, BlockedCallIsShownThenReleased) {
  Pipe p;
  SharedBuffer buffer(5);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 5)); });
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(call, StaysBlocked());
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  EXPECT_THAT(call.result(), SucceedsWith(5));
  EXPECT_EQ(buffer.str(5), "hello");
}

IPC_TEST(HarnessPeer, CallThatReturnsIsNotShownBlocked) {
  Peer peer;
  Call call = peer.start([] { return CALL(getpid()); });
  EXPECT_THAT(call, testing::Not(Blocks()));
  EXPECT_THAT(call.result(), Succeeds());
}

IPC_TEST(HarnessPeer, BlocksOnTellsDescriptorsApart) {
  Pipe p, other;
  SharedBuffer buffer(1);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 1)); });
  EXPECT_THAT(call, BlocksOn(p.rd()));
  if (CurrentRun()->probe_mode.load() == static_cast<std::uint32_t>(ProbeMode::kSyscall)) {
    EXPECT_EQ(call.probe(other.rd(), 50ms).what, Blocking::kNotShown);
  }
}

// No other function says whether this call has to wait.
IPC_TEST(HarnessPeer, BlocksWhereNothingElseCanBeAsked) {
  Peer peer;
  EXPECT_THAT(peer.start([] { return CALL(pause()); }), Blocks());
}

IPC_TEST(HarnessPeer, BusyPeerIsNotShownBlocked) {
  Shared<std::atomic<int>> stop;
  Peer peer;
  Call call = peer.start([&] {
    return CALL([&] {
      while (stop->load() == 0) {
      }
      return 0;
    }());
  });
  if (CurrentRun()->probe_mode.load() == static_cast<std::uint32_t>(ProbeMode::kSyscall)) {
    EXPECT_EQ(call.probe(-1, 200ms).what, Blocking::kNotShown);
  }
  stop->store(1);
  EXPECT_THAT(call.result(), SucceedsWith(0));
}

IPC_TEST(HarnessPeer, ScriptStepsInOrderWithStateOfItsOwn) {
  Pipe p;
  Shared<int> sum;
  Peer peer([&](Peer::Self& self) {
    int own = 1;
    self.step([&] {
      own += 10;
      return CALL(write(p.wr(), "a", 1));
    });
    self.step([&] {
      *sum = own;
      return CALL(write(p.wr(), "bc", 2));
    });
  });
  EXPECT_THAT(peer.next().result(), SucceedsWith(1));
  EXPECT_EQ(*sum, 0);
  EXPECT_THAT(peer.next().result(), SucceedsWith(2));
  EXPECT_EQ(*sum, 11);
  EXPECT_EQ(peer.Join(), 0);
}

// In nominal time, in which the harness counts.
void SleepFor(nanoseconds duration) {
  const timespec time = ToTimespec(Scaled(duration));
  nanosleep(&time, nullptr);  // sleep-ok: what is tested is that it is seen
}

// The names of functions decide what is expected of a call: these play read().
IPC_TEST(HarnessWakeUp, SleeperIsFound) {
  const auto read = [](int) { return SleepFor(60s), 0; };
  Peer peer;
  const Call call = peer.start([&] { return CALL(read(0)); });
  const std::int64_t start = NowNs();
  EXPECT_EQ(call.result().fate, Fate::kStillBlocked);
  EXPECT_GE(NowNs() - start, 1'000'000'000);
  NoteChecks();
}

IPC_TEST(HarnessWakeUp, LatenessIsRecorded) {
  const bool counted = os::OwnVoluntarySwitches() >= 0;
  bool recorded = false;
  nanoseconds late = 300ms;
  for (int tries = counted ? 20 : 1; tries > 0 && !recorded; --tries) {
    const auto read = [&](int) { return SleepFor(late), 0; };
    Peer peer;
    const CallResult result = peer.start([&] { return CALL(read(0)); }).result();
    const bool not_woken = result.fate == Fate::kStillBlocked;
    if (!not_woken) {
      EXPECT_THAT(result, SucceedsWith(0));
    }
    for (const LogRecord& record : CurrentSlot()->ReadLog()) {
      recorded = recorded || (record.kind == LogKind::kObservation &&
                              record.fields[1] == "late wake-up of read");
    }
    // On a busy machine the watcher looks so seldom that it sees only longer sleeps.
    late = not_woken ? 300ms : std::min<nanoseconds>(2 * late, 5s);
  }
  EXPECT_EQ(recorded, counted);
  NoteChecks();
}

IPC_TEST(HarnessWakeUp, NobodyIsBlamedWhileAnotherPeerMayAct) {
  const auto read = [](int) { return SleepFor(1500ms), 0; };
  Peer peer, busy;
  busy.start([] { return SleepFor(60s), CALL(getpid()); });
  EXPECT_THAT(peer.start([&] { return CALL(read(0)); }).result(), SucceedsWith(0));
}

int Refuse() {
  errno = EAGAIN;
  return -1;
}

IPC_TEST(HarnessWakeUp, CallThatSleepsBeforeItRefusesIsSeen) {
  const auto read = [](bool asleep) {
    // Long against the lateness of a busy machine's timers.
    if (asleep) SleepFor(1500ms);
    for (const Deadline busy(Scaled(200ms)); !asleep && !busy.passed();) {
    }
    return Refuse();
  };
  if (os::OwnVoluntarySwitches() < 0) Unsupported("sleeps are not counted here");
  EXPECT_THAT(CALL(read(true)), testing::Not(Fails(EAGAIN)));
  EXPECT_THAT(CALL(read(true)), testing::Not(DoesNotWait()));
  EXPECT_THAT(CALL(read(false)), Fails(EAGAIN));
  EXPECT_THAT(CALL(read(false)), DoesNotWait());
}

// An emulator that does not get the CPU looks like this from inside.
IPC_TEST(HarnessWakeUp, SleepIsExcusedWhereTimersAreLate) {
  const auto read = [](int) { return SleepFor(250ms), Refuse(); };
  const Shared<std::atomic<int>> done;
  const pid_t self = getpid();
  Peer hindrance;
  const Call call = hindrance.start([&] {
    while (done->load() == 0) {
      kill(self, SIGSTOP);
      SleepFor(200ms);
      kill(self, SIGCONT);
      SleepFor(20ms);
    }
    return CALL(getpid());
  });
  EXPECT_THAT(CALL(read(0)), Fails(EAGAIN));
  done->store(1);
  EXPECT_THAT(call.result(), Succeeds());
}

IPC_TEST(HarnessPeer, KilledWhileBlocked) {
  Pipe p;
  SharedBuffer buffer(1);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 1)); });
  ASSERT_THAT(call, Blocks());
  reader.Kill();
  EXPECT_THAT(call.result(), DiesBy(SIGKILL));
  EXPECT_FALSE(reader.alive());
}

IPC_TEST(HarnessPeer, StopAndContinue) {
  Pipe p;
  SharedBuffer buffer(1);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 1)); });
  ASSERT_THAT(call, Blocks());
  reader.Stop();
  reader.Continue();
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  EXPECT_THAT(call.result(), SucceedsWith(1));
}

IPC_TEST(HarnessThread, BlocksAndIsCancelled) {
  Pipe p;
  char byte = 0;
  ThreadPeer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), &byte, 1)); });
  ASSERT_THAT(call, BlocksOn(p.rd()));
  ASSERT_EQ(pthread_cancel(reader.handle()), 0);
  EXPECT_THAT(call.result(), IsCancelled());
}

IPC_TEST(HarnessThread, ReturnsItsResult) {
  ThreadPeer peer;
  EXPECT_THAT(peer.start([] { return CALL(close(-1)); }).result(), Fails(EBADF));
}

IPC_TEST(HarnessCall, CapturesErrnoAndConventions) {
  EXPECT_THAT(CALL(close(-1)), Fails(EBADF));
  EXPECT_THAT(CALL(close(-1)), FailsWithAnyOf(EINTR, EBADF));
  EXPECT_THAT(CALL(close(-1)), testing::Not(Succeeds()));
  EXPECT_THAT(CALL_ERRNO(posix_fallocate(-1, 0, 1)), Fails(EBADF));
  EXPECT_THAT(CALL_NULL(fdopen(-1, "r")), Fails(EBADF));
  EXPECT_THAT(CALL(dup(-1)), SucceedsOrFailsWith(EBADF));
}

IPC_ROLE(harness_echo) {
  self.Say("pid " + std::to_string(getpid()) + " " + (args.empty() ? "" : args[0]));
  return self.Await("go") ? 5 : 6;
}

IPC_TEST(HarnessExec, RoleTalksAndExits) {
  ExecSelf child("harness_echo", {"word"});
  child.AwaitSaid("pid " + std::to_string(child.pid()) + " word");
  child.Tell("go");
  EXPECT_EQ(child.Wait(), 5);
  NoteChecks();
}

IPC_TEST(HarnessResources, GuardedBufferSeesOverrun) {
  GuardedBuffer buffer(16);
  EXPECT_TRUE(buffer.Intact());
  buffer.data()[16] = 1;
  EXPECT_FALSE(buffer.Intact());
  GuardedBuffer at_end(16, true);
  EXPECT_THAT(WriteByte(at_end.data() + 16, 1), FaultsWithAt(SIGSEGV, at_end.data() + 16));
  at_end.data()[-1] = 1;
  EXPECT_FALSE(at_end.Intact());
}

IPC_TEST(HarnessResources, RestoreWhatTheyChange) {
  const mode_t before = umask(022);
  umask(before);
  rlimit limit{}, after{};
  getrlimit(RLIMIT_NOFILE, &limit);
  {
    ScopedUmask mask(0111);
    ScopedRlimit nofile(RLIMIT_NOFILE, 64);
    ScopedSignal handler(SIGUSR1, CountSignal);
    const int count = SignalCount();
    raise(SIGUSR1);
    EXPECT_EQ(SignalCount(), count + 1);
  }
  getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(limit.rlim_cur, after.rlim_cur);
  EXPECT_EQ(umask(before), before);
  NoteChecks();
}

IPC_TEST(HarnessResources, FillAndDrainAgree) {
  for (PipeKind kind : {PipeKind::kPipe, PipeKind::kFifo}) {
    Pipe p(kind);
    const std::size_t put = FillPipe(p.wr());
    EXPECT_GE(put, static_cast<std::size_t>(512));
    EXPECT_EQ(DrainPipe(p.rd()).size(), put);
  }
  NoteChecks();
}

IPC_TEST(HarnessPrivilege, PeerOfAnotherUserIsStillWatched) {
  const auto other = OtherUser();
  if (!other) Unsupported("can't become another user");
  Pipe p;
  SharedBuffer buffer(1);
  Shared<unsigned> uid;
  Peer reader;
  Call call = reader.start([&] {
    Become(*other);
    *uid = geteuid();
    return CALL(read(p.rd(), buffer.data(), 1));
  });
  EXPECT_THAT(call, Blocks());
  EXPECT_EQ(*uid, other->uid);
}

}  // namespace
}  // namespace ipcsuite
