// Message queue descriptors and queues across fork, exec, posix_spawn and the end of processes.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <type_traits>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

extern char** environ;

namespace ipcsuite::mqueue_suite {
namespace {

IPC_TEST(MqFork, ChildHasCopiesOfTheDescriptors, clause::fork::descriptors_inherited,
         regression::freebsd_fork_drops_descriptors) {
  Queue q;
  const Mqd reader(q.OpenAgain(O_RDONLY)), writer(q.OpenAgain(O_WRONLY));
  Put(q, "for the child");
  const mqd_t rd = reader.get(), wr = writer.get();
  Peer child([&](Peer::Self& self) {
    self.step([&] {
      const Receipt got = ReceiveOne(rd);
      EXPECT_EQ(got.text, "for the child");
      return got.call;
    });
    self.step([&] { return CALL(mq_send(wr, "for the parent", 14, 2)); });
    self.step([&] { return CALL(mq_send(rd, "x", 1, 0)); });
    self.step([&] { return ReceiveOne(wr).call; });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith(13));
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  EXPECT_EQ(Drain(q), (Messages{{"for the parent", 2}}));
  EXPECT_THAT(child.next().result(), Fails(EBADF))
      << "the copy has the access mode of the original";
  EXPECT_THAT(child.next().result(), Fails(EBADF))
      << "the copy has the access mode of the original";
}

IPC_TEST(MqFork, CopiesShareOneDescription, clause::fork::descriptors_same_description) {
  Queue q;
  const mqd_t mqd = q.get();
  Peer child([&](Peer::Self& self) {
    self.step([&] { SetQueueNonblocking(mqd, true); });
    self.step([&] { return CALL(IsNonblocking(mqd) ? 1 : 0); });
    self.step([&] { return CALL(IsNonblocking(mqd) ? 1 : 0); });
  });
  Setup(child.next().result());
  EXPECT_TRUE(IsNonblocking(q)) << "set in the child";
  EXPECT_THAT(ReceiveOne(q).call, Fails(EAGAIN));
  SetQueueNonblocking(q, false);
  EXPECT_THAT(child.next().result(), SucceedsWith(0)) << "cleared in the parent";
  SetQueueNonblocking(q, true);
  EXPECT_THAT(child.next().result(), SucceedsWith(1)) << "set in the parent";
}

IPC_TEST(MqFork, CopiesAreClosedIndependently, clause::fork::descriptors_closed_independently) {
  Queue q;
  const mqd_t mqd = q.get();
  Peer first;
  EXPECT_THAT(first.start([=] { return CALL(mq_close(mqd)); }).result(), SucceedsWith(0));
  EXPECT_THAT(CALL(mq_send(q, "a", 1, 0)), SucceedsWith(0)) << "after the child's close";
  EXPECT_EQ(ReceiveOne(q).text, "a");
  Peer second([&](Peer::Self& self) {
    self.step([&] { return CALL(mq_send(mqd, "b", 1, 0)); });
    self.step([&] { return ReceiveOne(mqd).call; });
  });
  q.Close();
  EXPECT_THAT(second.next().result(), SucceedsWith(0)) << "after the parent's close";
  EXPECT_THAT(second.next().result(), SucceedsWith(1));
}

// The new image is told the number of what was a descriptor: status 0 when it is none any more.
IPC_ROLE(expect_no_queue_at) {
  // mq_setattr() shall fail with EBADF; mq_getattr() only may.
  const mq_attr attr{};
  const mqd_t q = (mqd_t)std::stol(args[0]);  // NOLINT: only where mqd_t is a number
  errno = 0;
  if (mq_setattr(q, &attr, nullptr) == 0) return 10;
  return errno == EBADF ? 0 : 11;
}

void NeedNumbers() {
  if (!std::is_integral_v<mqd_t>)
    Unsupported("mqd_t is no number: the new image can't be asked about a descriptor");
}
std::string NumberOf(const Queue& q) { return std::to_string((long)q.get()); }  // NOLINT

IPC_TEST(MqExec, ClosesAllDescriptors, clause::exec::descriptors_closed) {
  NeedNumbers();
  Queue q;
  ExecSelf image("expect_no_queue_at", {NumberOf(q)});
  EXPECT_EQ(image.Wait(), 0)
      << "10: the descriptor is open in the new image; 11: another error than EBADF";
  NoteChecks();
  EXPECT_THAT(CALL(mq_send(q, "m", 1, 0)), SucceedsWith(0)) << "in the parent";
}

// The last reference to an unlinked queue goes with exec: room for all of them is there only if
// each is destroyed.
IPC_TEST(MqExec, GivesUpTheLastReference, clause::exec::descriptors_closed) {
  NeedNumbers();
  Queue q;
  const char* name = q.name();
  Shared<std::atomic<int>> registered;
  ExecSelf image("survive_with_descriptor", {}, [&] {
    // Whoever holds the descriptor open would keep this registration.
    const mqd_t own = mq_open(name, O_RDWR);
    registered->store(RegisterSilently(own).ok() ? 1 : -1);
  });
  image.AwaitSaid("ready");
  if (registered->load() != 1) Unresolved("set-up failed: registering before exec");
  EXPECT_THAT(RegisterElsewhere(q), SucceedsWith(0)) << "exec left the descriptor open";
  image.Tell("end");
  image.Wait();
}
IPC_ROLE(survive_with_descriptor) {
  self.Say("ready");
  return self.Await("end") ? 0 : 1;
}

IPC_TEST(MqSpawn, GivesNoDescriptorsToTheNewProcess, clause::posix_spawn::descriptors_closed) {
  NeedNumbers();
  Queue q;
  const std::vector<std::string> command =
      RoleCommand("expect_no_queue_at", ScratchDir() + "/said-spawn", {NumberOf(q)});
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t child = -1;
  Setup(CALL_ERRNO(posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) >= 126)
    Unresolved("can't execute this program again");
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0)
      << "10: the descriptor is open in the new process; 11: another error than EBADF";
  EXPECT_THAT(CALL(mq_send(q, "m", 1, 0)), SucceedsWith(0)) << "in the parent";
  EXPECT_EQ(ReceiveOne(q).text, "m");
}

struct EndRow {
  const char* name;
  Claims claims;
  bool killed;
};
const EndRow kEnds[] = {
    {"OutlivesACreatorThatExits", {clause::persistence::unreferenced_queue}, false},
    {"OutlivesACreatorThatIsKilled", {clause::persistence::unreferenced_queue}, true},
};
IPC_TABLE_TEST(MqPersistence, EndRow, kEnds) {
  const UniqueName name = UniqueName::Mq();
  Peer creator([&](Peer::Self& self) {
    self.step([&] {
      mq_attr attr = Sized(3, 48);
      const CallResult opened = Patiently(
          [&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
      const mqd_t q = ToMqd(opened);  // left open
      Put(q, "one", 1);
      Put(q, "two", 2);
      return opened;
    });
    self.step([&] { return row.killed ? CALL(pause()) : CALL(0); });
  });
  Setup(creator.next().result());
  const Call last = creator.next();
  if (row.killed) {
    EXPECT_THAT(last, Blocks());
    creator.Kill();
  }
  creator.Join();
  // Now no process has the queue open.
  const auto stranger = OtherUser();
  if (stranger) {
    Peer other;
    EXPECT_THAT(other
                    .start([&] {
                      Become(*stranger);
                      return CALL(mq_open(name.c_str(), O_RDONLY));
                    })
                    .result(),
                Fails(EACCES))
        << "its permissions persist";
  }
  const CallResult opened = CALL(mq_open(name.c_str(), O_RDWR));
  const Mqd q(opened);
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(AttributesOf(q).mq_maxmsg, 3);
  EXPECT_EQ(AttributesOf(q).mq_msgsize, 48);
  EXPECT_EQ(Drain(q), (Messages{{"two", 2}, {"one", 1}}));
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
