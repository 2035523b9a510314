#include "stress/commute/calls.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iterator>

namespace ipcsuite::stress {
namespace {

constexpr mqd_t kNoQueue = static_cast<mqd_t>(-1);
constexpr std::size_t kMessage = 64;  // bytes
constexpr int kRecords = 64;          // of kMessage bytes: as many as fit into `bytes`
// Two processes have at most this many messages each in a queue of ten: nobody ever waits.
constexpr int kInQueue = 5;
constexpr int kPolled = 8;
constexpr mode_t kMode = 0600;

template <class F>
bool Repeat(int n, F call) {
  for (int i = 0; i < n; ++i) {
    if (!call()) return false;
  }
  return true;
}

const char* NewName(CommuteObjects& o, NameKind kind) {
  o.kind = kind;
  o.name = o.registry.NewName(kind);
  return o.name.c_str();
}

template <NameKind kKind>
bool MakeName(CommuteObjects& o) {
  NewName(o, kKind);
  return true;
}

bool MakePipe(CommuteObjects& o) {
  int fds[2];
  if (pipe(fds) != 0) return false;
  o.fds.insert(o.fds.end(), fds, fds + 2);
  return true;
}

bool MakePipes(CommuteObjects& o) {
  return Repeat(kPolled, [&] { return MakePipe(o); });
}

mqd_t CreateQueue(const char* name) {
  mq_attr attr{};
  attr.mq_maxmsg = 10;
  attr.mq_msgsize = kMessage;
  return mq_open(name, O_RDWR | O_CREAT | O_EXCL, kMode, &attr);
}

bool MakeQueue(CommuteObjects& o) {
  o.queue = CreateQueue(NewName(o, NameKind::kQueue));
  return o.queue != kNoQueue;
}

bool MakeShm(CommuteObjects& o) {
  const int fd = shm_open(NewName(o, NameKind::kShm), O_RDWR | O_CREAT | O_EXCL, kMode);
  if (fd < 0) return false;
  o.fds.push_back(fd);
  return ftruncate(fd, static_cast<off_t>(o.bytes.size())) == 0;
}

bool MakeFifo(CommuteObjects& o) { return mkfifo(NewName(o, NameKind::kPath), kMode) == 0; }

bool MakeSem(CommuteObjects& o) {
  o.unnamed = o.region.Make<sem_t>();
  return sem_init(o.unnamed, 1, 0) == 0;
}

bool MakeNamedSem(CommuteObjects& o) {
  sem_t* const sem = sem_open(NewName(o, NameKind::kSem), O_CREAT | O_EXCL, kMode, 0);
  return sem != SEM_FAILED && sem_close(sem) == 0;
}

bool WriteRecords(CommuteObjects& o) {
  return Repeat(kRecords, [&] { return write(o.fds[1], o.bytes.data(), kMessage) == kMessage; });
}
bool WriteAll(CommuteObjects& o) {
  return write(o.fds[1], o.bytes.data(), o.bytes.size()) == static_cast<ssize_t>(o.bytes.size());
}
bool ReadRecords(CommuteObjects& o) {
  return Repeat(kRecords, [&] { return read(o.fds[0], o.bytes.data(), kMessage) == kMessage; });
}
bool ReadAll(CommuteObjects& o) {
  for (std::size_t left = o.bytes.size(); left > 0;) {
    const ssize_t n = read(o.fds[0], o.bytes.data(), left);
    if (n <= 0) return false;
    left -= static_cast<std::size_t>(n);
  }
  return true;
}

bool Send(CommuteObjects& o) {
  return Repeat(kInQueue, [&] { return mq_send(o.queue, o.bytes.data(), kMessage, 0) == 0; });
}
bool Receive(CommuteObjects& o) {
  return Repeat(kInQueue,
                [&] { return mq_receive(o.queue, o.bytes.data(), kMessage, nullptr) >= 0; });
}

bool Post(CommuteObjects& o) {
  return Repeat(kRecords, [&] { return sem_post(o.unnamed) == 0; });
}
bool Wait(CommuteObjects& o) {
  return Repeat(kRecords, [&] { return sem_wait(o.unnamed) == 0; });
}

bool Poll(CommuteObjects& o) {
  pollfd set[kPolled];
  for (int i = 0; i < kPolled; ++i)
    set[i] = {.fd = o.fds[2 * static_cast<std::size_t>(i)], .events = POLLIN, .revents = 0};
  return poll(set, kPolled, 0) == 0;
}

bool Notify(CommuteObjects& o) {
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  return mq_notify(o.queue, &event) == 0 && mq_notify(o.queue, nullptr) == 0;
}

bool Map(CommuteObjects& o) {
  void* const at = mmap(nullptr, o.bytes.size(), PROT_READ | PROT_WRITE, MAP_SHARED, o.fds[0], 0);
  return at != MAP_FAILED && munmap(at, o.bytes.size()) == 0;
}

// A loop that makes no call and that no compiler can shorten.
bool Nothing(CommuteObjects&) {
  for (int i = 0; i < 1000; ++i) {
    volatile int written = i;
    static_cast<void>(written);
  }
  return true;
}

bool PipeAndClose(CommuteObjects&) {
  int fds[2];
  return pipe(fds) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0;
}

bool OpenFifo(CommuteObjects& o) {
  const int fd = open(o.name.c_str(), O_RDONLY | O_NONBLOCK);
  return fd >= 0 && close(fd) == 0;
}

bool OpenQueue(CommuteObjects& o) {
  const mqd_t queue = mq_open(o.name.c_str(), O_RDWR);
  return queue != kNoQueue && mq_close(queue) == 0;
}
bool CreateAndUnlinkQueue(CommuteObjects& o) {
  const mqd_t queue = CreateQueue(o.name.c_str());
  return queue != kNoQueue && mq_close(queue) == 0 && mq_unlink(o.name.c_str()) == 0;
}

bool OpenShm(CommuteObjects& o) {
  const int fd = shm_open(o.name.c_str(), O_RDWR, 0);
  return fd >= 0 && close(fd) == 0;
}
bool CreateAndUnlinkShm(CommuteObjects& o) {
  const int fd = shm_open(o.name.c_str(), O_RDWR | O_CREAT | O_EXCL, kMode);
  return fd >= 0 && close(fd) == 0 && shm_unlink(o.name.c_str()) == 0;
}

bool OpenSem(CommuteObjects& o) {
  sem_t* const sem = sem_open(o.name.c_str(), 0);
  return sem != SEM_FAILED && sem_close(sem) == 0;
}
bool CreateAndUnlinkSem(CommuteObjects& o) {
  sem_t* const sem = sem_open(o.name.c_str(), O_CREAT | O_EXCL, kMode, 0);
  return sem != SEM_FAILED && sem_close(sem) == 0 && sem_unlink(o.name.c_str()) == 0;
}

constexpr CommuteCall kCalls[] = {
    {.name = kCommuteYardstick, .objects = nullptr, .batch = Nothing},
    {.name = "write",
     .objects = "pipes",
     .calls = kRecords,
     .shares = true,
     .setup = MakePipe,
     .batch = WriteRecords,
     .after = ReadAll},
    {.name = "read",
     .objects = "pipes",
     .calls = kRecords,
     .shares = true,
     .setup = MakePipe,
     .before = WriteAll,
     .batch = ReadRecords},
    {.name = "pipe+close", .objects = "pipes", .batch = PipeAndClose},
    {.name = "poll", .objects = "sets", .shares = true, .setup = MakePipes, .batch = Poll},
    {.name = "mkfifo+unlink",
     .objects = "names",
     .setup = MakeName<NameKind::kPath>,
     .batch =
         [](CommuteObjects& o) {
           return mkfifo(o.name.c_str(), kMode) == 0 && unlink(o.name.c_str()) == 0;
         }},
    {.name = "open+close",
     .objects = "FIFOs",
     .shares = true,
     .setup = MakeFifo,
     .batch = OpenFifo},
    {.name = "mq_send",
     .objects = "queues",
     .calls = kInQueue,
     .shares = true,
     .setup = MakeQueue,
     .batch = Send,
     .after = Receive},
    {.name = "mq_receive",
     .objects = "queues",
     .calls = kInQueue,
     .shares = true,
     .setup = MakeQueue,
     .before = Send,
     .batch = Receive},
    {.name = "mq_notify", .objects = "queues", .calls = 2, .setup = MakeQueue, .batch = Notify},
    {.name = "mq_open+mq_close",
     .objects = "queues",
     .shares = true,
     .setup = MakeQueue,
     .batch = OpenQueue},
    {.name = "mq_open+mq_unlink",
     .objects = "names",
     .setup = MakeName<NameKind::kQueue>,
     .batch = CreateAndUnlinkQueue},
    {.name = "shm_open+close",
     .objects = "objects",
     .shares = true,
     .setup = MakeShm,
     .batch = OpenShm},
    {.name = "shm_open+shm_unlink",
     .objects = "names",
     .setup = MakeName<NameKind::kShm>,
     .batch = CreateAndUnlinkShm},
    {.name = "mmap+munmap", .objects = "objects", .shares = true, .setup = MakeShm, .batch = Map},
    {.name = "sem_post",
     .objects = "semaphores",
     .calls = kRecords,
     .shares = true,
     .setup = MakeSem,
     .batch = Post,
     .after = Wait},
    {.name = "sem_wait",
     .objects = "semaphores",
     .calls = kRecords,
     .shares = true,
     .setup = MakeSem,
     .before = Post,
     .batch = Wait},
    {.name = "sem_open+sem_close",
     .objects = "semaphores",
     .shares = true,
     .setup = MakeNamedSem,
     .batch = OpenSem},
    {.name = "sem_open+sem_unlink",
     .objects = "names",
     .setup = MakeName<NameKind::kSem>,
     .batch = CreateAndUnlinkSem},
};

}  // namespace

CommuteObjects::~CommuteObjects() {
  for (const int fd : fds) close(fd);
  if (queue != kNoQueue) mq_close(queue);
  if (name.empty()) return;
  Registry::Remove(kind, name.c_str());
  registry.ForgetName(name);
}

const std::vector<CommuteCall>& CommuteCalls() {
  static const std::vector<CommuteCall> calls(std::begin(kCalls), std::end(kCalls));
  return calls;
}

std::vector<const CommuteCall*> AllCommuteCalls() {
  std::vector<const CommuteCall*> all;
  for (const CommuteCall& call : CommuteCalls()) all.push_back(&call);
  return all;
}

}  // namespace ipcsuite::stress
