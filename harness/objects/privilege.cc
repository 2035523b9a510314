#include "harness/objects/privilege.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <map>
#include <utility>

#include "base/os/os.h"
#include "harness/core/context.h"
#include "harness/core/names.h"

namespace ipcsuite {
namespace {

// True when `attempt`, made in a child, returns true.
bool Tried(const std::function<bool()>& attempt) {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) _exit(attempt() ? 0 : 1);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool Switch(User user) {
  // setgroups may be denied in a user namespace; then the groups are kept, which is harmless where
  // files are made with the caller's own group.
  (void)setgroups(0, nullptr);
  return setresgid(user.gid, user.gid, user.gid) == 0 &&
         setresuid(user.uid, user.uid, user.uid) == 0;
}

std::optional<User> NthOther(int n) {
  for (uid_t id : {65534u, 1u, 1000u, 2u}) {
    if (id == geteuid() || !CanBecome(id, id)) continue;
    if (n-- == 0) return User{id, id};
  }
  return std::nullopt;
}

}  // namespace

bool CanBecome(uid_t uid, gid_t gid) {
  static std::map<std::pair<uid_t, gid_t>, bool> known;
  auto [entry, fresh] = known.try_emplace({uid, gid}, false);
  if (fresh) entry->second = Tried([=] { return Switch(User{uid, gid}); });
  return entry->second;
}

std::optional<User> OtherUser() { return NthOther(0); }
std::optional<User> ThirdUser() { return NthOther(1); }

void Become(User user) {
  if (!Switch(user)) Unresolved("set-up failed: becoming user " + std::to_string(user.uid));
  NoteTrace(TraceEntry::Kind::kBecome, {user.uid, user.gid}, "becomes another user");
  os::StayObservable();  // so that the blocked probe may look
  os::DieWithParent();
}

bool DropPrivilege() {
  NoteTrace(TraceEntry::Kind::kOther, {}, "drops its privileges");
  os::DropCapabilities();
  return PermissionsApply();
}

bool PermissionsApply() {
  const std::string path = ScratchDir() + "/permission-probe";
  const int made = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0);
  if (made >= 0) close(made);
  const int again = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (again >= 0) close(again);
  unlink(path.c_str());
  return made >= 0 && again < 0;
}

void EnterPrivateNamespaces(unsigned isolation) {
  NoteTrace(TraceEntry::Kind::kOther, {}, "enters private namespaces");
  if (const Result<void> done = os::Isolate(isolation); !done) Unsupported(done.error());
}

bool CanUseRealtime() {
  static const bool can = Tried([] {
    sched_param param{};
    param.sched_priority = sched_get_priority_min(SCHED_FIFO) + 1;
    return sched_setscheduler(0, SCHED_FIFO, &param) == 0;
  });
  return can;
}

}  // namespace ipcsuite
