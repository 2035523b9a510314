// What fstat says of an object; fchmod, fchown; descriptor I/O, which POSIX leaves open.
#include <stdio.h>

#include <string>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

IPC_TEST(ShmStat, SizeIsExact, clause::fstat::shm_size) {
  const auto page = static_cast<off_t>(PageSize());
  ShmObject object;
  Fd reader(CALL(shm_open(object.name(), O_RDONLY, 0)));
  EXPECT_EQ(SizeOf(object), 0);
  for (off_t size : {off_t{1}, page - 1, page, page + 1, 3 * page, off_t{0}}) {
    Setup(CALL(ftruncate(object, size)));
    EXPECT_EQ(SizeOf(object), size);
    EXPECT_EQ(SizeOf(reader), size) << "through another descriptor";
    InChild([&] {
      Fd own(CALL(shm_open(object.name(), O_RDONLY, 0)));
      EXPECT_EQ(SizeOf(own), size) << "in another process";
    });
  }
}

IPC_TEST(ShmStat, OwnerIsTheCreator, clause::fstat::shm_ids, clause::shm_open::creat_uid,
         clause::shm_open::creat_gid) {
  ShmObject object;
  const struct stat status = StatOf(object);
  NoteChecks();
  {
    ForClause scope(clause::shm_open::creat_uid);
    NoteChecks();
    EXPECT_EQ(status.st_uid, geteuid());
  }
  ForClause scope(clause::shm_open::creat_gid);
  ExpectGroup(status, getegid());
}

IPC_TEST(ShmStat, ModeCarriesThePermissionBits, clause::fstat::shm_mode_bits) {
  ScopedUmask mask(0);
  for (mode_t mode : {0400u, 0200u, 0040u, 0020u, 0004u, 0002u, 0666u, 0u}) {
    UniqueName name = UniqueName::Shm();
    const CallResult created = Create(name.c_str(), O_RDWR | O_EXCL, mode);
    ASSERT_THAT(created, Succeeds());
    Fd fd(created.fd());
    EXPECT_EQ(StatOf(fd).st_mode & 0666, mode);
  }
}

IPC_TEST(ShmStat, OtherFieldsAreOpen, clause::fstat::shm_other_fields) {
  const auto& clause = clause::fstat::shm_other_fields;
  ShmObject object(2 * PageSize());
  struct stat status = StatOf(object);
  Observe(clause, "type", S_ISREG(status.st_mode) ? "regular file" : "another");
  Observe(clause, "st_nlink", static_cast<std::int64_t>(status.st_nlink));
  Observe(clause, "st_blocks before a store", static_cast<std::int64_t>(status.st_blocks));
  Mapping view = Mapping::Of(object, 2 * PageSize());
  view[0] = 1;
  Observe(clause, "st_blocks grow with stores",
          StatOf(object).st_blocks > status.st_blocks ? "yes" : "no");
  Setup(CALL(shm_unlink(object.name())));
  Observe(clause, "st_nlink after shm_unlink", static_cast<std::int64_t>(StatOf(object).st_nlink));
}

IPC_TEST(ShmFchmod, ChangesTheObject, clause::fchmod::shm_changes_bits) {
  ShmObject object;
  for (mode_t mode : {0640u, 0604u, 0400u, 0u, 0666u}) {
    EXPECT_THAT(CALL(fchmod(object, mode)), SucceedsWith(0));
    EXPECT_EQ(StatOf(object).st_mode & 0666, mode);
  }
  InChild([&] {
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    EXPECT_EQ(StatOf(own).st_mode & 0666, 0666u);
  });
}

IPC_TEST(ShmFchmod, GovernsLaterOpensOnly, clause::fchmod::shm_governs_later_opens) {
  ShmObject object(10);
  InChild([&] {
    if (!DropPrivilege())
      Unsupported("permission checks do not apply to this user, and privilege can't be dropped");
    EXPECT_THAT(CALL(fchmod(object, 0)), SucceedsWith(0));
    EXPECT_THAT(CALL(shm_open(object.name(), O_RDONLY, 0)), Fails(EACCES));
    EXPECT_THAT(CALL(ftruncate(object, 20)), SucceedsWith(0))
        << "the open descriptor keeps its access";
    EXPECT_THAT(CALL(fchmod(object, 0400)), SucceedsWith(0));
    EXPECT_THAT(CALL(shm_open(object.name(), O_RDWR, 0)), Fails(EACCES));
    Fd reader(CALL(shm_open(object.name(), O_RDONLY, 0)));
    EXPECT_THAT(CALL(fchmod(object, 0600)), SucceedsWith(0));
    const CallResult opened = CALL(shm_open(object.name(), O_RDWR, 0));
    EXPECT_THAT(opened, Succeeds());
  });
}

IPC_TEST(ShmFchmod, FailsForOthersThanTheOwner, clause::fchmod::shm_err_eperm) {
  const auto other = OtherUser();
  if (!other) Unsupported("needs to become another user");
  ShmObject object(10);
  Setup(CALL(fchmod(object, 0666)));
  InChild([&] {
    Become(*other);
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    EXPECT_THAT(CALL(fchmod(own, 0600)), Fails(EPERM));
    EXPECT_THAT(CALL(fchmod(object, 0600)), Fails(EPERM)) << "through an inherited descriptor";
  });
  EXPECT_EQ(StatOf(object).st_mode & 0666, 0666u);
}

IPC_TEST(ShmFchown, ChangesTheOwner, clause::fchown::shm_changes_owner, clause::fstat::shm_ids) {
  const auto other = OtherUser();
  if (!other) Unsupported("needs to become another user");
  ShmObject object(10);
  const CallResult changed = CALL(fchown(object, other->uid, other->gid));
  if (changed.failed_with(EPERM))
    Unsupported("needs the privilege to give objects away (CAP_CHOWN)");
  {
    ForClause scope(clause::fchown::shm_changes_owner);
    EXPECT_THAT(changed, SucceedsWith(0));
    InChild([&] {
      Become(*other);
      EXPECT_THAT(CALL(shm_open(object.name(), O_RDWR, 0)), Succeeds()) << "as the new owner";
    });
    InChild([&] {
      if (!DropPrivilege()) return;
      EXPECT_THAT(CALL(shm_open(object.name(), O_RDWR, 0)), Fails(EACCES)) << "as the old owner";
    });
  }
  ForClause scope(clause::fstat::shm_ids);
  NoteChecks();
  EXPECT_EQ(StatOf(object).st_uid, other->uid);
  EXPECT_EQ(StatOf(object).st_gid, other->gid);
}

IPC_TEST(ShmFchown, FailsWithoutPrivilege, clause::fchown::shm_err_eperm) {
  ShmObject object;
  const struct stat before = StatOf(object);
  InChild([&] {
    if (!DropPrivilege()) Unsupported("privilege can't be dropped");
    const uid_t another = before.st_uid == 0 ? 1 : 0;
    const CallResult changed = CALL(fchown(object, another, static_cast<gid_t>(-1)));
    // POSIX has EINVAL for an ID that the system does not support, as in a namespace of one user.
    if (changed.failed_with(EINVAL))
      Unsupported("there is no other user here: user " + std::to_string(another) + " is invalid");
    EXPECT_THAT(changed, Fails(EPERM));
  });
  EXPECT_EQ(StatOf(object).st_uid, before.st_uid);
  EXPECT_EQ(StatOf(object).st_gid, before.st_gid);
}

// read, write, lseek and streams on the descriptor have unspecified results: recorded, not judged.
IPC_TEST(ShmIo, ReadIsUnspecified, clause::read::shm) {
  ShmObject object(10);
  char buffer[4];
  Observe(clause::read::shm, "read", CALL(read(object, buffer, sizeof buffer)));
  Observe(clause::read::shm, "pread", CALL(pread(object, buffer, sizeof buffer, 0)));
}

IPC_TEST(ShmIo, WriteIsUnspecified, clause::write::shm) {
  ShmObject object(4);
  Observe(clause::write::shm, "write", CALL(write(object, "12345678", 8)));
  Observe(clause::write::shm, "size after 8 bytes written to 4", SizeOf(object));
  Observe(clause::write::shm, "pwrite", CALL(pwrite(object, "1", 1, 0)));
}

IPC_TEST(ShmIo, SeekIsUnspecified, clause::lseek::shm) {
  ShmObject object(10);
  const CallResult end = CALL(lseek(object, 0, SEEK_END));
  Observe(clause::lseek::shm, "lseek(SEEK_END) on 10 bytes",
          end.ok() ? std::to_string(end.value) : ErrnoName(end.error));
}

IPC_TEST(ShmIo, StreamIsUnspecified, clause::fdopen::shm) {
  ShmObject object(10);
  Fd duplicate(CALL(dup(object)));
  FILE* stream = nullptr;
  Observe(clause::fdopen::shm, "fdopen", CALL_NULL(stream = fdopen(duplicate, "r+")));
  if (!stream) return;
  duplicate.release();
  fclose(stream);
}

IPC_TEST(ShmIo, FsyncIsOpen, clause::fsync::shm) {
  ShmObject object(PageSize());
  const CallResult synced = CALL(fsync(object));
  EXPECT_THAT(synced, SucceedsOrFailsWith(EINVAL));
  Observe(clause::fsync::shm, "fsync", synced);
}

IPC_TEST(ShmIo, FpathconfIsOpen, clause::fpathconf::shm) {
  ShmObject object(PageSize());
  const struct {
    const char* name;
    int value;
  } kNames[] = {{"_PC_LINK_MAX", _PC_LINK_MAX},
                {"_PC_NAME_MAX", _PC_NAME_MAX},
                {"_PC_PIPE_BUF", _PC_PIPE_BUF}};
  for (const auto& row : kNames) {
    errno = 0;
    const CallResult got = CALL(fpathconf(object, row.value));
    // -1 without an error: no limit.
    EXPECT_TRUE(got.value >= 0 || got.error == 0 || got.error == EINVAL) << Describe(got);
    NoteChecks();
    Observe(clause::fpathconf::shm, row.name,
            got.value >= 0   ? "a limit"
            : got.error == 0 ? "no limit"
                             : ErrnoName(got.error));
  }
}

IPC_TEST(ShmAllocate, GrowsOrIsNotSupported, clause::posix_fallocate::shm) {
  const auto& clause = clause::posix_fallocate::shm;
  ShmObject object(10);
  Mapping view = Mapping::Of(object, PageSize());
  Fill(view.data(), 10);
  const auto length = static_cast<off_t>(2 * PageSize() + 1);
  const CallResult reserved = CALL_ERRNO(posix_fallocate(object, 0, length));
  Observe(clause, "posix_fallocate", reserved);
  if (reserved.failed_with(ENOSPC) || reserved.failed_with(EINTR))
    Unresolved("no room for a few pages: " + Describe(reserved));
  ForClause scope(clause);
  ASSERT_THAT(reserved, SucceedsOrFailsWith(ENODEV, EINVAL));
  EXPECT_EQ(SizeOf(object), reserved.ok() ? length : 10);
  EXPECT_EQ(FirstMismatch(view.data(), 10), 10u);
  if (!reserved.ok()) return;
  Mapping whole = Mapping::Of(object, static_cast<std::size_t>(length));
  EXPECT_EQ(FirstNonzero(whole.data() + 10, static_cast<std::size_t>(length) - 10),
            static_cast<std::size_t>(length) - 10);
  EXPECT_THAT(CALL_ERRNO(posix_fallocate(object, 0, 5)), SucceedsWith(0));
  EXPECT_EQ(SizeOf(object), length) << "it never shrinks";
}

}  // namespace
}  // namespace ipcsuite::shm_suite
