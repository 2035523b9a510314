#include "spec/clause.h"

// Headers whose macros a constant could collide with: the constants come after them on purpose.
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <set>
#include <string>

#include "spec/clauses/fifo.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_attr.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/pipe_poll.h"
#include "spec/clauses/pshared.h"
#include "spec/clauses/sem.h"
#include "spec/clauses/shm.h"
#include "spec/regressions/mqueue.h"

namespace ipcsuite {
namespace {

TEST(Clauses, ConstantNamesTheClauseOfItsId) {
  EXPECT_EQ(Get(clause::mq_send::full_eagain).id, "mq_send.full.eagain");
  EXPECT_EQ(Get(clause::pipe::create_two_ends).id, "pipe.create.two_ends");
  EXPECT_EQ(Get(clause::pipe::create_two_ends).interface, "pipe");
  EXPECT_EQ(Get(clause::pipe::create_two_ends).function, "pipe");
}

TEST(Clauses, EveryEntryIsCompleteAndFoundById) {
  std::set<std::string_view> ids;
  for (const Clause& entry : AllClauses()) {
    SCOPED_TRACE(entry.id);
    EXPECT_TRUE(ids.insert(entry.id).second);
    EXPECT_EQ(Find(entry.id), &entry);
    EXPECT_EQ(&Get(RefOf(entry)), &entry);
    EXPECT_FALSE(entry.function.empty());
    EXPECT_FALSE(entry.source.empty());
    EXPECT_FALSE(entry.level.empty());
    EXPECT_FALSE(entry.requires_text.empty());
    EXPECT_FALSE(entry.test_hint.empty() && entry.untestable.empty());
    EXPECT_NE(entry.issues, 0u);
    EXPECT_EQ(entry.issues & ~(kIssue7 | kIssue8), 0u);
    EXPECT_FALSE(SuiteOf(entry).empty());
    EXPECT_EQ(IssuesRead(entry) & ~entry.issues, 0u);
    EXPECT_EQ(entry.decides.empty(), entry.readings.empty());
    EXPECT_EQ(TextRead(entry) == "unread", entry.text == 0);
  }
  EXPECT_GE(ids.size(), 900u);
}

TEST(Clauses, UnknownIdIsNotFound) {
  EXPECT_EQ(Find(""), nullptr);
  EXPECT_EQ(Find("mq_send"), nullptr);
  EXPECT_EQ(Find("mq_send.full.eagai"), nullptr);
  EXPECT_EQ(Find("zzz.zzz"), nullptr);
}

TEST(ClausesDeathTest, UnknownReferenceEndsTheProgram) {
  EXPECT_DEATH(Get(ClauseRef{"zzz.zzz"}), "'zzz.zzz' is not in the catalogue");
}

TEST(Clauses, EveryKindHasAName) {
  for (const Kind kind : AllKinds()) EXPECT_EQ(KindFromString(ToString(kind)), kind);
  EXPECT_EQ(ToString(Kind::kShallError), "shall-error");
  EXPECT_EQ(KindFromString("shal"), std::nullopt);
}

TEST(Clauses, OnlyRequirementsCanFailAPlatform) {
  EXPECT_TRUE(IsRequirement(Kind::kShall));
  EXPECT_TRUE(IsRequirement(Kind::kShallError));
  EXPECT_TRUE(IsRequirement(Kind::kLimit));
  EXPECT_FALSE(IsRequirement(Kind::kMayError));
  EXPECT_FALSE(IsRequirement(Kind::kShould));
  EXPECT_FALSE(IsRequirement(Kind::kUnspecified));
  EXPECT_FALSE(IsRequirement(Kind::kImplementationDefined));
}

TEST(Clauses, SuiteIsThatOfTheFolderWithItsTests) {
  const auto suite = [](std::string_view interface) {
    Clause entry{};
    entry.interface = interface;
    return std::string(SuiteOf(entry));
  };
  EXPECT_EQ(suite("pipe"), "pipe");
  EXPECT_EQ(suite("pipe_io"), "pipe");
  EXPECT_EQ(suite("pipe_attr"), "pipe");
  EXPECT_EQ(suite("pipe_poll"), "poll");
  EXPECT_EQ(suite("fifo"), "fifo");
  EXPECT_EQ(suite("mqueue"), "mqueue");
}

TEST(Regressions, EveryEntryIsCompleteAndFoundById) {
  EXPECT_FALSE(AllRegressions().empty());
  for (const Regression& entry : AllRegressions()) {
    SCOPED_TRACE(entry.id);
    EXPECT_EQ(FindRegression(entry.id), &entry);
    EXPECT_EQ(&Get(RefOf(entry)), &entry);
    EXPECT_THAT(std::string(entry.status), testing::AnyOf("open", "fixed", "historical"));
    EXPECT_FALSE(entry.trigger.empty());
    EXPECT_FALSE(entry.wrong_result.empty());
    for (const ClauseRef ref : entry.clauses) EXPECT_NE(Find(ref.id), nullptr) << ref.id;
  }
  EXPECT_EQ(FindRegression("linux.no_such_bug"), nullptr);
}

TEST(Regressions, ConstantNamesTheRegressionAndItsClauses) {
  const Regression& entry = Get(regression::linux_negative_tv_sec_einval);
  EXPECT_EQ(entry.id, "linux.negative_tv_sec_einval");
  EXPECT_EQ(entry.interface, "mqueue");
  ASSERT_EQ(entry.clauses.size(), 2u);
  EXPECT_EQ(entry.clauses[0], clause::mq_timedsend::timeout_negative_seconds);
  EXPECT_EQ(entry.clauses[1].id, "mq_timedreceive.timeout.negative_seconds");
}

}  // namespace
}  // namespace ipcsuite
