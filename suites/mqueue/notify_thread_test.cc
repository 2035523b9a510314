// mq_notify() with SIGEV_THREAD. Everything runs in peers: libraries keep helper threads and
// sockets for it, and known bugs here are crashes.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"
#include "suites/mqueue/room.h"

namespace ipcsuite::mqueue_suite {
namespace {

// What notification functions did; shared by all processes of a test.
struct Log {
  static constexpr int kMax = 512;
  std::atomic<int> calls;
  std::atomic<int> value[kMax];
  std::atomic<int> pid[kMax];
  std::atomic<int> other_thread;  // calls in a thread that is not the registrant's
  std::atomic<int> detached;      // -1: not told
  std::atomic<long> stack;
  std::atomic<int> touched;
  std::atomic<int> blocked_signals, blocks_usr2;
};
Log* g_log = nullptr;
pthread_t g_registrant;

void Note(sigval value) {
  if (!pthread_equal(pthread_self(), g_registrant)) ++g_log->other_thread;
  const int n = g_log->calls.load();
  if (n < Log::kMax) {
    g_log->value[n] = value.sival_int;
    g_log->pid[n] = static_cast<int>(getpid());
  }
  ++g_log->calls;
}

// Waits until `calls` calls of a notification function have ended; false after 5 s.
bool AwaitCalls(int calls) {
  Backoff backoff;
  for (const Deadline end(5s); g_log->calls.load() < calls; backoff.Pause()) {
    if (!end.passed()) continue;
    NeedThreads();
    return false;
  }
  return true;
}

CallResult RegisterThread(mqd_t q, int value, void (*function)(sigval) = Note,
                          pthread_attr_t* attributes = nullptr) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = function;
  event.sigev_notify_attributes = attributes;
  event.sigev_value.sival_int = value;
  g_registrant = pthread_self();
  const CallResult result = CALL(mq_notify(q, &event));
  // Without a thread the C library gives one of these.
  if (result.failed_with(ENOSYS) || result.failed_with(EAGAIN) || result.failed_with(ENOMEM))
    NeedThreads();
  return result;
}

// One transition of an empty queue to non-empty and back.
void Arrive(mqd_t q) {
  Put(q, "m");
  Drain(q);
}

class MqNotifyThread : public Test {
 protected:
  MqNotifyThread() { g_log = log_.get(); }
  // Runs the body in a peer and expects that it comes to its end.
  void InPeer(const std::function<void()>& body) {
    Peer peer;
    EXPECT_THAT(peer.start([&] {
                      body();
                      return CALL(0);
                    })
                    .result(20s),
                Succeeds());
  }
  Shared<Log> log_;
};

IPC_TEST_F(MqNotifyThread, FunctionRunsOnceInAThreadOfItsOwn,
           clause::mq_notify::sigev_thread_function_called) {
  Queue q;
  InPeer([&] {
    for (int round = 1; round <= 3; ++round) {
      EXPECT_THAT(RegisterThread(q, 40 + round), SucceedsWith(0));
      Arrive(q);
      EXPECT_TRUE(AwaitCalls(round)) << "the function did not run";
    }
  });
  EXPECT_EQ(g_log->calls.load(), 3) << "once for each notification";
  EXPECT_EQ(g_log->other_thread.load(), 3) << "in another thread than the registrant's";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(g_log->value[i].load(), 41 + i);
}

void NoteDetachState(sigval) {
  int state = -1;
#if defined(__linux__)
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getdetachstate(&attributes, &state);
    pthread_attr_destroy(&attributes);
  }
#endif
  g_log->detached = state == -1 ? -1 : state == PTHREAD_CREATE_DETACHED ? 1 : 0;
  ++g_log->calls;
}

IPC_TEST_F(MqNotifyThread, WithoutAttributesThreadsAreDetached,
           clause::mq_notify::sigev_thread_null_attributes_detached) {
  Queue q;
  InPeer([&] {
    for (int round = 1; round <= 150; ++round) {
      ASSERT_THAT(RegisterThread(q, 0, NoteDetachState), SucceedsWith(0)) << "round " << round;
      Arrive(q);
      ASSERT_TRUE(AwaitCalls(round)) << "round " << round << ": no thread any more";
    }
  });
  EXPECT_NE(g_log->detached.load(), 0) << "the thread is joinable";
}

constexpr std::size_t kTouched = 12u << 20, kStack = 16u << 20;  // larger than usual defaults

void TouchStack(sigval) {
  volatile char block[kTouched];
  for (std::size_t i = 0; i < kTouched; i += 1024) block[i] = static_cast<char>(i);
  g_log->touched = block[1024] == 0 ? 1 : 2;
#if defined(__linux__)
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    std::size_t size = 0;
    pthread_attr_getstacksize(&attributes, &size);
    g_log->stack = static_cast<long>(size);
    pthread_attr_destroy(&attributes);
  }
#endif
  ++g_log->calls;
}

IPC_TEST_F(MqNotifyThread, AttributesAreUsed, clause::mq_notify::sigev_thread_attributes_used) {
  Queue q;
  InPeer([&] {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_attr_setstacksize(&attributes, kStack) != 0)
      Unsupported("a stack of 16 MiB is not available");
    EXPECT_THAT(RegisterThread(q, 0, TouchStack, &attributes), SucceedsWith(0));
    Arrive(q);
    EXPECT_TRUE(AwaitCalls(1));
    pthread_attr_destroy(&attributes);
  });
  EXPECT_GT(g_log->touched.load(), 0);
  if (g_log->stack.load() > 0) {
    EXPECT_GE(g_log->stack.load(), static_cast<long>(kTouched));
  }
}

void NoteMask(sigval) {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  int blocked = 0;
  for (int signal = 1; signal < NSIG; ++signal) blocked += sigismember(&mask, signal) == 1;
  g_log->blocked_signals = blocked;
  g_log->blocks_usr2 = sigismember(&mask, SIGUSR2);
  ++g_log->calls;
}

IPC_TEST_F(MqNotifyThread, SignalMask, clause::mq_notify::sigev_thread_signal_mask) {
  Queue q;
  InPeer([&] {
    const ScopedSigmask blocked({SIGUSR2});
    EXPECT_THAT(RegisterThread(q, 0, NoteMask), SucceedsWith(0));
    Arrive(q);
    EXPECT_TRUE(AwaitCalls(1));
  });
  const int count = g_log->blocked_signals.load();
  Observe(clause::mq_notify::sigev_thread_signal_mask, "mask of the notification thread",
          count == 0           ? "blocks none"
          : count > NSIG / 2   ? "blocks all"
          : g_log->blocks_usr2 ? "that of the registering thread"
                               : "other");
}

// The attributes object is destroyed and overwritten before the notification comes.
IPC_TEST_F(MqNotifyThread, AttributesDestroyedEarly,
           clause::mq_notify::sigev_thread_attributes_destroyed_early, regression::glibc_bz27896) {
  Queue q;
  const mqd_t mqd = q.get();
  Peer peer;
  const CallResult end = peer.start([=] {
                               pthread_attr_t attributes;
                               for (int round = 1; round <= 10; ++round) {
                                 pthread_attr_init(&attributes);
                                 pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
                                 pthread_attr_setstacksize(&attributes, 1u << 20);
#if defined(__GLIBC__)
                                 cpu_set_t cpus;  // kept outside of the object by glibc
                                 pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus);
                                 pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
#endif
                                 Setup(RegisterThread(mqd, round, Note, &attributes));
                                 pthread_attr_destroy(&attributes);
                                 std::memset(&attributes, 0x5A, sizeof attributes);
                                 if (round % 2) {
                                   Arrive(mqd);
                                   if (!AwaitCalls(round / 2 + 1)) break;
                                 } else {
                                   Setup(CALL(mq_notify(mqd, nullptr)));
                                 }
                               }
                               return CALL(0);
                             })
                             .result(20s);
  Observe(clause::mq_notify::sigev_thread_attributes_destroyed_early, "the process", end);
  Observe(clause::mq_notify::sigev_thread_attributes_destroyed_early, "functions that ran, of 5",
          g_log->calls.load());
}

// Null attributes and a registration that is removed: glibc's helper thread once died of it.
IPC_TEST_F(MqNotifyThread, SurvivesARemovedRegistration, clause::mq_notify::unregister_null_removes,
           regression::glibc_bz28213) {
  Queue q;
  InPeer([&] {
    for (int round = 1; round <= 5; ++round) {
      Setup(RegisterThread(q, 1000 + round));
      EXPECT_THAT(CALL(mq_notify(q, nullptr)), SucceedsWith(0));
      EXPECT_THAT(RegisterThread(q, round), SucceedsWith(0));
      Arrive(q);
      EXPECT_TRUE(AwaitCalls(round));
    }
  });
  EXPECT_EQ(g_log->calls.load(), 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(g_log->value[i].load(), i + 1);
}

mqd_t g_rearm_queue;
void NoteAndRearm(sigval value) {
  if (value.sival_int < 20) {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = NoteAndRearm;
    event.sigev_value.sival_int = value.sival_int + 1;
    Drain(g_rearm_queue);
    mq_notify(g_rearm_queue, &event);
  }
  Note(value);
}

IPC_TEST_F(MqNotifyThread, RegistersAgainFromTheFunction, clause::mq_notify::oneshot_rearm) {
  Queue q;
  g_rearm_queue = q;
  InPeer([&] {
    EXPECT_THAT(RegisterThread(q, 1, NoteAndRearm), SucceedsWith(0));
    for (int round = 1; round <= 20; ++round) {
      Put(q, "m");
      ASSERT_TRUE(AwaitCalls(round)) << "round " << round;
    }
  });
  EXPECT_EQ(g_log->calls.load(), 20);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(g_log->value[i].load(), i + 1);
}

// After a fork, parent and child each registered for a queue of their own.
IPC_TEST_F(MqNotifyThread, FunctionRunsInTheRegisteringProcess,
           clause::mq_notify::sigev_thread_runs_in_registering_process,
           regression::glibc_sigev_thread_after_fork) {
  // In pairs, so that processes that take turns by chance don't pass.
  const std::string order = "ABBAABBBAAABABBAABAB";
  Queue a, b;
  const mqd_t qa = a.get(), qb = b.get();
  Shared<StartLine> start;
  Shared<std::atomic<int>> child_pid;
  const auto take_part = [&](char me, mqd_t q) {
    for (char whose : order) {
      if (whose == me) Setup(RegisterThread(q, whose));
      start->Wait(3);  // registered
      start->Wait(3);  // the round is over
    }
  };
  Peer parent;
  const Call call = parent.start([&] {
    // The parent has used SIGEV_THREAD before it forks. Nothing is delivered: with a thread of the
    // implementation running, the child could call async-signal-safe functions only.
    Setup(RegisterThread(qa, '-'));
    Setup(CALL(mq_notify(qa, nullptr)));
    Peer child;
    child.start([&] {
      child_pid->store(static_cast<int>(getpid()));
      take_part('B', qb);
    });
    take_part('A', qa);
    child.Join();
    return CALL(0);
  });
  int wrong = 0, missing = 0;
  for (std::size_t round = 0; round < order.size(); ++round) {
    start->Wait(3);
    Arrive(order[round] == 'A' ? qa : qb);
    const int calls = static_cast<int>(round) + 1;
    if (!AwaitCalls(calls)) {
      ++missing;
      break;
    }
    wrong += g_log->pid[calls - 1].load() != (order[round] == 'A' ? call.pid() : child_pid->load());
    start->Wait(3);
  }
  EXPECT_EQ(missing, 0) << "a notification function did not run anywhere";
  EXPECT_EQ(wrong, 0) << "of " << order.size()
                      << " notification functions ran in the wrong process";
  if (missing > 0) return;
  EXPECT_EQ(call.result(10s).fate, Fate::kReturned);
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
