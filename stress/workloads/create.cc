// Races of creation: processes meet, then create one name at the same moment, round after round,
// with and without O_EXCL.
//
// Without O_EXCL all of them must have the same object; with it (and by mkfifo) exactly one of them
// creates it. Unlike churn, where meetings are left to chance, each round is a race of everybody;
// how many of them really were in the call at one time is counted, and none is inconclusive.
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/os/os.h"
#include "spec/clauses/fifo.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/shm.h"
#include "stress/engine/ticks.h"
#include "stress/engine/workload.h"

namespace ipcsuite::stress {
namespace {

constexpr std::size_t kObjectBytes = 4096;
const mqd_t kNoQueue = static_cast<mqd_t>(-1);
constexpr int kSenders = 8;  // into one queue: below every default of mq_maxmsg

enum Race { kShmPlain, kShmExclusive, kQueuePlain, kQueueExclusive, kFifo, kRaces };
enum Counter { kRounds, kMet, kNoRoom };

// kUnmarked: it has the object, but there was no room for its mark.
enum Outcome { kWon, kUnmarked, kExisted, kFailed };

// What one process got in this round. Written by it alone, before a meeting; read after it.
struct alignas(kLine) Entry {
  std::atomic<int> outcome;
  std::int64_t from, to;  // ticks around the call
};

// Everybody waits here for everybody.
struct alignas(kLine) Meeting {
  std::atomic<std::uint32_t> arrived{0};
  alignas(kLine) std::atomic<std::uint32_t> generation{0};
};

class CreateRace : public Workload {
 public:
  ~CreateRace() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) override {
    registry_ = &registry;
    processes_ = spec.producers;
    meeting_ = region.Make<Meeting>();
    entries_ = region.Make<Entry>(static_cast<std::size_t>(processes_));
    std::string why[kRaces];
    for (int race = 0; race < kRaces; ++race) {
      names_[race] = registry.NewName(KindOf(race));
      why[race] = WhyUnusable(registry, KindOf(race));
      if (why[race].empty()) {
        races_.push_back(race);
      } else if (race == 0 || why[race] != why[race - 1]) {
        left_out_ += (left_out_.empty() ? "" : "; ") + why[race];
      }
    }
    if (races_.empty()) return left_out_;
    return "";
  }

  void Run(Worker& w) override {
    std::uint64_t rounds = 0;
    const bool checked = w.spec.mode != Mode::kRaw;
    while (w.Go() && (w.spec.ops == 0 || rounds < w.spec.ops)) {
      const int race = races_[rounds % races_.size()];
      if (!Meet(w)) return;
      Create(w, race);
      if (!Meet(w)) return;
      if (checked) Check(w, race);
      if (!Meet(w)) return;
      if (FirstOwner() == w.index) Remove(w, race, checked);
      Drop();
      ++w.cold.extra[kRounds];
      w.Count(++rounds);
    }
  }

  void Nudge(const Shared&) override { os::WakeWord(meeting_->generation); }

  void Audit(const Shared& shared, const RunSpec&, AuditSink& sink) override {
    std::uint64_t rounds = 0, met = 0, no_room = 0;
    for (const WorkerCold* cold : shared.cold) {
      rounds = std::max(rounds, cold->extra[kRounds]);
      met += cold->extra[kMet];
      no_room += cold->extra[kNoRoom];
    }
    if (!left_out_.empty()) sink.facts.emplace_back("left out", left_out_);
    sink.facts.emplace_back("rounds", std::to_string(rounds));
    sink.facts.emplace_back("rounds with two processes in the call at once", std::to_string(met));
    sink.facts.emplace_back("creations that failed for want of room", std::to_string(no_room));
    if (met == 0) sink.inconclusive = "no two processes were in the creating call at once";
  }

  void Teardown() override {
    for (int race = 0; race < kRaces; ++race) {
      if (names_[race].empty()) continue;
      Registry::Remove(KindOf(race), names_[race].c_str());
      registry_->ForgetName(names_[race]);
      names_[race].clear();
    }
  }

 private:
  static ClauseRef ClauseOf(int race) {
    static constexpr ClauseRef kClauses[kRaces] = {
        clause::shm_open::creat_creates, clause::shm_open::excl_atomic,
        clause::mq_open::create_plain_creat_race_one_object, clause::mq_open::create_excl_atomic,
        clause::mkfifo::eexist};
    return kClauses[race];
  }
  static ClauseRef UnlinkClauseOf(int race) {
    return race <= kShmExclusive     ? clause::shm_unlink::removes_name
           : race <= kQueueExclusive ? clause::mq_unlink::basic_removes_name
                                     : clause::mkfifo::eexist;
  }

  static NameKind KindOf(int race) {
    return race <= kShmExclusive     ? NameKind::kShm
           : race <= kQueueExclusive ? NameKind::kQueue
                                     : NameKind::kPath;
  }

  mqd_t OpenQueue(int race, int flags) const {
    mq_attr attr{};
    attr.mq_maxmsg = std::min(processes_, kSenders);
    attr.mq_msgsize = 1;
    return mq_open(names_[race].c_str(), O_RDWR | O_CREAT | O_NONBLOCK | flags, 0600, &attr);
  }

  // False when the run ended meanwhile. Everything that others did before they came here is seen.
  bool Meet(Worker& w) {
    const std::uint32_t now = meeting_->generation.load(std::memory_order_acquire);
    if (meeting_->arrived.fetch_add(1, std::memory_order_acq_rel) + 1 ==
        static_cast<std::uint32_t>(processes_)) {
      meeting_->arrived.store(0, std::memory_order_relaxed);
      meeting_->generation.store(now + 1, std::memory_order_release);
      os::WakeWord(meeting_->generation);
      return true;
    }
    // Spinning brings all into the call at one time; where cpus are fewer than processes they take
    // turns.
    const int spins = processes_ <= static_cast<int>(w.shared.allowed.size()) ? 20'000 : 0;
    for (int i = 0; meeting_->generation.load(std::memory_order_acquire) == now; ++i) {
      if (!w.Go()) return meeting_->generation.load(std::memory_order_acquire) != now;
      if (i < spins) {
        Relax();
      } else if (i < spins + 50) {
        sched_yield();
      } else {
        w.Enter(CallId::kFutexWait);
        os::WaitOnWord(meeting_->generation, now);
        w.Leave();
      }
    }
    return true;
  }

  static bool Shared(int race) { return race == kShmPlain || race == kQueuePlain; }

  void Create(Worker& w, int race) {
    Entry& entry = entries_[w.index];
    w.Enter(CallId::kOpen);
    entry.from = Ticks();
    const bool opened = Open(race);
    const int error = errno;
    entry.to = Ticks();
    w.Leave();
    errno = error;
    int outcome = kWon;
    if (!opened || (Shared(race) && !Mark(w, race))) {
      outcome = Failure(w, race);
      if (opened) outcome = kUnmarked;
    }
    entry.outcome.store(outcome, std::memory_order_release);
  }

  // The call of the race; false with errno.
  bool Open(int race) {
    const char* const name = names_[race].c_str();
    switch (race) {
      case kShmPlain: return (fd_ = shm_open(name, O_RDWR | O_CREAT, 0600)) >= 0;
      case kShmExclusive: return (fd_ = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0;
      case kQueuePlain: return (queue_ = OpenQueue(race, 0)) != kNoQueue;
      case kQueueExclusive: return (queue_ = OpenQueue(race, O_EXCL)) != kNoQueue;
      default: return mkfifo(name, 0600) == 0;
    }
  }

  // Each process leaves one mark in what it opened; false with errno when there is no room for it.
  bool Mark(Worker& w, int race) {
    if (race == kQueuePlain) return w.index >= kSenders || mq_send(queue_, "", 1, 0) == 0;
    if (ftruncate(fd_, static_cast<off_t>(kObjectBytes)) != 0) return false;
    void* const at = mmap(nullptr, kObjectBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (at == MAP_FAILED) return false;
    word_ = static_cast<std::atomic<std::uint64_t>*>(at);
    word_->fetch_add(1);
    return true;
  }

  static int Failure(Worker& w, int race) {
    if (errno == EEXIST && !Shared(race)) return kExisted;
    if (MeansNoRoom(errno)) {
      ++w.cold.extra[kNoRoom];
    } else if (errno != EINTR && w.spec.mode != Mode::kRaw) {
      w.Report(Kind::kWrongErrno, ClauseOf(race), "creating a name in a race", 0, 0, errno);
    }
    return kFailed;
  }

  void Remove(Worker& w, int race, bool checked) {
    w.Enter(CallId::kUnlink);
    const bool removed = Registry::Remove(KindOf(race), names_[race].c_str());
    w.Leave();
    if (!checked) return;
    w.Checked();
    if (!removed)
      w.Report(Kind::kExclusion, UnlinkClauseOf(race), "unlinking what was created", 0, 0, errno);
  }

  void Drop() {
    if (word_ != nullptr) munmap(word_, kObjectBytes);
    if (fd_ >= 0) close(fd_);
    if (queue_ != kNoQueue) mq_close(queue_);
    word_ = nullptr;
    fd_ = -1;
    queue_ = kNoQueue;
  }

  int FirstOwner() const {
    for (int i = 0; i < processes_; ++i) {
      if (entries_[i].outcome.load(std::memory_order_acquire) <= kUnmarked) return i;
    }
    return -1;
  }

  bool TwoAtOnce() const {
    for (int i = 1; i < processes_; ++i) {
      for (int k = 0; k < i; ++k) {
        if (entries_[i].from < entries_[k].to && entries_[k].from < entries_[i].to) return true;
      }
    }
    return false;
  }

  void Check(Worker& w, int race) {
    int won = 0, failed = 0, marks = 0;
    for (int i = 0; i < processes_; ++i) {
      const int outcome = entries_[i].outcome.load(std::memory_order_acquire);
      won += outcome == kWon;
      failed += outcome == kFailed;
      marks += outcome == kWon && (race == kShmPlain || i < kSenders);
    }
    w.Checked();
    if (w.index == 0 && TwoAtOnce()) ++w.cold.extra[kMet];
    if (Shared(race)) return CheckMarks(w, race, static_cast<std::uint64_t>(marks));
    if (w.index == 0 && (won > 1 || (won == 0 && failed == 0))) {
      w.Report(Kind::kExclusion, ClauseOf(race),
               "of the processes that create a name at once exactly one succeeds; here",
               static_cast<std::uint64_t>(won), 1);
    }
  }

  // Everybody who has the object finds the marks of all.
  void CheckMarks(Worker& w, int race, std::uint64_t marks) {
    if (entries_[w.index].outcome.load() != kWon) return;
    mq_attr attr{};
    if (race == kQueuePlain && mq_getattr(queue_, &attr) != 0) return;
    const std::uint64_t seen =
        race == kShmPlain ? word_->load() : static_cast<std::uint64_t>(attr.mq_curmsgs);
    if (seen == marks) return;
    w.Report(Kind::kExclusion, ClauseOf(race),
             "processes that created a name at once, without O_EXCL, have different objects: marks "
             "of all of them here",
             seen, marks);
  }

  Registry* registry_ = nullptr;
  Meeting* meeting_ = nullptr;
  Entry* entries_ = nullptr;
  int processes_ = 0;
  std::vector<int> races_;  // those that this platform has the objects for
  std::string left_out_;    // why not the others
  std::string names_[kRaces];
  // Of this process, in this round.
  int fd_ = -1;
  mqd_t queue_ = kNoQueue;
  std::atomic<std::uint64_t>* word_ = nullptr;
};

const Row<WorkloadInfo> kCreateRaceRow(Alike({
    .name = "create-race",
    .title = "everybody creates one name at the same moment",
    .explain = "Processes meet and then create a name together, round after round. Without O_EXCL "
               "all have the same object, with it, and by mkfifo, exactly one creates it.",
    .test_name = "Stress.CreateRace",
    .producers = 2,
    .races = true,
    .sample_every = 0,
    .unit = "rounds",
    .clauses = {clause::shm_open::creat_creates, clause::shm_open::excl_atomic,
                clause::mq_open::create_plain_creat_race_one_object,
                clause::mq_open::create_excl_atomic, clause::mkfifo::eexist},
    .loss_clause = clause::mq_open::create_plain_creat_race_one_object,
    .make = &Make<CreateRace>,
}));

}  // namespace

}  // namespace ipcsuite::stress
