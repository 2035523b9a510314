// The end of the object inside of a mapping: which accesses fault, and what never becomes part of
// it.
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// Looks for stray bytes in the last page. Arguments: name, size.
IPC_ROLE(shm_look_beyond_end) {
  const int fd = shm_open(args.at(0).c_str(), O_RDONLY, 0);
  if (fd < 0) return 1;
  const std::size_t size = std::stoul(args.at(1)), page = PageSize();
  void* mapped = mmap(nullptr, page, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return 2;
  const auto* data = static_cast<const char*>(mapped);
  return FirstNonzero(data + size, page - size) == page - size ? 0 : 3;
}

IPC_TEST(ShmEnd, RestOfTheLastPageIsZero, clause::mmap::end_partial_page_zero) {
  const std::size_t page = PageSize();
  // Memory that was used before is what a careless system would show there.
  InChild([&] {
    ShmObject dirty(16 * page);
    Mapping view = Mapping::Of(dirty, 16 * page);
    Fill(view.data(), 16 * page);
  });
  for (std::size_t size : {std::size_t{1}, std::size_t{100}, page - 1, page + 7}) {
    ShmObject object(size);
    const std::size_t mapped = (size + page - 1) / page * page;
    for (int flags : {MAP_SHARED, MAP_PRIVATE}) {
      Mapping view = Mapping::Of(object, mapped, PROT_READ, flags);
      EXPECT_EQ(FirstNonzero(view.data() + size, mapped - size), mapped - size) << "size " << size;
    }
  }
  ShmObject object(page);
  {
    Mapping view = Mapping::Of(object, page);
    Fill(view.data(), page);
  }
  Setup(CALL(ftruncate(object, 100)));
  Mapping view = Mapping::Of(object, page, PROT_READ);
  EXPECT_EQ(FirstNonzero(view.data() + 100, page - 100), page - 100)
      << "of an object that was filled and cut";
}

IPC_TEST(ShmEnd, StoresBehindItAreNeverPartOfTheObject,
         clause::mmap::end_partial_page_never_written, clause::mmap::end_size_unaffected) {
  constexpr std::size_t kSize = 100;
  ShmObject object(kSize);
  {
    Mapping view = Mapping::Of(object, PageSize());
    Fill(view.data(), kSize);
    EXPECT_THAT(WriteByte(view.data() + kSize, 'x'), Completes())
        << "the last page is accessible as a whole";
    view[PageSize() - 1] = 'y';
  }
  {
    ForClause scope(clause::mmap::end_size_unaffected);
    NoteChecks();
    EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(kSize));
  }
  ForClause scope(clause::mmap::end_partial_page_never_written);
  ExecSelf fresh("shm_look_beyond_end", {object.name(), std::to_string(kSize)});
  EXPECT_EQ(fresh.Wait(), 0)
      << "1: no object, 2: no mapping, 3: bytes stored behind the end are in a later mapping";
}

IPC_TEST(ShmEnd, WholePagesBehindItFault, clause::mmap::end_sigbus,
         clause::mmap::end_size_unaffected) {
  const std::size_t page = PageSize();
  for (std::size_t size : {page, page + 1}) {
    ShmObject object(size);
    const std::size_t inside = (size + page - 1) / page;
    for (int flags : {MAP_SHARED, MAP_PRIVATE}) {
      Mapping view = Mapping::Of(object, Pages(inside + 2), Mapping::PROT_READ_WRITE, flags);
      ForClause scope(clause::mmap::end_sigbus);
      EXPECT_THAT(ReadByte(view.data() + Pages(inside) - 1), Completes())
          << "the last page of the object";
      ExpectBeyondEnd(view.data() + Pages(inside));
      ExpectBeyondEnd(view.data() + Pages(inside + 1));
    }
    Mapping behind = Mapping::Of(object, page, Mapping::PROT_READ_WRITE, MAP_SHARED,
                                 static_cast<off_t>(Pages(inside)));
    {
      ForClause scope(clause::mmap::end_sigbus);
      ExpectBeyondEnd(behind.data());
    }
    ForClause scope(clause::mmap::end_size_unaffected);
    NoteChecks();
    EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(size));
  }
}

IPC_TEST(ShmEnd, FaultKillsByDefaultAndSparesOthers, clause::mmap::end_sigbus) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, Pages(2));
  Fill(view.data(), PageSize());
  Peer bystander([&](Peer::Self& self) {
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    Mapping mine = Mapping::Of(own, Pages(2));
    self.step([] { return CALL(0); });
    self.step([&] { return CALL(static_cast<long>(FirstMismatch(mine.data(), PageSize()))); });
  });
  EXPECT_THAT(bystander.next().result(), SucceedsWith(0));
  EXPECT_THAT(RunStepUnhandled([&] {
                return std::int64_t{*const_cast<volatile char*>(view.data() + PageSize())};
              }),
              IsKilledBy(SIGBUS));
  EXPECT_THAT(bystander.next().result(), SucceedsWith(PageSize()))
      << "the process that did not touch it";
  EXPECT_EQ(bystander.Join(), 0);
}

IPC_TEST(ShmEnd, EmptyObjectFaultsAtOnce, clause::mmap::end_empty_object,
         clause::mmap::end_size_unaffected) {
  ShmObject object;
  for (int flags : {MAP_SHARED, MAP_PRIVATE}) {
    Mapping view = Mapping::Of(object, PageSize(), Mapping::PROT_READ_WRITE, flags);
    ForClause scope(clause::mmap::end_empty_object);
    ExpectBeyondEnd(view.data());
  }
  ForClause scope(clause::mmap::end_size_unaffected);
  NoteChecks();
  EXPECT_EQ(SizeOf(object), 0);
}

}  // namespace
}  // namespace ipcsuite::shm_suite
