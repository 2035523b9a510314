// Threads: safety of all functions, and cancellation.
#include <fcntl.h>
#include <pthread.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/objects/cancel.h"
#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

struct Row {
  const char* name;
  Claims claims;
  bool send;
  Way way;
};
const Row kBlocked[] = {
    {"OfMqSend", {clause::threads::cancel_mq_send}, true, Way::kPlain},
    {"OfMqTimedsend", {clause::threads::cancel_mq_timedsend}, true, Way::kTimed},
    {"OfMqReceive", {clause::threads::cancel_mq_receive}, false, Way::kPlain},
    {"OfMqTimedreceive", {clause::threads::cancel_mq_timedreceive}, false, Way::kTimed},
};

void Count(void* counter) { ++*static_cast<std::atomic<int>*>(counter); }

IPC_TABLE_TEST(MqCancellationOfABlockedCall, Row, kBlocked) {
  Queue q(2);
  const Messages before = row.send ? Fill(q) : Messages{};
  std::atomic<int> cleaned_up{0};
  ThreadPeer peer;
  const Call call = peer.start([&] {
    char buffer[64];
    CallResult result;
    pthread_cleanup_push(Count, &cleaned_up);
    result =
        row.send ? SendBy(row.way, q, "gone", 4, 9) : ReceiveBy(row.way, q, buffer, sizeof buffer);
    pthread_cleanup_pop(0);
    return result;
  });
  EXPECT_THAT(call, Blocks());
  RequestCancellation(peer.handle());
  EXPECT_THAT(call.result(), IsCancelled());
  EXPECT_EQ(cleaned_up.load(), 1) << "clean-up handlers";
  if (row.send) {
    EXPECT_EQ(Drain(q), before);
    Put(q, "room");
    EXPECT_EQ(CountOf(q), 1);
  } else {
    Put(q, "kept");
    EXPECT_EQ(CountOf(q), 1);
  }
}

// A request that is pending when a call is made is acted upon, though the call need not wait.
const Row kPending[] = {
    {"ByMqSend", {clause::threads::cancel_pending_request_acted_on}, true, Way::kPlain},
    {"ByMqTimedsend", {clause::threads::cancel_pending_request_acted_on}, true, Way::kTimed},
    {"ByMqReceive", {clause::threads::cancel_pending_request_acted_on}, false, Way::kPlain},
    {"ByMqTimedreceive", {clause::threads::cancel_pending_request_acted_on}, false, Way::kTimed},
};
IPC_TABLE_TEST(MqPendingCancellationIsActedUpon, Row, kPending) {
  Queue q(2);
  Put(q, "one");
  ThreadPeer peer;
  const Call call = peer.start([&] {
    char buffer[64];
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    return row.send ? SendBy(row.way, q, "two", 3) : ReceiveBy(row.way, q, buffer, sizeof buffer);
  });
  EXPECT_THAT(call.result(), IsCancelled());
}

IPC_TEST(MqCancellation, OtherFunctionsAreNoCancellationPoints,
         clause::threads::cancel_other_functions_are_not_points) {
  const UniqueName name = UniqueName::Mq();
  std::atomic<int> steps{0};
  bool ok[9] = {};
  int open_errno = 0;
  ThreadPeer peer;
  const Call call = peer.start([&] {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    // No CALL and no check up to the end: the harness must not be the cancellation point.
    mq_attr attr{};
    attr.mq_maxmsg = 2, attr.mq_msgsize = 16;
    const mqd_t q = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
    if (q == kNoQueue) open_errno = errno;
    ok[steps++] = q != kNoQueue;
    ok[steps++] = mq_getattr(q, &attr) == 0;
    ok[steps++] = mq_setattr(q, &attr, nullptr) == 0;
    sigevent event{};
    event.sigev_notify = SIGEV_NONE;
    ok[steps++] = mq_notify(q, &event) == 0;
    ok[steps++] = mq_notify(q, nullptr) == 0;
    ok[steps++] = mq_close(q) == 0;
    ok[steps++] = mq_unlink(name.c_str()) == 0;
    pthread_testcancel();
    ++steps;
  });
  EXPECT_THAT(call.result(), IsCancelled());
  if (open_errno == EMFILE || open_errno == ENFILE || open_errno == ENOSPC ||
      open_errno == ENOMEM) {
    Unresolved("set-up failed: mq_open() fails with " + ErrnoName(open_errno) +
               ": raise the limits on queues");
  }
  const char* kSteps[] = {"mq_open",         "mq_getattr", "mq_setattr", "mq_notify",
                          "mq_notify(NULL)", "mq_close",   "mq_unlink"};
  ASSERT_EQ(steps.load(), 7) << (steps < 7 ? kSteps[steps] : "pthread_testcancel")
                             << " acted on the request or did not";
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(ok[i]) << kSteps[i] << " failed";
  const CallResult gone = CALL(mq_open(name.c_str(), O_RDWR));
  const Mqd none(gone);
  EXPECT_THAT(gone, Fails(ENOENT));
}

// Cancellation races with the arrival: which of the two comes first is open, but either the message
// was received, or it is still there.
IPC_TEST(MqCancellation, RacesWithArrival, clause::threads::cancel_race_with_arrival,
         clause::threads::cancel_removes_nothing) {
  int cancelled = 0, completed = 0, lost = 0;
  for (int round = 0; round < 30; ++round) {
    Queue q;
    ThreadReceiver waiting(q);
    EXPECT_THAT(waiting.call(), Blocks());
    if (round % 2) Put(q, "m");
    RequestCancellation(waiting.peer().handle());
    if (round % 2 == 0) Put(q, "m");
    const CallResult end = waiting.call().result();
    waiting.peer().Join();
    if (end.fate == Fate::kCancelled) {
      ++cancelled;
      lost += CountOf(q) == 0;
      Evidence("round " + std::to_string(round) + ": cancelled, " + std::to_string(CountOf(q)) +
               " queued");
    } else {
      ++completed;
      EXPECT_THAT(end, SucceedsWith(1));
      EXPECT_EQ(CountOf(q), 0);
    }
  }
  {
    const ForClause scope(clause::threads::cancel_removes_nothing);
    EXPECT_EQ(lost, 0) << "messages taken by cancelled receives, of " << cancelled;
    NoteChecks();
  }
  Observe(clause::threads::cancel_race_with_arrival, "outcomes",
          cancelled && completed ? "both"
          : cancelled            ? "cancelled"
                                 : "completed");
}

IPC_TEST(MqThreads, AllFunctionsMayBeCalledAtOnce, clause::threads::safety_all_functions) {
  const UniqueName name = UniqueName::Mq();
  const Mqd shared = CreateQueue(name.c_str(), 4, 32, O_RDWR | O_NONBLOCK);
  constexpr int kThreads = 4, kRounds = 150;
  std::atomic<int> sent{0}, received{0};
  std::vector<ThreadPeer> threads(kThreads);
  std::vector<Call> calls;
  for (ThreadPeer& thread : threads) {
    const int id = static_cast<int>(&thread - threads.data());
    calls.push_back(thread.start([&, id] {
      for (int i = 0; i < kRounds; ++i) {
        const Mqd own(CALL(mq_open(name.c_str(), O_RDWR | O_NONBLOCK)));
        ASSERT_NE(own.get(), kNoQueue);
        const mqd_t q = i % 2 ? own.get() : shared.get();
        const std::string text = "t" + std::to_string(id) + "-" + std::to_string(i);
        const CallResult put =
            CALL(mq_send(q, text.data(), text.size(), static_cast<unsigned>(i % 3)));
        ASSERT_THAT(put, SucceedsOrFailsWith(EAGAIN));
        sent += put.ok();
        mq_attr attr{};
        ASSERT_THAT(CALL(mq_getattr(q, &attr)), SucceedsWith(0));
        ASSERT_TRUE(attr.mq_curmsgs >= 0 && attr.mq_curmsgs <= 4) << attr.mq_curmsgs;
        ASSERT_EQ(attr.mq_msgsize, 32);
        char buffer[32];
        const CallResult got = CALL(mq_receive(q, buffer, sizeof buffer, nullptr));
        ASSERT_THAT(got, SucceedsOrFailsWith(EAGAIN));
        received += got.ok();
        if (got.ok()) {
          ASSERT_EQ(buffer[0], 't');
        }
        attr.mq_flags = O_NONBLOCK;
        ASSERT_THAT(CALL(mq_setattr(own, &attr, nullptr)), SucceedsWith(0));
        const CallResult registered = RegisterSilently(q);
        ASSERT_THAT(registered, SucceedsOrFailsWith(EBUSY));
        if (registered.ok()) mq_notify(q, nullptr);
      }
    }));
  }
  for (const Call& call : calls) ASSERT_EQ(call.result(20s).fate, Fate::kReturned);
  EXPECT_EQ(sent - received, CountOf(shared));
}

// What one receiver saw, by sender.
struct Seen {
  std::atomic<int> count[4][128];
  std::atomic<int> out_of_order;
};

void SendNumbered(mqd_t q, int sender, int messages) {
  for (int i = 0; i < messages; ++i) {
    const char text[2] = {static_cast<char>(sender), static_cast<char>(i)};
    ASSERT_THAT(CALL(mq_send(q, text, 2, static_cast<unsigned>(sender % 2))), SucceedsWith(0));
  }
}

// Receives until a message of length 1 comes.
void ReceiveNumbered(mqd_t q, Seen& seen, bool alone) {
  int last[4] = {-1, -1, -1, -1};
  for (;;) {
    char text[16];
    const CallResult got = CALL(mq_receive(q, text, sizeof text, nullptr));
    ASSERT_THAT(got, Succeeds());
    if (got.value == 1) return;
    ASSERT_EQ(got.value, 2);
    const int sender = text[0], number = text[1];
    ASSERT_TRUE(sender >= 0 && sender < 4 && number >= 0);
    ++seen.count[sender][number];
    if (alone && number <= last[sender]) ++seen.out_of_order;
    last[sender] = number;
  }
}

// Senders and receivers in processes and threads on a queue that is always full or empty.
void ExpectEachMessageOnce(int receivers) {
  constexpr int kMessages = 100;
  Queue q(2, 16);
  Shared<Seen> seen;
  const mqd_t mqd = q.get();
  std::vector<Peer> processes(4);
  std::vector<ThreadPeer> threads(2);
  std::vector<Call> sending, receiving;
  for (int i = 0; i < 2; ++i)
    sending.push_back(
        processes[static_cast<std::size_t>(i)].start([=] { SendNumbered(mqd, i, kMessages); }));
  for (int i = 0; i < receivers / 2 + receivers % 2; ++i) {
    receiving.push_back(processes[static_cast<std::size_t>(2 + i)].start(
        [=, &seen] { ReceiveNumbered(mqd, *seen, receivers == 1); }));
  }
  for (int i = 2; i < 4; ++i)
    sending.push_back(
        threads[static_cast<std::size_t>(i - 2)].start([=] { SendNumbered(mqd, i, kMessages); }));
  std::vector<ThreadPeer> more(static_cast<std::size_t>(receivers / 2));
  for (ThreadPeer& peer : more)
    receiving.push_back(peer.start([=, &seen] { ReceiveNumbered(mqd, *seen, false); }));
  for (const Call& call : sending) ASSERT_THAT(call.result(20s), Succeeds());
  // Behind all others: one for each receiver to end by.
  for (int i = 0; i < receivers; ++i) {
    const timespec patience = RealtimeIn(20'000);
    ASSERT_THAT(CALL(mq_timedsend(mqd, "e", 1, 0, &patience)), SucceedsWith(0));
  }
  for (const Call& call : receiving) ASSERT_THAT(call.result(20s), Succeeds());
  int lost = 0, twice = 0;
  for (int sender = 0; sender < 4; ++sender) {
    for (int i = 0; i < kMessages; ++i) {
      lost += seen->count[sender][i] == 0;
      twice += seen->count[sender][i] > 1;
    }
  }
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(twice, 0);
  EXPECT_EQ(seen->out_of_order.load(), 0)
      << "messages of one sender at one priority overtook each other";
  EXPECT_EQ(CountOf(q), 0);
}

IPC_TEST(MqThreads, OneReceiverGetsEachMessageOnceInOrder,
         clause::threads::safety_no_loss_no_duplication) {
  ExpectEachMessageOnce(1);
}

IPC_TEST(MqThreads, ManyReceiversGetEachMessageOnce, clause::threads::safety_no_loss_no_duplication,
         regression::linux_timed_wait_wakeup_race) {
  ExpectEachMessageOnce(4);
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
