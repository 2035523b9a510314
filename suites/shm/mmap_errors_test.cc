// Errors of mmap, and calls whose result POSIX leaves open.
#include <limits.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// The call under test; a mapping that it makes is removed again.
CallResult TryMap(std::size_t length, int prot, int flags, int fd, off_t offset,
                  void* address = nullptr) {
  const CallResult mapped = CALL(mmap(address, length, prot, flags, fd, offset));
  if (mapped.ok())
    munmap(reinterpret_cast<void*>(static_cast<std::intptr_t>(mapped.value)), length);
  return mapped;
}

IPC_TEST(ShmMmapErrors, DescriptorMustBeReadable, clause::mmap::err_eacces_not_readable) {
  ShmObject object(PageSize());
  const CallResult opened = CALL(shm_open(object.name(), O_WRONLY, 0));
  Fd writer(opened.ok() ? opened.fd() : -1);
  UniqueName path = UniqueName::Path();
  Fd file(CALL(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600)));
  Setup(CALL(ftruncate(file, static_cast<off_t>(PageSize()))));
  for (int flags : {MAP_SHARED, MAP_PRIVATE}) {
    for (int prot : {PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE}) {
      EXPECT_THAT(TryMap(1, prot, flags, file, 0), Fails(EACCES)) << "regular file, prot " << prot;
      // O_WRONLY is no access mode of shm_open; where it is accepted all the same, this holds too.
      if (writer < 0) continue;
      EXPECT_THAT(TryMap(1, prot, flags, writer, 0), Fails(EACCES)) << "object, prot " << prot;
    }
  }
}

IPC_TEST(ShmMmapErrors, SharedStoresNeedAWritableDescriptor,
         clause::mmap::err_eacces_shared_write) {
  ShmObject object(PageSize(), O_RDWR, 0666);
  Fd reader(CALL(shm_open(object.name(), O_RDONLY, 0)));
  UniqueName name = UniqueName::Shm();
  const CallResult created = Create(name.c_str(), O_RDONLY | O_EXCL, 0600);
  ASSERT_THAT(created, Succeeds());
  Fd creator(created.fd());
  for (int prot : {PROT_WRITE, PROT_READ | PROT_WRITE}) {
    EXPECT_THAT(TryMap(1, prot, MAP_SHARED, reader, 0), Fails(EACCES)) << "prot " << prot;
    EXPECT_THAT(TryMap(1, prot, MAP_SHARED, creator, 0), Fails(EACCES))
        << "of the creator, prot " << prot;
    Fd duplicate(CALL(dup(reader)));
    EXPECT_THAT(TryMap(1, prot, MAP_SHARED, duplicate, 0), Fails(EACCES))
        << "through a duplicate, prot " << prot;
  }
  EXPECT_THAT(TryMap(1, PROT_READ, MAP_SHARED, reader, 0), Succeeds());
}

IPC_TEST(ShmMmapErrors, BadDescriptorFails, clause::mmap::err_ebadf) {
  ShmObject object(PageSize());
  const int closed = Fd(CALL(dup(object))).get();
  for (int fd : {-1, closed, std::numeric_limits<int>::max()}) {
    for (int flags : {MAP_SHARED, MAP_PRIVATE})
      EXPECT_THAT(TryMap(1, PROT_READ, flags, fd, 0), Fails(EBADF)) << fd;
  }
}

IPC_TEST(ShmMmapErrors, ZeroLengthFails, clause::mmap::err_einval_len_zero) {
  ShmObject object(PageSize());
  for (int flags : {MAP_SHARED, MAP_PRIVATE})
    EXPECT_THAT(TryMap(0, PROT_READ, flags, object, 0), Fails(EINVAL));
  const Fd read_only(CALL(shm_open(object.name(), O_RDONLY, 0)));
  EXPECT_THAT(TryMap(0, PROT_WRITE, MAP_SHARED, read_only, 0), FailsWithAnyOf(EINVAL, EACCES))
      << "for stores that the descriptor does not permit";
}

IPC_TEST(ShmMmapErrors, NeitherSharedNorPrivateFails, clause::mmap::err_einval_flags) {
  ShmObject object(PageSize());
  EXPECT_THAT(TryMap(1, PROT_READ, 0, object, 0), Fails(EINVAL));
}

IPC_TEST(ShmMmapErrors, OddOffsetMayFail, clause::mmap::err_einval_off_unaligned) {
  ShmObject object(Pages(2));
  Fill(Mapping::Of(object, Pages(2)).data(), Pages(2));
  for (std::size_t offset : {std::size_t{1}, PageSize() / 2, PageSize() + 1}) {
    const CallResult mapped =
        CALL(mmap(nullptr, 1, PROT_READ, MAP_SHARED, object, static_cast<off_t>(offset)));
    EXPECT_THAT(mapped, SucceedsOrFailsWith(EINVAL));
    Observe(clause::mmap::err_einval_off_unaligned,
            "offset " + std::string(offset == 1           ? "1"
                                    : offset > PageSize() ? "page+1"
                                                          : "page/2"),
            mapped);
    if (!mapped.ok()) continue;
    auto* at = reinterpret_cast<char*>(static_cast<std::intptr_t>(mapped.value));
    EXPECT_EQ(*at, PatternAt(offset, 1)) << "if accepted, the mapping starts at that byte";
    munmap(at - offset % PageSize(), PageSize());
  }
}

IPC_TEST(ShmMmapErrors, FixedOddAddressMayFail, clause::mmap::err_einval_fixed_unaligned) {
  Region region(3);
  ShmObject object(PageSize());
  const CallResult mapped =
      CALL(mmap(region.at(1) + 1, 1, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0));
  EXPECT_THAT(mapped, SucceedsOrFailsWith(EINVAL, ENOTSUP));
  Observe(clause::mmap::err_einval_fixed_unaligned, "page address plus one", mapped);
}

// Regions up to which a limit is looked for; systems with a higher one are not judged.
constexpr int kRegionsMax = 100'000;

IPC_TEST(ShmMmapErrors, TooManyRegionsFail, clause::mmap::err_emfile_regions) {
  ShmObject object(PageSize());
  Shared<CallResult> failure, control;
  Shared<int> count;
  InChild([&] {
    void* last = nullptr;
    for (*count = 0; *count < kRegionsMax; ++*count) {
      // Neighbours differ in protection, so that the system can't make one region of them.
      const int prot = *count % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
      // Tens of thousands of calls: only the one that fails is recorded.
      void* const mapped = mmap(nullptr, PageSize(), prot, MAP_SHARED, object, 0);
      if (mapped != MAP_FAILED) {
        last = mapped;
        continue;
      }
      *failure = CALL(mmap(nullptr, PageSize(), prot, MAP_SHARED, object, 0));
      // Was it the number of regions, or room? One region less leaves room for one of two pages.
      munmap(last, PageSize());
      *control = CALL(mmap(nullptr, Pages(2), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
      _exit(0);  // nothing else could be mapped in this process
    }
  });
  if (!failure->failed)
    Unsupported("no limit on mapped regions up to " + std::to_string(kRegionsMax));
  ObserveFact("mapped regions of a process, at most", std::to_string(*count));
  if (!control->ok())
    Unsupported("room ran out before the number of regions: " + Describe(*control));
  EXPECT_THAT(*failure, Fails(EMFILE)) << "after " << *count << " regions";
}

IPC_TEST(ShmMmapErrors, UnsupportedTypeFails, clause::mmap::err_enodev) {
  // Which types can be mapped, besides files and memory objects, is unspecified (DESCRIPTION): one
  // that is supported succeeds, one that is not fails with ENODEV.
  Pipe pipe;
  Fd directory(CALL(open("/", O_RDONLY | O_DIRECTORY)));
  const struct {
    const char* what;
    int flags, fd;
  } kTypes[] = {{"a pipe, shared", MAP_SHARED, pipe.rd()},
                {"a pipe, private", MAP_PRIVATE, pipe.rd()},
                {"a directory", MAP_SHARED, directory}};
  for (const auto& type : kTypes) {
    const CallResult mapped = TryMap(1, PROT_READ, type.flags, type.fd, 0);
    Observe(clause::mmap::err_enodev, type.what, mapped);
    EXPECT_THAT(mapped, SucceedsOrFailsWith(ENODEV)) << type.what;
  }
}

IPC_TEST(ShmMmapErrors, MoreThanTheAddressSpaceFails, clause::mmap::err_enomem_space) {
  ShmObject object(PageSize());
  // The longest range whose end is an offset: nothing but room is lacking.
  const auto offset_max = static_cast<std::uintmax_t>(std::numeric_limits<off_t>::max());
  const auto longest = static_cast<std::size_t>(
      std::min<std::uintmax_t>(offset_max, std::numeric_limits<std::size_t>::max()));
  const std::size_t length = longest / PageSize() * PageSize();
  for (int flags : {MAP_SHARED, MAP_PRIVATE})
    EXPECT_THAT(TryMap(length, PROT_READ, flags, object, 0), Fails(ENOMEM));
  // A length whose rounding to pages wraps around: too large for offsets too, which has errors of
  // its own.
  EXPECT_THAT(TryMap(std::numeric_limits<std::size_t>::max(), PROT_READ, MAP_SHARED, object, 0),
              FailsWithAnyOf(ENOMEM, EINVAL, ENXIO, EOVERFLOW));
}

IPC_TEST(ShmMmapErrors, FixedRangeBeyondTheAddressSpaceFails,
         clause::mmap::err_enomem_fixed_range) {
  ShmObject object(PageSize());
  auto* highest =
      reinterpret_cast<void*>(std::numeric_limits<std::uintptr_t>::max() - PageSize() + 1);
  EXPECT_THAT(TryMap(PageSize(), PROT_READ, MAP_SHARED | MAP_FIXED, object, 0, highest),
              FailsWithAnyOf(ENOMEM, EINVAL));
}

IPC_TEST(ShmMmapErrors, AddressSpaceLimitApplies, clause::mmap::err_enomem_rlimit_as) {
  // More than the limit by itself: how much the process uses already is of no account.
  constexpr std::size_t kLength = std::size_t{64} << 20;
  ShmObject object;
  const CallResult sized = CALL(ftruncate(object, static_cast<off_t>(kLength)));
  if (!sized.ok()) Unresolved("a sparse object of 64 MiB can't be made: " + Describe(sized));
  if (!TryMap(kLength, PROT_READ, MAP_SHARED, object, 0).ok())
    Unresolved("no room for 64 MiB even without a limit");
  CallResult limited;
  {
    // Nothing else may be allocated under the limit: the process may use more than that already.
    ScopedRlimit limit(RLIMIT_AS, kLength);
    limited = TryMap(kLength, PROT_READ, MAP_SHARED, object, 0);
  }
  EXPECT_THAT(limited, Fails(ENOMEM));
}

IPC_TEST(ShmMmapErrors, OffsetsThatCanNotBeFail, clause::mmap::err_enxio_range) {
  ShmObject object(PageSize());
  const auto page = static_cast<off_t>(PageSize());
  const off_t highest = std::numeric_limits<off_t>::max() / page * page;
  struct {
    const char* what;
    off_t offset;
    std::size_t length;
  } const rows[] = {{"negative offset", -page, PageSize()},
                    {"offset and length overflow", highest, Pages(2)}};
  for (const auto& row : rows) {
    const CallResult mapped = TryMap(row.length, PROT_READ, MAP_SHARED, object, row.offset);
    // EOVERFLOW where objects are regular files; EINVAL where the value is invalid as such.
    EXPECT_THAT(mapped, FailsWithAnyOf(ENXIO, EOVERFLOW, EINVAL)) << row.what;
    ObserveFact(std::string("mmap of an object, ") + row.what, ErrnoName(mapped.error));
  }
}

#ifdef RLIMIT_MEMLOCK
IPC_TEST(ShmMmapErrors, WhatCanNotBeLockedFails, clause::mmap::err_mlockall_future) {
  constexpr std::size_t kLength = 1 << 20;
  ShmObject object(kLength);
  InChild([&] {
    DropPrivilege();
    ScopedRlimit limit(RLIMIT_MEMLOCK, 2 * PageSize());
    const CallResult locked = CALL(mlockall(MCL_FUTURE));
    // No allocation until the lock is lifted: it would have to be locked too.
    const CallResult mapped =
        locked.ok() ? TryMap(kLength, PROT_READ, MAP_SHARED, object, 0) : CallResult();
    munlockall();
    if (locked.failed_with(ENOSYS)) Unsupported("mlockall() is absent");
    if (!locked.ok())
      Unsupported("locking of future mappings is not permitted: " + Describe(locked));
    // What happens, and how it is reported, is implementation-defined.
    Observe(clause::mmap::err_mlockall_future, "a mapping beyond the limit on locked memory",
            mapped);
  });
}
#endif

IPC_TEST(ShmMmapOpen, SharedAndPrivateTogether, clause::mmap::flags_shared_and_private) {
  ShmObject object(PageSize());
  Observe(clause::mmap::flags_shared_and_private, "MAP_SHARED|MAP_PRIVATE",
          TryMap(1, PROT_READ, MAP_SHARED | MAP_PRIVATE, object, 0));
}

#ifdef MAP_ANONYMOUS
IPC_TEST(ShmAnonymous, SharedStartsAtZeroAndIsInherited, clause::mmap::anon_shared_zero) {
  const std::size_t size = Pages(2);
  const CallResult mapped =
      CALL(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_THAT(mapped, Succeeds());
  Mapping view(mapped, size);
  EXPECT_EQ(FirstNonzero(view.data(), size), size);
  Fill(view.data(), size, 1);
  InChild([&] {
    EXPECT_EQ(FirstMismatch(view.data(), size, 1), size);
    Fill(view.data(), size, 2);
  });
  EXPECT_EQ(FirstMismatch(view.data(), size, 2), size);
}

IPC_TEST(ShmAnonymous, EachIsAnObjectOfItsOwn, clause::mmap::anon_distinct) {
  for (int flags : {MAP_SHARED, MAP_PRIVATE}) {
    const CallResult first =
        CALL(mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0));
    const CallResult second =
        CALL(mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0));
    ASSERT_THAT(first, Succeeds());
    ASSERT_THAT(second, Succeeds());
    Mapping a(first, PageSize()), b(second, PageSize());
    Fill(a.data(), PageSize());
    EXPECT_EQ(FirstNonzero(b.data(), PageSize()), PageSize());
  }
}

IPC_TEST(ShmAnonymous, WithADescriptorOrOffsetIsOpen, clause::mmap::anon_other_fd_off) {
  ShmObject object(PageSize());
  Observe(clause::mmap::anon_other_fd_off, "with a descriptor",
          TryMap(1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, object, 0));
  Observe(clause::mmap::anon_other_fd_off, "with an offset",
          TryMap(1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, static_cast<off_t>(PageSize())));
}
#endif

}  // namespace
}  // namespace ipcsuite::shm_suite
