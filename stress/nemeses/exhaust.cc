// Exhaustion: a process that uses up what it can without hurting others, gives it back, and begins
// again: its own descriptors, its user's queue bytes by rlimit, the number of queues in an IPC
// namespace of its own, a small tmpfs in a mount namespace of its own. Checks that the errno is the
// one of the standard and that all room comes back.
#include <fcntl.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/os/os.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/shm.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

// cold.extra of that process.
enum Counter { kRounds, kDescriptors, kQueueBytes, kQueueCount, kTmpfs, kNamespaces };

bool Lower(int resource, rlim_t value) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return false;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value) value = limit.rlim_max;
  limit.rlim_cur = value;
  return setrlimit(resource, &limit) == 0;
}

void CloseAll(std::vector<int>& fds) {
  for (const int fd : fds) close(fd);
  fds.clear();
}

void Expect(Worker& w, int got, std::initializer_list<int> wanted, ClauseRef clause,
            const char* text) {
  w.Checked();
  for (const int error : wanted) {
    if (got == error) return;
  }
  w.Report(Kind::kWrongErrno, clause, text, 0, 0, got);
}

// Opens until the limit on descriptors is met; the same number must fit again afterwards.
void Descriptors(Worker& w) {
  std::vector<int> fds;
  std::size_t first = 0;
  for (int round = 0; round < 2; ++round) {
    for (;;) {
      int pair[2];
      if (pipe(pair) != 0) {
        Expect(w, errno, {EMFILE, ENFILE}, clause::pipe::create_emfile,
               "pipe() at the limit on descriptors fails with another error");
        break;
      }
      fds.push_back(pair[0]);
      fds.push_back(pair[1]);
      if (fds.size() > 4096) break;
    }
    ++w.cold.extra[kDescriptors];
    const std::size_t here = fds.size();
    CloseAll(fds);
    if (round == 0) first = here;
    w.Checked();
    if (round == 1 && here != first && errno != ENFILE) {
      w.Report(Kind::kLeftBehind, clause::close::pipe_frees_number,
               "after closing all, another number of pipes fits than before", here, first);
    }
  }
}

// Queues until RLIMIT_MSGQUEUE, or the number of queues of the namespace, or descriptors run out.
// `registry`: where names are entered that others could see; null in a namespace of its own.
void Queues(Worker& w, bool many, Registry* registry) {
  std::vector<mqd_t> queues;
  const std::string stem = "/ipcsuite-hog-" + std::to_string(getpid()) + "-";
  std::vector<std::string> names;
  mq_attr attr{};
  attr.mq_maxmsg = 4;
  attr.mq_msgsize = many ? 64 : 1024;
  for (int i = 0; i < 512; ++i) {
    const std::string name =
        registry != nullptr ? registry->NewName(NameKind::kQueue) : stem + std::to_string(i);
    const mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
    if (queue == static_cast<mqd_t>(-1)) {
      const int error = errno;
      if (registry != nullptr) registry->ForgetName(name);
      errno = error;
      ++w.cold.extra[errno == ENOSPC ? kQueueCount : kQueueBytes];
      // In a user namespace that could not be mapped nothing can be created: no exhaustion, no
      // finding.
      if (errno == EOVERFLOW) break;
      // Linux says EMFILE when RLIMIT_MSGQUEUE is met: the standard leaves limits of that kind
      // open.
      Expect(w, errno, {EMFILE, ENFILE, ENOSPC, ENOMEM}, clause::mq_open::error_enospc,
             "mq_open beyond the room for queues fails with another error");
      break;
    }
    queues.push_back(queue);
    names.push_back(name);
  }
  for (std::size_t i = 0; i < queues.size(); ++i) {
    mq_close(queues[i]);
    w.Checked();
    if (mq_unlink(names[i].c_str()) != 0) {
      w.Report(Kind::kLeftBehind, clause::mq_unlink::basic_removes_name,
               "mq_unlink of an own queue after exhaustion", 0, 0, errno);
    }
    if (registry != nullptr) registry->ForgetName(names[i]);
  }
}

// A small tmpfs of its own at /dev/shm: filled until there is no room, then emptied.
void Tmpfs(Worker& w) {
  const std::string name = "/ipcsuite-hog-" + std::to_string(getpid());
  const int fd = shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0) return;
  // A system that takes the mount and not its size would give 8 MiB rightly.
  struct statvfs room {};
  if (fstatvfs(fd, &room) != 0 ||
      static_cast<std::uint64_t>(room.f_blocks) * room.f_frsize > (2 << 20)) {
    close(fd);
    shm_unlink(name.c_str());
    return;
  }
  const int rc = posix_fallocate(fd, 0, 8 << 20);
  Expect(w, rc, {ENOSPC}, clause::posix_fallocate::shm,
         "posix_fallocate of more than the file system holds");
  if (ftruncate(fd, 0) != 0 || posix_fallocate(fd, 0, 256 << 10) != 0) {
    w.Report(Kind::kLeftBehind, clause::ftruncate::shm_shrink_size,
             "room that was given back by ftruncate can't be used again", 0, 0, errno);
  }
  ++w.cold.extra[kTmpfs];
  close(fd);
  shm_unlink(name.c_str());
}

struct Private {
  bool ipc = false, mounts = false;
};

// Own IPC and mount namespaces where that is allowed, so that what is used up is nobody else's.
Private MakePrivate() {
  Private made;
  made.ipc = os::Isolate(os::kIpc).ok();
  made.mounts =
      os::Isolate(os::kMounts).ok() && os::Mount("tmpfs", "/dev/shm", {.data = "size=1m"}) == 0;
  return made;
}

void Exhaust(Worker& w, Registry& registry, bool allow_global) {
  const Private mine = MakePrivate();
  w.cold.extra[kNamespaces] = (mine.ipc ? 1u : 0u) + (mine.mounts ? 2u : 0u);
  // Where there are queues by name only, nothing of them can be exhausted.
  const bool queues_work = WhyUnusable(registry, NameKind::kQueue).empty();
  Lower(RLIMIT_NOFILE, 256);
  const bool count_queues = mine.ipc || allow_global;
  Registry* const names = mine.ipc ? nullptr : &registry;
  std::uint64_t rounds = 0;
  while (w.Go()) {
    Descriptors(w);
#ifdef RLIMIT_MSGQUEUE
    if (queues_work && rounds % 2 == 0) {
      // The limit counts a user's bytes in all processes: a low one stops only this process, since
      // it is this process's limit that is compared.
      Lower(RLIMIT_MSGQUEUE, 65536);
      Queues(w, false, names);
    } else if (queues_work && count_queues) {
      Lower(RLIMIT_MSGQUEUE, 4 << 20);
      Queues(w, true, names);
    }
#endif
    if (mine.mounts) Tmpfs(w);
    w.cold.extra[kRounds] = ++rounds;
    w.Count(rounds);
  }
}

std::uint64_t Collect(const WorkerCold& cold, Facts* facts) {
  const auto add = [&](const char* fact, Counter counter) {
    facts->emplace_back(std::string("exhaustion: ") + fact, std::to_string(cold.extra[counter]));
  };
  add("rounds", kRounds);
  add("limit on descriptors met", kDescriptors);
  add("limit on queue bytes met", kQueueBytes);
  add("limit on the number of queues met", kQueueCount);
  add("tmpfs filled", kTmpfs);
  static const char* const kOwn[] = {"none", "IPC", "mount", "IPC, mount"};
  facts->emplace_back("exhaustion: namespaces of its own", kOwn[cold.extra[kNamespaces] & 3]);
  return cold.extra[kDescriptors] + cold.extra[kQueueBytes] + cold.extra[kQueueCount] +
         cold.extra[kTmpfs];
}

const Row<NemesisInfo> kExhaust({
    .name = "exhaust",
    .help = "a process beside them uses up descriptors, queue bytes, queues and a small tmpfs, in "
            "namespaces of its own",
    .counted = "limits met",
    .mark = {"exhaust", 'X', "#b09a00"},
    .work = &Exhaust,
    .collect = &Collect,
});

}  // namespace
}  // namespace ipcsuite::stress
