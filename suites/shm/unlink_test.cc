// shm_unlink and close: when the name goes, and when the object goes.
#include <sys/wait.h>

#include <atomic>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

IPC_TEST(ShmUnlink, RemovesTheName, clause::shm_unlink::removes_name) {
  UniqueName name = UniqueName::Shm();
  const CallResult created = Create(name.c_str());
  ASSERT_THAT(created, Succeeds());
  EXPECT_THAT(CALL(close(created.fd())), SucceedsWith(0));
  EXPECT_THAT(CALL(shm_unlink(name.c_str())), SucceedsWith(0));
  EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDWR, 0)), Fails(ENOENT));
  Peer other;
  EXPECT_THAT(other.start([&] { return CALL(shm_open(name.c_str(), O_RDONLY, 0)); }).result(),
              Fails(ENOENT));
}

IPC_TEST(ShmUnlink, NameIsGoneOnReturnThoughOthersHoldTheObject,
         clause::shm_unlink::name_gone_on_return, clause::shm_unlink::reuse_enoent) {
  ShmObject object(PageSize());
  Peer holder([&](Peer::Self& self) {
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    Mapping view = Mapping::Of(own, PageSize());
    self.step([&] { return CALL(static_cast<int>(view[0])); });
    self.step([&] { return CALL(shm_open(object.name(), O_RDWR, 0)); });
    self.step([&] { return CALL(static_cast<int>(view[0] = 'x')); });
  });
  EXPECT_THAT(holder.next().result(), SucceedsWith(0));
  EXPECT_THAT(CALL(shm_unlink(object.name())), SucceedsWith(0));
  {
    ForClause scope(clause::shm_unlink::reuse_enoent);
    EXPECT_THAT(CALL(shm_open(object.name(), O_RDWR, 0)), Fails(ENOENT));
    EXPECT_THAT(holder.next().result(), Fails(ENOENT)) << "in the process that has it mapped";
  }
  ForClause scope(clause::shm_unlink::name_gone_on_return);
  const CallResult again = Create(object.name());
  EXPECT_THAT(again, Succeeds());
  Fd fresh(again.ok() ? again.fd() : -1);
  EXPECT_THAT(holder.next().result(), Succeeds());
}

IPC_TEST(ShmUnlink, OpenDescriptorKeepsTheObject, clause::shm_unlink::deferred_open_fd,
         clause::ftruncate::shm_unlinked) {
  const std::size_t page = PageSize();
  ShmObject object(page);
  {
    Mapping view = Mapping::Of(object, page);
    Fill(view.data(), page);
  }
  Setup(CALL(shm_unlink(object.name())));
  {
    ForClause scope(clause::shm_unlink::deferred_open_fd);
    const CallResult mapped =
        CALL(mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0));
    ASSERT_THAT(mapped, Succeeds());
    Mapping view(mapped, page);
    EXPECT_EQ(FirstMismatch(view.data(), page), page);
  }
  ForClause scope(clause::ftruncate::shm_unlinked);
  EXPECT_THAT(CALL(ftruncate(object, static_cast<off_t>(3 * page))), SucceedsWith(0));
  EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(3 * page));
  {
    Mapping view = Mapping::Of(object, 3 * page);
    EXPECT_EQ(FirstMismatch(view.data(), page), page);
    EXPECT_EQ(FirstNonzero(view.data() + page, 2 * page), 2 * page);
    Fill(view.data(), 3 * page, 2);
  }
  EXPECT_THAT(CALL(ftruncate(object, 10)), SucceedsWith(0));
  EXPECT_EQ(SizeOf(object), 10);
  Mapping view = Mapping::Of(object, page);
  EXPECT_EQ(FirstMismatch(view.data(), 10, 2), 10u);
}

IPC_TEST(ShmUnlink, MappingAloneKeepsTheObject, clause::shm_unlink::deferred_mapping_only,
         clause::close::shm_mapped_contents_persist, clause::shm_unlink::does_not_unmap) {
  const std::size_t size = 3 * PageSize();
  ShmObject object(size);
  Mapping view = Mapping::Of(object, size);
  Fill(view.data(), size);
  Peer other([&](Peer::Self& self) {
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    close(object.fd());  // the inherited one
    Mapping mine = Mapping::Of(own, size);
    self.step([&] { return CALL(close(own.release())); });
    self.step([&] { return CALL(static_cast<long>(FirstMismatch(mine.data(), size, 2))); });
    self.step([&] { return Fill(mine.data(), size, 3), CALL(0); });
  });
  EXPECT_THAT(other.next().result(), SucceedsWith(0));
  object.owner().reset();
  Setup(CALL(shm_unlink(object.name())));
  // Nothing but the two mappings refers to it now.
  {
    ForClause scope(clause::close::shm_mapped_contents_persist);
    NoteChecks();
    EXPECT_EQ(FirstMismatch(view.data(), size, 1), size);
  }
  {
    ForClause scope(clause::shm_unlink::does_not_unmap);
    for (std::size_t at = 0; at < size; at += PageSize()) {
      EXPECT_THAT(ReadByte(view.data() + at),
                  CompletesWith(static_cast<unsigned char>(PatternAt(at, 1))));
    }
  }
  ForClause scope(clause::shm_unlink::deferred_mapping_only);
  Fill(view.data(), size, 2);
  EXPECT_THAT(other.next().result(), SucceedsWith(size))
      << "what this process stored, seen by the other";
  EXPECT_THAT(other.next().result(), SucceedsWith(0));
  EXPECT_EQ(FirstMismatch(view.data(), size, 3), size) << "what the other process stored";
}

IPC_TEST(ShmUnlink, ReferencesOfOtherProcessesCount, clause::shm_unlink::deferred_other_process) {
  UniqueName name = UniqueName::Shm();
  const std::size_t size = PageSize();
  Peer creator([&](Peer::Self& self) {
    Fd own(Setup(Create(name.c_str())).fd());
    Setup(CALL(ftruncate(own, static_cast<off_t>(size))));
    Mapping view = Mapping::Of(own, size);
    Fill(view.data(), size);
    self.step([] { return CALL(0); });
    self.step([&] { return CALL(shm_unlink(name.c_str())); });
  });
  Setup(creator.next().result());
  Fd survivor(CALL(shm_open(name.c_str(), O_RDWR, 0)));
  EXPECT_THAT(creator.next().result(), SucceedsWith(0));
  EXPECT_EQ(creator.Join(), 0);
  EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDWR, 0)), Fails(ENOENT));
  const CallResult mapped = CALL(mmap(nullptr, size, PROT_READ, MAP_SHARED, survivor, 0));
  ASSERT_THAT(mapped, Succeeds());
  Mapping view(mapped, size);
  EXPECT_EQ(FirstMismatch(view.data(), size), size);
}

IPC_TEST(ShmUnlink, NameMakesANewObjectAfterwards, clause::shm_unlink::reuse_new_object) {
  const std::size_t page = PageSize();
  ShmObject old(page, O_RDWR, 0600);
  Mapping old_view = Mapping::Of(old, page);
  Fill(old_view.data(), page, 1);
  Setup(CALL(shm_unlink(old.name())));
  ScopedUmask mask(0);
  const CallResult created = Create(old.name(), O_RDWR, 0644);
  ASSERT_THAT(created, Succeeds());
  Fd fresh(created.fd());
  EXPECT_EQ(SizeOf(fresh), 0);
  EXPECT_EQ(StatOf(fresh).st_mode & 0666, 0644u);
  EXPECT_EQ(StatOf(old).st_mode & 0666, 0600u);
  Setup(CALL(ftruncate(fresh, static_cast<off_t>(2 * page))));
  EXPECT_EQ(SizeOf(old), static_cast<std::int64_t>(page));
  Mapping new_view = Mapping::Of(fresh, 2 * page);
  EXPECT_EQ(FirstNonzero(new_view.data(), 2 * page), 2 * page);
  Fill(new_view.data(), 2 * page, 2);
  EXPECT_EQ(FirstMismatch(old_view.data(), page, 1), page);
  EXPECT_THAT(CALL(ftruncate(old, 5)), SucceedsWith(0));
  EXPECT_EQ(SizeOf(fresh), static_cast<std::int64_t>(2 * page));
  EXPECT_THAT(CALL(shm_unlink(old.name())), SucceedsWith(0)) << "of the second object of that name";
  EXPECT_EQ(FirstMismatch(new_view.data(), 2 * page, 2), 2 * page);
  EXPECT_EQ(FirstMismatch(old_view.data(), 5, 1), 5u);
}

IPC_TEST(ShmUnlink, AbsentNameFailsWithEnoent, clause::shm_unlink::err_enoent) {
  RequirePlace();
  UniqueName never = UniqueName::Shm();
  EXPECT_THAT(CALL(shm_unlink(never.c_str())), Fails(ENOENT));
  ShmObject object;
  EXPECT_THAT(CALL(shm_unlink(object.name())), SucceedsWith(0));
  EXPECT_THAT(CALL(shm_unlink(object.name())), Fails(ENOENT)) << "just removed, and still open";
}

IPC_TEST(ShmClose, LastCloseRemovesAnUnlinkedObject,
         clause::close::shm_last_close_removes_unlinked) {
  ShmObject object(PageSize());
  {
    Mapping view = Mapping::Of(object, PageSize());
    Fill(view.data(), PageSize());
  }
  Setup(CALL(shm_unlink(object.name())));
  EXPECT_THAT(CALL(close(object.owner().release())), SucceedsWith(0));
  const CallResult created = Create(object.name());
  ASSERT_THAT(created, Succeeds());
  Fd fresh(created.fd());
  EXPECT_EQ(SizeOf(fresh), 0);
  Setup(CALL(ftruncate(fresh, static_cast<off_t>(PageSize()))));
  Mapping view = Mapping::Of(fresh, PageSize(), PROT_READ);
  EXPECT_EQ(FirstNonzero(view.data(), PageSize()), PageSize());
}

// Each way to get a second descriptor gives a reference of its own.
IPC_TEST(ShmClose, DuplicateKeepsAnUnlinkedObject, clause::close::shm_dup_reference) {
  const std::size_t page = PageSize();
  ShmObject object(page);
  {
    Mapping view = Mapping::Of(object, page);
    Fill(view.data(), page);
  }
  Fd duplicate(CALL(dup(object)));
  SharedBuffer seen(1);
  Peer inheritor([&](Peer::Self& self) {
    Fd own(object.fd());
    duplicate.reset();
    self.step([] { return CALL(0); });
    self.step([&] {
      Mapping view = Mapping::Of(own, page, PROT_READ);
      return CALL(static_cast<long>(FirstMismatch(view.data(), page)));
    });
    own.release();
  });
  EXPECT_THAT(inheritor.next().result(), SucceedsWith(0));
  Setup(CALL(shm_unlink(object.name())));
  EXPECT_THAT(CALL(close(object.owner().release())), SucceedsWith(0));
  {
    const CallResult mapped = CALL(mmap(nullptr, page, PROT_READ, MAP_SHARED, duplicate, 0));
    ASSERT_THAT(mapped, Succeeds());
    Mapping view(mapped, page);
    EXPECT_EQ(FirstMismatch(view.data(), page), page) << "through the duplicate";
  }
  EXPECT_THAT(CALL(close(duplicate.release())), SucceedsWith(0));
  EXPECT_THAT(inheritor.next().result(), SucceedsWith(page))
      << "through the descriptor that fork gave to a child";
}

// Room that is never given back shows when far more is used, in turn, than there is.
void UseInTurn(const std::function<void(int round)>& one_round) {
  InChild([&] {
    EnterPrivatePlace("size=1m,mode=1777");
    for (int round = 0; round < 40; ++round) one_round(round);
  });
}
constexpr std::size_t kQuarter = 256 * 1024;

IPC_TEST(ShmClose, MemoryComesBackAfterTheLastClose,
         clause::close::shm_last_close_removes_unlinked) {
  UseInTurn([](int round) {
    ShmObject object(kQuarter);
    ASSERT_THAT(Reserve(object, kQuarter), SucceedsWith(0)) << "round " << round;
    Setup(CALL(shm_unlink(object.name())));
    Setup(CALL(close(object.owner().release())));
  });
}

IPC_TEST(ShmClose, MemoryComesBackAfterTheLastUnmap, clause::mmap::ref_removed_at_last_unmap) {
  UseInTurn([](int round) {
    ShmObject object(kQuarter);
    Mapping view = Mapping::Of(object, kQuarter);
    Setup(CALL(shm_unlink(object.name())));
    ASSERT_THAT(Reserve(object, kQuarter), SucceedsWith(0)) << "round " << round;
    Setup(CALL(close(object.owner().release())));
    Fill(view.data(), kQuarter);
    EXPECT_EQ(FirstMismatch(view.data(), kQuarter), kQuarter) << "round " << round;
    Setup(CALL(munmap(view.release(), kQuarter)));
  });
}

IPC_TEST(ShmClose, MemoryComesBackWhenAProcessIsKilled, clause::mmap::exit_unmapped) {
  UseInTurn([](int round) {
    ShmObject object(kQuarter);
    ASSERT_THAT(Reserve(object, kQuarter), SucceedsWith(0)) << "round " << round;
    Peer holder([&](Peer::Self& self) {
      Mapping view = Mapping::Of(object, kQuarter);
      self.step([&] { return Fill(view.data(), kQuarter), CALL(0); });
      if (round % 2 == 0) _exit(0);
      self.step([] { return CALL(0); });
    });
    EXPECT_THAT(holder.next().result(), SucceedsWith(0));
    Setup(CALL(shm_unlink(object.name())));
    Setup(CALL(close(object.owner().release())));
    holder.Kill();
  });
}

}  // namespace
}  // namespace ipcsuite::shm_suite
