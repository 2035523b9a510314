// Nothing is left behind, whatever ends a run.
#include <mqueue.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "base/rows.h"
#include "stress/engine/engine.h"

namespace ipcsuite::stress {
namespace {

struct Nest {
  std::atomic<std::int32_t> workers[64];
  std::atomic<std::uint32_t> running;
};

bool Gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

// Waits until `done`, a minute at most.
template <class Done>
bool Eventually(Done done) {
  const timespec tick{0, 5'000'000};
  sigset_t none;
  sigemptyset(&none);
  for (int i = 0; i < 12000; ++i) {
    if (done()) return true;
    sigtimedwait(&none, nullptr, &tick);
  }
  return done();
}

// Forks a run of the queue workload without end; returns its pid when it is at work.
pid_t StartRun(Nest* nest) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  Context context(9);
  SliceOptions options;
  options.info = FindRow<WorkloadInfo>("mq");
  options.spec.producers = options.spec.consumers = 2;
  options.cpus = {-1, -1, -1, -1};
  options.measure = 600s;
  context.on_tick = [&](std::uint64_t messages, double) {
    if (messages > 0) nest->running.store(1);
  };
  RunSlice(context, options);
  _exit(context.interrupted() ? 0 : 3);
}

bool QueueExists(pid_t run, int n) {
  const std::string name = "/ipcsuite-stress-" + std::to_string(run) + "-" + std::to_string(n);
  const mqd_t queue = mq_open(name.c_str(), O_RDONLY);
  if (queue == static_cast<mqd_t>(-1)) return false;
  mq_close(queue);
  return true;
}

TEST(Cleanup, AfterSigkillOfTheParentNoNameAndNoProcessIsLeft) {
  SharedRegion region(1 << 20);
  auto* const nest = region.Make<Nest>();
  const pid_t run = StartRun(nest);
  ASSERT_GT(run, 0);
  ASSERT_TRUE(Eventually([&] { return nest->running.load() != 0; }));
  ASSERT_TRUE(QueueExists(run, 0));
  kill(run, SIGKILL);
  waitpid(run, nullptr, 0);
  EXPECT_TRUE(Eventually([&] { return !QueueExists(run, 0); }))
      << "the guardian didn't unlink the queue";
}

TEST(Cleanup, CtrlCEndsTheSliceInOrder) {
  SharedRegion region(1 << 20);
  auto* const nest = region.Make<Nest>();
  const pid_t run = StartRun(nest);
  ASSERT_GT(run, 0);
  ASSERT_TRUE(Eventually([&] { return nest->running.load() != 0; }));
  kill(run, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(run, &status, 0), run);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_FALSE(QueueExists(run, 0));
  EXPECT_TRUE(Gone(run));
}

}  // namespace
}  // namespace ipcsuite::stress
