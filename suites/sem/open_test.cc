// sem_open(): names, handles, flags and values.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/peers/start_line.h"
#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

IPC_TEST(SemOpen, HandleWorksInEveryFunction, clause::sem_open::usable_handle,
         clause::sem_open::ret) {
  const UniqueName name = UniqueName::Sem();
  const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1));
  ASSERT_THAT(opened, Succeeds());
  NoteChecksOf(clause::sem_open::ret);
  sem_t* const sem = ToSem(opened);
  for (const Way way : AllWays()) {
    EXPECT_THAT(WaitBy(way, sem), SucceedsWith(0)) << ToString(way);
    EXPECT_THAT(CALL(sem_post(sem)), SucceedsWith(0));
  }
  EXPECT_THAT(CALL(sem_trywait(sem)), SucceedsWith(0));
  EXPECT_EQ(ValueOf(sem), 0);
  EXPECT_THAT(CALL(sem_close(sem)), SucceedsWith(0));
}

// Opens the semaphore by its name with O_CREAT (another value) or 0, and posts or takes.
IPC_ROLE(use_semaphore_by_name) {
  const int oflag = args[1] == "create" ? O_CREAT : 0;
  sem_t* const sem = sem_open(args[0].c_str(), oflag, 0600, 77);
  if (sem == SEM_FAILED) return 10;
  int value = -1;
  if (sem_getvalue(sem, &value) != 0) return 11;
  self.Say(std::to_string(value));
  if (args[2] == "post" && sem_post(sem) != 0) return 12;
  if (args[2] == "take" && sem_trywait(sem) != 0) return 13;
  return sem_close(sem) == 0 ? 0 : 14;
}

IPC_TEST(SemOpen, SameNameIsTheSameSemaphoreInAnotherProgram, clause::sem_open::name_same_object,
         clause::sem_open::name_other_process_connects) {
  const Semaphore sem(SemKind::kNamed, 3);
  ExecSelf poster("use_semaphore_by_name", {sem.name(), "plain", "post"});
  EXPECT_EQ(poster.Wait(), 0) << "10: sem_open() without O_CREAT failed, 12: sem_post() failed";
  EXPECT_EQ(poster.said(), "3\n");
  EXPECT_EQ(ValueOf(sem), 4);
  ExecSelf taker("use_semaphore_by_name", {sem.name(), "create", "take"});
  EXPECT_EQ(taker.Wait(), 0) << "10: sem_open() with O_CREAT failed, 13: sem_trywait() failed";
  EXPECT_EQ(taker.said(), "4\n");
  EXPECT_EQ(ValueOf(sem), 3);
  NoteChecksOfAll();
}

IPC_TEST(SemOpen, RepeatedOpensReturnTheSameAddress, clause::sem_open::same_address,
         clause::sem_open::same_or_unique_handle) {
  const Semaphore sem(SemKind::kNamed, 2);
  const OpenSemaphore second(CALL_SEM(sem_open(sem.name(), 0)));
  const OpenSemaphore third(CALL_SEM(sem_open(sem.name(), O_CREAT, 0600, 9)));
  Observe(clause::sem_open::same_or_unique_handle, "repeated opens",
          second.get() == sem.get() ? "one address" : "different addresses");
  {
    const ForClause scope(clause::sem_open::same_address);
    if (JudgedIssue() == 7) {
      EXPECT_EQ(second.get(), sem.get());
      EXPECT_EQ(third.get(), sem.get());
    }
    Post(second);
    EXPECT_EQ(ValueOf(third), 3) << "each handle is of the one semaphore";
  }
}

// Also once an earlier open has been closed, since another is not.
IPC_TEST(SemOpen, AddressStaysWhileOneOpenIsLeft, clause::sem_open::same_address,
         clause::sem_open::refcount) {
  Semaphore sem(SemKind::kNamed, 1);
  sem_t* const first = sem;
  OpenSemaphore second(CALL_SEM(sem_open(sem.name(), 0)));
  OpenSemaphore third(CALL_SEM(sem_open(sem.name(), 0)));
  sem.Close();
  second.Close();
  {
    const ForClause scope(clause::sem_open::refcount);
    EXPECT_THAT(CALL(sem_post(third)), SucceedsWith(0));
    EXPECT_EQ(ValueOf(third), 2);
  }
  const OpenSemaphore again(CALL_SEM(sem_open(sem.name(), 0)));
  if (JudgedIssue() == 7) {
    EXPECT_EQ(again.get(), first);
  }
  third.Close();
  EXPECT_THAT(CALL(sem_trywait(again)), SucceedsWith(0));
  EXPECT_EQ(ValueOf(again), 1);
}

IPC_TEST(SemOpen, NewSemaphoreAfterUnlink, clause::sem_open::new_after_unlink) {
  const UniqueName name = UniqueName::Sem();
  const OpenSemaphore old(Setup(CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 3))));
  Setup(CALL(sem_unlink(name.c_str())));
  const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT, 0600, 7));
  ASSERT_THAT(opened, Succeeds());
  const OpenSemaphore fresh(opened);
  EXPECT_NE(fresh.get(), old.get());
  EXPECT_EQ(ValueOf(fresh), 7);
  EXPECT_EQ(ValueOf(old), 3);
  Post(fresh);
  EXPECT_EQ(ValueOf(old), 3) << "a post to the new one";
  Post(old, 2);
  EXPECT_EQ(ValueOf(fresh), 8) << "a post to the old one";
  EXPECT_EQ(ValueOf(old), 5);
  const OpenSemaphore again(CALL_SEM(sem_open(name.c_str(), 0)));
  EXPECT_EQ(ValueOf(again), 8) << "the name is the new one's";
}

IPC_TEST(SemOpen, HandleOutlivesTheName, clause::sem_open::usable_until) {
  const Semaphore sem(SemKind::kNamed, 1);
  Peer other;
  EXPECT_THAT(other.start([&] { return CALL(sem_unlink(sem.name())); }).result(), SucceedsWith(0));
  EXPECT_THAT(CALL(sem_wait(sem)), SucceedsWith(0));
  EXPECT_THAT(CALL(sem_post(sem)), SucceedsWith(0));
  EXPECT_EQ(ValueOf(sem), 1);
}

struct ValueRow {
  const char* name;
  Claims claims;
  unsigned value;
};
const ValueRow kValues[] = {
    {"Zero", {clause::sem_open::creat_value}, 0},
    {"One", {clause::sem_open::creat_value}, 1},
    {"SmallestMaximum", {clause::sem_open::creat_value}, 32767},
    {"Maximum", {clause::sem_open::creat_value}, ValueMax()},
};
IPC_TABLE_TEST(SemOpenInitialValue, ValueRow, kValues) {
  const UniqueName name = UniqueName::Sem();
  const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, row.value));
  ASSERT_THAT(opened, Succeeds());
  const OpenSemaphore sem(opened);
  EXPECT_EQ(ValueOf(sem), static_cast<int>(row.value));
  if (row.value <= 32767) {
    EXPECT_EQ(Drain(sem), static_cast<int>(row.value));
  }
}

IPC_TEST(SemOpen, CreateHasNoEffectOnAnExistingOne, clause::sem_open::creat_existing_ignored) {
  const Semaphore sem(SemKind::kNamed, 3);
  {
    const OpenSemaphore again(CALL_SEM(sem_open(sem.name(), O_CREAT, 0, 9)));
    ASSERT_TRUE(again.get());
    EXPECT_EQ(ValueOf(again), 3);
  }
  EXPECT_EQ(ValueOf(sem), 3);
  const CallResult opened = CALL_SEM(sem_open(sem.name(), 0));
  const OpenSemaphore closes(opened);
  EXPECT_THAT(opened, Succeeds()) << "its mode was changed";
  const UniqueName other = UniqueName::Sem();
  Peer peer;  // the same when nobody has it open
  Setup(peer.start([&] { return CALL_SEM(sem_open(other.c_str(), O_CREAT | O_EXCL, 0600, 5)); })
            .result());
  const OpenSemaphore later(CALL_SEM(sem_open(other.c_str(), O_CREAT, 0, 8)));
  ASSERT_TRUE(later.get());
  EXPECT_EQ(ValueOf(later), 5);
}

struct NameRow {
  const char* name;
  Claims claims;
  ClauseRef clause;
  const char* form;  // '%' stands for the unique part
};
const NameRow kNames[] = {
    {"NoLeadingSlash",
     {clause::sem_open::name_no_leading_slash},
     clause::sem_open::name_no_leading_slash,
     "%"},
    {"TwoLeadingSlashes",
     {clause::sem_open::name_embedded_slash},
     clause::sem_open::name_embedded_slash,
     "//%"},
    {"EmbeddedSlash",
     {clause::sem_open::name_embedded_slash},
     clause::sem_open::name_embedded_slash,
     "/%/x"},
    {"TrailingSlash",
     {clause::sem_open::name_embedded_slash},
     clause::sem_open::name_embedded_slash,
     "/%/"},
    {"Empty", {clause::sem_open::err_einval_name}, clause::sem_open::err_einval_name, ""},
    {"Slash", {clause::sem_open::err_einval_name}, clause::sem_open::err_einval_name, "/"},
    {"Dot", {clause::sem_open::err_einval_name}, clause::sem_open::err_einval_name, "/."},
    {"DotDot", {clause::sem_open::err_einval_name}, clause::sem_open::err_einval_name, "/.."},
};
IPC_TABLE_TEST(SemOpenName, NameRow, kNames) {
  const UniqueName unique = UniqueName::Sem();
  std::string name = row.form;
  if (const std::size_t at = name.find('%'); at != std::string::npos)
    name.replace(at, 1, unique.str().substr(1));
  RegisterName(NameEntry::kSem, name);
  const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 4));
  const OpenSemaphore sem(opened);
  Observe(row.clause, "sem_open() of the form \"" + std::string(row.form) + "\"", opened);
  if (!opened.ok()) {
    NoteChecks();
    EXPECT_NE(opened.error, 0) << "a failure sets errno";
    return;
  }
  EXPECT_EQ(ValueOf(sem), 4);
  Observe(row.clause, "sem_unlink() of the form \"" + std::string(row.form) + "\"",
          CALL(sem_unlink(name.c_str())));
}

IPC_TEST(SemOpenName, VisibleInTheFileSystem, clause::sem_open::name_visible_in_fs) {
  const Semaphore sem(SemKind::kNamed);
  const std::string name = sem.name();
  Observe(clause::sem_open::name_visible_in_fs, "a file of that path",
          access(name.c_str(), F_OK) == 0 ? "yes" : "no");
}

IPC_TEST(SemOpenName, Lengths, clause::sem_open::name_length_limits,
         clause::sem_open::err_enametoolong, clause::sem_unlink::err_enametoolong,
         clause::sem_unlink::err_no_enametoolong_after_open) {
  const UniqueName unique = UniqueName::Sem();
  std::size_t longest = 0;
  for (const std::size_t length :
       {60u, 100u, 240u, 249u, 250u, 251u, 252u, 254u, 255u, 256u, 1000u, 4095u, 4096u, 5000u}) {
    std::string name = unique.str();
    name.resize(length, 'n');
    std::string twin = name;
    twin.back() = 'm';
    const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1));
    const OpenSemaphore sem(opened);
    if (opened.ok()) {
      longest = length;
      {
        const ForClause scope(clause::sem_open::name_length_limits);
        EXPECT_THAT(CALL_SEM(sem_open(twin.c_str(), 0)), Fails(ENOENT))
            << "a name of " << length << " bytes that differs in the last one";
      }
      const ForClause scope(clause::sem_unlink::err_no_enametoolong_after_open);
      EXPECT_THAT(CALL(sem_unlink(name.c_str())), SucceedsWith(0)) << length << " bytes";
    } else {
      const std::string key = std::to_string(length) + " bytes";
      Observe(clause::sem_open::err_enametoolong, key, opened);
      Observe(clause::sem_unlink::err_enametoolong, key, CALL(sem_unlink(name.c_str())));
    }
  }
  Observe(clause::sem_open::name_length_limits, "longest of the lengths tried", longest);
}

IPC_TEST(SemOpen, OtherFlags, clause::sem_open::oflag_other) {
  const Semaphore sem(SemKind::kNamed, 1);
  const CallResult opened = CALL_SEM(sem_open(sem.name(), O_RDWR));
  const OpenSemaphore closes(opened);
  Observe(clause::sem_open::oflag_other, "O_RDWR", opened);
}

// ---- Races for one name

IPC_TEST(SemOpenRace, ExclusiveCreationHasOneWinner, clause::sem_open::excl_atomic) {
  constexpr unsigned kContenders = 4;
  constexpr int kRounds = 25;
  const UniqueName name = UniqueName::Sem();
  Shared<StartLine> start;
  Shared<std::atomic<int>> winners;
  std::vector<Peer> peers(kContenders);
  std::vector<Call> calls;
  Shared<std::atomic<unsigned>> wrong;
  for (unsigned me = 1; me <= kContenders; ++me) {
    calls.push_back(peers[me - 1].start([&, me] {
      for (int round = 0; round < kRounds; ++round) {
        start->Wait(kContenders);
        const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, me));
        const OpenSemaphore sem(opened);
        if (opened.ok()) {
          winners->fetch_add(1);
          if (ValueOf(sem) != static_cast<int>(me)) wrong->fetch_add(1);
        } else {
          EXPECT_THAT(opened, Fails(EEXIST));
          // Who lost finds the winner's semaphore, with a value of a contender.
          const OpenSemaphore found(CALL_SEM(sem_open(name.c_str(), 0)));
          const int value = found ? ValueOf(found) : -1;
          if (value < 1 || value > static_cast<int>(kContenders)) wrong->fetch_add(1);
        }
        start->Wait(kContenders);
        if (me == 1) sem_unlink(name.c_str());
        start->Wait(kContenders);
      }
      return CALL(0);
    }));
  }
  for (const Call& call : calls) EXPECT_THAT(call.result(20s), Succeeds());
  EXPECT_EQ(winners->load(), kRounds);
  EXPECT_EQ(wrong->load(), 0u) << "semaphores with a value that nobody gave";
}

IPC_TEST(SemOpenRace, CreationByManyMakesOne, clause::sem_open::creat_concurrent_no_excl) {
  constexpr unsigned kContenders = 4;
  constexpr int kRounds = 25;
  const UniqueName name = UniqueName::Sem();
  Shared<StartLine> start;
  std::vector<Peer> peers(kContenders);
  std::vector<Call> calls;
  for (unsigned me = 0; me < kContenders; ++me) {
    calls.push_back(peers[me].start([&, me] {
      for (int round = 0; round < kRounds; ++round) {
        start->Wait(kContenders);
        const CallResult opened = CALL_SEM(sem_open(name.c_str(), O_CREAT, 0600, 5));
        EXPECT_THAT(opened, Succeeds()) << "round " << round;
        const OpenSemaphore sem(opened);
        if (sem) Post(sem);
        start->Wait(kContenders);
        if (me == 0) {
          if (sem) {
            EXPECT_EQ(ValueOf(sem), 5 + static_cast<int>(kContenders)) << "round " << round;
          }
          sem_unlink(name.c_str());
        }
        start->Wait(kContenders);
      }
      return CALL(0);
    }));
  }
  for (const Call& call : calls) EXPECT_THAT(call.result(20s), Succeeds());
}

}  // namespace
}  // namespace ipcsuite::sem_suite
