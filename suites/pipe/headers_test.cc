// <fcntl.h>: the constants that programs with pipes and FIFOs are promised.
#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"

namespace ipcsuite::pipe_suite {
namespace {

// What a name expands to: itself when it is not a macro.
struct Constant {
  std::string_view name, expansion;
  bool defined() const { return name != expansion; }
};
#define IPC_TEXT(name) #name
#define IPC_CONSTANT(name) \
  Constant { #name, IPC_TEXT(name) }

struct Group {
  const char* name;
  std::vector<Constant> constants;
  Claims claims = {clause::fcntl_h::constants};
};
const Group kGroups[] = {
    {"Commands",
     {IPC_CONSTANT(F_DUPFD), IPC_CONSTANT(F_DUPFD_CLOEXEC), IPC_CONSTANT(F_GETFD),
      IPC_CONSTANT(F_SETFD), IPC_CONSTANT(F_GETFL), IPC_CONSTANT(F_SETFL), IPC_CONSTANT(F_GETLK),
      IPC_CONSTANT(F_SETLK), IPC_CONSTANT(F_SETLKW), IPC_CONSTANT(F_GETOWN),
      IPC_CONSTANT(F_SETOWN)}},
    {"DescriptorFlagsAndLocks",
     {IPC_CONSTANT(FD_CLOEXEC), IPC_CONSTANT(F_RDLCK), IPC_CONSTANT(F_UNLCK),
      IPC_CONSTANT(F_WRLCK)}},
    {"CreationFlags",
     {IPC_CONSTANT(O_CLOEXEC), IPC_CONSTANT(O_CREAT), IPC_CONSTANT(O_DIRECTORY),
      IPC_CONSTANT(O_EXCL), IPC_CONSTANT(O_NOCTTY), IPC_CONSTANT(O_NOFOLLOW),
      IPC_CONSTANT(O_TRUNC)}},
    {"FlagsForTerminals", {IPC_CONSTANT(O_TTY_INIT)}},
    {"StatusFlags", {IPC_CONSTANT(O_APPEND), IPC_CONSTANT(O_NONBLOCK), IPC_CONSTANT(O_SYNC)}},
    {"AccessModes",
     {IPC_CONSTANT(O_ACCMODE), IPC_CONSTANT(O_RDONLY), IPC_CONSTANT(O_RDWR),
      IPC_CONSTANT(O_WRONLY)}},
    {"AccessModesForExecAndSearch", {IPC_CONSTANT(O_EXEC), IPC_CONSTANT(O_SEARCH)}},
    {"AtFunctions",
     {IPC_CONSTANT(AT_FDCWD), IPC_CONSTANT(AT_EACCESS), IPC_CONSTANT(AT_SYMLINK_NOFOLLOW),
      IPC_CONSTANT(AT_SYMLINK_FOLLOW), IPC_CONSTANT(AT_REMOVEDIR)}},
    {"DescriptorsThatForkCloses",
     {IPC_CONSTANT(FD_CLOFORK), IPC_CONSTANT(O_CLOFORK), IPC_CONSTANT(F_DUPFD_CLOFORK),
      IPC_CONSTANT(POSIX_CLOSE_RESTART)},
     {clause::fcntl_h::clofork}},
};

// A promise of Issue 8 binds those that claim it.
void NeedClaim(const Group& group) {
  if (std::string_view(group.name) != "DescriptorsThatForkCloses") return;
  if (_POSIX_VERSION < 202405L)
    Unsupported("this system claims POSIX.1-" + std::to_string(_POSIX_VERSION / 100) +
                " (_POSIX_VERSION), which does not have them");
}

IPC_TABLE_TEST(FcntlHeader, Group, kGroups) {
  NeedClaim(row);
  std::string missing;
  for (const Constant& constant : row.constants) {
    if (!constant.defined()) missing += (missing.empty() ? "" : ", ") + std::string(constant.name);
  }
  NoteChecks();
  EXPECT_EQ(missing, "") << "<fcntl.h> (or <unistd.h>) does not define them";
}

IPC_TEST(FcntlHeader, FlagsAreBitwiseDistinct, clause::fcntl_h::constants) {
  int all = 0;
  for (const int flag : {O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_TRUNC}) {
    NoteChecks();
    EXPECT_EQ(all & flag, 0) << "a flag shares bits with one before: " << flag;
    all |= flag;
  }
  EXPECT_EQ(std::set<int>({F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK,
                           F_SETLK, F_SETLKW, F_GETOWN, F_SETOWN})
                .size(),
            11u)
      << "commands of fcntl() are unique";
  EXPECT_EQ(std::set<int>({O_RDONLY, O_WRONLY, O_RDWR}).size(), 3u) << "access modes are unique";
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
