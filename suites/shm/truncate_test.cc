// ftruncate on shared memory objects: sizes, what is kept, what reads zero, what is taken away.
#include <sys/resource.h>

#include <algorithm>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

IPC_TEST(ShmTruncate, Grows, clause::ftruncate::shm_grow_size) {
  ShmObject object;
  for (off_t size : {off_t{1}, static_cast<off_t>(PageSize()), off_t{1024 * 1024 + 3}}) {
    EXPECT_THAT(CALL(ftruncate(object, size)), SucceedsWith(0));
    EXPECT_EQ(SizeOf(object), size);
  }
}

// Nothing is stored, so that no memory is needed: what counts is that no bit of the size is lost.
IPC_TEST(ShmTruncate, GrowsBeyondFourGigabytes, clause::ftruncate::shm_grow_size) {
  if (sizeof(off_t) < 8) Unsupported("off_t has 32 bits");
  const std::int64_t size = (std::int64_t{1} << 32) + 5;
  rlimit file_size{};
  if (getrlimit(RLIMIT_FSIZE, &file_size) == 0 && file_size.rlim_cur < static_cast<rlim_t>(size))
    Unsupported("RLIMIT_FSIZE is below 4 GiB");
  ShmObject object;
  const CallResult grown = CALL(ftruncate(object, static_cast<off_t>(size)));
  if (!grown.ok()) Unsupported("no object of 4 GiB here: " + Describe(grown));
  EXPECT_EQ(SizeOf(object), size);
  EXPECT_THAT(CALL(ftruncate(object, 10)), SucceedsWith(0));
  EXPECT_EQ(SizeOf(object), 10);
}

IPC_TEST(ShmTruncate, Shrinks, clause::ftruncate::shm_shrink_size) {
  const auto page = static_cast<off_t>(PageSize());
  ShmObject object(3 * PageSize());
  for (off_t size : {2 * page + 100, 2 * page, page - 1, off_t{1}, off_t{0}}) {
    EXPECT_THAT(CALL(ftruncate(object, size)), SucceedsWith(0));
    EXPECT_EQ(SizeOf(object), size);
  }
}

IPC_TEST(ShmTruncate, SameSizeChangesNothing, clause::ftruncate::shm_same_size) {
  for (std::size_t size : {std::size_t{100}, PageSize(), PageSize() + 1}) {
    ShmObject object(size);
    Mapping view = Mapping::Of(object, size);
    Fill(view.data(), size);
    EXPECT_THAT(CALL(ftruncate(object, static_cast<off_t>(size))), SucceedsWith(0));
    EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(size));
    EXPECT_EQ(FirstMismatch(view.data(), size), size);
  }
}

IPC_TEST(ShmTruncate, KeepsWhatIsBelowBothSizes, clause::ftruncate::shm_keeps_prefix) {
  const std::size_t page = PageSize();
  ShmObject object(3 * page);
  {
    Mapping view = Mapping::Of(object, 3 * page);
    Fill(view.data(), 3 * page);
  }
  std::size_t kept = 3 * page;
  for (std::size_t size :
       {4 * page, 3 * page - 7, 5 * page, page + 1, 2 * page, std::size_t{9}, page}) {
    Setup(CALL(ftruncate(object, static_cast<off_t>(size))));
    kept = std::min(kept, size);
    Mapping view = Mapping::Of(object, size, PROT_READ);
    EXPECT_EQ(FirstMismatch(view.data(), kept), kept) << "after the size became " << size;
    InChild([&] {
      Fd own(CALL(shm_open(object.name(), O_RDONLY, 0)));
      Mapping mine = Mapping::Of(own, size, PROT_READ);
      EXPECT_EQ(FirstMismatch(mine.data(), kept), kept) << "in another process, size " << size;
    });
  }
}

IPC_TEST(ShmTruncate, AddedPartsReadZero, clause::ftruncate::shm_grow_zero_filled) {
  const std::size_t page = PageSize();
  // Memory that another process has used and given back is what a careless system would hand out.
  InChild([&] {
    ShmObject dirty(16 * page);
    Mapping view = Mapping::Of(dirty, 16 * page);
    Fill(view.data(), 16 * page);
  });
  for (std::size_t size : {std::size_t{1}, page - 1, page, 16 * page + 1}) {
    ShmObject object(size);
    Mapping view = Mapping::Of(object, size);
    EXPECT_EQ(FirstNonzero(view.data(), size), size);
    Fill(view.data(), size);
    Setup(CALL(ftruncate(object, static_cast<off_t>(size + 2 * page))));
    Mapping grown = Mapping::Of(object, size + 2 * page);
    EXPECT_EQ(FirstMismatch(grown.data(), size), size);
    EXPECT_EQ(FirstNonzero(grown.data() + size, 2 * page), 2 * page);
  }
}

IPC_TEST(ShmTruncate, EachOfManyGrowthsReadsZero, clause::ftruncate::shm_grow_zero_filled) {
  constexpr std::size_t kStep = 37, kGrowths = 64;
  ShmObject object(kStep);
  for (std::size_t size = kStep; size <= kStep * kGrowths; size += kStep) {
    {
      Mapping before = Mapping::Of(object, size);
      Fill(before.data(), size);
    }
    Setup(CALL(ftruncate(object, static_cast<off_t>(size + kStep))));
    // Through a mapping of its own: what an older one shows of a later part is unspecified.
    Mapping view = Mapping::Of(object, size + kStep, PROT_READ);
    EXPECT_EQ(FirstMismatch(view.data(), size), size);
    EXPECT_EQ(FirstNonzero(view.data() + size, kStep), kStep) << "grown from " << size << " bytes";
  }
}

IPC_TEST(ShmTruncate, RegrownPartsReadZero, clause::ftruncate::shm_regrow_reads_zero) {
  const std::size_t page = PageSize();
  ShmObject object(3 * page);
  Mapping view = Mapping::Of(object, 3 * page);
  Fill(view.data(), 3 * page);
  Setup(CALL(ftruncate(object, static_cast<off_t>(page))));
  Setup(CALL(ftruncate(object, static_cast<off_t>(3 * page))));
  Mapping fresh = Mapping::Of(object, 3 * page);
  EXPECT_EQ(FirstMismatch(fresh.data(), page), page);
  EXPECT_EQ(FirstNonzero(fresh.data() + page, 2 * page), 2 * page) << "the old data came back";
  InChild([&] {
    Fd own(CALL(shm_open(object.name(), O_RDONLY, 0)));
    Mapping mine = Mapping::Of(own, 3 * page, PROT_READ);
    EXPECT_EQ(FirstNonzero(mine.data() + page, 2 * page), 2 * page) << "in another process";
  });
}

IPC_TEST(ShmTruncate, ShrinkingIntoAPageClearsItsRest,
         clause::ftruncate::shm_regrow_partial_page_zero) {
  const std::size_t page = PageSize();
  for (std::size_t size : {std::size_t{100}, std::size_t{1}, page - 1}) {
    ShmObject object(page);
    Mapping view = Mapping::Of(object, page);
    Fill(view.data(), page);
    Setup(CALL(ftruncate(object, static_cast<off_t>(size))));
    EXPECT_EQ(FirstMismatch(view.data(), size), size);
    EXPECT_EQ(FirstNonzero(view.data() + size, page - size), page - size)
        << "at once; size " << size;
    Setup(CALL(ftruncate(object, static_cast<off_t>(page))));
    Mapping fresh = Mapping::Of(object, page);
    EXPECT_EQ(FirstMismatch(fresh.data(), size), size);
    EXPECT_EQ(FirstNonzero(fresh.data() + size, page - size), page - size)
        << "after growing again; size " << size;
  }
}

IPC_TEST(ShmTruncate, PagesBeyondTheEndAreTakenAway, clause::ftruncate::shm_whole_pages_discarded,
         clause::ftruncate::shm_last_partial_page_accessible) {
  const std::size_t page = PageSize();
  ShmObject object(4 * page);
  Mapping view = Mapping::Of(object, 4 * page);
  Fill(view.data(), 4 * page);
  Setup(CALL(ftruncate(object, static_cast<off_t>(page + 1))));
  {
    ForClause scope(clause::ftruncate::shm_last_partial_page_accessible);
    NoteChecks();
    EXPECT_EQ(FirstMismatch(view.data(), page + 1), page + 1);
    EXPECT_THAT(ReadByte(view.data() + page + 1), Completes());
    EXPECT_THAT(ReadByte(view.data() + 2 * page - 1), Completes());
    EXPECT_THAT(WriteByte(view.data() + 2 * page - 1, 0), Completes());
  }
  ForClause scope(clause::ftruncate::shm_whole_pages_discarded);
  for (std::size_t i : {2, 3}) ExpectBeyondEnd(view.data() + i * page);
  Setup(CALL(ftruncate(object, 0)));
  for (std::size_t i : {0, 1, 2, 3}) ExpectBeyondEnd(view.data() + i * page);
}

IPC_TEST(ShmTruncate, PagesAreTakenFromOtherProcesses,
         clause::ftruncate::shm_discard_in_other_process) {
  const std::size_t page = PageSize();
  ShmObject object(2 * page);
  SharedBuffer seen(1);
  Peer other([&](Peer::Self& self) {
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    Mapping view = Mapping::Of(own, 2 * page);
    self.step([&] { return Fill(view.data(), 2 * page), CALL(0); });
    self.step([&] { return CALL(static_cast<int>(seen.data()[0] = view[0])); });
    self.step([&] { return CALL(static_cast<int>(seen.data()[0] = view[2 * page - 1])); });
  });
  EXPECT_THAT(other.next().result(), SucceedsWith(0));
  Setup(CALL(ftruncate(object, static_cast<off_t>(page))));
  EXPECT_THAT(other.next().result(), SucceedsWith(static_cast<int>(PatternAt(0, 1))))
      << "the page that is left";
  EXPECT_THAT(other.next().result(), DiesBy(SIGBUS)) << "the page that is gone";
}

IPC_TEST(ShmTruncate, PagesAreTakenFromPrivateMappings,
         clause::ftruncate::shm_discard_private_mapping) {
  const std::size_t page = PageSize();
  ShmObject object(3 * page);
  Mapping view = Mapping::Of(object, 3 * page, Mapping::PROT_READ_WRITE, MAP_PRIVATE);
  view[0] = 'x';                                       // copied
  EXPECT_EQ(FirstNonzero(view.data() + page, 1), 1u);  // only read; the third is not touched
  Setup(CALL(ftruncate(object, 0)));
  for (std::size_t i : {0, 1, 2}) ExpectBeyondEnd(view.data() + i * page);
}

IPC_TEST(ShmTruncate, OlderMappingsMayReachTheAddedPart,
         clause::ftruncate::shm_access_after_regrow) {
  const std::size_t page = PageSize();
  ShmObject object(page);
  Mapping view = Mapping::Of(object, 2 * page);
  Setup(CALL(ftruncate(object, static_cast<off_t>(2 * page))));
  const StepOutcome outcome = ReadByte(view.data() + page);
  Observe(clause::ftruncate::shm_access_after_regrow,
          "load from the added part through the older mapping",
          outcome.end == StepOutcome::kCompleted ? "works" : Describe(outcome));
}

IPC_TEST(ShmTruncate, StoresBeyondTheEndMayAppearAfterGrowing,
         clause::ftruncate::shm_stores_beyond_end_after_grow) {
  ShmObject object(100);
  Mapping view = Mapping::Of(object, 100);
  view[200 % PageSize()] = 'x';
  Setup(CALL(ftruncate(object, static_cast<off_t>(PageSize()))));
  Mapping fresh = Mapping::Of(object, PageSize());
  Observe(clause::ftruncate::shm_stores_beyond_end_after_grow,
          "store at 200 of 100 bytes, then grown",
          fresh[200 % PageSize()] == 'x' ? "kept" : "zero");
}

IPC_TEST(ShmTruncate, SizeIsSeenEverywhere, clause::ftruncate::shm_visible_everywhere,
         clause::mmap::fork_fd_inherited) {
  ShmObject object(10);
  Fd reader(CALL(shm_open(object.name(), O_RDONLY, 0)));
  Peer child([&](Peer::Self& self) {
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    self.step([&] { return CALL(ftruncate(own, 12345)); });
    self.step([&] { return CALL(ftruncate(object, 777)); });
    self.step([&] { return CALL(static_cast<long>(SizeOf(own))); });
  });
  {
    ForClause scope(clause::ftruncate::shm_visible_everywhere);
    EXPECT_THAT(child.next().result(), SucceedsWith(0));
    EXPECT_EQ(SizeOf(object), 12345);
    EXPECT_EQ(SizeOf(reader), 12345);
  }
  {
    ForClause scope(clause::mmap::fork_fd_inherited);
    EXPECT_THAT(child.next().result(), SucceedsWith(0)) << "through the inherited descriptor";
    EXPECT_EQ(SizeOf(object), 777);
    EXPECT_EQ(SizeOf(reader), 777);
  }
  ForClause scope(clause::ftruncate::shm_visible_everywhere);
  Setup(CALL(ftruncate(object, 4)));
  EXPECT_THAT(child.next().result(), SucceedsWith(4));
}

}  // namespace
}  // namespace ipcsuite::shm_suite
