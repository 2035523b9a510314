// Calls that fail, two thousand times: nothing is used up, and the good call still works.
#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

constexpr int kTimes = 2000;

struct Scene {
  ShmObject object{PageSize()};
  UniqueName missing = UniqueName::Shm();
  int closed = LowestFreeFd();
};

struct RepeatRow {
  const char* name;
  CallResult (*call)(const Scene& scene);
  int error;
  Claims claims;
};
const RepeatRow kRepeats[] = {
    {.name = "OpenOfMissing",
     .call = [](const Scene& s) { return CALL(shm_open(s.missing.c_str(), O_RDWR, 0)); },
     .error = ENOENT,
     .claims = {clause::shm_open::err_enoent}},
    {.name = "CreationOfExisting",
     .call =
         [](const Scene& s) {
           return CALL(shm_open(s.object.name(), O_RDWR | O_CREAT | O_EXCL, 0600));
         },
     .error = EEXIST,
     .claims = {clause::shm_open::excl_eexist}},
    {.name = "UnlinkOfMissing",
     .call = [](const Scene& s) { return CALL(shm_unlink(s.missing.c_str())); },
     .error = ENOENT,
     .claims = {clause::shm_unlink::err_enoent}},
    {.name = "MmapOfNothing",
     .call =
         [](const Scene& s) { return CALL(mmap(nullptr, 0, PROT_READ, MAP_SHARED, s.object, 0)); },
     .error = EINVAL,
     .claims = {clause::mmap::err_einval_len_zero}},
    {.name = "MmapOfClosed",
     .call =
         [](const Scene& s) {
           return CALL(mmap(nullptr, PageSize(), PROT_READ, MAP_SHARED, s.closed, 0));
         },
     .error = EBADF,
     .claims = {clause::mmap::err_ebadf}},
    {.name = "MunmapOfNothing",
     .call = [](const Scene&) { return CALL(munmap(nullptr, 0)); },
     .error = EINVAL,
     .claims = {clause::munmap::err_einval_len_zero}},
    {.name = "FtruncateToLessThanNothing",
     .call = [](const Scene& s) { return CALL(ftruncate(s.object, -1)); },
     .error = EINVAL,
     .claims = {clause::ftruncate::err_negative}},
};
IPC_TABLE_TEST(ShmRepeat, RepeatRow, kRepeats) {
  const Scene scene;
  for (int i = 0; i < kTimes; ++i)
    ASSERT_THAT(row.call(scene), Fails(row.error)) << "time " << i + 1;
  EXPECT_EQ(LowestFreeFd(), scene.closed) << "a descriptor was used up";
  EXPECT_EQ(SizeOf(scene.object), static_cast<std::int64_t>(PageSize()));
  const CallResult created = Create(scene.missing.c_str());
  EXPECT_THAT(created, Succeeds()) << "another object";
  const Fd another(created.ok() ? created.fd() : -1);
}

// Made, mapped and gone again: no number, address range or memory is used up.
IPC_TEST(ShmRepeat, ObjectsThatAreRemoved, clause::shm_open::creat_creates) {
  const UniqueName name = UniqueName::Shm();
  const int lowest = LowestFreeFd();
  for (int i = 0; i < kTimes; ++i) {
    const CallResult created = Create(name.c_str());
    ASSERT_THAT(created, SucceedsWith(lowest)) << "time " << i + 1;
    const Fd object(created.fd());
    Setup(CALL(ftruncate(object, static_cast<off_t>(PageSize()))));
    Mapping view = Mapping::Of(object, PageSize());
    view[0] = 'x';
    ASSERT_THAT(CALL(shm_unlink(name.c_str())), SucceedsWith(0)) << "time " << i + 1;
  }
}

// Against room for a megabyte and two objects: what was removed is given back.
IPC_TEST(ShmRepeat, RoomOfRemovedObjects, clause::close::shm_last_close_removes_unlinked) {
  InChild([&] {
    EnterPrivatePlace("size=1m,nr_inodes=4,mode=1777");
    const UniqueName name = UniqueName::Shm();
    const std::size_t bytes = 256 * 1024;
    for (int time = 1; time <= 50; ++time) {
      const CallResult created = Create(name.c_str());
      ASSERT_THAT(created, Succeeds()) << "time " << time;
      const Fd object(created.fd());
      ASSERT_THAT(Reserve(object, bytes), SucceedsWith(0)) << "time " << time;
      ASSERT_THAT(CALL(shm_unlink(name.c_str())), SucceedsWith(0)) << "time " << time;
    }
  });
}

}  // namespace
}  // namespace ipcsuite::shm_suite
