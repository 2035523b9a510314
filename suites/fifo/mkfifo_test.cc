// mkfifo(), and what mkfifoat() and mknod() share with it: what a new FIFO is.
#include <grp.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/makers.h"
#include "suites/fifo/place.h"

namespace ipcsuite::fifo_suite {
namespace {

IPC_TEST(Mkfifo, MakesAFifoWithOneLink, clause::mkfifo::type, clause::mkfifoat::relative,
         clause::mknod::fifo) {
  TestDir dir;
  for (const Maker& maker : kMakers) {
    SCOPED_TRACE(maker.name);
    ForClause charged(maker.charged(clause::mkfifo::type));
    const std::string path = dir / maker.name;
    EXPECT_THAT(CALL(maker.make(path.c_str(), 0600)), SucceedsWith(0));
    struct stat st {};
    EXPECT_THAT(CALL(stat(path.c_str(), &st)), SucceedsWith(0)) << "stat must not wait for a peer";
    EXPECT_TRUE(S_ISFIFO(st.st_mode));
    EXPECT_EQ(st.st_nlink, 1u);
  }
}

struct ModeCase {
  const char* name;
  mode_t mode, umask;
  Claims claims = {clause::mkfifo::mode_and_umask, clause::mknod::fifo};
};
const ModeCase kModes[] = {
    {"AllBitsNoMask", 0777, 0},
    {"AllBitsUsualMask", 0777, 022},
    {"AllBitsPrivateMask", 0777, 077},
    {"ReadWriteUsualMask", 0666, 022},
    {"NoBits", 0, 0},
    {"MaskOfAllBits", 0777, 0777},
    {"OddBitsOddMask", 0527, 0251},
    {"MaskBeyondMode", 0200, 0577},
};
IPC_TABLE_TEST(MkfifoMode, ModeCase, kModes) {
  TestDir dir;
  for (const Maker& maker : kMakers) {
    SCOPED_TRACE(maker.name);
    ForClause charged(maker.charged(clause::mkfifo::mode_and_umask));
    const std::string path = dir / maker.name;
    {
      ScopedUmask mask(row.umask);
      EXPECT_THAT(CALL(maker.make(path.c_str(), row.mode)), SucceedsWith(0));
    }
    EXPECT_EQ(Lstat(path).st_mode & 0777, row.mode & ~row.umask & 0777);
  }
}

IPC_TEST(Mkfifo, ModeBitsBeyondThePermissionsAreItsOwn, clause::mkfifo::other_mode_bits) {
  TestDir dir;
  const std::string path = dir / "f";
  const CallResult made = CALL(mkfifo(path.c_str(), S_ISUID | S_ISGID | S_ISVTX | 0600));
  Observe(clause::mkfifo::other_mode_bits, "mkfifo_with_suid_sgid_sticky", made);
  if (!made.ok()) return;
  const mode_t mode = Lstat(path).st_mode;
  std::string kept;
  if (mode & S_ISUID) kept += "S_ISUID ";
  if (mode & S_ISGID) kept += "S_ISGID ";
  if (mode & S_ISVTX) kept += "S_ISVTX ";
  Observe(clause::mkfifo::other_mode_bits, "mode_bits_kept",
          kept.empty() ? std::string("none") : kept.substr(0, kept.size() - 1));
}

// The group of a new FIFO in a directory that belongs to `group`, with S_ISGID and without. Which
// way gives it the directory's is the system's choice (and a system may drop S_ISGID in chmod()).
void JudgeGroup(const TestDir& dir, gid_t group) {
  for (const mode_t extra : {mode_t{0}, mode_t{S_ISGID}}) {
    dir.Chmod(extra | 0700);
    const std::string path = dir / (extra ? "setgid" : "plain");
    ASSERT_THAT(CALL(mkfifo(path.c_str(), 0600)), SucceedsWith(0));
    const gid_t got = Lstat(path).st_gid;
    EXPECT_TRUE(got == group || got == getegid()) << "group " << got << ", directory's " << group;
    Observe(clause::mkfifo::owner, extra ? "group_in_setgid_directory" : "group_in_plain_directory",
            std::string_view(got == group ? "of the directory" : "effective group"));
  }
}

IPC_TEST(Mkfifo, BelongsToTheEffectiveUser, clause::mkfifo::owner) {
  TestDir dir;
  const std::string path = dir / "f";
  ASSERT_THAT(CALL(mkfifo(path.c_str(), 0600)), SucceedsWith(0));
  const struct stat st = Lstat(path);
  EXPECT_EQ(st.st_uid, geteuid());
  EXPECT_TRUE(st.st_gid == getegid() || st.st_gid == Stat(dir.path()).st_gid)
      << "group " << st.st_gid;
  // A directory of another group: one that this user may give away, or a supplementary one.
  std::vector<gid_t> groups(64);
  const int listed = getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(listed > 0 ? static_cast<std::size_t>(listed) : 0);
  for (gid_t any : {gid_t{65534}, gid_t{1}}) groups.push_back(any);
  for (gid_t group : groups) {
    if (group == getegid() || chown(dir.c_str(), static_cast<uid_t>(-1), group) != 0) continue;
    if (Stat(dir.path()).st_gid == group) return JudgeGroup(dir, group);
  }
  Evidence("no directory of another group can be made by this user");
}

IPC_TEST(Mkfifo, BelongsToAnotherUserThatMakesIt, clause::mkfifo::owner, clause::mknod::fifo) {
  const std::optional<User> other = OtherUser();
  if (!other) Unsupported("this user can't become another one");
  ScratchDirForAll();
  TestDir dir(0777);
  for (const Maker& maker : kMakers) {
    SCOPED_TRACE(maker.name);
    ForClause charged(maker.charged(clause::mkfifo::owner));
    const std::string path = dir / maker.name;
    Peer peer;
    const Call made = peer.start([&] {
      Become(*other);
      return CALL(maker.make(path.c_str(), 0600));
    });
    ASSERT_THAT(made.result(), SucceedsWith(0)) << "needs no privilege";
    const struct stat st = Lstat(path);
    EXPECT_EQ(st.st_uid, other->uid);
    EXPECT_TRUE(st.st_gid == other->gid || st.st_gid == Stat(dir.path()).st_gid)
        << "group " << st.st_gid;
  }
}

IPC_TEST(Mkfifo, MarksItsTimesAndThoseOfItsDirectory, clause::mkfifo::times, clause::mknod::fifo) {
  TestDir dir;
  for (const Maker& maker : kMakers) {
    SCOPED_TRACE(maker.name);
    ForClause charged(maker.charged(clause::mkfifo::times));
    const struct stat before = Stat(dir.path());
    const timespec past = Later(before.st_mtim, before.st_ctim) ? before.st_mtim : before.st_ctim;
    FileClockAfter(past);
    const std::string path = dir / maker.name;
    ASSERT_THAT(CALL(maker.make(path.c_str(), 0600)), SucceedsWith(0));
    const struct stat made = Lstat(path), after = Stat(dir.path());
    EXPECT_TRUE(Later(made.st_atim, past)) << "access: " << ToString(made.st_atim);
    EXPECT_TRUE(Later(made.st_mtim, past)) << "modification: " << ToString(made.st_mtim);
    EXPECT_TRUE(Later(made.st_ctim, past)) << "status change: " << ToString(made.st_ctim);
    EXPECT_TRUE(Later(after.st_mtim, past))
        << "directory, modification: " << ToString(after.st_mtim);
    EXPECT_TRUE(Later(after.st_ctim, past))
        << "directory, status change: " << ToString(after.st_ctim);
  }
}

IPC_TEST(Mkfifo, NameWithNewlineIsItsOwnChoice, clause::mkfifo::unportable_name) {
  TestDir dir;
  const std::string path = dir / "two\nlines";
  const CallResult made = CALL(mkfifo(path.c_str(), 0600));
  EXPECT_THAT(made, SucceedsOrFailsWith(EILSEQ));
  Observe(clause::mkfifo::unportable_name, "mkfifo_name_with_newline", made);
  struct stat st {};
  if (!made.ok()) {
    EXPECT_THAT(CALL(lstat(path.c_str(), &st)), Fails(ENOENT));
  }
}

IPC_TEST(Mkfifo, PathBeyondPathMaxIsItsOwnChoice, clause::mkfifo::enametoolong) {
  TestDir dir;
  std::string path = dir.path();
  const long limit = pathconf(dir.c_str(), _PC_PATH_MAX);
  if (limit < 0) Unsupported("{PATH_MAX} is unlimited here");
  if (limit > 1'000'000) Unsupported("{PATH_MAX} is too large to go beyond");
  while (path.size() <= static_cast<std::size_t>(limit)) path += "/.";
  path += "/f";
  const CallResult made = CALL(mkfifo(path.c_str(), 0600));
  EXPECT_THAT(made, SucceedsOrFailsWith(ENAMETOOLONG));
  Observe(clause::mkfifo::enametoolong, "mkfifo_path_above_path_max", made);
  struct stat st {};
  if (!made.ok()) {
    EXPECT_THAT(CALL(lstat((dir / "f").c_str(), &st)), Fails(ENOENT));
  }
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
