// What <mqueue.h> and the parts of other headers that belong to message queues let compile. The
// snippets in headers/ were compiled when this program was built: the platform's headers are judged
// as they were there.
#include <mqueue.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <type_traits>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/header_checks.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

const compile_checks::Result& ResultOf(const char* name) {
  return compile_checks::Judged(compile_checks::kResults, name, "mqueue.h");
}

struct HeaderRow {
  const char* name;
  Claims claims;
  const char* snippet;
};
const HeaderRow kMqueue[] = {
    {"DefinesSizeTypesAndTimespec",
     {clause::mqueue_h::size_types_and_timespec},
     "size_types_and_timespec"},
    {"DefinesMqdT", {clause::mqueue_h::mqd_t}, "mqd_t"},
    {"DefinesPthreadAttrT", {clause::mqueue_h::pthread_attr_t}, "pthread_attr_t"},
    {"DeclaresStructSigevent", {clause::mqueue_h::sigevent_tag}, "sigevent_tag"},
    {"MembersOfMqAttrAreLong",
     {clause::mqueue_h::mq_attr_members, regression::glibc_bz21279},
     "mq_attr_members"},
    {"DefinesTheOpenFlags",
     {clause::mqueue_h::open_flags, regression::musl_header_without_open_flags},
     "open_flags"},
    {"DeclaresThePrototypes", {clause::mqueue_h::prototypes}, "prototypes"},
    {"FunctionsHaveAddresses", {clause::mqueue_h::function_addresses}, "function_addresses"},
    {"StandsOnNoNameOfTheApplication", {clause::mqueue_h::reserved_prefixes}, "reserved_names"},
};
IPC_TABLE_TEST(MqueueHeader, HeaderRow, kMqueue) {
  const compile_checks::Result& result = ResultOf(row.snippet);
  NoteChecks();
  EXPECT_TRUE(result.compiles) << result.message;
}

const HeaderRow kOthers[] = {
    {"LimitsDefinesTheMinimums", {clause::limits::posix_minimums}, "limits_minimums"},
    {"LimitsMqOpenMaxIsEightAtLeast", {clause::limits::mq_open_max}, "limits_mq_open_max"},
    {"LimitsMqPrioMaxIs32AtLeast", {clause::limits::mq_prio_max}, "limits_mq_prio_max"},
    {"UnistdMessagePassingIsADate",
     {clause::unistd::posix_message_passing, promise},
     "unistd_message_passing"},
    {"UnistdDefinesTheSysconfNames",
     {clause::unistd::sc_constants, promise},
     "unistd_sc_constants"},
    {"UnistdXopenRealtimeImpliesTheOption",
     {clause::unistd::xopen_realtime_implies_option},
     "unistd_xopen_realtime"},
    {"SignalDefinesSiMesgq", {clause::signal_h::si_mesgq}, "signal_si_mesgq"},
    {"SignalDefinesStructSigevent", {clause::signal_h::sigevent}, "signal_sigevent"},
};
IPC_TABLE_TEST(MqueueOtherHeaders, HeaderRow, kOthers) {
  const compile_checks::Result& result = ResultOf(row.snippet);
  NoteChecks();
  EXPECT_TRUE(result.compiles) << result.message;
}

// A program that defines functions of its own under names that are not reserved, linked statically.
IPC_TEST(MqueueLibrary, StandsOnNoFunctionOfTheApplication, clause::mqueue_h::reserved_prefixes,
         regression::glibc_bz18544_18545_18546) {
  const compile_checks::Result& result = ResultOf("static_names");
  const std::string message = result.message;
  if (!result.compiles && message.find("cannot find") != std::string::npos)
    Unsupported("no static C library where this was built");
  NoteChecks();
  EXPECT_TRUE(result.compiles) << message;
}

IPC_TEST(MqueueHeader, FunctionsCanBeCalledThroughPointers, clause::mqueue_h::function_addresses) {
  Queue q(2, 16);
  int (*const volatile send)(mqd_t, const char*, size_t, unsigned) = (::mq_send);
  ssize_t (*const volatile receive)(mqd_t, char*, size_t, unsigned*) = (::mq_receive);
  int (*const volatile getattr)(mqd_t, mq_attr*) = (::mq_getattr);
  mq_attr attr{};
  char buffer[16];
  EXPECT_THAT(CALL(send(q, "m", 1, 0)), SucceedsWith(0));
  EXPECT_THAT(CALL((getattr)(q, &attr)), SucceedsWith(0));
  EXPECT_EQ(attr.mq_curmsgs, 1);
  EXPECT_THAT(CALL(receive(q, buffer, sizeof buffer, nullptr)), SucceedsWith(1));
}

IPC_TEST(MqueueOtherHeaders, PriorityLimitOfLimitsHolds, clause::limits::mq_prio_max) {
#if defined(MQ_PRIO_MAX)
  Queue q;
  EXPECT_THAT(CALL(mq_send(q, "m", 1, MQ_PRIO_MAX - 1)), SucceedsWith(0));
  EXPECT_THAT(CALL(mq_send(q, "m", 1, MQ_PRIO_MAX)), Fails(EINVAL));
#else
  Unsupported("<limits.h> defines no MQ_PRIO_MAX here: it is asked for with sysconf()");
#endif
}

IPC_TEST(MqueueOtherHeaders, STypeismqIsZeroForOtherTypes, clause::sys_stat_h::s_typeismq) {
  EXPECT_TRUE(ResultOf("s_typeismq").compiles) << ResultOf("s_typeismq").message;
#if defined(S_TYPEISMQ)
  const auto is_queue = [](int fd) {
    struct stat buffer {};
    Setup(CALL(fstat(fd, &buffer)));
    return S_TYPEISMQ(&buffer) != 0;
  };
  const Fd file(CALL(open((ScratchDir() + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  const Fd directory(CALL(open(ScratchDir().c_str(), O_RDONLY | O_CLOEXEC)));
  Pipe pipe;
  EXPECT_FALSE(is_queue(file)) << "a regular file";
  EXPECT_FALSE(is_queue(directory)) << "a directory";
  EXPECT_FALSE(is_queue(pipe.rd())) << "a pipe";
  NoteChecks();
  if constexpr (std::is_integral_v<mqd_t>) {
    Queue q;
    const int fd = static_cast<int>((long)q.get());  // NOLINT: a number here
    Observe(clause::sys_stat_h::s_typeismq, "S_TYPEISMQ of a queue",
            is_queue(fd) ? "non-zero" : "zero");
  }
#endif
}

// Which of several errors is reported is open; another one than these is not allowed.
IPC_TEST(MqErrors, PrecedenceOfTwoErrors, clause::general::error_precedence) {
  Queue q(2, 16);
  const Mqd reader(q.OpenAgain(O_RDONLY)), writer(q.OpenAgain(O_WRONLY)),
      full(q.OpenAgain(O_WRONLY | O_NONBLOCK));
  const unsigned beyond = PriorityCount();
  char buffer[8];
  const auto judge = [](const char* key, const CallResult& result, int one, int other) {
    Observe(clause::general::error_precedence, key, result);
    EXPECT_THAT(result, FailsWithAnyOf(one, other)) << key;
  };
  judge("read-only and too long", CALL(mq_send(reader, "seventeen bytes!!", 17, 0)), EBADF,
        EMSGSIZE);
  judge("read-only and priority too high", CALL(mq_send(reader, "m", 1, beyond)), EBADF, EINVAL);
  judge("too long and priority too high", CALL(mq_send(writer, "seventeen bytes!!", 17, beyond)),
        EMSGSIZE, EINVAL);
  judge("write-only and buffer too small", CALL(mq_receive(writer, buffer, sizeof buffer, nullptr)),
        EBADF, EMSGSIZE);
  Fill(q);
  judge("full and too long", CALL(mq_send(full, "seventeen bytes!!", 17, 0)), EAGAIN, EMSGSIZE);
  judge("full and priority too high", CALL(mq_send(full, "m", 1, beyond)), EAGAIN, EINVAL);
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
