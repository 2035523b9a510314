// Who may open, create and unlink: owner, group and others, effective identities, privilege.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "base/os/os.h"
#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

constexpr int kModes[] = {O_RDONLY, O_WRONLY, O_RDWR};
const char* NameOfMode(int mode) {
  return mode == O_RDONLY ? "O_RDONLY" : mode == O_WRONLY ? "O_WRONLY" : "O_RDWR";
}

// What three permission bits allow; the execute bit never matters.
bool Allowed(unsigned bits, int mode) {
  const bool read = bits & 4, write = bits & 2;
  return mode == O_RDONLY ? read : mode == O_WRONLY ? write : read && write;
}

User First() {
  const auto user = OtherUser();
  if (!user) Unsupported("cannot switch to another user: needs CAP_SETUID and CAP_SETGID");
  return *user;
}
User Second() {
  const auto user = ThirdUser();
  if (!user) Unsupported("cannot switch to two other users: needs CAP_SETUID and CAP_SETGID");
  return *user;
}

struct Identity {
  uid_t real, effective;
  gid_t group;
  std::vector<gid_t> groups;
};
Identity Of(User user) { return {user.uid, user.uid, user.gid, {}}; }

// In a peer: takes the identity, for good unless its effective user is privileged.
void Take(const Identity& who) {
  NoteTrace(TraceEntry::Kind::kOther, {}, "takes a user and groups of its own");
  if (setgroups(who.groups.size(), who.groups.data()) != 0 && !who.groups.empty()) {
    Unsupported("supplementary groups can't be set: needs CAP_SETGID");
  }
  if (setresgid(who.group, who.group, who.group) != 0 ||
      setresuid(who.real, who.effective, who.effective) != 0) {
    Unsupported("this process cannot take that combination of users and groups");
  }
  os::StayObservable();
  os::DieWithParent();
}

// Performs a call as somebody.
CallResult As(const Identity& who, const std::function<CallResult()>& call) {
  Peer peer;
  return peer
      .start([&] {
        Take(who);
        return call();
      })
      .result();
}
CallResult OpenAs(const Identity& who, const std::string& name, int oflag) {
  return As(who, [&] { return CALL(mq_open(name.c_str(), oflag)); });
}
// Creates a queue of this mode as somebody, with no umask, and closes it.
// Whether a mode that denies its creator denies the creating mq_open() too is unspecified.
void CreateAs(const Identity& who, const std::string& name, mode_t mode, mode_t mask = 0) {
  const CallResult created = As(who, [&] {
    umask(mask);
    mq_attr attr = Sized(2, 16);
    const CallResult opened = Patiently(
        [&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, mode, &attr)); });
    const Mqd q(opened);
    return opened;
  });
  if (created.failed_with(EACCES) && (mode & ~mask & 0600) != 0600)
    Unsupported("a mode that denies its creator denies the creating mq_open() here");
  Setup(created);
}

// The three ways to open, judged by the bits of one class.
void ExpectAccess(const Identity& who, const std::string& name, unsigned bits, const char* what) {
  EXPECT_THAT(As(who,
                 [&] {
                   for (int mode : kModes) {
                     const CallResult opened = CALL(mq_open(name.c_str(), mode));
                     const Mqd q(opened);
                     if (Allowed(bits, mode)) {
                       EXPECT_THAT(opened, Succeeds()) << what << ", " << NameOfMode(mode);
                     } else {
                       EXPECT_THAT(opened, Fails(EACCES)) << what << ", " << NameOfMode(mode);
                     }
                   }
                   return CALL(0);
                 }),
              Succeeds());
}

IPC_TEST(MqPermission, OthersAccessFollowsTheirBits, clause::mq_open::perm_access_matrix) {
  const User stranger = First();
  const ScopedUmask none(0);
  for (unsigned bits = 0; bits < 8; ++bits) {
    Queue q(2, 16, O_RDWR, 0700 | bits);
    ExpectAccess(Of(stranger), q.name(), bits,
                 ("mode " + std::to_string(bits) + " for others").c_str());
  }
}

// The owner's own: needs no other user where permissions bind the caller.
IPC_TEST(MqPermission, OwnersAccessFollowsItsBits, clause::mq_open::perm_access_matrix) {
  const bool bound = PermissionsApply();
  if (!bound) First();
  const Identity owner = bound ? Identity{getuid(), geteuid(), getegid(), {}} : Of(First());
  for (unsigned bits = 0; bits < 8; ++bits) {
    const UniqueName name = UniqueName::Mq();
    CreateAs(owner, name.str(), bits << 6);
    ExpectAccess(owner, name.str(), bits,
                 ("mode " + std::to_string(bits) + " for the owner").c_str());
  }
}

IPC_TEST(MqPermission, OwnersBitsAloneCountForTheOwner, clause::mq_open::perm_owner_class_wins) {
  const bool bound = PermissionsApply();
  const Identity owner = bound ? Identity{getuid(), geteuid(), getegid(), {}} : Of(First());
  const UniqueName name = UniqueName::Mq();
  CreateAs(owner, name.str(), 0066);
  ExpectAccess(owner, name.str(), 0, "mode 0066 as the owner");
  if (const auto user = bound ? OtherUser() : ThirdUser())
    ExpectAccess(Of(*user), name.str(), 6, "mode 0066 as another user");
}

IPC_TEST(MqPermission, GroupsBitsAloneCountForItsMembers,
         clause::mq_open::perm_group_class_and_supplementary) {
  const User owner = First(), user = Second();
  const Identity member{user.uid, user.uid, owner.gid, {}};
  const Identity supplementary{user.uid, user.uid, user.gid, {owner.gid}};
  const Identity stranger = Of(user);
  const struct {
    mode_t mode;
    unsigned group, other;
  } kRows[] = {{0604, 0, 4}, {0640, 4, 0}, {0626, 2, 6}};
  for (const auto& row : kRows) {
    const UniqueName name = UniqueName::Mq();
    CreateAs(Of(owner), name.str(), row.mode);
    ExpectAccess(member, name.str(), row.group, "as a member by effective group");
    ExpectAccess(supplementary, name.str(), row.group, "as a member by supplementary group");
    ExpectAccess(stranger, name.str(), row.other, "as no member");
  }
}

IPC_TEST(MqPermission, EffectiveIdentityCounts, clause::mq_open::perm_effective_ids_used) {
  const User owner = First(), stranger = Second();
  const UniqueName name = UniqueName::Mq();
  CreateAs(Of(owner), name.str(), 0600);
  EXPECT_THAT(OpenAs({owner.uid, stranger.uid, stranger.gid, {}}, name.str(), O_RDWR),
              Fails(EACCES))
      << "only the real user is the owner";
  EXPECT_THAT(OpenAs({stranger.uid, owner.uid, stranger.gid, {}}, name.str(), O_RDWR), Succeeds())
      << "the effective user is the owner";
}

IPC_TEST(MqPermission, PrivilegeBypassesTheBits, clause::mq_open::perm_privileged_bypass) {
  if (PermissionsApply())
    Unsupported(
        "no privilege for file access here (CAP_DAC_OVERRIDE): permission bits bind this process");
  const User owner = First();
  const UniqueName name = UniqueName::Mq();
  CreateAs(Of(owner), name.str(), 0);
  for (int mode : kModes) {
    const CallResult opened = CALL(mq_open(name.c_str(), mode));
    const Mqd q(opened);
    EXPECT_THAT(opened, Succeeds()) << NameOfMode(mode);
  }
}

IPC_TEST(MqPermission, CreatForAnExistingQueueIsCheckedToo,
         clause::mq_open::perm_creat_on_existing_still_checked) {
  const User stranger = First();
  Queue q(2, 16, O_RDWR, 0600);
  const std::string name = q.name();
  EXPECT_THAT(As(Of(stranger),
                 [&] {
                   return CALL(mq_open(name.c_str(), O_CREAT | O_RDWR, 0666,
                                       static_cast<mq_attr*>(nullptr)));
                 }),
              Fails(EACCES));
}

IPC_TEST(MqPermission, SettledWhenTheQueueIsOpened, clause::mq_open::perm_checked_only_at_open) {
  const User stranger = First();
  Queue q(2, 16, O_RDWR, 0600);
  const mqd_t mqd = q.get();
  const std::string name = q.name();
  EXPECT_THAT(As(Of(stranger),
                 [&] {
                   EXPECT_THAT(CALL(mq_send(mqd, "old", 3, 0)), SucceedsWith(0))
                       << "through the descriptor opened before";
                   EXPECT_EQ(ReceiveOne(mqd).text, "old");
                   mq_attr attr{};
                   EXPECT_THAT(CALL(mq_setattr(mqd, &attr, nullptr)), SucceedsWith(0));
                   return CALL(mq_open(name.c_str(), O_RDWR));
                 }),
              Fails(EACCES))
      << "a new open";
}

// Creation can be denied where names lie in a directory whose mode can be changed: in an IPC
// namespace of our own under Linux.
IPC_TEST(MqPermission, CreationThatIsNotPermittedFails,
         clause::mq_open::perm_creation_denied_eacces) {
  const User user = First();
  const std::string mount_point = ScratchDirForAll();
  const UniqueName name = UniqueName::Mq();
  EXPECT_THAT(
      As({geteuid(), geteuid(), getegid(), {}},
         [&] {
           EnterPrivateNamespaces(os::kIpc | os::kMounts);
           if (os::Mount("mqueue", mount_point, {}) != 0 || chmod(mount_point.c_str(), 0755) != 0) {
             Unsupported(
                 "everybody may create queues, and the mqueue file system can't be mounted to "
                 "change that");
           }
           Become(user);
           mq_attr attr = Sized(2, 16);
           return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, &attr));
         }),
      Fails(EACCES));
}

IPC_TEST(MqPermission, UmaskIsApplied, clause::mq_open::create_mode_filtered_by_umask,
         regression::linux_umask_not_applied) {
  const bool bound = PermissionsApply();
  const Identity owner = bound ? Identity{getuid(), geteuid(), getegid(), {}} : Of(First());
  const auto other = bound ? OtherUser() : ThirdUser();
  const struct {
    mode_t mask, mode;
    unsigned owners, others;
  } kRows[] = {{0, 0666, 6, 6},    {077, 0666, 6, 0},  {022, 0666, 6, 4},
               {0244, 0666, 4, 2}, {0426, 0646, 2, 0}, {0777, 0777, 0, 0}};
  for (const auto& row : kRows) {
    const UniqueName name = UniqueName::Mq();
    CreateAs(owner, name.str(), row.mode, row.mask);
    ExpectAccess(owner, name.str(), row.owners, "as the owner");
    if (other) ExpectAccess(Of(*other), name.str(), row.others, "as another user");
  }
}

IPC_TEST(MqCreate, OwnerIsTheEffectiveUser, clause::mq_open::create_owner_is_effective_uid) {
  const User owner = First(), stranger = Second();
  const UniqueName name = UniqueName::Mq();
  CreateAs({geteuid(), owner.uid, owner.gid, {}}, name.str(), 0600);
  EXPECT_THAT(OpenAs(Of(owner), name.str(), O_RDWR), Succeeds());
  EXPECT_THAT(OpenAs(Of(stranger), name.str(), O_RDWR), Fails(EACCES));
}

// Directories in which the names of queues are known to be visible.
constexpr const char* kPlaces[] = {"/dev/mqueue", "/mnt/mqueue", "/var/mqueue"};

bool OpensForGroupOfPlace(const User& user, const std::string& name) {
  for (const char* place : kPlaces) {
    struct stat directory {};
    if (stat(place, &directory) != 0 || access((place + name).c_str(), F_OK) != 0) continue;
    return OpenAs({user.uid, user.uid, directory.st_gid, {}}, name, O_RDWR).ok();
  }
  return false;
}

IPC_TEST(MqCreate, GroupIsTheEffectiveGroup, clause::mq_open::create_group_is_effective_gid) {
  const User owner = First(), user = Second();
  const UniqueName name = UniqueName::Mq();
  CreateAs(Of(owner), name.str(), 0060);
  const CallResult opened = OpenAs({user.uid, user.uid, owner.gid, {}}, name.str(), O_RDWR);
  // A queue whose name is visible in a directory may have the directory's group instead.
  if (opened.failed_with(EACCES) && OpensForGroupOfPlace(user, name.str()))
    Unsupported("queues have the group of the directory of their names here");
  EXPECT_THAT(opened, Succeeds()) << "as a member of the creator's effective group";
  EXPECT_THAT(OpenAs(Of(user), name.str(), O_RDWR), Fails(EACCES)) << "as no member";
}

IPC_TEST(MqUnlink, OfAnothersQueueFails, clause::mq_unlink::error_eacces,
         clause::mq_unlink::error_failure_leaves_queue) {
  const User stranger = First();
  const ScopedUmask none(0);
  Queue q(3, 16, O_RDWR, 0666);
  Put(q, "kept", 1);
  const std::string name = q.name();
  {
    const ForClause scope(clause::mq_unlink::error_eacces);
    const CallResult removed = As(Of(stranger), [&] { return CALL(mq_unlink(name.c_str())); });
    // Who has permission to unlink a queue is the platform's rule.
    if (removed.ok()) Unsupported("the rules of this platform let others unlink a queue");
    EXPECT_THAT(removed, Fails(EACCES));
  }
  const ForClause scope(clause::mq_unlink::error_failure_leaves_queue);
  const CallResult opened = CALL(mq_open(name.c_str(), O_RDWR));
  const Mqd again(opened);
  EXPECT_THAT(opened, Succeeds());
  if (!opened.ok()) return;
  EXPECT_EQ(AttributesOf(again).mq_maxmsg, 3);
  EXPECT_EQ(Drain(again), (Messages{{"kept", 1}}));
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
