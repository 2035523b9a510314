// mq_open() of names and queues that exist: descriptions, names, access modes, errors.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

IPC_TEST(MqOpen, ReturnsMinusOneAndSetsErrnoOnFailure,
         clause::mq_open::basic_failure_returns_minus_one) {
  const UniqueName name = UniqueName::Mq();
  const CallResult opened = CALL(mq_open(name.c_str(), O_RDWR));
  if (opened.failed_with(ENOSYS)) Unsupported("mq_open() is absent here (ENOSYS)");
  EXPECT_THAT(opened, Fails(ENOENT));
  EXPECT_EQ(ToMqd(opened), kNoQueue);
}

IPC_TEST(MqOpen, EachOpenMakesADescriptionOfItsOwn, clause::mq_open::basic_separate_descriptions,
         clause::mq_open::oflag_nonblock_recorded) {
  Queue blocking;
  const Mqd nonblocking(blocking.OpenAgain(O_RDWR | O_NONBLOCK));
  const Mqd again(blocking.OpenAgain(O_RDWR));
  {
    const ForClause scope(clause::mq_open::oflag_nonblock_recorded);
    NoteChecks();
    EXPECT_FALSE(IsNonblocking(blocking));
    EXPECT_TRUE(IsNonblocking(nonblocking));
    EXPECT_FALSE(IsNonblocking(again));
  }
  EXPECT_NE(blocking.get(), nonblocking.get());
  // On the one set of messages: a waits through one description while the other refuses to wait.
  Receiver waiting(blocking);
  EXPECT_THAT(waiting.call(), Blocks());
  EXPECT_THAT(ReceiveOne(nonblocking).call, Fails(EAGAIN));
  EXPECT_THAT(waiting.call(), StaysBlocked());
  Put(nonblocking, "over");
  const CallResult got = waiting.call().result();
  EXPECT_THAT(got, SucceedsWith(4));
  EXPECT_EQ(waiting.text(got), "over");
}

IPC_TEST(MqOpen, NonblockFlagOfTheCreatingOpenIsRecorded,
         clause::mq_open::oflag_nonblock_recorded) {
  Queue q(4, 64, O_RDWR | O_NONBLOCK);
  EXPECT_TRUE(IsNonblocking(q));
  EXPECT_THAT(ReceiveOne(q).call, Fails(EAGAIN));
  Fill(q);
  EXPECT_THAT(CALL(mq_send(q, "x", 1, 0)), Fails(EAGAIN));
  const Mqd blocking(q.OpenAgain(O_RDWR));
  EXPECT_FALSE(IsNonblocking(blocking));
}

IPC_ROLE(mq_send_by_name) {
  const mqd_t q = mq_open(args[0].c_str(), O_WRONLY);
  return q != kNoQueue && mq_send(q, "unrelated", 9, 3) == 0 ? 0 : 1;
}

IPC_TEST(MqOpen, SameNameReachesTheSameQueueInAnUnrelatedProcess,
         clause::mq_open::name_leading_slash_same_object) {
  Queue q;
  ExecSelf other("mq_send_by_name", {q.name()});
  EXPECT_EQ(other.Wait(), 0) << "the other process could not open the name or send";
  NoteChecks();
  EXPECT_EQ(Drain(q), (Messages{{"unrelated", 3}}));
}

// Other strings are other names, also where only their ends differ.
IPC_TEST(MqOpen, NamesThatDifferAtTheirEndsAreDifferent,
         clause::mq_open::name_leading_slash_same_object) {
  for (std::size_t length : {14, 60, 250}) {
    std::string first = "/" + UniqueComponent(length), second = first;
    first.back() = '1', second.back() = '2';
    RegisterName(NameEntry::kMqueue, first);
    RegisterName(NameEntry::kMqueue, second);
    mq_attr attr = Sized(2, 16);
    const CallResult one = Patiently(
        [&] { return CALL(mq_open(first.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
    const Mqd a(one);
    if (one.failed_with(ENAMETOOLONG)) continue;
    const CallResult other = Patiently(
        [&] { return CALL(mq_open(second.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
    const Mqd b(other);
    EXPECT_THAT(other, Succeeds()) << "a name of " << length << " bytes that differs in the last";
    if (!other.ok()) continue;
    Put(a, "for the first");
    EXPECT_EQ(CountOf(b), 0);
  }
}

IPC_TEST(MqOpen, NameWithoutLeadingSlash, clause::mq_open::name_no_leading_slash) {
  const std::string component = UniqueComponent(14);
  RegisterName(NameEntry::kMqueue, component);
  RegisterName(NameEntry::kMqueue, "/" + component);
  mq_attr attr = Sized(2, 16);
  const CallResult opened = Patiently(
      [&] { return CALL(mq_open(component.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
  const Mqd q(opened);
  Observe(clause::mq_open::name_no_leading_slash, "mq_open of \"name\"", opened);
  if (!opened.ok()) return;
  const CallResult with_slash = CALL(mq_open(("/" + component).c_str(), O_RDWR));
  const Mqd same(with_slash);
  Observe(clause::mq_open::name_no_leading_slash, "then mq_open of \"/name\"", with_slash);
}

IPC_TEST(MqOpen, SlashesInsideAName, clause::mq_open::name_inner_slash) {
  const std::string c = UniqueComponent(14);
  const struct {
    const char* key;
    std::string name;
  } kNames[] = {{"/a/b", "/" + c + "/b"}, {"//a", "//" + c}, {"/a/", "/" + c + "/"}};
  for (const auto& row : kNames) {
    const std::string& name = row.name;
    RegisterName(NameEntry::kMqueue, name);
    const int free_before = LowestFreeFd();
    mq_attr attr = Sized(2, 16);
    const CallResult opened =
        Patiently([&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, &attr)); });
    Mqd q(opened);
    Observe(clause::mq_open::name_inner_slash, row.key, opened);
    if (opened.ok()) {
      q.Close();
      EXPECT_THAT(CALL(mq_unlink(name.c_str())), SucceedsWith(0)) << "a name that could be opened";
    } else {
      EXPECT_EQ(LowestFreeFd(), free_before)
          << "a failed mq_open() kept a descriptor for " << row.key;
    }
  }
}

IPC_TEST(MqOpen, VisibilityOfTheNameInTheFileSystem, clause::mq_open::name_filesystem_visibility) {
  Queue q;
  struct stat buffer;
  const CallResult own = CALL(stat(q.name(), &buffer));
  const CallResult mounted = CALL(stat((std::string("/dev/mqueue") + q.name()).c_str(), &buffer));
  Observe(clause::mq_open::name_filesystem_visibility, "stat of the name itself", own);
  Observe(clause::mq_open::name_filesystem_visibility, "stat of /dev/mqueue/NAME", mounted);
}

// Creates and unlinks a queue whose name is a slash and `length` more bytes.
void ExpectLengthAccepted(std::size_t length) {
  const std::string name = "/" + UniqueComponent(length);
  RegisterName(NameEntry::kMqueue, name);
  mq_attr attr = Sized(2, 16);
  const CallResult opened = Patiently(
      [&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
  const Mqd q(opened);
  EXPECT_THAT(opened, Succeeds()) << "name of a slash and " << length << " bytes";
  if (opened.ok()) {
    EXPECT_THAT(CALL(mq_unlink(name.c_str())), SucceedsWith(0));
  }
}

IPC_TEST(MqOpen, AcceptsNamesOfTheMinimumLength, clause::mq_open::name_minimum_length_accepted) {
  for (std::size_t length : {3, 13, 14}) ExpectLengthAccepted(length == 3 ? 13 : length);
}

IPC_TEST(MqOpen, AcceptsTheLongestNamesOfXsi, clause::mq_open::name_xsi_minimum_length_accepted,
         regression::freebsd_name_255) {
  if (sysconf(_SC_XOPEN_VERSION) <= 0)
    Unsupported("no XSI option: sysconf(_SC_XOPEN_VERSION) is not positive");
  ExpectLengthAccepted(254);
  ExpectLengthAccepted(255);
}

IPC_TEST(MqOpen, RefusesNamesThatItDoesNotSupport, clause::mq_open::name_unsupported_einval) {
  bool refused = false;
  for (const char* name : {"", "/", "/.", "/.."}) {
    mq_attr attr = Sized(2, 16);
    const CallResult opened = CALL(mq_open(name, O_RDWR | O_CREAT, 0600, &attr));
    Observe(clause::mq_open::name_unsupported_einval, std::string("mq_open(\"") + name + "\")",
            opened);
    // EINVAL, or an errno by which the page lets other rules decide (no such name, no permission).
    EXPECT_THAT(opened, SucceedsOrFailsWith(EINVAL, ENOENT, EACCES, ENAMETOOLONG))
        << '"' << name << '"';
    const Mqd q(opened);
    refused = refused || opened.failed_with(EINVAL);
    if (!opened.ok()) continue;
    const Mqd again(CALL(mq_open(name, O_RDWR)));
    EXPECT_NE(again.get(), kNoQueue) << '"' << name << "\" could be created but not opened";
    EXPECT_THAT(CALL(mq_unlink(name)), SucceedsWith(0)) << '"' << name << '"';
  }
  if (!refused) Untested("no name was refused with EINVAL");
}

struct ModeRow {
  const char* name;
  Claims claims;
  Way way;
};
const ModeRow kWays[] = {
    {"AccessModesServeMqSendAndMqReceive",
     {clause::mq_open::oflag_access_modes_usable, regression::freebsd_compat32_access_swapped},
     Way::kPlain},
    {"AccessModesServeTheTimedFunctions",
     {clause::mq_open::oflag_access_modes_usable},
     Way::kTimed},
};
IPC_TABLE_TEST(MqOpenModes, ModeRow, kWays) {
  Queue both;
  const Mqd writer(both.OpenAgain(O_WRONLY)), reader(both.OpenAgain(O_RDONLY));
  char buffer[64];
  EXPECT_THAT(SendBy(row.way, writer, "one", 3), SucceedsWith(0));
  EXPECT_THAT(ReceiveBy(row.way, reader, buffer, 64), SucceedsWith(3));
  EXPECT_THAT(SendBy(row.way, both, "four", 4), SucceedsWith(0));
  EXPECT_THAT(ReceiveBy(row.way, both, buffer, 64), SucceedsWith(4));
  EXPECT_THAT(SendBy(row.way, writer, "w", 1), SucceedsWith(0));
  EXPECT_THAT(ReceiveBy(row.way, both, buffer, 64), SucceedsWith(1));
  EXPECT_THAT(SendBy(row.way, both, "bb", 2), SucceedsWith(0));
  EXPECT_THAT(ReceiveBy(row.way, reader, buffer, 64), SucceedsWith(2));
}

IPC_TEST(MqOpen, UndefinedFlagCombinations, clause::mq_open::oflag_undefined_combinations) {
  Queue q;
  const char* name = q.name();
  Peer first, second;
  // In a child: POSIX defines nothing here.
  const CallResult accmode =
      first.start([=] { return CALL(mq_open(name, O_WRONLY | O_RDWR)); }).result();
  Observe(clause::mq_open::oflag_undefined_combinations, "O_WRONLY|O_RDWR on an existing queue",
          accmode);
  const CallResult excl =
      second.start([=] { return CALL(mq_open(name, O_RDWR | O_EXCL)); }).result();
  Observe(clause::mq_open::oflag_undefined_combinations,
          "O_EXCL without O_CREAT on an existing queue", excl);
}

IPC_TEST(MqOpen, FailsWithEnoentForAMissingNameAndCreatesNothing,
         clause::mq_open::nocreat_missing_enoent) {
  const UniqueName name = UniqueName::Mq();
  for (int round = 0; round < 2; ++round) {
    for (int mode : {O_RDONLY, O_WRONLY, O_RDWR}) {
      const CallResult opened = CALL(mq_open(name.c_str(), mode));
      const Mqd q(opened);
      if (opened.failed_with(ENOSYS)) Unsupported("mq_open() is absent here (ENOSYS)");
      EXPECT_THAT(opened, Fails(ENOENT));
    }
  }
}

IPC_TEST(MqOpen, LeavesTheMessagesAlone, clause::mq_open::open_leaves_messages) {
  Queue q;
  Put(q, "low", 1), Put(q, "high", 9), Put(q, "low too", 1);
  mq_attr attr = Sized(4, 64);
  const Mqd created(Setup(CALL(mq_open(q.name(), O_RDWR | O_CREAT, 0600, &attr))));
  const Mqd without(
      Setup(CALL(mq_open(q.name(), O_RDWR | O_CREAT, 0600, static_cast<mq_attr*>(nullptr)))));
  const Mqd plain(q.OpenAgain(O_RDONLY));
  EXPECT_EQ(CountOf(q), 3);
  EXPECT_EQ(CountOf(plain), 3);
  EXPECT_EQ(Drain(plain), (Messages{{"high", 9}, {"low", 1}, {"low too", 1}}));
  NoteChecks();
}

// The longest component, up to `limit`, with which a queue can be made; 0 if not even 14 bytes.
std::size_t LongestName(std::size_t limit) {
  std::size_t longest = 0;
  for (std::size_t length :
       {std::size_t{14}, std::size_t{64}, std::size_t{128}, std::size_t{250}, std::size_t{253},
        std::size_t{254}, std::size_t{255}, std::size_t{256}, std::size_t{257}, std::size_t{270}}) {
    if (length > limit) break;
    const std::string name = "/" + UniqueComponent(length);
    RegisterName(NameEntry::kMqueue, name);
    mq_attr attr = Sized(1, 8);
    const CallResult opened = Patiently(
        [&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
    const Mqd q(opened);
    if (!opened.ok()) {
      // A name that is not supported is EINVAL, and that applies too (XSH 2.3).
      EXPECT_THAT(opened, FailsWithAnyOf(ENAMETOOLONG, EINVAL))
          << "a component of " << length << " bytes";
      break;
    }
    longest = length;
    Setup(CALL(mq_unlink(name.c_str())));
  }
  return longest;
}

IPC_TEST(MqOpen, NamesBeyondTheLimitAreTooLong, clause::mq_open::error_enametoolong,
         clause::mq_unlink::error_enametoolong) {
  Observe(clause::mq_open::error_enametoolong, "longest component accepted of those tried (bytes)",
          LongestName(270));
  const std::string huge = "/" + UniqueComponent(5000);
  mq_attr attr = Sized(1, 8);
  const CallResult opened = Patiently(
      [&] { return CALL(mq_open(huge.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
  const Mqd q(opened);
  // A name that is not supported is EINVAL, and that applies too (XSH 2.3).
  EXPECT_THAT(opened, SucceedsOrFailsWith(ENAMETOOLONG, EINVAL));
  Observe(clause::mq_open::error_enametoolong, "a name of 5001 bytes", opened);
  const CallResult removed = CALL(mq_unlink(huge.c_str()));
  if (opened.ok()) {
    EXPECT_THAT(removed, SucceedsWith(0));
    return;
  }
  const ForClause scope(clause::mq_unlink::error_enametoolong);
  Observe(clause::mq_unlink::error_enametoolong, "a name of 5001 bytes", removed);
  EXPECT_THAT(removed, FailsWithAnyOf(ENAMETOOLONG, ENOENT));
  const std::string over = "/" + UniqueComponent(256);
  const CallResult one_more = CALL(mq_unlink(over.c_str()));
  Observe(clause::mq_unlink::error_enametoolong, "a missing name of a slash and 256 bytes",
          one_more);
  EXPECT_THAT(one_more, FailsWithAnyOf(ENAMETOOLONG, ENOENT));
}

IPC_TEST(MqUnlink, NeverFindsAnOpenableNameTooLong,
         clause::mq_unlink::error_openable_name_never_toolong) {
  for (std::size_t length : {14, 128, 254, 255}) {
    const std::string name = "/" + UniqueComponent(length);
    RegisterName(NameEntry::kMqueue, name);
    mq_attr attr = Sized(1, 8);
    const CallResult opened = Patiently(
        [&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
    const Mqd q(opened);
    if (!opened.ok()) continue;
    EXPECT_THAT(CALL(mq_unlink(name.c_str())), SucceedsWith(0)) << length << " bytes";
    EXPECT_THAT(CALL(mq_unlink(name.c_str())), Fails(ENOENT)) << length << " bytes";
  }
}

// Signals that interrupt whatever is interruptible, while the object lives.
class SignalStorm {
 public:
  SignalStorm() : handler_(SIGALRM, CountSignal) {
    const itimerval often{{0, 100}, {0, 100}};
    setitimer(ITIMER_REAL, &often, nullptr);
  }
  ~SignalStorm() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
  }

 private:
  ScopedSignal handler_;
};

// Neither call waits on the systems known, so a signal seldom can interrupt it; what is judged is
// that a call in a storm of signals does its work or fails with EINTR and nothing else.
IPC_TEST(MqOpen, FailsOnlyWithEintrUnderSignals, clause::mq_open::error_eintr,
         clause::mq_unlink::error_eintr) {
  const UniqueName name = UniqueName::Mq();
  mq_attr attr = Sized(1, 8);
  const CallResult probe =
      Patiently([&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, &attr)); });
  { const Mqd created(Setup(probe)); }
  int opens_interrupted = 0, unlinks_interrupted = 0;
  const SignalStorm storm;
  const int before = SignalCount();
  for (int round = 0; round < 200 || (SignalCount() - before < 20 && round < 20000); ++round) {
    const CallResult opened = CALL(mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, &attr));
    const Mqd q(opened);
    if (opened.failed_with(EMFILE) || opened.failed_with(ENOSPC) || opened.failed_with(ENFILE))
      continue;
    ASSERT_THAT(opened, SucceedsOrFailsWith(EINTR));
    opens_interrupted += !opened.ok();
    const CallResult removed = CALL(mq_unlink(name.c_str()));
    ASSERT_THAT(removed, SucceedsOrFailsWith(EINTR, ENOENT));
    unlinks_interrupted += removed.failed_with(EINTR);
  }
  Observe(clause::mq_open::error_eintr, "calls interrupted", opens_interrupted);
  Observe(clause::mq_unlink::error_eintr, "calls interrupted", unlinks_interrupted);
  if (unlinks_interrupted > 0) NoteChecksOf(clause::mq_unlink::error_eintr);
  if (opens_interrupted == 0) Untested("no call was interrupted, so no error had to be reported");
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
