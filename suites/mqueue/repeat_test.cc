// Calls that fail, two thousand times: nothing is used up, and the good call still works.
#include <fcntl.h>

#include <optional>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

constexpr int kTimes = 2000;

// One queue, empty or full, blocking and not.
struct Scene {
  explicit Scene(bool full) {
    if (full) kept = Fill(waits);
  }
  Queue waits{2, 16};
  Mqd nonblocking{waits.OpenAgain(O_RDWR | O_NONBLOCK)};
  UniqueName missing = UniqueName::Mq();
  Messages kept;
};

struct RepeatRow {
  const char* name;
  CallResult (*call)(const Scene& scene);
  int error;
  bool full = false;  // the queue is full before; else empty
  Claims claims;
};
const timespec kPast{1, 0};
const RepeatRow kRepeats[] = {
    {.name = "SendToFull",
     .call = [](const Scene& s) { return CALL(mq_send(s.nonblocking, "x", 1, 0)); },
     .error = EAGAIN,
     .full = true,
     .claims = {clause::mq_send::full_eagain}},
    {.name = "SendThatTimesOut",
     .call = [](const Scene& s) { return CALL(mq_timedsend(s.waits, "x", 1, 0, &kPast)); },
     .error = ETIMEDOUT,
     .full = true,
     .claims = {clause::mq_timedsend::timeout_past_deadline}},
    {.name = "SendOfTooMuch",
     .call =
         [](const Scene& s) {
           const char large[17] = {};
           return CALL(mq_send(s.nonblocking, large, sizeof large, 0));
         },
     .error = EMSGSIZE,
     .claims = {clause::mq_send::error_emsgsize}},
    {.name = "ReceiveFromEmpty",
     .call =
         [](const Scene& s) {
           char buffer[16];
           return CALL(mq_receive(s.nonblocking, buffer, sizeof buffer, nullptr));
         },
     .error = EAGAIN,
     .claims = {clause::mq_receive::empty_eagain}},
    {.name = "ReceiveThatTimesOut",
     .call =
         [](const Scene& s) {
           char buffer[16];
           return CALL(mq_timedreceive(s.waits, buffer, sizeof buffer, nullptr, &kPast));
         },
     .error = ETIMEDOUT,
     .claims = {clause::mq_timedreceive::timeout_past_deadline}},
    {.name = "ReceiveIntoTooLittle",
     .call =
         [](const Scene& s) {
           char buffer[15];
           return CALL(mq_receive(s.waits, buffer, sizeof buffer, nullptr));
         },
     .error = EMSGSIZE,
     .full = true,
     .claims = {clause::mq_receive::len_buffer_too_small}},
    {.name = "OpenOfMissing",
     .call = [](const Scene& s) { return CALL(mq_open(s.missing.c_str(), O_RDWR)); },
     .error = ENOENT,
     .claims = {clause::mq_open::nocreat_missing_enoent}},
    {.name = "CreationOfExisting",
     .call =
         [](const Scene& s) {
           mq_attr attr = Sized(2, 16);
           return CALL(mq_open(s.waits.name(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
         },
     .error = EEXIST,
     .claims = {clause::mq_open::create_excl_existing_eexist}},
    {.name = "CreationOfNothing",
     .call =
         [](const Scene& s) {
           mq_attr attr = Sized(0, 16);
           return CALL(mq_open(s.missing.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
         },
     .error = EINVAL,
     .claims = {clause::mq_open::create_nonpositive_attr_einval}},
    {.name = "UnlinkOfMissing",
     .call = [](const Scene& s) { return CALL(mq_unlink(s.missing.c_str())); },
     .error = ENOENT,
     .claims = {clause::mq_unlink::error_enoent}},
    {.name = "SetattrOfNothing",
     .call =
         [](const Scene&) {
           const mq_attr attr{};
           return CALL(mq_setattr(kNoQueue, &attr, nullptr));
         },
     .error = EBADF,
     .claims = {clause::mq_setattr::error_ebadf}},
};
IPC_TABLE_TEST(MqRepeat, RepeatRow, kRepeats) {
  const Scene scene(row.full);
  const int lowest = LowestFreeFd();
  for (int i = 0; i < kTimes; ++i)
    ASSERT_THAT(row.call(scene), Fails(row.error)) << "time " << i + 1;
  EXPECT_EQ(LowestFreeFd(), lowest) << "a descriptor was used up";
  EXPECT_EQ(Drain(scene.waits), scene.kept);
  Put(scene.waits, "good");
  EXPECT_EQ(ReceiveOne(scene.waits).text, "good");
  const CallResult created = Patiently([&] {
    mq_attr attr = Sized(2, 16);
    return CALL(mq_open(scene.missing.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  });
  const Mqd another(created);
  EXPECT_THAT(created, Succeeds()) << "another queue";
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
