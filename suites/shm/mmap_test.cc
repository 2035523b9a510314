// mmap of shared memory objects: where a mapping lies, what it shows, who sees its stores.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

IPC_TEST(ShmMmap, ObjectsCanBeMapped, clause::mmap::shm_supported) {
  ShmObject object(PageSize());
  const CallResult mapped =
      CALL(mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED, object, 0));
  ASSERT_THAT(mapped, Succeeds());
  Mapping view(mapped, PageSize());
  Fill(view.data(), view.size());
  EXPECT_EQ(FirstMismatch(view.data(), view.size()), view.size());
}

IPC_TEST(ShmMmap, WholeRangeIsUsable, clause::mmap::ret_range) {
  const std::size_t page = PageSize();
  ShmObject object(5 * page);
  for (std::size_t length : {std::size_t{1}, page, page + 1, 5 * page}) {
    const CallResult mapped =
        CALL(mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0));
    ASSERT_THAT(mapped, Succeeds());
    EXPECT_EQ(static_cast<std::uintptr_t>(mapped.value) % page, 0u);
    Mapping view(mapped, length);
    for (std::size_t at : {std::size_t{0}, length / 2, length - 1}) {
      EXPECT_THAT(WriteByte(view.data() + at, 'x'), Completes())
          << "offset " << at << " of " << length;
      EXPECT_THAT(ReadByte(view.data() + at), CompletesWith('x'))
          << "offset " << at << " of " << length;
    }
  }
}

IPC_TEST(ShmMmap, FailureIsMapFailed, clause::mmap::ret_failure) {
  ShmObject object(PageSize());
  errno = 0;
  void* const bad[] = {mmap(nullptr, 0, PROT_READ, MAP_SHARED, object, 0),
                       mmap(nullptr, 1, PROT_READ, MAP_SHARED, -1, 0)};
  for (void* result : bad) EXPECT_EQ(result, MAP_FAILED);
  EXPECT_NE(errno, 0);
  const CallResult good = CALL(mmap(nullptr, 1, PROT_READ, MAP_SHARED, object, 0));
  EXPECT_THAT(good, Succeeds());
  Mapping view(good, 1);
}

IPC_TEST(ShmMmap, ChosenAddressesAreFreeAndNotNull, clause::mmap::addr_null) {
  constexpr int kMappings = 200;
  ShmObject object(PageSize());
  std::vector<Mapping> views;
  for (int i = 0; i < kMappings; ++i) {
    // Private, so that each keeps a value of its own.
    views.push_back(Mapping::Of(object, PageSize(), Mapping::PROT_READ_WRITE, MAP_PRIVATE));
    ASSERT_NE(views.back().data(), nullptr);
    new (views.back().data()) int(i + 1);
  }
  NoteChecks();
  std::vector<std::uintptr_t> starts;
  for (int i = 0; i < kMappings; ++i) {
    EXPECT_EQ(*reinterpret_cast<int*>(views[static_cast<std::size_t>(i)].data()), i + 1)
        << "mapping " << i << " was replaced";
    starts.push_back(reinterpret_cast<std::uintptr_t>(views[static_cast<std::size_t>(i)].data()));
  }
  std::sort(starts.begin(), starts.end());
  for (std::size_t i = 1; i < starts.size(); ++i)
    EXPECT_GE(starts[i] - starts[i - 1], PageSize()) << "ranges overlap";
}

IPC_TEST(ShmMmap, HintIsASuggestion, clause::mmap::addr_hint) {
  ShmObject object(PageSize());
  Fill(Mapping::Of(object, PageSize()).data(), PageSize());
  char* hint = Region(4).at(1);  // free again
  const CallResult mapped = CALL(mmap(hint, PageSize(), PROT_READ, MAP_SHARED, object, 0));
  ASSERT_THAT(mapped, Succeeds());
  Mapping view(mapped, PageSize());
  EXPECT_EQ(FirstMismatch(view.data(), PageSize()), PageSize());
  Observe(clause::mmap::addr_hint, "free page-aligned hint",
          view.data() == hint ? "honoured" : "not honoured");
  const CallResult odd = CALL(mmap(hint + 1, PageSize(), PROT_READ, MAP_SHARED, object, 0));
  EXPECT_THAT(odd, Succeeds()) << "a hint need not be aligned";
  Mapping second(odd, PageSize());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second.data()) % PageSize(), 0u);
}

IPC_TEST(ShmMmap, HintNeverReplacesAMapping, clause::mmap::addr_hint_occupied) {
  ShmObject old_object(2 * PageSize()), new_object(2 * PageSize());
  Mapping old_view = Mapping::Of(old_object, 2 * PageSize());
  Fill(old_view.data(), old_view.size());
  for (char* hint : {old_view.data(), old_view.data() + PageSize()}) {
    const CallResult mapped = CALL(mmap(hint, PageSize(), PROT_READ, MAP_SHARED, new_object, 0));
    ASSERT_THAT(mapped, Succeeds());
    Mapping view(mapped, PageSize());
    EXPECT_TRUE(view.data() + PageSize() <= old_view.data() ||
                view.data() >= old_view.data() + old_view.size());
  }
  EXPECT_EQ(FirstMismatch(old_view.data(), old_view.size()), old_view.size());
  EXPECT_THAT(WriteByte(old_view.data(), 'x'), Completes()) << "the old protection";
}

IPC_TEST(ShmMmap, PartialPagesAreIncluded, clause::mmap::len_partial_page) {
  const std::size_t page = PageSize();
  ShmObject object(2 * page);
  {
    Mapping all = Mapping::Of(object, 2 * page);
    Fill(all.data(), 2 * page);
  }
  Mapping view = Mapping::Of(object, 1);
  EXPECT_THAT(ReadByte(view.data() + page - 1),
              CompletesWith(static_cast<unsigned char>(PatternAt(page - 1, 1))));
  EXPECT_THAT(RunStep([&] {
                Setup(CALL(munmap(view.data(), 1)));
                return std::int64_t{*const_cast<volatile char*>(view.data() + page - 1)};
              }),
              FaultsWithAt(SIGSEGV, view.data() + page - 1))
      << "munmap of one byte removes its page";
}

IPC_TEST(ShmMmap, OffsetSelectsThePart, clause::mmap::off_page_multiple) {
  const std::size_t page = PageSize();
  ShmObject object(5 * page);
  Mapping all = Mapping::Of(object, 5 * page);
  Fill(all.data(), 5 * page);
  for (std::size_t k : {0, 1, 3, 4}) {
    const CallResult mapped = CALL(mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, object,
                                        static_cast<off_t>(k * page)));
    ASSERT_THAT(mapped, Succeeds());
    Mapping part(mapped, page);
    for (std::size_t i : {std::size_t{0}, std::size_t{17}, page - 1}) {
      EXPECT_EQ(part[i], PatternAt(k * page + i, 1)) << "page " << k << " byte " << i;
      part[i] = static_cast<char>(i % 100 + k);
      EXPECT_EQ(all[k * page + i], static_cast<char>(i % 100 + k))
          << "store at page " << k << " byte " << i;
    }
  }
}

IPC_TEST(ShmMmap, MayReachBeyondTheEnd, clause::mmap::off_beyond_end) {
  const std::size_t page = PageSize();
  for (std::size_t size : {std::size_t{0}, page}) {
    ShmObject object(size);
    for (off_t offset : {off_t{0}, static_cast<off_t>(page), static_cast<off_t>(8 * page)}) {
      const CallResult mapped =
          CALL(mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, object, offset));
      EXPECT_THAT(mapped, Succeeds())
          << "object of " << size << " bytes, four pages from " << offset;
      if (!mapped.ok()) continue;
      Mapping view(mapped, 4 * page);
      EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(size))
          << "mapping must not change the size";
    }
  }
}

IPC_TEST(ShmMmap, MappingsOfOneObjectAgree, clause::mmap::multi_same_process) {
  const std::size_t page = PageSize();
  ShmObject object(4 * page);
  Mapping a = Mapping::Of(object, 4 * page);
  Mapping b = Mapping::Of(object, 4 * page);
  Mapping tail =
      Mapping::Of(object, 3 * page, Mapping::PROT_READ_WRITE, MAP_SHARED, static_cast<off_t>(page));
  EXPECT_NE(a.data(), b.data());
  // Every store is seen at once through the others, in both directions.
  for (std::size_t at = page; at < 4 * page; at += page / 2 + 1) {
    auto* in_a = const_cast<volatile char*>(a.data() + at);
    auto* in_b = const_cast<volatile char*>(b.data() + at);
    auto* in_tail = const_cast<volatile char*>(tail.data() + at - page);
    *in_a = 'a';
    EXPECT_EQ(*in_b, 'a');
    EXPECT_EQ(*in_tail, 'a');
    *in_tail = 't';
    EXPECT_EQ(*in_a, 't');
    EXPECT_EQ(*in_b, 't');
  }
  NoteChecks();
}

IPC_TEST(ShmMmap, SharedStoresChangeTheObject, clause::mmap::shared_changes_object,
         clause::munmap::shared_kept) {
  const std::size_t size = PageSize() + 9;
  ShmObject object(size);
  {
    Mapping view = Mapping::Of(object, size);
    Fill(view.data(), size);
    EXPECT_THAT(CALL(munmap(view.release(), size)), SucceedsWith(0));
  }
  {
    ForClause scope(clause::munmap::shared_kept);
    Mapping again = Mapping::Of(object, size, PROT_READ);
    EXPECT_EQ(FirstMismatch(again.data(), size), size);
  }
  object.owner().reset();
  ForClause scope(clause::mmap::shared_changes_object);
  Fd fd(CALL(shm_open(object.name(), O_RDONLY, 0)));
  Mapping fresh = Mapping::Of(fd, size, PROT_READ);
  EXPECT_EQ(FirstMismatch(fresh.data(), size), size);
}

// Of CPU time: on a busy machine neither player gets any for long.
constexpr nanoseconds kLooksInVain = 3s;
nanoseconds OwnCpuTime() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return FromTimespec(used);
}

// A ball that two programs hit in turn. Arguments: name, which player, rounds.
IPC_ROLE(shm_pingpong) {
  const int fd = shm_open(args.at(0).c_str(), O_RDWR, 0);
  if (fd < 0) return 1;
  void* mapped = mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return 2;
  auto* ball = static_cast<std::atomic<unsigned>*>(mapped);
  const unsigned player = static_cast<unsigned>(std::stoul(args.at(1)));
  const unsigned rounds = static_cast<unsigned>(std::stoul(args.at(2)));
  for (unsigned turn = player; turn < 2 * rounds; turn += 2) {
    const nanoseconds looked_since = OwnCpuTime();
    while (ball->load() != turn) {
      if (OwnCpuTime() - looked_since > kLooksInVain) return 3;
      sched_yield();
    }
    ball->store(turn + 1);
  }
  return 0;
}

IPC_TEST(ShmMmap, UnrelatedProcessesSeeStoresAtOnce, clause::mmap::shared_visible_unrelated) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  auto* ball = new (view.data()) std::atomic<unsigned>(0);
  ExecSelf first("shm_pingpong", {object.name(), "0", "200"});
  ExecSelf second("shm_pingpong", {object.name(), "1", "200"});
  EXPECT_EQ(first.Wait(), 0) << "1: no object, 2: no mapping, 3: a store was never seen";
  EXPECT_EQ(second.Wait(), 0) << "1: no object, 2: no mapping, 3: a store was never seen";
  NoteChecks();
  EXPECT_EQ(ball->load(), 400u);
}

IPC_TEST(ShmMmap, ForkKeepsSharing, clause::mmap::shared_visible_fork) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Peer child([&](Peer::Self& self) {
    self.step([&] { return Fill(view.data(), view.size(), 1), CALL(0); });
    self.step([&] { return CALL(static_cast<long>(FirstMismatch(view.data(), view.size(), 2))); });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  EXPECT_EQ(FirstMismatch(view.data(), view.size(), 1), view.size()) << "what the child stored";
  Fill(view.data(), view.size(), 2);
  EXPECT_THAT(child.next().result(), SucceedsWith(view.size())) << "what the parent stored";
}

IPC_TEST(ShmMmap, PrivateStoresStayPrivate, clause::mmap::private_isolated,
         clause::munmap::private_discarded) {
  const std::size_t size = 2 * PageSize();
  ShmObject object(size);
  Mapping shared = Mapping::Of(object, size);
  Fill(shared.data(), size, 1);
  Mapping mine = Mapping::Of(object, size, Mapping::PROT_READ_WRITE, MAP_PRIVATE);
  Mapping other = Mapping::Of(object, size, Mapping::PROT_READ_WRITE, MAP_PRIVATE);
  Peer child([&](Peer::Self& self) {
    self.step([] { return CALL(0); });
    self.step([&] { return CALL(static_cast<long>(FirstMismatch(shared.data(), size, 1))); });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  Fill(mine.data(), size, 2);
  {
    ForClause scope(clause::mmap::private_isolated);
    NoteChecks();
    EXPECT_EQ(FirstMismatch(mine.data(), size, 2), size) << "the storing mapping";
    EXPECT_EQ(FirstMismatch(shared.data(), size, 1), size) << "the object";
    EXPECT_EQ(FirstMismatch(other.data(), size, 1), size) << "another private mapping";
    EXPECT_THAT(child.next().result(), SucceedsWith(size)) << "another process";
  }
  ForClause scope(clause::munmap::private_discarded);
  Setup(CALL(munmap(mine.release(), size)));
  for (int flags : {MAP_PRIVATE, MAP_SHARED}) {
    Mapping again = Mapping::Of(object, size, PROT_READ, flags);
    EXPECT_EQ(FirstMismatch(again.data(), size, 1), size);
  }
}

IPC_TEST(ShmMmap, PrivateShowsTheObject, clause::mmap::private_initial_contents) {
  const std::size_t size = 2 * PageSize();
  ShmObject object(size);
  Mapping shared = Mapping::Of(object, size);
  for (unsigned seed : {1u, 2u}) {
    Fill(shared.data(), size, seed);
    Mapping view = Mapping::Of(object, size, PROT_READ, MAP_PRIVATE);
    EXPECT_EQ(FirstMismatch(view.data(), size, seed), size);
  }
}

IPC_TEST(ShmMmap, LaterChangesMayShowInPrivateMappings,
         clause::mmap::private_later_object_changes) {
  ShmObject object(PageSize());
  Mapping shared = Mapping::Of(object, PageSize());
  Mapping view = Mapping::Of(object, PageSize(), Mapping::PROT_READ_WRITE, MAP_PRIVATE);
  shared[0] = 'x';
  Observe(clause::mmap::private_later_object_changes, "page not yet written",
          view[0] == 'x' ? "shown" : "not shown");
  view[1] = 'p';
  shared[0] = 'y';
  Observe(clause::mmap::private_later_object_changes, "page already written",
          view[0] == 'y' ? "shown" : "not shown");
}

IPC_TEST(ShmMmap, PrivateOfAReadOnlyDescriptorIsWritable,
         clause::mmap::private_rdonly_fd_writable) {
  ShmObject object(PageSize());
  Mapping shared = Mapping::Of(object, PageSize());
  Fill(shared.data(), PageSize());
  Fd reader(CALL(shm_open(object.name(), O_RDONLY, 0)));
  const CallResult mapped =
      CALL(mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0));
  ASSERT_THAT(mapped, Succeeds());
  Mapping view(mapped, PageSize());
  Fill(view.data(), PageSize(), 2);
  EXPECT_EQ(FirstMismatch(view.data(), PageSize(), 2), PageSize());
  EXPECT_EQ(FirstMismatch(shared.data(), PageSize(), 1), PageSize());
}

IPC_TEST(ShmMmap, MappingSurvivesClose, clause::mmap::ref_survives_close) {
  ShmObject object(PageSize()), another(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Fill(view.data(), PageSize());
  const int number = object.fd();
  EXPECT_THAT(CALL(close(object.owner().release())), SucceedsWith(0));
  Fd reused(CALL(dup2(another, number)));
  EXPECT_EQ(FirstMismatch(view.data(), PageSize()), PageSize());
  EXPECT_THAT(WriteByte(view.data() + 7, 'x'), Completes());
  Fd again(CALL(shm_open(object.name(), O_RDONLY, 0)));
  Mapping fresh = Mapping::Of(again, PageSize(), PROT_READ);
  EXPECT_EQ(fresh[7], 'x') << "the mapping and the name must mean one object";
}

IPC_TEST(ShmMmap, TimesAreOpen, clause::mmap::timestamps) {
  ShmObject object(PageSize());
  const struct stat before = StatOf(object);
  Mapping view = Mapping::Of(object, PageSize());
  view[0] = 1;
  Observe(clause::mmap::timestamps, "msync", CALL(msync(view.data(), PageSize(), MS_SYNC)));
  const struct stat after = StatOf(object);
  const bool moved = after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
                     after.st_mtim.tv_nsec != before.st_mtim.tv_nsec;
  Observe(clause::mmap::timestamps, "st_mtime after a store and msync",
          moved ? "changed" : "unchanged");
}

}  // namespace
}  // namespace ipcsuite::shm_suite
