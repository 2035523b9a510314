// msync and posix_madvise on mapped objects.
#include <limits>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

#if defined(_POSIX_SYNCHRONIZED_IO) || defined(_XOPEN_VERSION)

IPC_TEST(ShmMsync, EffectOnObjectsIsOpen, clause::msync::shm_effect) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  view[0] = 1;
  Observe(clause::msync::shm_effect, "MS_SYNC", CALL(msync(view.data(), PageSize(), MS_SYNC)));
  Observe(clause::msync::shm_effect, "MS_ASYNC", CALL(msync(view.data(), PageSize(), MS_ASYNC)));
  Observe(clause::msync::shm_effect, "MS_SYNC|MS_INVALIDATE",
          CALL(msync(view.data(), PageSize(), MS_SYNC | MS_INVALIDATE)));
}

IPC_TEST(ShmMsync, PrivateStoresAreNotWritten, clause::msync::private_not_written) {
  ShmObject object(PageSize());
  Mapping shared = Mapping::Of(object, PageSize());
  Fill(shared.data(), PageSize(), 1);
  Mapping view = Mapping::Of(object, PageSize(), Mapping::PROT_READ_WRITE, MAP_PRIVATE);
  Fill(view.data(), PageSize(), 2);
  for (int flags : {MS_SYNC, MS_ASYNC}) {
    const CallResult synced = CALL(msync(view.data(), PageSize(), flags));
    ObserveFact("msync of a private mapping", synced.ok() ? "success" : ErrnoName(synced.error));
    EXPECT_EQ(FirstMismatch(shared.data(), PageSize(), 1), PageSize());
    EXPECT_EQ(FirstMismatch(view.data(), PageSize(), 2), PageSize());
    Mapping later = Mapping::Of(object, PageSize(), PROT_READ, MAP_PRIVATE);
    EXPECT_EQ(FirstMismatch(later.data(), PageSize(), 1), PageSize());
  }
}

// What msync() does to a shared memory object is unspecified (DESCRIPTION, [SHM|TYM]), so that its
// errors are judged on mappings of a regular file.
struct FlagsRow {
  const char* name;
  Claims claims;
  int flags;
};
// MS_SYNC, MS_ASYNC and MS_INVALIDATE are whatever bits the system chose: these are none of them.
constexpr int kUnknown = 0x10000 & ~(MS_SYNC | MS_ASYNC | MS_INVALIDATE);
const FlagsRow kInvalid[] = {
    {"SyncAndAsync", {clause::msync::err_einval_flags}, MS_SYNC | MS_ASYNC},
    {"UnknownBit", {clause::msync::err_einval_flags}, MS_SYNC | kUnknown},
    {"None", {clause::msync::err_einval_flags}, 0},
    {"InvalidateAlone", {clause::msync::err_einval_flags}, MS_INVALIDATE},
};
IPC_TABLE_TEST(ShmMsyncFlags, FlagsRow, kInvalid) {
  if ((MS_ASYNC == 0 || MS_SYNC == 0) && row.flags != (MS_SYNC | kUnknown))
    Unsupported("MS_ASYNC or MS_SYNC is 0 here: these flags are valid");
  const Fd file = RegularFile(PageSize());
  Mapping view = Mapping::Of(file, PageSize());
  EXPECT_THAT(CALL(msync(view.data(), PageSize(), row.flags)), Fails(EINVAL));
}

IPC_TEST(ShmMsync, UnmappedPagesFail, clause::msync::err_enomem) {
  Region region(3);
  const Fd file = RegularFile(Pages(3));
  Setup(
      CALL(mmap(region.data(), Pages(3), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0)));
  EXPECT_THAT(CALL(msync(region.data(), Pages(3), MS_SYNC)), SucceedsWith(0));
  Setup(CALL(munmap(region.at(1), PageSize())));
  for (int flags : {MS_SYNC, MS_ASYNC}) {
    EXPECT_THAT(CALL(msync(region.at(1), PageSize(), flags)), Fails(ENOMEM)) << "nothing mapped";
    EXPECT_THAT(CALL(msync(region.data(), Pages(3), flags)), Fails(ENOMEM))
        << "a hole in the middle";
  }
  auto* highest =
      reinterpret_cast<void*>(std::numeric_limits<std::uintptr_t>::max() - PageSize() + 1);
  EXPECT_THAT(CALL(msync(highest, PageSize(), MS_SYNC)), Fails(ENOMEM))
      << "outside of the address space";
}

IPC_TEST(ShmMsync, UnalignedAddressMayFail, clause::msync::err_einval_unaligned) {
  const Fd file = RegularFile(Pages(2));
  Mapping view = Mapping::Of(file, Pages(2));
  const CallResult synced = CALL(msync(view.data() + 1, 1, MS_SYNC));
  EXPECT_THAT(synced, SucceedsOrFailsWith(EINVAL));
  Observe(clause::msync::err_einval_unaligned, "page address plus one", synced);
}

#endif

#ifdef POSIX_MADV_NORMAL

constexpr int kAdvices[] = {POSIX_MADV_NORMAL, POSIX_MADV_SEQUENTIAL, POSIX_MADV_RANDOM,
                            POSIX_MADV_WILLNEED, POSIX_MADV_DONTNEED};

IPC_TEST(ShmAdvice, NeverChangesContents, clause::posix_madvise::shm_no_semantic_effect) {
  const std::size_t size = Pages(3);
  for (int flags : {MAP_SHARED, MAP_PRIVATE}) {
    ShmObject object(size);
    Mapping view = Mapping::Of(object, size, Mapping::PROT_READ_WRITE, flags);
    Fill(view.data(), size);
    for (int advice : kAdvices) {
      const CallResult advised = CALL_ERRNO(posix_madvise(view.data(), size, advice));
      if (advised.failed_with(ENOSYS)) Unsupported("posix_madvise() is absent here");
      EXPECT_THAT(advised, SucceedsWith(0)) << "advice " << advice;
      EXPECT_EQ(FirstMismatch(view.data(), size), size)
          << "advice " << advice << (flags == MAP_PRIVATE ? ", private" : ", shared");
    }
  }
}

IPC_TEST(ShmAdvice, UnknownAdviceFails, clause::posix_madvise::err_einval_advice) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  for (int advice : {77, -1, std::numeric_limits<int>::max()}) {
    EXPECT_THAT(CALL_ERRNO(posix_madvise(view.data(), PageSize(), advice)), Fails(EINVAL))
        << "advice " << advice;
  }
}

struct AdviceRow {
  const char* name;
  Claims claims;
  int advice;
};
const AdviceRow kAdviceRows[] = {
    {"Normal", {clause::posix_madvise::err_enomem}, POSIX_MADV_NORMAL},
    {"Sequential", {clause::posix_madvise::err_enomem}, POSIX_MADV_SEQUENTIAL},
    {"Random", {clause::posix_madvise::err_enomem}, POSIX_MADV_RANDOM},
    {"WillNeed", {clause::posix_madvise::err_enomem}, POSIX_MADV_WILLNEED},
    {"DontNeed", {clause::posix_madvise::err_enomem}, POSIX_MADV_DONTNEED},
};
IPC_TABLE_TEST(ShmAdviceOutsideOfTheAddressSpace, AdviceRow, kAdviceRows) {
  // Near the top of the addresses: no process of any system may use it.
  auto* highest =
      reinterpret_cast<void*>(std::numeric_limits<std::uintptr_t>::max() - 2 * PageSize() + 1);
  const CallResult advised = CALL_ERRNO(posix_madvise(highest, PageSize(), row.advice));
  if (advised.failed_with(ENOSYS)) Unsupported("posix_madvise() is absent here");
  EXPECT_THAT(advised, Fails(ENOMEM));
  Region region(3);
  Setup(CALL(munmap(region.at(1), PageSize())));
  const CallResult hole = CALL_ERRNO(posix_madvise(region.data(), region.size(), row.advice));
  ObserveFact(std::string("posix_madvise over a hole, ") + row.name,
              hole.ok() ? "success" : ErrnoName(hole.error));
}

#endif

}  // namespace
}  // namespace ipcsuite::shm_suite
