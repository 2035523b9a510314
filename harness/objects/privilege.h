// Privilege is probed, never assumed from a user id: a capability, a limit, or an attempt in a
// child.
#pragma once

#include <sys/types.h>

#include <optional>

namespace ipcsuite {

// True when the calling process can become this user and group (tried in a child; remembered).
bool CanBecome(uid_t uid, gid_t gid);

struct User {
  uid_t uid;
  gid_t gid;
};
// A user other than the caller that this process can become, mapped in its user namespace; none
// where it can't.
std::optional<User> OtherUser();
// Two different users, both other than the caller.
std::optional<User> ThirdUser();
// In a child: gives up groups and becomes the user for good; ends the peer as UNRESOLVED on
// failure. Restores what a change of user resets (death of the parent still ends the child).
void Become(User user);
// In a child: gives up what makes the caller exempt from checks (its capabilities), for good, and
// keeps its user and group. False when it is exempt all the same.
bool DropPrivilege();
// True when permission checks apply to the caller (no CAP_DAC_OVERRIDE): tried on a scratch file.
bool PermissionsApply();
// In a child: private namespaces (os::Isolation), for good. Ends the test as UNSUPPORTED where they
// are not available.
void EnterPrivateNamespaces(unsigned isolation);
// True when SCHED_FIFO is available (tried in a child).
bool CanUseRealtime();

}  // namespace ipcsuite
