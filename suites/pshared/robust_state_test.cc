// Several robust mutexes at a time, counts, types, and the ends of owners that POSIX leaves open.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

const MutexKind kRobust{.robust = true};

CallResult TrylockElsewhere(const Mutex& mutex) {
  Peer other;
  return other.start([&] { return CALL_ERRNO(pthread_mutex_trylock(mutex)); }).result();
}

// ---- Several at a time

// Robust mutexes in an object of their own.
class Many {
 public:
  explicit Many(int count) : count_(count) {
    const std::size_t size = sizeof(pthread_mutex_t) * static_cast<std::size_t>(count);
    Setup(CALL(ftruncate(object_, static_cast<off_t>(size))));
    view_ = Mapping::Of(object_, size);
    for (int i = 0; i < count; ++i) InitMutex(&(*this)[i], kRobust);
  }
  int count() const { return count_; }
  pthread_mutex_t& operator[](int i) const {
    return reinterpret_cast<pthread_mutex_t*>(view_.data())[i];
  }
  // How many of them trylock finds with a dead owner, and how many it finds busy.
  struct Found {
    int dead = 0, busy = 0, free = 0;
  };
  Found Look() const {
    Found found;
    for (int i = 0; i < count_; ++i) {
      const int error = pthread_mutex_trylock(&(*this)[i]);
      (error == 0 ? found.free : error == EOWNERDEAD ? found.dead : found.busy) += 1;
    }
    return found;
  }

 private:
  int count_;
  ShmObject object_;
  Mapping view_;
};

IPC_TEST(RobustSeveral, AllThatWereHeldAreMarked, clause::robust::several_mutexes) {
  constexpr int kEach = 40;
  const Many first(kEach), second(kEach), third(kEach);
  Peer owner;
  Setup(owner
            .start([&] {
              // In turns over the objects, and some released in another order.
              for (int i = 0; i < kEach; ++i) {
                for (const Many* of : {&first, &second, &third}) Lock(&(*of)[i]);
              }
              for (int i = kEach - 1; i >= 0; i -= 4) Unlock(&second[i]);
              for (int i = 0; i < kEach; i += 2) Unlock(&third[i]);
              return CALL(0);
            })
            .result());
  EXPECT_EQ(first.Look().dead, kEach);
  const Many::Found in_second = second.Look(), in_third = third.Look();
  NoteChecks();
  EXPECT_EQ(in_second.dead, kEach - kEach / 4);
  EXPECT_EQ(in_second.free, kEach / 4) << "released before the end";
  EXPECT_EQ(in_third.dead, kEach / 2);
  EXPECT_EQ(in_third.free, kEach / 2) << "released before the end";
}

// Who can hold so many can lose so many; or is told EAGAIN.
IPC_TEST(RobustSeveral, MoreThanTheSystemRemembersAreRefused, clause::robust::limit_eagain) {
  constexpr int kCount = 4000;
  const Many mutexes(kCount);
  Peer owner;
  const CallResult held = owner
                              .start([&] {
                                int taken = 0;
                                for (; taken < kCount; ++taken) {
                                  const int error = pthread_mutex_lock(&mutexes[taken]);
                                  if (error == EAGAIN) break;
                                  if (error != 0) return CALL(-1);
                                }
                                return CALL(taken);
                              })
                              .result();
  ASSERT_THAT(held, Succeeds());
  const Many::Found found = mutexes.Look();
  NoteChecks();
  EXPECT_EQ(found.dead, held.value) << found.busy << " of those that the dead process held stay "
                                    << "locked, though EAGAIN was never reported";
  Observe(clause::robust::limit_eagain, "held at a time", held.value);
}

IPC_TEST(RobustRecursive, NextOwnerHasItOnce, clause::robust::recursive_count) {
  const Mutex mutex({.type = PTHREAD_MUTEX_RECURSIVE, .robust = true});
  Peer owner;
  Setup(owner
            .start([&] {
              for (int i = 0; i < 3; ++i) Lock(mutex);
              return CALL(0);
            })
            .result());
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(mutex)), Fails(EOWNERDEAD));
  Setup(CALL_ERRNO(pthread_mutex_consistent(mutex)));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  EXPECT_THAT(TrylockElsewhere(mutex), SucceedsWith(0)) << "one unlock releases it";
}

// While the state is inconsistent the types relock as always.
struct TypeRow {
  const char* name;
  Claims claims;
  int type;
};
const TypeRow kTypes[] = {
    {"Normal", {clause::robust::normal_type_relock}, PTHREAD_MUTEX_NORMAL},
    {"Errorcheck", {clause::robust::normal_type_relock}, PTHREAD_MUTEX_ERRORCHECK},
    {"Recursive", {clause::robust::normal_type_relock}, PTHREAD_MUTEX_RECURSIVE},
};
IPC_TABLE_TEST(RobustInconsistentRelock, TypeRow, kTypes) {
  const Mutex mutex({.type = row.type, .robust = true});
  LetOwnerDie(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(mutex)), Fails(EOWNERDEAD));
  const CallResult again = LockUntil(Way::kTimed, mutex, {1, 0});
  if (row.type == PTHREAD_MUTEX_RECURSIVE) {
    EXPECT_THAT(again, SucceedsWith(0));
  } else {
    EXPECT_THAT(again, FailsWithAnyOf(ETIMEDOUT, EDEADLK));
  }
  EXPECT_THAT(TrylockElsewhere(mutex), Fails(EBUSY));
  Setup(CALL_ERRNO(pthread_mutex_consistent(mutex)));
  if (again.ok()) Unlock(mutex);
  EXPECT_THAT(TrylockElsewhere(mutex), Fails(EBUSY)) << "the first lock is still held";
  Unlock(mutex);
  EXPECT_THAT(LockBy(Way::kTimed, mutex), SucceedsWith(0));
  Unlock(mutex);
}

IPC_TEST(RobustOpen, InnerUnlockWhileInconsistent, clause::robust::recursive_inner_unlock) {
  const Mutex mutex({.type = PTHREAD_MUTEX_RECURSIVE, .robust = true});
  LetOwnerDie(mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(mutex)), Fails(EOWNERDEAD));
  Setup(CALL_ERRNO(pthread_mutex_lock(mutex)));
  const CallResult inner = CALL_ERRNO(pthread_mutex_unlock(mutex));
  EXPECT_THAT(inner, SucceedsOrFailsWith(ENOTRECOVERABLE));
  Observe(clause::robust::recursive_inner_unlock, "the inner of two unlocks", inner);
}

// ---- Not robust

struct StalledRow {
  const char* name;
  Claims claims;
  MutexKind kind;
};
const StalledRow kStalled[] = {
    {"Normal", {clause::robust::stalled_no_action}, {}},
    {"Errorcheck", {clause::robust::stalled_no_action}, {.type = PTHREAD_MUTEX_ERRORCHECK}},
    {"Recursive", {clause::robust::stalled_no_action}, {.type = PTHREAD_MUTEX_RECURSIVE}},
};
IPC_TABLE_TEST(StalledMutex, StalledRow, kStalled) {
  const Mutex mutex(row.kind);
  LetOwnerDie(mutex);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(EBUSY));
  const Worker waiter(true, [&] { return CALL_ERRNO(pthread_mutex_lock(mutex)); });
  EXPECT_THAT(waiter.call(), Blocks());
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_consistent(mutex)), Fails(EINVAL));
}

// ---- What POSIX leaves open

IPC_TEST(RobustOpen, EndOfTheOwningThreadAlone, clause::robust::thread_death) {
  const Mutex mutex(kRobust);
  ThreadPeer owner;
  Setup(owner.start([&] { return CALL_ERRNO(pthread_mutex_lock(mutex)); }).result());
  owner.Join();
  const CallResult next = CALL_ERRNO(pthread_mutex_trylock(mutex));
  EXPECT_THAT(next, FailsWithAnyOf(EOWNERDEAD, EBUSY));
  Observe(clause::robust::thread_death, "trylock after the owning thread's end", next);
}

IPC_ROLE(pshared_stay_until_told) {
  self.Say("ready");
  return self.Await("end") ? 0 : 1;
}

IPC_TEST(RobustOpen, ExecByTheOwner, clause::robust::exec_while_holding) {
  const Mutex mutex(kRobust);
  ExecSelf image("pshared_stay_until_told", {}, [&] { Lock(mutex); });
  image.AwaitSaid("ready");
  const CallResult next = CALL_ERRNO(pthread_mutex_trylock(mutex));
  EXPECT_THAT(next, FailsWithAnyOf(EOWNERDEAD, EBUSY));
  Observe(clause::robust::exec_while_holding, "trylock after exec by the owner", next);
  image.Tell("end");
  image.Wait();
}

IPC_TEST(RobustOpen, OwnerUnmapsItAndEnds, clause::robust::owner_unmapped) {
  const Mutex mutex(kRobust);
  Peer owner;
  Setup(owner
            .start([&] {
              pthread_mutex_t* const own = mutex;
              Lock(own);
              const auto page = reinterpret_cast<std::uintptr_t>(own) & ~(PageSize() - 1);
              return CALL(munmap(reinterpret_cast<void*>(page), PageSize()));
            })
            .result());
  const CallResult next = CALL_ERRNO(pthread_mutex_trylock(mutex));
  EXPECT_THAT(next, FailsWithAnyOf(EOWNERDEAD, EBUSY));
  Observe(clause::robust::owner_unmapped, "trylock after the end of an owner that unmapped it",
          next);
}

IPC_TEST(RobustOpen, LastStoresOfTheDeadOwner, clause::robust::data_visible) {
  struct Guarded {
    pthread_mutex_t mutex;
    int data[16];
  };
  const Placed<Guarded> guarded(Place::kShm);
  InitMutex(&guarded->mutex, kRobust);
  Owner owner([&] {
    Lock(&guarded->mutex);
    for (int& value : guarded->data) value = 7;
  });
  const Worker waiter(true, [&] {
    Guarded* const own = guarded.get();
    const CallResult locked = CALL_ERRNO(pthread_mutex_lock(&own->mutex));
    if (locked.error != EOWNERDEAD) return CALL(-1);
    int seen = 0;
    for (const int value : own->data) seen += value == 7;
    return CALL(seen);
  });
  EXPECT_THAT(waiter.call(), Blocks());
  owner.Kill();
  const CallResult seen = ResultOf(waiter.call(), &guarded->mutex);
  Observe(clause::robust::data_visible, "last stores seen after EOWNERDEAD",
          seen.value == 16 ? "all" : "not all");
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
