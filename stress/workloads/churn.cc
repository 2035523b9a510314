// Name churn: processes race to create, open and unlink the same few names of queues, shared memory
// objects and FIFOs. Whoever creates a name with O_EXCL owns it until it unlinks it: there is never
// a second owner, the owner's unlink finds the name, and what is open outlives its name.
#include <fcntl.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "spec/clauses/fifo.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"

namespace ipcsuite::stress {
namespace {

constexpr int kNamesOfAKind = 3;
constexpr std::size_t kObjectBytes = 4096;

struct alignas(kLine) Owner {
  std::atomic<std::int32_t> worker;  // index + 1 of the process that created the name; 0 none
};

enum Counter { kCreated, kExisted, kOpened, kMissed, kNoRoom };

struct Clauses {
  ClauseRef exclusive;  // O_EXCL is atomic
  ClauseRef unlink;     // removes the name
  ClauseRef outlives;   // open descriptors keep the object
  ClauseRef fresh;      // a new object is new
};
constexpr Clauses kShmClauses = {clause::shm_open::excl_atomic, clause::shm_unlink::removes_name,
                                 clause::shm_unlink::deferred_open_fd,
                                 clause::shm_open::creat_size_zero};
constexpr Clauses kMqClauses = {clause::mq_open::create_excl_atomic,
                                clause::mq_unlink::basic_removes_name,
                                clause::mq_unlink::deferred_open_descriptors_keep_working,
                                clause::mq_open::create_new_queue_empty};
constexpr Clauses kFifoClauses = {clause::mkfifo::eexist, clause::fifo::names_links_and_unlink,
                                  clause::fifo::names_links_and_unlink, clause::mkfifo::type};

class NameChurn : public Workload {
 public:
  ~NameChurn() override { Teardown(); }

  std::string Setup(const RunSpec&, Registry& registry, SharedRegion& region) override {
    registry_ = &registry;
    for (int kind = 0; kind < 3; ++kind) {
      const std::string why = WhyUnusable(registry, kKinds[kind]);
      if (why.empty()) {
        usable_.push_back(kind);
      } else {
        left_out_ += (left_out_.empty() ? "" : "; ") + why;
      }
    }
    if (usable_.empty()) return left_out_;
    owners_ = region.Make<Owner>(3 * kNamesOfAKind);
    for (int i = 0; i < kNamesOfAKind; ++i) {
      names_[0].push_back(registry.NewName(NameKind::kShm));
      names_[1].push_back(registry.NewName(NameKind::kQueue));
      names_[2].push_back(registry.NewName(NameKind::kPath));
    }
    return "";
  }

  void Run(Worker& w) override {
    const bool checked = w.spec.mode != Mode::kRaw;
    std::uint64_t done = 0;
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      const auto i = static_cast<int>(w.random.Below(kNamesOfAKind));
      switch (usable_[w.random.Below(usable_.size())]) {
        case 0: Shm(w, i, checked); break;
        case 1: Queue(w, i, checked); break;
        default: Fifo(w, i, checked); break;
      }
      w.Leave();
      w.Count(++done);
    }
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    std::uint64_t sum[5] = {};
    for (const WorkerCold* cold : shared.cold) {
      for (int k = 0; k < 5; ++k) sum[k] += cold->extra[k];
    }
    static const char* const kNames[] = {"created", "refused with EEXIST",
                                         "opened another's object", "found no name",
                                         "no room (limits)"};
    if (!left_out_.empty()) sink.facts.emplace_back("left out", left_out_);
    for (int k = 0; k < 5; ++k) sink.facts.emplace_back(kNames[k], std::to_string(sum[k]));
    if (spec.mode == Mode::kRaw) return;
    for (std::size_t kind = 0; kind < 3; ++kind) {
      for (const std::string& name : names_[kind]) {
        ++sink.checks;
        const bool there = kind == 0   ? shm_unlink(name.c_str()) == 0
                           : kind == 1 ? mq_unlink(name.c_str()) == 0
                                       : unlink(name.c_str()) == 0;
        if (there) {
          sink.findings.push_back(
              {Kind::kLeftBehind, kUnlink[kind], name + " exists though its owner unlinked it"});
        }
      }
    }
    if (sum[kExisted] == 0 || sum[kOpened] == 0) {
      sink.inconclusive = "the processes never met at a name";
    }
  }

  void Teardown() override {
    for (std::size_t kind = 0; kind < 3; ++kind) {
      for (const std::string& name : names_[kind]) {
        Registry::Remove(kKinds[kind], name.c_str());
        registry_->ForgetName(name);
      }
      names_[kind].clear();
    }
  }

 private:
  static constexpr NameKind kKinds[3] = {NameKind::kShm, NameKind::kQueue, NameKind::kPath};
  static constexpr ClauseRef kUnlink[3] = {kShmClauses.unlink, kMqClauses.unlink,
                                           kFifoClauses.unlink};

  static bool NoRoom(Worker& w) {
    if (!MeansNoRoom(errno)) return false;
    ++w.cold.extra[kNoRoom];
    return true;
  }

  void Own(Worker& w, Owner& owner, const Clauses& clauses) {
    w.Checked();
    ++w.cold.extra[kCreated];
    std::int32_t nobody = 0;
    if (!owner.worker.compare_exchange_strong(nobody, w.index + 1)) {
      w.Report(Kind::kExclusion, clauses.exclusive,
               "two processes created the same name with O_EXCL; workers",
               static_cast<std::uint64_t>(nobody), static_cast<std::uint64_t>(w.index + 1));
    }
  }
  // Before the unlink: after it another may own the name at once.
  static void Disown(Owner& owner) { owner.worker.store(0); }

  void Existed(Worker& w, const Clauses& clauses) {
    if (errno == EEXIST) {
      ++w.cold.extra[kExisted];
    } else if (errno == EINTR) {
      w.Interrupted(clauses.exclusive);
    } else if (!NoRoom(w)) {
      w.Report(Kind::kWrongErrno, clauses.exclusive, "creating a name that may exist", 0, 0, errno);
    }
  }

  void Unlinked(Worker& w, int rc, const Clauses& clauses) {
    w.Checked();
    if (rc != 0) {
      w.Report(Kind::kExclusion, clauses.unlink, "the owner's unlink of its name failed", 0, 0,
               errno);
    }
  }

  void NotOpened(Worker& w, const Clauses& clauses) {
    if (errno == ENOENT) {
      ++w.cold.extra[kMissed];
    } else if (errno == EINTR) {
      w.Interrupted(clauses.exclusive);
    } else if (!NoRoom(w)) {
      w.Report(Kind::kWrongErrno, clauses.exclusive, "opening a name that may be gone", 0, 0,
               errno);
    }
  }

  void Shm(Worker& w, int i, bool checked) {
    const char* const name = names_[0][static_cast<std::size_t>(i)].c_str();
    Owner& owner = owners_[i];
    w.Enter(CallId::kOpen);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) {
      if (checked) Own(w, owner, kShmClauses);
      const std::uint64_t stamp = Mix(w.random.Next()) | 1;
      auto* const word = Grow(w, fd, checked);
      if (word != nullptr) word->store(stamp, std::memory_order_release);
      Disown(owner);
      w.Enter(CallId::kUnlink);
      const int rc = shm_unlink(name);
      if (checked) {
        Unlinked(w, rc, kShmClauses);
        if (word != nullptr && word->load() != stamp) {
          w.Report(Kind::kStaleData, kShmClauses.outlives,
                   "an unlinked object that is still mapped changed", word->load(), stamp);
        }
      }
      if (word != nullptr) munmap(word, kObjectBytes);
      close(fd);
      return;
    }
    if (checked) Existed(w, kShmClauses);
    fd = shm_open(name, O_RDWR, 0);
    if (fd < 0) {
      if (checked) NotOpened(w, kShmClauses);
      return;
    }
    ++w.cold.extra[kOpened];
    struct stat st {};
    if (fstat(fd, &st) == 0 && checked) {
      w.Checked();
      if (st.st_size != 0 && st.st_size != static_cast<off_t>(kObjectBytes)) {
        w.Report(Kind::kWrongLength, kShmClauses.fresh, "an object of a size nobody gave it",
                 static_cast<std::uint64_t>(st.st_size), kObjectBytes);
      }
    }
    close(fd);
  }

  std::atomic<std::uint64_t>* Grow(Worker& w, int fd, bool checked) {
    struct stat st {};
    if (checked && fstat(fd, &st) == 0 && st.st_size != 0) {
      w.Report(Kind::kStaleData, kShmClauses.fresh, "a new object is not empty",
               static_cast<std::uint64_t>(st.st_size));
    }
    w.Enter(CallId::kFtruncate);
    if (ftruncate(fd, static_cast<off_t>(kObjectBytes)) != 0) return nullptr;
    w.Enter(CallId::kMmap);
    void* const at = mmap(nullptr, kObjectBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return nullptr;
    auto* const word = static_cast<std::atomic<std::uint64_t>*>(at);
    if (checked) {
      w.Checked();
      if (word->load() != 0) {
        w.Report(Kind::kStaleData, clause::ftruncate::shm_grow_zero_filled,
                 "a new object holds data of an old one", word->load());
      }
    }
    return word;
  }

  void Queue(Worker& w, int i, bool checked) {
    const char* const name = names_[1][static_cast<std::size_t>(i)].c_str();
    Owner& owner = owners_[kNamesOfAKind + i];
    mq_attr attr{};
    attr.mq_maxmsg = 1;
    attr.mq_msgsize = 8;
    w.Enter(CallId::kOpen);
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
    if (queue != static_cast<mqd_t>(-1)) {
      if (checked) Own(w, owner, kMqClauses);
      mq_attr now{};
      if (checked && mq_getattr(queue, &now) == 0 && now.mq_curmsgs != 0) {
        w.Report(Kind::kStaleData, kMqClauses.fresh, "a new queue is not empty",
                 static_cast<std::uint64_t>(now.mq_curmsgs));
      }
      const std::uint64_t stamp = w.random.Next();
      mq_send(queue, reinterpret_cast<const char*>(&stamp), sizeof stamp, 0);
      Disown(owner);
      w.Enter(CallId::kUnlink);
      const int rc = mq_unlink(name);
      std::uint64_t got = 0;
      const ssize_t n = mq_receive(queue, reinterpret_cast<char*>(&got), sizeof got, nullptr);
      if (checked) {
        Unlinked(w, rc, kMqClauses);
        w.Checked();
        if (n != static_cast<ssize_t>(sizeof got) || got != stamp) {
          w.Report(Kind::kLost, kMqClauses.outlives,
                   "an unlinked queue that is still open lost its message", got, stamp,
                   n < 0 ? errno : 0);
        }
      }
      mq_close(queue);
      return;
    }
    if (checked) Existed(w, kMqClauses);
    queue = mq_open(name, O_RDONLY);
    if (queue == static_cast<mqd_t>(-1)) {
      if (checked) NotOpened(w, kMqClauses);
      return;
    }
    ++w.cold.extra[kOpened];
    mq_attr now{};
    if (mq_getattr(queue, &now) == 0 && checked) {
      w.Checked();
      if (now.mq_maxmsg != 1 || now.mq_msgsize != 8) {
        w.Report(Kind::kStaleData, clause::mq_getattr::static_as_created,
                 "a queue of attributes nobody gave it", static_cast<std::uint64_t>(now.mq_maxmsg),
                 1);
      }
    }
    mq_close(queue);
  }

  void Fifo(Worker& w, int i, bool checked) {
    const char* const path = names_[2][static_cast<std::size_t>(i)].c_str();
    Owner& owner = owners_[2 * kNamesOfAKind + i];
    w.Enter(CallId::kOpen);
    if (mkfifo(path, 0600) == 0) {
      if (checked) Own(w, owner, kFifoClauses);
      Disown(owner);
      w.Enter(CallId::kUnlink);
      const int rc = unlink(path);
      if (checked) Unlinked(w, rc, kFifoClauses);
      return;
    }
    if (checked) Existed(w, kFifoClauses);
    struct stat st {};
    if (lstat(path, &st) != 0) {
      if (checked) NotOpened(w, kFifoClauses);
      return;
    }
    ++w.cold.extra[kOpened];
    if (checked) {
      w.Checked();
      if (!S_ISFIFO(st.st_mode)) {
        w.Report(Kind::kStaleData, kFifoClauses.fresh, "the name is of no FIFO", st.st_mode);
      }
    }
  }

  Registry* registry_ = nullptr;
  Owner* owners_ = nullptr;
  std::vector<std::string> names_[3];
  std::vector<int> usable_;  // of the three kinds, what this platform has
  std::string left_out_;     // why not the others
};

const Row<WorkloadInfo> kNameChurnRow(Alike({
    .name = "churn",
    .title = "races of create, open and unlink",
    .explain = "Processes race for a few names of queues, shared memory objects and FIFOs. Never "
               "two owners, the owner's unlink finds the name, what is open outlives its name, a "
               "new object is new.",
    .test_name = "Stress.NameChurn",
    .producers = 3,
    .sample_every = 0,
    .unit = "operations",
    .clauses = {clause::shm_open::excl_atomic, clause::mq_open::create_excl_atomic,
                clause::mkfifo::eexist, clause::shm_unlink::removes_name,
                clause::mq_unlink::basic_removes_name,
                clause::mq_unlink::deferred_open_descriptors_keep_working,
                clause::shm_unlink::deferred_open_fd, clause::mq_open::create_new_queue_empty,
                clause::shm_open::creat_size_zero},
    .loss_clause = clause::shm_unlink::removes_name,
    .make = &Make<NameChurn>,
}));

}  // namespace

}  // namespace ipcsuite::stress
