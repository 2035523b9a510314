// Who may open, cut and remove an object: every mode for owner, group and others, as other users
// see it.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

constexpr mode_t kModes[] = {0,    0400, 0200, 0600, 0040, 0020, 0060, 0004, 0002, 0006,
                             0666, 0066, 0606, 0660, 0444, 0222, 0440, 0404, 0642, 0246};
constexpr off_t kSize = 100;

// One object for each mode, made by the calling process.
class Matrix {
 public:
  Matrix() {
    for (mode_t mode : kModes) {
      objects_.push_back(std::make_unique<ShmObject>(kSize));
      Setup(CALL(fchmod(*objects_.back(), mode)));
    }
  }
  void GiveTo(User user) {
    for (auto& object : objects_) Setup(CALL(fchown(*object, user.uid, user.gid)));
  }
  // What the caller, whose permissions are bits 6, 3 or 0 of the mode, gets of every object.
  void ExpectAccess(int shift) const {
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      const mode_t bits = kModes[i] >> shift & 7;
      const bool reads = bits & 4, writes = bits & 2;
      Expect(*objects_[i], kModes[i], O_RDONLY, reads, clause::shm_open::err_eacces_existing);
      Expect(*objects_[i], kModes[i], O_RDWR, reads && writes,
             clause::shm_open::err_eacces_existing);
      Expect(*objects_[i], kModes[i], O_RDWR | O_TRUNC, reads && writes,
             clause::shm_open::err_eacces_trunc);
    }
  }

 private:
  static void Expect(const ShmObject& object, mode_t mode, int flags, bool permitted,
                     ClauseRef clause) {
    ForClause scope(clause);
    char what[64];
    std::snprintf(what, sizeof what, "mode %04o%s%s", static_cast<unsigned>(mode),
                  (flags & O_ACCMODE) == O_RDWR ? " O_RDWR" : " O_RDONLY",
                  flags & O_TRUNC ? "|O_TRUNC" : "");
    const CallResult opened = CALL(shm_open(object.name(), flags, 0666));
    if (permitted) {
      EXPECT_THAT(opened, Succeeds()) << what;
    } else {
      EXPECT_THAT(opened, Fails(EACCES)) << what;
    }
    if (!permitted) {
      ForClause excl(clause::shm_open::excl_eexist);
      EXPECT_THAT(CALL(shm_open(object.name(), flags | O_CREAT | O_EXCL, 0666)),
                  FailsWithAnyOf(EEXIST, EACCES))
          << what << "|O_CREAT|O_EXCL: it exists, and access to it is denied";
    }
    const off_t expected = opened.ok() && (flags & O_TRUNC) ? 0 : kSize;
    EXPECT_EQ(SizeOf(object), expected) << what;
    if (!opened.ok()) return;
    if (flags & O_TRUNC) Setup(CALL(ftruncate(opened.fd(), kSize)));
    close(opened.fd());
  }

  std::vector<std::unique_ptr<ShmObject>> objects_;
};

IPC_TEST(ShmPermission, OwnerIsJudgedByTheOwnersBits, clause::shm_open::err_eacces_existing,
         clause::shm_open::err_eacces_trunc, clause::shm_open::excl_eexist) {
  Matrix matrix;
  InChild([&] {
    if (!DropPrivilege())
      Unsupported("permission checks do not apply to this user, and privilege can't be dropped");
    matrix.ExpectAccess(6);
  });
}

// Two users: the owner of the objects and another.
struct Two {
  User owner, other;
};
Two NeedsTwoUsers() {
  const auto first = OtherUser(), second = ThirdUser();
  if (!first || !second) Unsupported("needs to become two other users");
  return {*first, *second};
}

IPC_TEST(ShmPermission, GroupIsJudgedByTheGroupsBits, clause::shm_open::err_eacces_existing,
         clause::shm_open::err_eacces_trunc, clause::shm_open::excl_eexist) {
  const Two users = NeedsTwoUsers();
  Matrix matrix;
  matrix.GiveTo(users.owner);
  InChild([&] {
    Become(User{users.other.uid, users.owner.gid});
    matrix.ExpectAccess(3);
  });
}

IPC_TEST(ShmPermission, OthersAreJudgedByTheirBits, clause::shm_open::err_eacces_existing,
         clause::shm_open::err_eacces_trunc, clause::shm_open::excl_eexist) {
  const Two users = NeedsTwoUsers();
  Matrix matrix;
  matrix.GiveTo(users.owner);
  InChild([&] {
    Become(users.other);
    matrix.ExpectAccess(0);
  });
}

IPC_TEST(ShmPermission, ObjectsBelongToTheEffectiveUser, clause::shm_open::creat_uid,
         clause::shm_open::creat_gid) {
  const Two users = NeedsTwoUsers();
  UniqueName name = UniqueName::Shm();
  InChild([&] {
    // Effective IDs that differ from the real ones.
    NoteTrace(TraceEntry::Kind::kOther, {}, "changes its effective user");
    if (setegid(users.owner.gid) != 0 || seteuid(users.owner.uid) != 0)
      Unresolved("set-up failed: seteuid()");
    if (const std::string trouble = TroubleOfShmPlace(); !trouble.empty())
      Unsupported("another user creates nothing here: " + trouble);
    const CallResult created = Create(name.c_str());
    {
      ForClause scope(clause::shm_open::creat_uid);
      ASSERT_THAT(created, Succeeds());
      EXPECT_EQ(StatOf(created.fd()).st_uid, users.owner.uid);
    }
    ForClause scope(clause::shm_open::creat_gid);
    ExpectGroup(StatOf(created.fd()), users.owner.gid);
  });
}

IPC_TEST(ShmPermission, CreatorsModeBindsLaterOpensOnly,
         clause::shm_open::creat_mode_does_not_limit_creator) {
  UniqueName name = UniqueName::Shm();
  InChild([&] {
    if (!DropPrivilege())
      Unsupported("permission checks do not apply to this user, and privilege can't be dropped");
    const CallResult created = Create(name.c_str(), O_RDWR | O_EXCL, 0);
    ASSERT_THAT(created, Succeeds());
    EXPECT_THAT(CALL(ftruncate(created.fd(), 10)), SucceedsWith(0));
    const CallResult mapped =
        CALL(mmap(nullptr, 10, PROT_READ | PROT_WRITE, MAP_SHARED, created.fd(), 0));
    EXPECT_THAT(mapped, Succeeds());
    EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDONLY, 0)), Fails(EACCES)) << "a second open";
  });
}

IPC_TEST(ShmPermission, TruncKeepsTheOwnerThoughAnotherCuts,
         clause::shm_open::trunc_keeps_mode_owner) {
  const auto other = OtherUser();
  if (!other) Unsupported("needs to become another user");
  ShmObject object(kSize);
  Setup(CALL(fchmod(object, 0666)));
  const struct stat before = StatOf(object);
  InChild([&] {
    Become(*other);
    EXPECT_THAT(CALL(shm_open(object.name(), O_RDWR | O_TRUNC, 0)), Succeeds());
  });
  const struct stat after = StatOf(object);
  EXPECT_EQ(SizeOf(object), 0);
  EXPECT_EQ(after.st_mode & 0666, 0666u);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_gid, before.st_gid);
}

IPC_TEST(ShmPermission, UnlinkNeedsPermission, clause::shm_unlink::err_eacces,
         clause::shm_unlink::failure_unchanged) {
  const auto other = OtherUser();
  if (!other) Unsupported("needs to become another user");
  ShmObject object(kSize, O_RDWR, 0600);
  Fill(Mapping::Of(object, kSize).data(), kSize);
  Shared<CallResult> removed;
  InChild([&] {
    Become(*other);
    *removed = CALL(shm_unlink(object.name()));
  });
  if (removed->ok())
    Unsupported("this place lets anybody remove names: no permission can be lacking");
  {
    ForClause scope(clause::shm_unlink::err_eacces);
    EXPECT_THAT(*removed, Fails(EACCES));
  }
  ForClause scope(clause::shm_unlink::failure_unchanged);
  const CallResult opened = CALL(shm_open(object.name(), O_RDONLY, 0));
  ASSERT_THAT(opened, Succeeds()) << "after a shm_unlink that failed";
  Fd again(opened.fd());
  EXPECT_EQ(SizeOf(again), kSize);
  Mapping view = Mapping::Of(again, kSize, PROT_READ);
  EXPECT_EQ(FirstMismatch(view.data(), kSize), static_cast<std::size_t>(kSize));
}

IPC_TEST(ShmPermission, CreationNeedsPermission, clause::shm_open::err_eacces_create) {
  UniqueName name = UniqueName::Shm();
  InChild([&] {
    EnterPrivatePlace("size=1m,mode=0555");
    const auto other = OtherUser();
    if (other) {
      Become(*other);
    } else if (!DropPrivilege()) {
      Unsupported("permission checks do not apply to this user, and privilege can't be dropped");
    }
    const int lowest = LowestFreeFd();
    EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDWR | O_CREAT, 0600)), Fails(EACCES));
    EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600)), Fails(EACCES));
    EXPECT_EQ(LowestFreeFd(), lowest);
    EXPECT_THAT(CALL(shm_open(name.c_str(), O_RDWR, 0)), Fails(ENOENT)) << "nothing was made";
  });
}

}  // namespace
}  // namespace ipcsuite::shm_suite
