// Places that are full, tiny, read-only or backed by huge pages: mounted for one child alone.
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// A place of sixteen pages.
std::size_t TinySize() { return Pages(16); }
std::string Tiny() { return "size=" + std::to_string(TinySize()) + ",mode=1777"; }

IPC_TEST(ShmPlace, NoRoomForANewObject, clause::shm_open::err_enospc) {
  InChild([&] {
    EnterPrivatePlace("size=1m,nr_inodes=6,mode=1777");
    std::vector<UniqueName> names;
    std::vector<Fd> objects;
    CallResult created;
    for (int i = 0; i < 20; ++i) {
      names.push_back(UniqueName::Shm());
      created = CALL(shm_open(names.back().c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
      if (!created.ok()) break;
      objects.emplace_back(created.fd());
    }
    ASSERT_FALSE(objects.empty());
    const int lowest = LowestFreeFd();
    EXPECT_THAT(created, Fails(ENOSPC)) << "after " << objects.size() << " objects";
    EXPECT_THAT(CALL(shm_open(names.back().c_str(), O_RDWR, 0)), Fails(ENOENT))
        << "nothing was made";
    EXPECT_EQ(LowestFreeFd(), lowest);
    {
      const CallResult opened = CALL(shm_open(names.front().c_str(), O_RDWR | O_CREAT, 0600));
      EXPECT_THAT(opened, Succeeds()) << "an existing object";
      Fd again(opened.ok() ? opened.fd() : -1);
    }
    EXPECT_THAT(CALL(shm_unlink(names.front().c_str())), SucceedsWith(0));
    objects.front().reset();
    const CallResult after = CALL(shm_open(names.back().c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
    EXPECT_THAT(after, Succeeds()) << "once there is room again";
    Fd fresh(after.ok() ? after.fd() : -1);
  });
}

IPC_TEST(ShmPlace, NoMemoryForAStore, clause::mmap::end_sigbus_no_space) {
  const auto& clause = clause::mmap::end_sigbus_no_space;
  InChild([&] {
    EnterPrivatePlace(Tiny());
    ShmObject bystander(PageSize());
    Mapping safe = Mapping::Of(bystander, PageSize());
    Fill(safe.data(), PageSize());
    ShmObject large;
    const CallResult sized = CALL(ftruncate(large, static_cast<off_t>(4 * TinySize())));
    Observe(clause, "ftruncate to four times the room", sized);
    if (!sized.ok()) return;
    Mapping view = Mapping::Of(large, 4 * TinySize());
    const StepOutcome filled = RunStep([&] {
      Fill(view.data(), view.size());
      return std::int64_t{0};
    });
    Observe(clause, "stores to all of it",
            filled.end == StepOutcome::kCompleted ? "work" : SignalName(filled.signal));
    EXPECT_EQ(FirstMismatch(safe.data(), PageSize()), PageSize()) << "another object was harmed";
    EXPECT_EQ(SizeOf(large), static_cast<std::int64_t>(4 * TinySize()));
    // What was stored before the room ran out is there still.
    std::size_t stored = view.size();
    if (filled.end == StepOutcome::kFaulted && !FaultAddressIsReported(filled.signal)) {
      stored = 0;
    } else if (filled.end == StepOutcome::kFaulted) {
      const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(view.data());
      ASSERT_GE(filled.address, start);
      stored = filled.address - start;
      EXPECT_LE(stored, view.size());
    }
    EXPECT_EQ(FirstMismatch(view.data(), stored), stored);
    // Giving room back makes stores work again.
    Setup(CALL(ftruncate(large, static_cast<off_t>(PageSize()))));
    EXPECT_EQ(FirstMismatch(view.data(), PageSize()), PageSize());
    ShmObject fresh(PageSize());
    Mapping other = Mapping::Of(fresh, PageSize());
    EXPECT_THAT(WriteByte(other.data(), 'x'), Completes());
  });
}

IPC_TEST(ShmPlace, ReservationSaysThatThereIsNoRoom, clause::posix_fallocate::shm) {
  InChild([&] {
    EnterPrivatePlace(Tiny());
    ShmObject object(PageSize());
    Mapping view = Mapping::Of(object, PageSize());
    Fill(view.data(), PageSize());
    EXPECT_THAT(Reserve(object, 4 * TinySize()), Fails(ENOSPC));
    EXPECT_EQ(FirstMismatch(view.data(), PageSize()), PageSize());
    const bool same = SizeOf(object) == static_cast<std::int64_t>(PageSize());
    ObserveFact("size after a posix_fallocate of an object that failed",
                same ? "unchanged" : "changed");
    EXPECT_THAT(Reserve(object, Pages(2)), SucceedsWith(0)) << "what there is room for";
  });
}

IPC_TEST(ShmPlace, ReadOnlyPlaceStillOpensForReading, clause::shm_open::oflag_rdonly,
         clause::shm_open::return_failure) {
  InChild([&] {
    EnterPrivatePlace("size=1m,mode=1777");
    UniqueName fresh = UniqueName::Shm();
    UniqueName name = UniqueName::Shm();
    {
      const CallResult created = Create(name.c_str());
      Fd object(Setup(created).fd());
      Setup(CALL(ftruncate(object, 10)));
      Mapping view = Mapping::Of(object, 10);
      Fill(view.data(), 10);
    }
    MakePrivatePlaceReadOnly("size=1m,mode=1777");
    const int lowest = LowestFreeFd();
    {
      ForClause scope(clause::shm_open::return_failure);
      // No error that shm_open lists fits; that of open() for such a place is what one gets.
      const CallResult created = CALL(shm_open(fresh.c_str(), O_RDWR | O_CREAT, 0600));
      const CallResult writing = CALL(shm_open(name.c_str(), O_RDWR, 0));
      ObserveFact("creation in a read-only place", ErrnoName(created.error));
      EXPECT_THAT(created, FailsWithAnyOf(EROFS, EACCES));
      EXPECT_THAT(writing, FailsWithAnyOf(EROFS, EACCES));
      EXPECT_THAT(CALL(shm_unlink(name.c_str())), FailsWithAnyOf(EROFS, EACCES));
      EXPECT_EQ(LowestFreeFd(), lowest);
    }
    ForClause scope(clause::shm_open::oflag_rdonly);
    const CallResult opened = CALL(shm_open(name.c_str(), O_RDONLY, 0));
    ASSERT_THAT(opened, Succeeds());
    Fd reader(opened.fd());
    Mapping view = Mapping::Of(reader, 10, PROT_READ);
    EXPECT_EQ(FirstMismatch(view.data(), 10), 10u);
  });
}

// With huge pages the rest of a huge page has memory behind it: whether accesses beyond the end of
// the object still fault is recorded, since it depends on how the place was mounted.
IPC_TEST(ShmPlace, HugePagesMayHideTheEnd, clause::mmap::end_size_unaffected,
         clause::ftruncate::shm_regrow_reads_zero) {
  InChild([&] {
    EnterPrivatePlace("size=16m,huge=always,mode=1777");
    constexpr std::size_t kHuge = 2 << 20;
    ShmObject object(PageSize());
    // At an address where a huge page could be mapped.
    Region region(2 * kHuge / PageSize());
    char* aligned =
        region.data() + (kHuge - reinterpret_cast<std::uintptr_t>(region.data()) % kHuge) % kHuge;
    Setup(CALL(mmap(aligned, kHuge, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, object, 0)));
    Fill(aligned, PageSize());
    const StepOutcome load = ReadByte(aligned + PageSize());
    ObserveFact("huge=always: load from the page behind the end",
                load.end == StepOutcome::kCompleted ? "works" : SignalName(load.signal));
    const StepOutcome store = WriteByte(aligned + PageSize(), 'x');
    ObserveFact("huge=always: store to the page behind the end",
                store.end == StepOutcome::kCompleted ? "works" : SignalName(store.signal));
    {
      ForClause scope(clause::mmap::end_size_unaffected);
      NoteChecks();
      EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(PageSize()));
    }
    ForClause scope(clause::ftruncate::shm_regrow_reads_zero);
    Setup(CALL(ftruncate(object, kHuge)));
    Fill(aligned, kHuge);
    Setup(CALL(ftruncate(object, static_cast<off_t>(PageSize()))));
    Setup(CALL(ftruncate(object, kHuge)));
    Mapping fresh = Mapping::Of(object, kHuge);
    EXPECT_EQ(FirstMismatch(fresh.data(), PageSize()), PageSize());
    EXPECT_EQ(FirstNonzero(fresh.data() + PageSize(), kHuge - PageSize()), kHuge - PageSize())
        << "the old data came back";
  });
}

}  // namespace
}  // namespace ipcsuite::shm_suite
