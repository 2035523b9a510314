// Names: who gets the same object, and which names there can be.
#include <limits.h>

#include <set>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// Opens the object, compares its contents and answers in it. Arguments: name, size.
IPC_ROLE(shm_answer_by_name) {
  const int fd = shm_open(args.at(0).c_str(), O_RDWR, 0);
  if (fd < 0) return 1;
  const std::size_t size = std::stoul(args.at(1));
  struct stat status {};
  if (fstat(fd, &status) != 0 || static_cast<std::size_t>(status.st_size) != size) return 2;
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return 3;
  auto* data = static_cast<char*>(mapped);
  if (FirstMismatch(data, size, 1) != size) return 4;
  Fill(data, size, 2);
  self.Say(std::to_string(static_cast<unsigned>(status.st_mode & 0666)) + " " +
           std::to_string(status.st_uid));
  return 0;
}

// A name of the test's own making, of the wanted length after the slash, swept when the test ends.
// What is unique fits into the shortest that every system takes (14 bytes): the process, which runs
// this test alone, and the run, hashed.
std::string NameOfLength(std::size_t length, char last) {
  const RunHeader* run = CurrentRun();
  std::uint64_t number = HashSeed(static_cast<std::uint64_t>(getpid()), run ? run->run_id : "0");
  std::string name = "/i";
  for (int i = 0; i < 12; ++i, number /= 32)
    name += "abcdefghijklmnopqrstuvwxyz012345"[number % 32];
  name.resize(length, 'n');
  name += last;
  RegisterName(NameEntry::kShm, name);
  return name;
}

// Creates and removes; true when both were accepted. A refusal for length is the only other
// outcome.
bool TakesLength(std::size_t length) {
  const std::string name = NameOfLength(length, 'a');
  const CallResult created = Create(name.c_str());
  if (!created.ok()) {
    ForClause scope(clause::shm_open::err_enametoolong);
    EXPECT_THAT(created, FailsWithAnyOf(ENAMETOOLONG, EINVAL)) << "length " << length;
    return false;
  }
  close(created.fd());
  ForClause scope(clause::shm_unlink::err_no_enametoolong_after_open);
  EXPECT_THAT(CALL(shm_unlink(name.c_str())), SucceedsWith(0))
      << "shm_open took this name; length " << length;
  return true;
}

IPC_TEST(ShmNames, UnrelatedProcessesGetTheSameObject,
         clause::shm_open::name_same_object_across_processes) {
  const std::size_t size = PageSize() + 5;
  ShmObject object(size, O_RDWR, 0640);
  Mapping view = Mapping::Of(object, size);
  Fill(view.data(), size, 1);
  ExecSelf other("shm_answer_by_name", {object.name(), std::to_string(size)});
  EXPECT_EQ(other.Wait(), 0)
      << "1: no such object, 2: other size, 3: no mapping, 4: other contents";
  EXPECT_EQ(FirstMismatch(view.data(), size, 2), size) << "what the other process stored";
  const struct stat status = StatOf(object);
  EXPECT_EQ(other.said(), std::to_string(static_cast<unsigned>(status.st_mode & 0666)) + " " +
                              std::to_string(status.st_uid) + "\n");
}

IPC_TEST(ShmNames, TwoOpensGetTheSameObject, clause::shm_open::name_same_object_within_process) {
  ShmObject object(PageSize());
  Fd again(CALL(shm_open(object.name(), O_RDWR, 0)));
  Mapping a = Mapping::Of(object, PageSize());
  Mapping b = Mapping::Of(again, PageSize());
  Fill(a.data(), a.size(), 3);
  EXPECT_EQ(FirstMismatch(b.data(), b.size(), 3), b.size());
  Fill(b.data(), b.size(), 4);
  EXPECT_EQ(FirstMismatch(a.data(), a.size(), 4), a.size());
}

IPC_TEST(ShmNames, DifferentNamesAreDifferentObjects,
         clause::shm_open::name_same_object_across_processes) {
  ShmObject a(1), b(1);
  Mapping in_a = Mapping::Of(a, 1), in_b = Mapping::Of(b, 1);
  in_a[0] = 'a';
  EXPECT_EQ(FirstNonzero(in_b.data(), 1), 1u);
  in_b[0] = 'b';
  EXPECT_EQ(in_a[0], 'a');
  // Case counts, as every byte does.
  const std::string name = a.name();
  std::string upper = name;
  for (char& c : upper) c = static_cast<char>(c == 'i' ? 'I' : c);
  EXPECT_THAT(CALL(shm_open(upper.c_str(), O_RDWR, 0)), Fails(ENOENT));
}

// Errors that shm_open documents.
auto SucceedsOrFailsAsDocumented() {
  return SucceedsOrFailsWith(EACCES, EEXIST, EINVAL, ENAMETOOLONG, ENOENT, ENOSPC);
}

IPC_TEST(ShmNames, WithoutALeadingSlashIsOpen, clause::shm_open::name_no_leading_slash) {
  const auto& clause = clause::shm_open::name_no_leading_slash;
  UniqueName name = UniqueName::Shm();
  const char* bare = name.c_str() + 1;
  RegisterName(NameEntry::kShm, bare);
  const CallResult created = Create(bare);
  EXPECT_THAT(created, SucceedsOrFailsAsDocumented());
  Observe(clause, "shm_open(\"x\")", created);
  if (!created.ok()) return;
  Fd fd(created.fd());
  Setup(CALL(ftruncate(fd, 4321)));
  const CallResult slash = CALL(shm_open(name.c_str(), O_RDWR, 0));
  Fd other(slash.ok() ? slash.fd() : -1);
  const bool same = slash.ok() && StatOf(other).st_size == 4321;
  Observe(clause, "x and /x",
          slash.ok() ? (same ? "the same object" : "different objects") : ErrnoName(slash.error));
  EXPECT_THAT(CALL(shm_unlink(bare)), SucceedsWith(0)) << "under the spelling that shm_open took";
}

IPC_TEST(ShmNames, FurtherSlashesAreOpen, clause::shm_open::name_embedded_slash) {
  const auto& clause = clause::shm_open::name_embedded_slash;
  const std::string base = UniqueName::Shm().str();
  struct {
    const char* what;
    std::string name;
  } const forms[] = {{"/a/b", base + "/b"},
                     {"//a", "/" + base},
                     {"/a/", base + "/"},
                     {"/../a", "/.." + base},
                     {"/./a", "/." + base}};
  for (const auto& form : forms) {
    RegisterName(NameEntry::kShm, form.name);
    const CallResult created = Create(form.name.c_str());
    Observe(clause, form.what, created);
    if (created.ok()) close(created.fd());
    if (created.ok()) CALL(shm_unlink(form.name.c_str()));
  }
  const std::string place = VisibleIn();
  if (place.empty()) return;
  EXPECT_NE(access((place + ".." + base).c_str(), F_OK), 0)
      << "an object appeared outside of " << place;
}

IPC_TEST(ShmNames, VisibilityInTheFileSystemIsOpen, clause::shm_open::name_visible_in_fs) {
  const std::string place = VisibleIn();
  Observe(clause::shm_open::name_visible_in_fs, "visible in",
          place.empty() ? "no known directory" : place);
}

IPC_TEST(ShmNames, LengthsAreTakenUpToALimit, clause::shm_open::name_length_limits,
         clause::shm_open::err_enametoolong, clause::shm_unlink::err_no_enametoolong_after_open) {
  // Accepted lengths are a range from 1 up: find its end.
  std::size_t low = _POSIX_NAME_MAX, high = 8192;
  {
    ForClause scope(clause::shm_open::err_enametoolong);
    NoteChecks();
    ASSERT_TRUE(TakesLength(low)) << "a name of _POSIX_NAME_MAX bytes must not be too long";
#ifdef _XOPEN_VERSION
    EXPECT_TRUE(TakesLength(255)) << "nor one of _XOPEN_NAME_MAX bytes on an XSI system";
#endif
  }
  while (low + 1 < high) {
    const std::size_t middle = (low + high) / 2;
    (TakesLength(middle) ? low : high) = middle;
  }
  Observe(clause::shm_open::name_length_limits, "longest name after the slash", low);
  // The longest that are taken are told apart by their last byte.
  const std::string a = NameOfLength(low, 'a'), b = NameOfLength(low, 'b');
  const CallResult first = Create(a.c_str());
  ASSERT_THAT(first, Succeeds());
  Fd owner(first.fd());
  ForClause scope(clause::shm_open::name_length_limits);
  const CallResult second = Create(b.c_str());
  EXPECT_THAT(second, Succeeds()) << "a name was cut off";
  Fd other(second.ok() ? second.fd() : -1);
  const ForClause removal(clause::shm_unlink::err_no_enametoolong_after_open);
  EXPECT_THAT(CALL(shm_unlink(a.c_str())), SucceedsWith(0));
  EXPECT_THAT(CALL(shm_unlink(b.c_str())), SucceedsWith(0));
}

IPC_TEST(ShmNames, OverlongNamesAreRefusedOrTaken, clause::shm_open::err_enametoolong,
         clause::shm_unlink::err_enametoolong) {
  RequirePlace();
  for (std::size_t length : {256, 257, 259, 260, 300, 1024, 4095, 4096, 5000}) {
    const std::string name = NameOfLength(length, 'a');
    const CallResult removed = CALL(shm_unlink(name.c_str()));
    {
      ForClause scope(clause::shm_unlink::err_enametoolong);
      EXPECT_THAT(removed, FailsWithAnyOf(ENAMETOOLONG, ENOENT, EINVAL)) << "length " << length;
      Observe(clause::shm_unlink::err_enametoolong, "length " + std::to_string(length), removed);
    }
    const int lowest = LowestFreeFd();
    const CallResult created = Create(name.c_str());
    ForClause scope(clause::shm_open::err_enametoolong);
    EXPECT_THAT(created, SucceedsOrFailsWith(ENAMETOOLONG, EINVAL)) << "length " << length;
    Observe(clause::shm_open::err_enametoolong, "length " + std::to_string(length), created);
    if (created.ok()) {
      close(created.fd());
      CALL(shm_unlink(name.c_str()));
    }
    EXPECT_EQ(LowestFreeFd(), lowest);
  }
}

IPC_TEST(ShmNames, UnsupportedNamesFailWithEinval, clause::shm_open::err_einval_name) {
  const auto& clause = clause::shm_open::err_einval_name;
  for (const char* name : {"", "/", "//"}) {
    const int lowest = LowestFreeFd();
    const CallResult created = Create(name, O_RDWR);
    // Which names are not supported is the implementation's choice, so that success is possible.
    EXPECT_THAT(created, SucceedsOrFailsWith(EINVAL)) << '"' << name << '"';
    Observe(clause, std::string("shm_open(\"") + name + "\")", created);
    if (created.ok()) {
      close(created.fd());
      CALL(shm_unlink(name));
    }
    EXPECT_EQ(LowestFreeFd(), lowest);
  }
  // Names that may be special to the file system under it are only looked at.
  for (const char* name : {"/.", "/.."}) {
    const CallResult opened = CALL(shm_open(name, O_RDWR, 0));
    Observe(clause, std::string("shm_open(\"") + name + "\", O_RDWR)", opened);
    if (opened.ok()) close(opened.fd());
  }
}

IPC_TEST(ShmNames, AbsentNameFailsWithEnoent, clause::shm_open::err_enoent) {
  UniqueName name = UniqueName::Shm();
  const int lowest = LowestFreeFd();
  for (int flags : {O_RDWR, O_RDONLY, O_RDWR | O_TRUNC}) {
    EXPECT_THAT(CALL(shm_open(name.c_str(), flags, 0600)), Fails(ENOENT));
  }
  EXPECT_EQ(LowestFreeFd(), lowest);
  const CallResult created = Create(name.c_str());
  EXPECT_THAT(created, Succeeds()) << "the failing calls must have made nothing";
  Fd fd(created.ok() ? created.fd() : -1);
}

// All bytes but '/' and NUL may stand in a name.
IPC_TEST(ShmNames, EveryByteOfANameCounts, clause::shm_open::name_same_object_within_process) {
  const std::string base = UniqueName::Shm().str();
  for (const std::string& tail : {std::string(" "), std::string("."), std::string("-~"),
                                  std::string("%41"), std::string("\\")}) {
    const std::string name = base + tail;
    RegisterName(NameEntry::kShm, name);
    const CallResult created = Create(name.c_str());
    if (created.failed_with(EINVAL)) continue;  // a name that is not supported here
    ASSERT_THAT(created, Succeeds());
    Fd fd(created.fd());
    EXPECT_THAT(CALL(shm_open(base.c_str(), O_RDWR, 0)), Fails(ENOENT))
        << "'" << tail << "' was ignored";
    EXPECT_THAT(CALL(shm_unlink(name.c_str())), SucceedsWith(0));
  }
}

}  // namespace
}  // namespace ipcsuite::shm_suite
