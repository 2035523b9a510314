// MAP_FIXED and munmap: what exactly is replaced or removed, and what stays.
#include <limits>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// Three pages of an object, mapped at known addresses, with a pattern in each.
class ThreePages {
 public:
  ThreePages() : region_(3), object_(Pages(3)) {
    Setup(CALL(mmap(region_.data(), Pages(3), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                    object_, 0)));
    Fill(region_.data(), Pages(3));
  }
  char* at(std::size_t page) const { return region_.at(page); }
  int object() const { return object_; }
  // True if the page still shows its own part of the object, for loads and stores.
  bool Works(std::size_t page) const {
    NoteChecks();
    const std::size_t middle = PageSize() / 2;
    const StepOutcome load = ReadByte(at(page) + middle);
    const bool loads =
        load.end == StepOutcome::kCompleted &&
        load.value == static_cast<unsigned char>(PatternAt(page * PageSize() + middle, 1));
    return loads && WriteByte(at(page) + middle, PatternAt(page * PageSize() + middle, 1)).end ==
                        StepOutcome::kCompleted;
  }

 private:
  Region region_;
  ShmObject object_;
};

IPC_TEST(ShmFixed, IsSupported, clause::mmap::fixed_supported, clause::mmap::fixed_exact) {
  Region region(3);
  ShmObject object(PageSize());
  Fill(Mapping::Of(object, PageSize()).data(), PageSize());
  const CallResult mapped =
      CALL(mmap(region.at(1), PageSize(), PROT_READ, MAP_SHARED | MAP_FIXED, object, 0));
  Observe(clause::mmap::fixed_supported, "MAP_FIXED over a reserved page", mapped);
  {
    ForClause scope(clause::mmap::fixed_supported);
#if defined(_XOPEN_VERSION)
    ASSERT_THAT(mapped, Succeeds()) << "XSI systems must support it";
#else
    EXPECT_THAT(mapped, SucceedsOrFailsWith(EINVAL, ENOTSUP));
    if (!mapped.ok()) Unsupported("MAP_FIXED is refused, which the base permits");
#endif
  }
  ForClause scope(clause::mmap::fixed_exact);
  NoteChecks();
  EXPECT_EQ(mapped.value, static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(region.at(1))));
  EXPECT_EQ(FirstMismatch(region.at(1), PageSize()), PageSize());
}

IPC_TEST(ShmFixed, ReplacesExactlyItsPages, clause::mmap::fixed_replaces) {
  ThreePages old;
  ShmObject fresh(PageSize());
  Fill(Mapping::Of(fresh, PageSize()).data(), PageSize(), 9);
  const CallResult mapped =
      CALL(mmap(old.at(1), PageSize(), PROT_READ, MAP_SHARED | MAP_FIXED, fresh, 0));
  ASSERT_THAT(mapped, Succeeds());
  EXPECT_EQ(FirstMismatch(old.at(1), PageSize(), 9), PageSize()) << "the new object";
  EXPECT_THAT(WriteByte(old.at(1), 'x'), FaultsWith(SIGSEGV)) << "the new protection";
  EXPECT_TRUE(old.Works(0));
  EXPECT_TRUE(old.Works(2));
  // The object behind the old mapping keeps what was in the replaced page.
  Mapping whole = Mapping::Of(old.object(), Pages(3), PROT_READ);
  EXPECT_EQ(FirstMismatch(whole.data(), Pages(3)), Pages(3));
}

struct FailRow {
  const char* name;
  Claims claims;
  std::size_t length;  // in bytes; 0: none
  int prot, flags;
  int fd;  // -1: none; 0: the object
  off_t offset;
  int error;  // expected where the clause names one; 0: EINVAL is permitted, no more
};
const FailRow kFailures[] = {
    {"BadDescriptor",
     {clause::mmap::fail_keeps_old_mappings},
     1,
     PROT_READ,
     MAP_SHARED,
     -1,
     0,
     EBADF},
    {"ZeroLength",
     {clause::mmap::fail_keeps_old_mappings, clause::mmap::err_einval_len_zero},
     0,
     PROT_READ,
     MAP_SHARED,
     0,
     0,
     EINVAL},
    {"NeitherSharedNorPrivate",
     {clause::mmap::fail_keeps_old_mappings, clause::mmap::err_einval_flags},
     1,
     PROT_READ,
     0,
     0,
     0,
     EINVAL},
    {"OddOffset", {clause::mmap::fail_keeps_old_mappings}, 1, PROT_READ, MAP_SHARED, 0, 1, 0},
};
// A MAP_FIXED call that fails with one of these errors leaves the old mapping in place.
IPC_TABLE_TEST(ShmFixedFailure, FailRow, kFailures) {
  ThreePages old;
  ShmObject object(Pages(3));
  const CallResult mapped = CALL(mmap(old.at(1), row.length, row.prot, row.flags | MAP_FIXED,
                                      row.fd < 0 ? -1 : object.fd(), row.offset));
  if (row.error != 0) {
    // The error's own clause is the last that the row claims.
    const ForClause scope(ClauseRef{row.claims.back().text});
    EXPECT_THAT(mapped, Fails(row.error));
  } else if (!mapped.failed_with(EINVAL)) {
    Unsupported("this call does not fail with EINVAL here, which POSIX permits");
  }
  ForClause scope(clause::mmap::fail_keeps_old_mappings);
  for (std::size_t page : {0, 1, 2})
    EXPECT_TRUE(old.Works(page)) << "page " << page << " after " << Describe(mapped);
}

IPC_TEST(ShmMunmap, RemovesWholePages, clause::munmap::removes) {
  ThreePages pages;
  for (std::size_t length : {std::size_t{1}, PageSize()}) {
    EXPECT_THAT(RunStep([&] {
                  if (munmap(pages.at(1), length) != 0) return std::int64_t{-1};
                  return std::int64_t{*const_cast<volatile char*>(pages.at(1) + PageSize() - 1)};
                }),
                FaultsWithAt(SIGSEGV, pages.at(1) + PageSize() - 1))
        << "load after munmap of " << length << " bytes";
    EXPECT_THAT(RunStep([&] {
                  if (munmap(pages.at(1), length) != 0) return std::int64_t{-1};
                  *const_cast<volatile char*>(pages.at(1)) = 'x';
                  return std::int64_t{0};
                }),
                FaultsWithAt(SIGSEGV, pages.at(1)))
        << "store after munmap of " << length << " bytes";
  }
  // The page that holds the last byte goes as well.
  EXPECT_THAT(RunStep([&] {
                if (munmap(pages.at(0), PageSize() + 1) != 0) return std::int64_t{-1};
                return std::int64_t{*const_cast<volatile char*>(pages.at(1) + PageSize() - 1)};
              }),
              FaultsWithAt(SIGSEGV, pages.at(1) + PageSize() - 1))
      << "load from the second page after munmap of a page and a byte";
  EXPECT_THAT(CALL(munmap(pages.at(1), PageSize())), SucceedsWith(0));
}

IPC_TEST(ShmMunmap, RemovesAPartAndKeepsTheRest, clause::munmap::partial) {
  const std::size_t page = PageSize();
  Region region(5);
  ShmObject object(5 * page), another(page);
  Setup(CALL(
      mmap(region.data(), 5 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, object, 0)));
  Fill(region.data(), 5 * page);
  EXPECT_THAT(CALL(munmap(region.at(2), page)), SucceedsWith(0));
  for (std::size_t k : {0, 1, 3, 4}) {
    EXPECT_THAT(ReadByte(region.at(k)),
                CompletesWith(static_cast<unsigned char>(PatternAt(k * page, 1))))
        << "page " << k;
  }
  // What is stored now must reach the part of the object that the page showed before.
  region.at(4)[3] = 'x';
  region.at(1)[3] = 'y';
  Mapping whole = Mapping::Of(object, 5 * page);
  EXPECT_EQ(whole[4 * page + 3], 'x');
  EXPECT_EQ(whole[page + 3], 'y');
  const CallResult hole =
      CALL(mmap(region.at(2), page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, another, 0));
  ASSERT_THAT(hole, Succeeds());
  EXPECT_EQ(FirstNonzero(region.at(2), page), page);
  EXPECT_THAT(ReadByte(region.at(3)),
              CompletesWith(static_cast<unsigned char>(PatternAt(3 * page, 1))));
}

IPC_TEST(ShmMunmap, CoversSeveralMappingsAndHoles, clause::munmap::several_mappings) {
  Region region(5);
  ShmObject a(PageSize()), b(PageSize());
  Setup(CALL(munmap(region.at(2), PageSize())));
  Setup(CALL(mmap(region.at(1), PageSize(), PROT_READ, MAP_SHARED | MAP_FIXED, a, 0)));
  Setup(CALL(mmap(region.at(3), PageSize(), PROT_READ, MAP_SHARED | MAP_FIXED, b, 0)));
  EXPECT_THAT(ReadByte(region.at(1)), Completes());
  EXPECT_THAT(ReadByte(region.at(3)), Completes());
  for (std::size_t page : {0, 1, 2, 3, 4}) {
    // In the child that unmaps: nothing can be mapped there between the two.
    EXPECT_THAT(RunStep([&] {
                  if (munmap(region.data(), region.size()) != 0) return std::int64_t{-1};
                  return std::int64_t{*const_cast<volatile char*>(region.at(page))};
                }),
                FaultsWithAt(SIGSEGV, region.at(page)))
        << "page " << page;
  }
  EXPECT_THAT(CALL(munmap(region.data(), region.size())), SucceedsWith(0));
}

IPC_TEST(ShmMunmap, RangeWithoutMappingsSucceeds, clause::munmap::nothing_mapped) {
  ThreePages pages;
  EXPECT_THAT(CALL(munmap(pages.at(1), PageSize())), SucceedsWith(0));
  EXPECT_THAT(CALL(munmap(pages.at(1), PageSize())), SucceedsWith(0)) << "a second time";
  EXPECT_TRUE(pages.Works(0));
  EXPECT_TRUE(pages.Works(2));
}

IPC_TEST(ShmMunmap, ZeroLengthFails, clause::munmap::err_einval_len_zero) {
  ThreePages pages;
  EXPECT_THAT(CALL(munmap(pages.at(1), 0)), Fails(EINVAL));
  for (std::size_t page : {0, 1, 2}) EXPECT_TRUE(pages.Works(page)) << "page " << page;
}

IPC_TEST(ShmMunmap, RangeOutsideTheAddressSpaceFails, clause::munmap::err_einval_range) {
  ThreePages pages;
  const std::size_t page = PageSize();
  auto* highest = reinterpret_cast<void*>(std::numeric_limits<std::uintptr_t>::max() - page + 1);
  EXPECT_THAT(CALL(munmap(highest, page)), Fails(EINVAL)) << "the highest page";
  const std::size_t wraps = std::numeric_limits<std::size_t>::max() - page + 1;
  EXPECT_THAT(CALL(munmap(pages.at(1), wraps)), Fails(EINVAL)) << "a range that wraps around";
  for (std::size_t i : {0, 1, 2}) EXPECT_TRUE(pages.Works(i)) << "page " << i;
}

IPC_TEST(ShmMunmap, UnalignedAddressMayFail, clause::munmap::err_einval_unaligned) {
  ThreePages pages;
  const CallResult removed = CALL(munmap(pages.at(1) + 1, 1));
  Observe(clause::munmap::err_einval_unaligned, "page address plus one", removed);
  EXPECT_THAT(removed, SucceedsOrFailsWith(EINVAL));
  EXPECT_EQ(pages.Works(1), !removed.ok());
  EXPECT_TRUE(pages.Works(0));
  EXPECT_TRUE(pages.Works(2));
}

}  // namespace
}  // namespace ipcsuite::shm_suite
