// Bugs that real systems had and that no test of a clause provokes in its ordinary course.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#if defined(__linux__) && __has_include(<linux/netlink.h>)
#include <linux/netlink.h>
#include <sys/syscall.h>
#define IPC_HAVE_NETLINK 1
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

#include "base/os/os.h"
#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"
#include "suites/mqueue/room.h"

namespace ipcsuite::mqueue_suite {
namespace {

// Outside POSIX, as no valid buffer is given; what is said of every failing receive is that it
// removes nothing. Recorded, not judged.
IPC_TEST(MqRegression, ReceiveIntoAnUnmappedBuffer, regression::linux_efault_loses_message) {
  Queue q(4, 16);
  Put(q, "m");
  char* page =
      static_cast<char*>(mmap(nullptr, PageSize(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (page == MAP_FAILED) Unresolved("set-up failed: mmap");
  const mqd_t mqd = q.get();
  Peer child;
  const CallResult got =
      child.start([=] { return CALL(mq_receive(mqd, page, 16, nullptr)); }).result();
  munmap(page, PageSize());
  const long left = CountOf(q);
  ObserveFact("mq_receive into an unmapped buffer", Describe(got));
  ObserveFact("the message after that", left == 1 ? "kept" : "lost");
  EXPECT_TRUE(left == 0 || left == 1) << left;
  EXPECT_FALSE(got.ok()) << "a receive into no memory succeeded";
  Put(q, "n");
  EXPECT_EQ(CountOf(q), left + 1);
  NoteChecks();
}

std::atomic<int>* g_calls = nullptr;
void CountCall(sigval) { ++*g_calls; }

CallResult RegisterThread(mqd_t q, pthread_attr_t* attributes = nullptr) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = CountCall;
  event.sigev_notify_attributes = attributes;
  const CallResult result = CALL(mq_notify(q, &event));
  // Without a thread the C library gives one of these.
  if (result.failed_with(ENOSYS) || result.failed_with(EAGAIN) || result.failed_with(ENOMEM))
    NeedThreads();
  return result;
}

bool AwaitCalls(int calls) {
  Backoff backoff;
  for (const Deadline end(5s); g_calls->load() < calls; backoff.Pause()) {
    if (!end.passed()) continue;
    NeedThreads();
    return false;
  }
  return true;
}

// Bytes of the heap that are in use; -1 where the library does not tell.
long HeapInUse() {
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 33)
  return static_cast<long>(mallinfo2().uordblks);
#endif
#endif
  return -1;
}

// Memory that the library keeps for each notification delivered with attributes: a figure, since
// POSIX promises nothing about it; judged is that none of many notifications is lost.
// Alone: under a limit on processes that others use up no thread can be started for a notification.
IPC_TEST(MqRegression, ThreadAttributesAreFreedAfterDelivery,
         regression::glibc_sigev_thread_attribute_leak, clause::mq_notify::oneshot_rearm,
         exclusive) {
  Queue q;
  Shared<std::atomic<int>> calls;
  g_calls = calls.get();
  Shared<std::atomic<long>> kept;
  constexpr int kRounds = 200;
  Peer child;
  EXPECT_THAT(child
                  .start([&] {
                    pthread_attr_t attributes;
                    pthread_attr_init(&attributes);
                    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
                    long before = 0;
                    for (int round = 1; round <= kRounds; ++round) {
                      ASSERT_THAT(RegisterThread(q, &attributes), SucceedsWith(0));
                      Put(q, "m");
                      Drain(q);
                      ASSERT_TRUE(AwaitCalls(round)) << "notification " << round << " was lost";
                      if (round == 20) before = HeapInUse();
                      kept->store(HeapInUse() - before);
                    }
                    pthread_attr_destroy(&attributes);
                  })
                  .result(20s),
              Succeeds());
  if (HeapInUse() >= 0)
    RecordMetric("mq_notify_heap_kept_per_notification_bytes",
                 static_cast<double>(kept->load()) / (kRounds - 20));
}

// A library's helper thread must not take the application's signals.
IPC_TEST(MqRegression, HelperThreadLeavesSignalsAlone, regression::musl_worker_takes_signals,
         clause::mq_notify::sigev_signal_process_directed) {
  Queue q;
  Shared<std::atomic<int>> calls;
  g_calls = calls.get();
  const ScopedSignal handler(SIGUSR1, CountSignal);
  Peer child;
  EXPECT_THAT(child
                  .start([&] {
                    Setup(RegisterThread(q));
                    const ScopedSigmask blocked({SIGUSR1});
                    const int before = SignalCount();
                    for (int round = 0; round < 20; ++round) {
                      kill(getpid(), SIGUSR1);
                      sched_yield();
                      sigset_t pending;
                      sigpending(&pending);
                      EXPECT_EQ(sigismember(&pending, SIGUSR1), 1)
                          << "a thread that the application does not know took the signal";
                      sigset_t set;
                      sigemptyset(&set);
                      sigaddset(&set, SIGUSR1);
                      const timespec none{};
                      sigtimedwait(&set, nullptr, &none);
                    }
                    EXPECT_EQ(SignalCount(), before);
                    return CALL(0);
                  })
                  .result(),
              Succeeds());
}

// A failing registration must not close descriptors of others: one thread opens and closes, and
// finds its own descriptor still there.
IPC_TEST(MqRegression, FailingRegistrationClosesNobodysDescriptor,
         regression::musl_mq_notify_double_close, clause::mq_notify::ebusy_same_process) {
  Queue q;
  Peer child;
  EXPECT_THAT(child
                  .start([&] {
                    std::atomic<bool> done{false};
                    std::atomic<int> stolen{0};
                    ThreadPeer other;
                    const Call opening = other.start([&] {
                      while (!done) {
                        const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
                        sched_yield();
                        if (fd >= 0 && close(fd) != 0) ++stolen;
                      }
                      return CALL(0);
                    });
                    Setup(RegisterSilently(q));
                    for (int i = 0; i < 300; ++i) {
                      EXPECT_FALSE(RegisterThread(q).ok());
                      EXPECT_FALSE(RegisterThread(kNoQueue).ok());
                    }
                    done = true;
                    opening.result();
                    EXPECT_EQ(stolen.load(), 0) << "descriptors of another thread were closed";
                    return CALL(0);
                  })
                  .result(20s),
              Succeeds());
}

// ---- Extensions: what systems that make descriptors of queues file descriptors add.

IPC_TEST(MqExtension, DescriptorAsFileDescriptor, clause::general::descriptor_as_file_descriptor,
         regression::linux_qsize_includes_overhead) {
  const ClauseRef clause = clause::general::descriptor_as_file_descriptor;
  Observe(clause, "mqd_t is an integer", std::is_integral_v<mqd_t> ? "yes" : "no");
  if constexpr (std::is_integral_v<mqd_t>) {
    Queue q(2, 64);
    const int fd = static_cast<int>((long)q.get());  // NOLINT
    const auto poll_now = [fd](short events) {
      pollfd one{fd, events, 0};
      return CALL(poll(&one, 1, 0)).value == 1 ? static_cast<int>(one.revents) : 0;
    };
    const auto name = [](int revents) {
      return std::string(revents & POLLIN ? "POLLIN " : "") +
             (revents & POLLOUT ? "POLLOUT " : "") + (revents & POLLNVAL ? "POLLNVAL" : "");
    };
    Observe(clause, "poll of an empty queue", name(poll_now(POLLIN | POLLOUT)));
    Put(q, "0123456789");
    Observe(clause, "poll of a queue with a message", name(poll_now(POLLIN | POLLOUT)));
    char status[256] = {};
    const CallResult got = CALL(pread(fd, status, sizeof status - 1, 0));
    Observe(clause, "read", got.ok() ? "status line" : ErrnoName(got.error));
    if (got.ok()) {
      // "QSIZE:10 ...": the bytes sent, without what the system needs itself.
      const std::string text = status;
      const std::size_t at = text.find("QSIZE:");
      const long size = at == std::string::npos ? -1 : std::atol(text.c_str() + at + 6);
      Observe(clause, "QSIZE after 10 bytes", size);
    }
    Put(q, "x");
    Observe(clause, "poll of a full queue", name(poll_now(POLLIN | POLLOUT)));
    const CallResult duplicated = CALL(dup(fd));
    Observe(clause, "dup", duplicated);
    if (!duplicated.ok()) return;
    const Fd copy(duplicated.fd());
    mq_attr attr{};
    Observe(clause, "mq_getattr of a dup", CALL(mq_getattr((mqd_t)copy.get(), &attr)));  // NOLINT
  }
}

// The file system of queues mounted read-only, in namespaces of our own.
IPC_TEST(MqExtension, ReadOnlyMount, regression::linux_readonly_mount_write_count) {
  const std::string mount_point = ScratchDirForAll();
  Peer child;
  EXPECT_THAT(
      child
          .start([&] {
            EnterPrivateNamespaces(os::kIpc | os::kMounts);
            if (os::Mount("mqueue", mount_point, {}) != 0)
              Unsupported("the mqueue file system can't be mounted: needs CAP_SYS_ADMIN");
            mq_attr attr = Sized(2, 16);
            {
              const Mqd closed_again(Setup(CALL(mq_open("/there", O_RDWR | O_CREAT, 0600, &attr))));
            }
            const CallResult remounted =
                CALL_ERRNO(os::Mount("mqueue", mount_point, {.remount = true, .read_only = true}));
            if (!remounted.ok())
              Unsupported("the mqueue file system can't be made read-only: " + Describe(remounted));
            for (int i = 0; i < 50; ++i) {
              const Mqd existing(CALL(mq_open("/there", O_RDWR)));
              const CallResult created = CALL(mq_open("/new", O_RDWR | O_CREAT, 0600, &attr));
              const Mqd fresh(created);
              if (i == 0)
                ObserveFact("mq_open of an existing name, file system read-only",
                            existing.get() == kNoQueue ? "fails" : "success");
              if (i == 0)
                ObserveFact("mq_open with O_CREAT of a new name, file system read-only",
                            created.ok() ? "success" : ErrnoName(created.error));
            }
            // The count of writers is right: it can be made writable, and works.
            Setup(CALL_ERRNO(os::Mount("mqueue", mount_point, {.remount = true})));
            const CallResult created = CALL(mq_open("/later", O_RDWR | O_CREAT, 0600, &attr));
            const Mqd later(created);
            return created;
          })
          .result(),
      Succeeds());
}

// ---- Bugs that bring a machine down which has them.

IPC_TEST(MqDangerous, TimedWaitsThatEndAsTheyAreServed, regression::linux_timed_wait_wakeup_race,
         clause::mq_timedreceive::timeout_race_with_arrival,
         dangerous("Linux 5.6 to 5.12 crash: CVE-2021-47069"), exclusive, timeout_s(60)) {
  Queue q(1, 16);
  const mqd_t mqd = q.get();
  struct Tally {
    std::atomic<long> sent, received, done;
  };
  Shared<Tally> tally;
  std::vector<Peer> peers(8);
  std::vector<Call> calls;
  for (Peer& peer : peers) {
    const bool send = (&peer - peers.data()) % 2;
    calls.push_back(peer.start([=, &tally] {
      char buffer[16] = {};
      for (unsigned round = 0; tally->done.load() == 0; ++round) {
        timespec deadline = RealtimeIn(0);
        deadline.tv_nsec += 1000 * static_cast<long>(round % 60);
        if (deadline.tv_nsec >= 1'000'000'000) deadline.tv_nsec -= 1'000'000'000, ++deadline.tv_sec;
        const bool done = send ? mq_timedsend(mqd, buffer, 1, 0, &deadline) == 0
                               : mq_timedreceive(mqd, buffer, 16, nullptr, &deadline) >= 0;
        if (done) ++(send ? tally->sent : tally->received);
      }
      return CALL(0);
    }));
  }
  Backoff backoff;
  for (const Deadline end(2s); !end.passed();) backoff.Pause();
  tally->done.store(1);
  for (const Call& call : calls) EXPECT_THAT(call.result(), Succeeds());
  EXPECT_EQ(tally->received + CountOf(q), tally->sent.load()) << "messages were lost or came twice";
  EXPECT_GT(tally->received.load(), 0);
}

// The raw call with a netlink socket whose buffer is full, while another thread closes the socket.
IPC_TEST(MqDangerous, NotifyRetriesOnASocketThatIsClosed,
         regression::linux_mq_notify_retry_use_after_free, clause::mq_notify::error_ebadf,
         dangerous("Linux before 4.11.9 uses freed memory: CVE-2017-11176"), exclusive) {
#if defined(IPC_HAVE_NETLINK)
  Queue q;
  const long mqd = (long)q.get();
  Peer child;
  EXPECT_THAT(
      child
          .start([=] {
            for (int round = 0; round < 50; ++round) {
              const int receiver = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK),
                        sender = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_USERSOCK);
              if (receiver < 0 || sender < 0) Unsupported("netlink sockets are not available");
              int small = 1;
              setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
              sockaddr_nl address{};
              address.nl_family = AF_NETLINK;
              address.nl_pid =
                  static_cast<unsigned>(getpid()) + 100000u + static_cast<unsigned>(round);
              Setup(CALL(bind(receiver, reinterpret_cast<sockaddr*>(&address), sizeof address)));
              char block[512] = {};
              for (int i = 0; i < 1000; ++i) {
                if (sendto(sender, block, sizeof block, MSG_DONTWAIT,
                           reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
                  break;
              }
              ThreadPeer notifier;
              const Call call = notifier.start([=] {
                sigevent event{};
                event.sigev_notify = SIGEV_THREAD;
                event.sigev_signo = receiver;
                char cookie[32] = {};
                event.sigev_value.sival_ptr = cookie;
                return CALL(static_cast<int>(syscall(SYS_mq_notify, mqd, &event)));
              });
              if (round % 2) call.probe(-1, 5ms);
              close(receiver);  // the call must see a descriptor that is gone, or keep its own
                                // reference
              close(sender);
              const CallResult end = call.result(500ms);
              EXPECT_THAT(end, SucceedsOrFailsWith(EBADF, ECONNREFUSED, EBUSY, EAGAIN));
              syscall(SYS_mq_notify, mqd, nullptr);
            }
            return CALL(0);
          })
          .result(20s),
      Succeeds());
#else
  Unsupported("a bug of Linux; or its header <linux/netlink.h> was absent when this was built");
#endif
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
