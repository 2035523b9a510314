// Who may open, create and unlink named semaphores.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "harness/peers/child.h"
#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

User First() {
  const auto user = OtherUser();
  if (!user) Unsupported("no other user is available: needs CAP_SETUID and CAP_SETGID");
  return *user;
}
User Second() {
  const auto user = ThirdUser();
  if (!user) Unsupported("no two other users are available: needs CAP_SETUID and CAP_SETGID");
  return *user;
}

// Performs a call as somebody.
CallResult As(User user, const std::function<CallResult()>& call) {
  Peer peer;
  return peer
      .start([&] {
        Become(user);
        return call();
      })
      .result();
}
CallResult OpenAs(User user, const char* name) {
  return As(user, [&] { return CALL_SEM(sem_open(name, 0)); });
}
CallResult CreateAs(User user, const char* name, mode_t mode, mode_t mask = 0) {
  return As(user, [&] {
    umask(mask);
    const CallResult created = CALL_SEM(sem_open(name, O_CREAT | O_EXCL, mode, 1));
    if (created.failed && !TroubleOfShmPlace().empty())
      Unsupported("another user creates nothing here: " + TroubleOfShmPlace());
    return created;
  });
}

struct ModeRow {
  const char* name;
  Claims claims;
  mode_t mode, mask;
  bool owner, other;  // may open for reading and writing
};
const ModeRow kModes[] = {
    {"OwnersOnly", {clause::sem_open::err_eacces_existing}, 0600, 0, true, false},
    {"Everybodys", {clause::sem_open::err_eacces_existing}, 0666, 0, true, true},
    {"Nobodys", {clause::sem_open::err_eacces_existing}, 0, 0, false, false},
    {"OthersOnly", {clause::sem_open::err_eacces_existing}, 0066, 0, false, true},
    {"MaskTakesGroupAndOthers", {clause::sem_open::creat_mode_umask}, 0666, 077, true, false},
    {"MaskTakesTheOwner", {clause::sem_open::creat_mode_umask}, 0666, 0700, false, true},
    {"MaskTakesNothingThatIsAsked", {clause::sem_open::creat_mode_umask}, 0600, 066, true, false},
    {"MaskTakesAll", {clause::sem_open::creat_mode_umask}, 0777, 0777, false, false},
};
IPC_TABLE_TEST(SemPermission, ModeRow, kModes) {
  const User owner = First(), other = Second();
  const UniqueName name = UniqueName::Sem();
  ASSERT_THAT(CreateAs(owner, name.c_str(), row.mode, row.mask), Succeeds());
  const auto expect = [&](User user, bool may, const char* who) {
    const CallResult opened = OpenAs(user, name.c_str());
    if (may) {
      EXPECT_THAT(opened, Succeeds()) << who;
    } else {
      EXPECT_THAT(opened, Fails(EACCES)) << who;
    }
  };
  expect(owner, row.owner, "the owner");
  expect(other, row.other, "another user");
}

// What needs no other user: the caller's own semaphore where permissions bind it.
IPC_TEST(SemPermission, OwnersOwnWithoutPermission, clause::sem_open::err_eacces_existing) {
  const UniqueName name = UniqueName::Sem();
  InChild([&] {
    if (!DropPrivilege())
      Unsupported("permission checks do not apply to this user, and privilege can't be dropped");
    const OpenSemaphore sem(Setup(CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0, 2))));
    EXPECT_THAT(CALL(sem_post(sem)), SucceedsWith(0)) << "the creator's handle works";
    Peer other;
    EXPECT_THAT(other
                    .start([&] {
                      sem_close(sem);
                      return CALL_SEM(sem_open(name.c_str(), 0));
                    })
                    .result(),
                Fails(EACCES));
  });
}

// Both read and write permission are what a semaphore needs; whether one alone is enough is open.
IPC_TEST(SemPermission, OnePermissionAlone, clause::sem_open::err_eacces_existing) {
  const User owner = First();
  for (const mode_t mode : {0400, 0200}) {
    const UniqueName name = UniqueName::Sem();
    ASSERT_THAT(CreateAs(owner, name.c_str(), mode), Succeeds());
    const CallResult opened = OpenAs(owner, name.c_str());
    EXPECT_THAT(opened, SucceedsOrFailsWith(EACCES));
    ObserveFact("sem_open() of a semaphore of mode " + std::to_string(mode >> 6) + "00",
                opened.ok() ? "success" : ErrnoName(opened.error));
  }
}

IPC_TEST(SemPermission, OwnerIsTheEffectiveUser, clause::sem_open::creat_uid) {
  const User owner = First(), other = Second();
  const UniqueName name = UniqueName::Sem();
  InChild([&] {
    // Effective IDs that differ from the real ones.
    NoteTrace(TraceEntry::Kind::kOther, {}, "changes its effective user");
    if (setegid(owner.gid) != 0 || seteuid(owner.uid) != 0) Unresolved("set-up failed: seteuid()");
    const CallResult created = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1));
    if (created.failed && !TroubleOfShmPlace().empty()) Unsupported(TroubleOfShmPlace());
    EXPECT_THAT(created, Succeeds());
  });
  EXPECT_THAT(OpenAs(owner, name.c_str()), Succeeds()) << "the effective user";
  EXPECT_THAT(OpenAs(other, name.c_str()), Fails(EACCES)) << "another user";
}

// Names in a directory may take its group instead.
IPC_TEST(SemPermission, GroupIsTheEffectiveGroup, clause::sem_open::creat_gid) {
  const User owner = First(), other = Second();
  const UniqueName name = UniqueName::Sem();
  ASSERT_THAT(CreateAs(owner, name.c_str(), 0060), Succeeds());
  EXPECT_THAT(OpenAs(other, name.c_str()), Fails(EACCES)) << "as no member of the group";
  const CallResult member = OpenAs({other.uid, owner.gid}, name.c_str());
  struct stat place {};
  const bool by_place = member.failed_with(EACCES) && stat(kShmPlace, &place) == 0;
  if (!by_place) {
    EXPECT_THAT(member, Succeeds()) << "as a member of the creator's effective group";
    return;
  }
  EXPECT_THAT(OpenAs({other.uid, place.st_gid}, name.c_str()), Succeeds())
      << "neither the effective group nor that of the directory is the semaphore's";
}

IPC_TEST(SemPermission, CreationNeedsPermission, clause::sem_open::err_eacces_create) {
  const UniqueName name = UniqueName::Sem();
  InChild([&] {
    EnterPrivatePlace("size=1m,mode=0555");
    if (const auto other = OtherUser()) {
      Become(*other);
    } else if (!DropPrivilege()) {
      Unsupported("permission checks do not apply to this user, and privilege can't be dropped");
    }
    EXPECT_THAT(CALL_SEM(sem_open(name.c_str(), O_CREAT, 0600, 1)), Fails(EACCES));
    EXPECT_THAT(CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1)), Fails(EACCES));
    EXPECT_THAT(CALL_SEM(sem_open(name.c_str(), 0)), Fails(ENOENT)) << "nothing was made";
  });
}

IPC_TEST(SemUnlink, NeedsPermission, clause::sem_unlink::err_eacces,
         clause::sem_unlink::failure_unchanged) {
  const User other = First();
  const Semaphore sem(SemKind::kNamed, 6, 0600);
  const CallResult removed = As(other, [&] { return CALL(sem_unlink(sem.name())); });
  if (removed.ok())
    Unsupported("this place lets anybody remove names: no permission can be missing");
  {
    const ForClause scope(clause::sem_unlink::err_eacces);
    EXPECT_THAT(removed, Fails(EACCES));
  }
  const ForClause scope(clause::sem_unlink::failure_unchanged);
  const CallResult opened = CALL_SEM(sem_open(sem.name(), 0));
  ASSERT_THAT(opened, Succeeds()) << "after a sem_unlink() that failed";
  const OpenSemaphore again(opened);
  EXPECT_EQ(ValueOf(again), 6);
}

}  // namespace
}  // namespace ipcsuite::sem_suite
