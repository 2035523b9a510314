// shm_open: what a new object is, and what the flags do to one that exists.
#include "harness/peers/file_limit.h"
#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

IPC_TEST(ShmOpen, DescriptorRefersToTheObject, clause::shm_open::returns_usable_fd) {
  UniqueName name = UniqueName::Shm();
  const CallResult opened = Create(name.c_str());
  ASSERT_THAT(opened, Succeeds());
  EXPECT_GE(opened.value, 0);
  Fd fd(opened.fd());
  EXPECT_THAT(CALL(ftruncate(fd, static_cast<off_t>(PageSize()))), SucceedsWith(0));
  EXPECT_EQ(SizeOf(fd), static_cast<std::int64_t>(PageSize()));
  const CallResult mapped =
      CALL(mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  ASSERT_THAT(mapped, Succeeds());
  Mapping view(mapped, PageSize());
  Fill(view.data(), view.size());
  EXPECT_EQ(FirstMismatch(view.data(), view.size()), view.size());
  EXPECT_THAT(CALL(munmap(view.release(), PageSize())), SucceedsWith(0));
  EXPECT_THAT(CALL(close(fd.release())), SucceedsWith(0));
}

IPC_TEST(ShmOpen, CreatesOnlyWithCreat, clause::shm_open::creat_creates) {
  UniqueName name = UniqueName::Shm();
  EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDWR, 0600)), Fails(ENOENT));
  EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDONLY, 0600)), Fails(ENOENT))
      << "the first try must have made nothing";
  const CallResult created = Create(name.c_str(), O_RDWR);
  ASSERT_THAT(created, Succeeds());
  Fd fd(created.fd());
  Peer other;
  EXPECT_THAT(other.start([&] { return CALL(shm_open(name.c_str(), O_RDWR, 0)); }).result(),
              Succeeds());
}

IPC_TEST(ShmOpen, CreatOpensAnExistingObjectUntouched, clause::shm_open::creat_existing_untouched) {
  ShmObject object(PageSize() + 3, O_RDWR, 0640);
  Mapping view = Mapping::Of(object, PageSize() + 3);
  Fill(view.data(), view.size());
  const struct stat before = StatOf(object);
  ScopedUmask mask(0);
  const CallResult again = CALL(shm_open(object.name(), O_RDWR | O_CREAT, 0));
  ASSERT_THAT(again, Succeeds());
  Fd fd(again.fd());
  const struct stat after = StatOf(fd);
  EXPECT_EQ(after.st_size, before.st_size);
  EXPECT_EQ(after.st_mode & 0666, before.st_mode & 0666);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_gid, before.st_gid);
  Mapping second = Mapping::Of(fd, view.size());
  EXPECT_EQ(FirstMismatch(second.data(), second.size()), second.size());
}

IPC_TEST(ShmOpen, NewObjectIsEmpty, clause::shm_open::creat_size_zero) {
  UniqueName name = UniqueName::Shm();
  const CallResult first = Create(name.c_str());
  ASSERT_THAT(first, Succeeds());
  Fd fd(first.fd());
  EXPECT_EQ(SizeOf(fd), 0);
  Setup(CALL(ftruncate(fd, 5000)));
  Setup(CALL(shm_unlink(name.c_str())));
  const CallResult second = Create(name.c_str());
  ASSERT_THAT(second, Succeeds());
  Fd fresh(second.fd());
  EXPECT_EQ(SizeOf(fresh), 0) << "the name belonged to a larger object";
  EXPECT_EQ(SizeOf(fd), 5000);
}

IPC_TEST(ShmOpen, NewObjectHasThePermissionsLessTheMask, clause::shm_open::creat_mode_umask) {
  for (mode_t mask : {0u, 022u, 077u, 0777u}) {
    for (mode_t mode : {0600u, 0660u, 0666u, 0777u, 0462u}) {
      UniqueName name = UniqueName::Shm();
      ScopedUmask scoped(mask);
      const CallResult created = Create(name.c_str(), O_RDWR | O_EXCL, mode);
      ASSERT_THAT(created, Succeeds());
      Fd fd(created.fd());
      // Only the six bits of reading and writing need to be valid in st_mode.
      EXPECT_EQ(StatOf(fd).st_mode & 0666, mode & ~mask & 0666)
          << std::oct << "mode " << mode << " mask " << mask;
    }
  }
}

IPC_TEST(ShmOpen, ModeBitsBeyondPermissionsAreOpen, clause::shm_open::creat_mode_other_bits) {
  UniqueName name = UniqueName::Shm();
  ScopedUmask scoped(022);
  const CallResult created = Create(name.c_str(), O_RDWR | O_EXCL, 07777);
  Observe(clause::shm_open::creat_mode_other_bits, "shm_open with mode 07777", created);
  if (!created.ok()) return;
  Fd fd(created.fd());
  char text[16];
  std::snprintf(text, sizeof text, "%#o", static_cast<unsigned>(StatOf(fd).st_mode & 07777));
  Observe(clause::shm_open::creat_mode_other_bits, "st_mode for 07777 and mask 022", text);
}

IPC_TEST(ShmOpen, ExclFailsOnAnExistingName, clause::shm_open::excl_eexist) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  Fill(view.data(), view.size());
  const int lowest = LowestFreeFd();
  for (int flags : {O_RDWR, O_RDONLY, O_RDWR | O_TRUNC}) {
    EXPECT_THAT(CALL(shm_open(object.name(), flags | O_CREAT | O_EXCL, 0600)), Fails(EEXIST));
  }
  EXPECT_EQ(LowestFreeFd(), lowest);
  EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(PageSize()));
  EXPECT_EQ(FirstMismatch(view.data(), view.size()), view.size());
}

IPC_TEST(ShmOpen, ExclWithoutCreatIsUndefined, clause::shm_open::excl_without_creat) {
  ShmObject object;
  const CallResult opened = CALL(shm_open(object.name(), O_RDWR | O_EXCL, 0600));
  Observe(clause::shm_open::excl_without_creat, "on an existing object", opened);
  if (opened.ok()) Fd closes(opened.fd());
}

IPC_TEST(ShmOpen, TruncMakesTheSizeZero, clause::shm_open::trunc_size_zero) {
  for (int flags : {O_RDWR | O_TRUNC, O_RDWR | O_TRUNC | O_CREAT}) {
    ShmObject object(2 * PageSize());
    {
      Mapping view = Mapping::Of(object, 2 * PageSize());
      Fill(view.data(), view.size());
    }
    const CallResult opened = CALL(shm_open(object.name(), flags, 0600));
    ASSERT_THAT(opened, Succeeds());
    Fd fd(opened.fd());
    EXPECT_EQ(SizeOf(fd), 0);
    EXPECT_EQ(SizeOf(object), 0) << "through the older descriptor";
    Setup(CALL(ftruncate(fd, static_cast<off_t>(2 * PageSize()))));
    Mapping view = Mapping::Of(fd, 2 * PageSize());
    EXPECT_EQ(FirstNonzero(view.data(), view.size()), view.size()) << "the old contents came back";
  }
}

IPC_TEST(ShmOpen, TruncKeepsModeAndOwner, clause::shm_open::trunc_keeps_mode_owner) {
  ShmObject object(100, O_RDWR, 0640);
  Setup(CALL(fchmod(object, 0644)));
  const struct stat before = StatOf(object);
  ScopedUmask mask(0);
  const CallResult opened = CALL(shm_open(object.name(), O_RDWR | O_TRUNC | O_CREAT, 0606));
  ASSERT_THAT(opened, Succeeds());
  Fd fd(opened.fd());
  const struct stat after = StatOf(fd);
  EXPECT_EQ(SizeOf(fd), 0);
  EXPECT_EQ(after.st_mode & 0666, before.st_mode & 0666);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_gid, before.st_gid);
}

IPC_TEST(ShmOpen, TruncTakesThePagesOfOlderMappings,
         clause::shm_open::trunc_existing_mapping_sigbus) {
  ShmObject object(2 * PageSize());
  Mapping view = Mapping::Of(object, 2 * PageSize());
  Fill(view.data(), view.size());
  // The child has mapped, and touched, before the object is cut.
  SharedBuffer sum(1);
  Peer child([&](Peer::Self& self) {
    self.step([&] { return CALL(static_cast<int>(sum.data()[0] = view[0])); });
    self.step([&] { return CALL(static_cast<int>(sum.data()[0] = view[0])); });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith(static_cast<int>(PatternAt(0, 1))));
  Fd fd(CALL(shm_open(object.name(), O_RDWR | O_TRUNC, 0)));
  EXPECT_THAT(child.next().result(), DiesBy(SIGBUS));
  for (std::size_t page : {0, 1}) ExpectBeyondEnd(view.data() + Pages(page));
  EXPECT_EQ(SizeOf(object), 0);
}

IPC_TEST(ShmOpen, TruncWithReadOnlyIsUndefined, clause::shm_open::trunc_rdonly) {
  ShmObject object(100);
  const CallResult opened = CALL(shm_open(object.name(), O_RDONLY | O_TRUNC, 0600));
  Observe(clause::shm_open::trunc_rdonly, "O_RDONLY|O_TRUNC", opened);
  if (opened.ok()) Fd closes(opened.fd());
  Observe(clause::shm_open::trunc_rdonly, "size after, was 100", SizeOf(object));
}

IPC_TEST(ShmOpen, ReadOnlyMapsForReadingOnly, clause::shm_open::oflag_rdonly) {
  ShmObject object(PageSize());
  {
    Mapping view = Mapping::Of(object, PageSize());
    Fill(view.data(), view.size());
  }
  const CallResult opened = CALL(shm_open(object.name(), O_RDONLY, 0));
  ASSERT_THAT(opened, Succeeds());
  Fd fd(opened.fd());
  const CallResult mapped = CALL(mmap(nullptr, PageSize(), PROT_READ, MAP_SHARED, fd, 0));
  ASSERT_THAT(mapped, Succeeds());
  Mapping view(mapped, PageSize());
  EXPECT_EQ(FirstMismatch(view.data(), view.size()), view.size());
  EXPECT_THAT(CALL(mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)),
              Fails(EACCES));
  EXPECT_THAT(CALL(ftruncate(fd, 1)), FailsWithAnyOf(EBADF, EINVAL));
  EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(PageSize()));
}

IPC_TEST(ShmOpen, ReadWriteResizesAndStores, clause::shm_open::oflag_rdwr) {
  ShmObject object(10);
  const CallResult opened = CALL(shm_open(object.name(), O_RDWR, 0));
  ASSERT_THAT(opened, Succeeds());
  Fd fd(opened.fd());
  EXPECT_THAT(CALL(ftruncate(fd, static_cast<off_t>(PageSize()))), SucceedsWith(0));
  const CallResult mapped =
      CALL(mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  ASSERT_THAT(mapped, Succeeds());
  Mapping view(mapped, PageSize());
  Fill(view.data(), view.size());
  Mapping other = Mapping::Of(object, PageSize());
  EXPECT_EQ(FirstMismatch(other.data(), other.size()), other.size());
}

IPC_TEST(ShmOpen, OtherAccessModesAreUndefined, clause::shm_open::oflag_other_access_modes) {
  ShmObject object(PageSize());
  const auto& clause = clause::shm_open::oflag_other_access_modes;
  const CallResult opened = CALL(shm_open(object.name(), O_WRONLY, 0));
  Observe(clause, "O_WRONLY", opened);
  if (opened.ok()) {
    Fd fd(opened.fd());
    Observe(clause, "ftruncate on O_WRONLY", CALL(ftruncate(fd, 1)));
  }
  const CallResult all = CALL(shm_open(object.name(), O_ACCMODE, 0));
  Observe(clause, "O_ACCMODE", all);
  if (all.ok()) Fd closes(all.fd());
}

IPC_TEST(ShmOpen, StateOutlivesItsCreator, clause::shm_open::state_persists,
         clause::close::shm_named_object_kept) {
  UniqueName name = UniqueName::Shm();
  const std::size_t size = PageSize() + 17;
  InChild([&] {
    Fd fd(Setup(Create(name.c_str())).fd());
    Setup(CALL(ftruncate(fd, static_cast<off_t>(size))));
    Mapping view = Mapping::Of(fd, size);
    Fill(view.data(), size);
  });
  const CallResult opened = CALL(shm_open(name.c_str(), O_RDONLY, 0));
  ASSERT_THAT(opened, Succeeds()) << "after unmap, last close and the end of the creator";
  NoteChecksOf(clause::close::shm_named_object_kept);
  Fd fd(opened.fd());
  EXPECT_EQ(SizeOf(fd), static_cast<std::int64_t>(size));
  Mapping view = Mapping::Of(fd, size, PROT_READ);
  EXPECT_EQ(FirstMismatch(view.data(), size), size);
}

IPC_TEST(ShmOpen, ModeDoesNotLimitItsCreator, clause::shm_open::creat_mode_does_not_limit_creator) {
  for (mode_t mode : {0u, 0400u, 0444u}) {
    UniqueName name = UniqueName::Shm();
    const CallResult created = Create(name.c_str(), O_RDWR | O_EXCL, mode);
    ASSERT_THAT(created, Succeeds());
    Fd fd(created.fd());
    EXPECT_THAT(CALL(ftruncate(fd, 10)), SucceedsWith(0));
    const CallResult mapped = CALL(mmap(nullptr, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    ASSERT_THAT(mapped, Succeeds());
    Mapping view(mapped, 10);
    EXPECT_THAT(WriteByte(view.data(), 'x'), Completes());
    EXPECT_EQ(view[0], 'x');
  }
}

IPC_TEST(ShmCreate, EnfileWhenTheSystemHasNoMoreFiles, clause::shm_open::err_enfile, exclusive,
         dangerous(kOutOfFilesDanger)) {
  const UniqueName name = UniqueName::Shm();
  const OutOfFiles made =
      CallOutOfFiles([&] { return CALL(shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600)); });
  EXPECT_THAT(made.during, Fails(ENFILE));
  EXPECT_THAT(made.after, Succeeds()) << "nothing was made before";
}

}  // namespace
}  // namespace ipcsuite::shm_suite
