// Protection of mapped objects: the accesses that mmap and mprotect allow and forbid.
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

constexpr int kAllRequired[] = {PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE};

std::string NameOfProt(int prot) {
  if (prot == PROT_NONE) return "PROT_NONE";
  return std::string(prot & PROT_READ ? "R" : "-") + (prot & PROT_WRITE ? "W" : "-") +
         (prot & PROT_EXEC ? "X" : "-");
}

// Checks the accesses that POSIX decides for this protection: loads without PROT_READ may work.
void ExpectAccess(char* at, int prot) {
  if (prot & PROT_READ) {
    EXPECT_THAT(ReadByte(at), Completes()) << NameOfProt(prot);
  }
  if (prot == PROT_NONE) {
    EXPECT_THAT(ReadByte(at), FaultsWithAt(SIGSEGV, at)) << NameOfProt(prot);
  }
  if (prot & PROT_WRITE) {
    EXPECT_THAT(WriteByte(at, 'w'), Completes()) << NameOfProt(prot);
  } else {
    EXPECT_THAT(WriteByte(at, 'w'), FaultsWithAt(SIGSEGV, at)) << NameOfProt(prot);
  }
}

IPC_TEST(ShmProt, RequiredValuesAreAccepted, clause::mmap::prot_required_values) {
  ShmObject object(PageSize());
  for (int flags : {MAP_SHARED, MAP_PRIVATE}) {
    for (int prot : kAllRequired) {
      const CallResult mapped = CALL(mmap(nullptr, PageSize(), prot, flags, object, 0));
      ASSERT_THAT(mapped, Succeeds()) << NameOfProt(prot);
      Mapping view(mapped, PageSize());
      ExpectAccess(view.data() + 11, prot);
    }
  }
}

IPC_TEST(ShmProt, NoneForbidsEveryAccess, clause::mmap::prot_none) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize(), PROT_NONE);
  for (char* at : {view.data(), view.data() + PageSize() - 1}) ExpectAccess(at, PROT_NONE);
  EXPECT_THAT(
      RunStepUnhandled([&] { return std::int64_t{*const_cast<volatile char*>(view.data())}; }),
      IsKilledBy(SIGSEGV));
}

IPC_TEST(ShmProt, ReadForbidsStores, clause::mmap::prot_no_write) {
  ShmObject object(PageSize());
  Mapping writable = Mapping::Of(object, PageSize());
  Fill(writable.data(), PageSize());
  for (int flags : {MAP_SHARED, MAP_PRIVATE}) {
    Mapping view = Mapping::Of(object, PageSize(), PROT_READ, flags);
    EXPECT_EQ(FirstMismatch(view.data(), PageSize()), PageSize());
    for (char* at : {view.data(), view.data() + PageSize() - 1}) ExpectAccess(at, PROT_READ);
    EXPECT_EQ(FirstMismatch(writable.data(), PageSize()), PageSize()) << "the object changed";
  }
}

// The code of a fault tells a page without permission from a page that is not there. A system may
// have codes of its own, but not the wrong one of these two (XBD <signal.h>).
IPC_TEST(ShmProt, FaultsReportWhatIsWrong, clause::mmap::fault_si_code) {
  ShmObject object(PageSize());
  Mapping none = Mapping::Of(object, PageSize(), PROT_NONE);
  Mapping read_only = Mapping::Of(object, PageSize(), PROT_READ);
  Region region(1);
  Setup(CALL(munmap(region.data(), PageSize())));
  const struct {
    const char* what;
    StepOutcome fault;
    int wrong;
  } kFaults[] = {
      {"a load with PROT_NONE", ReadByte(none.data()), SEGV_MAPERR},
      {"a store with PROT_READ", WriteByte(read_only.data(), 'w'), SEGV_MAPERR},
      {"a load where nothing is mapped", ReadByte(region.data()), SEGV_ACCERR},
  };
  for (const auto& [what, fault, wrong] : kFaults) {
    ASSERT_THAT(fault, FaultsWith(SIGSEGV)) << what;
    EXPECT_NE(fault.code, wrong) << what << "; SEGV_MAPERR is " << SEGV_MAPERR
                                 << ", SEGV_ACCERR is " << SEGV_ACCERR;
  }
}

IPC_TEST(ShmProt, MoreThanAskedIsOpen, clause::mmap::prot_more_than_asked) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize(), PROT_WRITE);
  const StepOutcome load = ReadByte(view.data());
  Observe(clause::mmap::prot_more_than_asked, "load with PROT_WRITE alone",
          load.end == StepOutcome::kCompleted ? "works" : Describe(load));
}

IPC_TEST(ShmMprotect, ChangesWhatIsAllowed, clause::mprotect::changes,
         clause::mprotect::required_values) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Fill(view.data(), PageSize());
  for (int prot : {PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE, PROT_READ, PROT_WRITE, PROT_NONE,
                   PROT_READ | PROT_WRITE}) {
    {
      ForClause scope(clause::mprotect::required_values);
      ASSERT_THAT(CALL(mprotect(view.data(), PageSize(), prot)), SucceedsWith(0))
          << NameOfProt(prot);
    }
    ForClause scope(clause::mprotect::changes);
    // The last byte: stores of the probe put the letter there and leave the pattern before it.
    ExpectAccess(view.data() + PageSize() - 1, prot);
    if (prot & PROT_READ) {
      EXPECT_EQ(FirstMismatch(view.data(), PageSize() - 1), PageSize() - 1);
    }
  }
}

IPC_TEST(ShmMprotect, ConcernsOnlyItsPages, clause::mprotect::subrange) {
  ShmObject object(Pages(3));
  Mapping view = Mapping::Of(object, Pages(3));
  char* middle = view.data() + PageSize();
  EXPECT_THAT(CALL(mprotect(middle, 1, PROT_NONE)), SucceedsWith(0));
  ExpectAccess(middle, PROT_NONE);
  ExpectAccess(middle + PageSize() - 1, PROT_NONE);
  ExpectAccess(middle - 1, PROT_READ | PROT_WRITE);
  ExpectAccess(middle + PageSize(), PROT_READ | PROT_WRITE);
  EXPECT_THAT(CALL(mprotect(middle, PageSize() + 1, PROT_READ)), SucceedsWith(0));
  ExpectAccess(view.data(), PROT_READ | PROT_WRITE);
  ExpectAccess(middle + PageSize() - 1, PROT_READ);
  ExpectAccess(middle + 2 * PageSize() - 1, PROT_READ);
}

IPC_TEST(ShmMprotect, NoWriteThroughAReadOnlyDescriptor,
         clause::mprotect::err_eacces_shared_rdonly) {
  ShmObject object(PageSize(), O_RDWR, 0600);
  Mapping writable = Mapping::Of(object, PageSize());
  Fill(writable.data(), PageSize());
  Fd reader(CALL(shm_open(object.name(), O_RDONLY, 0)));
  for (int prot : {PROT_READ, PROT_NONE}) {
    Mapping view = Mapping::Of(reader, PageSize(), prot);
    if (prot == PROT_NONE) reader.reset();
    for (int wanted : {PROT_WRITE, PROT_READ | PROT_WRITE}) {
      EXPECT_THAT(CALL(mprotect(view.data(), PageSize(), wanted)), Fails(EACCES))
          << (reader < 0 ? "after close" : "");
    }
    ExpectAccess(view.data(), prot);
  }
  EXPECT_EQ(FirstMismatch(writable.data(), PageSize()), PageSize());
}

IPC_TEST(ShmMprotect, PrivateOfAReadOnlyDescriptorMayBecomeWritable,
         clause::mprotect::private_rdonly_ok) {
  ShmObject object(PageSize());
  Mapping writable = Mapping::Of(object, PageSize());
  Fill(writable.data(), PageSize());
  Fd reader(CALL(shm_open(object.name(), O_RDONLY, 0)));
  Mapping view = Mapping::Of(reader, PageSize(), PROT_READ, MAP_PRIVATE);
  EXPECT_THAT(CALL(mprotect(view.data(), PageSize(), PROT_READ | PROT_WRITE)), SucceedsWith(0));
  Fill(view.data(), PageSize(), 2);
  EXPECT_EQ(FirstMismatch(view.data(), PageSize(), 2), PageSize());
  EXPECT_EQ(FirstMismatch(writable.data(), PageSize(), 1), PageSize());
}

IPC_TEST(ShmMprotect, ConcernsTheCallerAlone, clause::mprotect::own_process_only) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Peer child([&](Peer::Self& self) {
    self.step([&] { return CALL(static_cast<int>(view[0] = 'a')); });
    self.step([&] { return CALL(static_cast<int>(view[0] = 'b')); });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith('a'));
  Setup(CALL(mprotect(view.data(), PageSize(), PROT_NONE)));
  EXPECT_THAT(child.next().result(), SucceedsWith('b')) << "the other process keeps its protection";
  ExpectAccess(view.data(), PROT_NONE);
}

IPC_TEST(ShmMprotect, UnmappedPagesFail, clause::mprotect::err_enomem) {
  Region region(3);
  ShmObject object(PageSize());
  Setup(CALL(mmap(region.at(0), PageSize(), PROT_READ, MAP_SHARED | MAP_FIXED, object, 0)));
  Setup(CALL(munmap(region.at(1), PageSize())));
  EXPECT_THAT(CALL(mprotect(region.data(), Pages(3), PROT_READ)), Fails(ENOMEM))
      << "a hole in the middle";
  EXPECT_THAT(CALL(mprotect(region.at(1), PageSize(), PROT_READ)), Fails(ENOMEM))
      << "nothing mapped";
  EXPECT_THAT(CALL(mprotect(region.at(1), Pages(2), PROT_READ)), Fails(ENOMEM))
      << "a hole at the start";
}

IPC_TEST(ShmMprotect, UnalignedAddressMayFailAndThenChangesNothing,
         clause::mprotect::err_einval_unaligned, clause::mprotect::err_einval_no_change) {
  ShmObject object(Pages(2));
  Mapping view = Mapping::Of(object, Pages(2));
  const CallResult changed = CALL(mprotect(view.data() + 1, PageSize(), PROT_READ));
  Observe(clause::mprotect::err_einval_unaligned, "page address plus one", changed);
  {
    ForClause scope(clause::mprotect::err_einval_unaligned);
    EXPECT_THAT(changed, SucceedsOrFailsWith(EINVAL));
  }
  if (changed.ok())
    Unsupported("an unaligned address is accepted here, so that EINVAL cannot be provoked");
  ForClause scope(clause::mprotect::err_einval_no_change);
  for (std::size_t at : {std::size_t{0}, PageSize() - 1, PageSize(), 2 * PageSize() - 1}) {
    ExpectAccess(view.data() + at, PROT_READ | PROT_WRITE);
  }
}

// Accesses that the system need not support: success, or the error that is reserved for it.
IPC_TEST(ShmMprotect, UnsupportedAccessIsSaidSo, clause::mprotect::err_enotsup) {
  ShmObject object(PageSize());
  bool unsupported = false;
  for (int prot : {PROT_EXEC, PROT_READ | PROT_EXEC, PROT_WRITE | PROT_EXEC,
                   PROT_READ | PROT_WRITE | PROT_EXEC}) {
    Mapping view = Mapping::Of(object, PageSize());
    const CallResult changed = CALL(mprotect(view.data(), PageSize(), prot));
    ObserveFact("mprotect " + NameOfProt(prot) + " of an object",
                changed.ok() ? "success" : ErrnoName(changed.error));
    // EACCES: the place of the objects forbids execution, which is a permission and no lack of
    // support.
    EXPECT_THAT(changed, SucceedsOrFailsWith(ENOTSUP, EACCES)) << NameOfProt(prot);
    unsupported = unsupported || changed.failed_with(ENOTSUP);
  }
  if (!unsupported) Untested("every access is supported here");
}

IPC_TEST(ShmProt, UnsupportedAccessIsSaidSo, clause::mmap::err_enotsup_prot) {
  ShmObject object(PageSize());
  bool unsupported = false;
  for (int prot : {PROT_EXEC, PROT_READ | PROT_EXEC, PROT_WRITE | PROT_EXEC,
                   PROT_READ | PROT_WRITE | PROT_EXEC}) {
    const CallResult mapped = CALL(mmap(nullptr, PageSize(), prot, MAP_SHARED, object, 0));
    ObserveFact("mmap " + NameOfProt(prot) + " of an object",
                mapped.ok() ? "success" : ErrnoName(mapped.error));
    // EACCES and EPERM: the place of the objects forbids execution (noexec), which is no lack of
    // support.
    EXPECT_THAT(mapped, SucceedsOrFailsWith(ENOTSUP, EACCES, EPERM)) << NameOfProt(prot);
    if (mapped.ok()) Mapping unmaps(mapped, PageSize());
    unsupported = unsupported || mapped.failed_with(ENOTSUP);
  }
  if (!unsupported) Untested("every access is supported here");
}

}  // namespace
}  // namespace ipcsuite::shm_suite
