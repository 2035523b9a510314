#include "suites/shm/support.h"

#include <cstring>

#include "harness/test/test.h"

namespace ipcsuite::shm_suite {
void RequirePlace() {
  if (const std::string trouble = TroubleOfShmPlace(); !trouble.empty()) Unresolved(trouble);
}

const CallResult& CheckSurroundings(const CallResult& created) {
  if (!created.returned() || !created.failed) return created;
  switch (created.error) {
    case ENOSYS: Unsupported("shm_open() is absent here (ENOSYS)");
    case ENOSPC:
    case ENOMEM:
    case ENFILE:
    case EMFILE:
      Unresolved("set-up failed: " + Describe(created) + "; room or a limit is used up by others");
    default: break;
  }
  if (const std::string trouble = TroubleOfShmPlace(); !trouble.empty())
    Unresolved(Describe(created) + "; " + trouble);
  return created;
}

CallResult Create(const char* name, int oflag, mode_t mode) {
  return CheckSurroundings(CALL(shm_open(name, oflag | O_CREAT, mode)));
}

CallResult Reserve(int object, std::size_t size) {
  const CallResult reserved = CALL_ERRNO(posix_fallocate(object, 0, static_cast<off_t>(size)));
  if (reserved.failed_with(EINVAL) || reserved.failed_with(ENODEV))
    Unsupported("room can't be reserved for objects here: " + Describe(reserved));
  return reserved;
}

std::string VisibleIn() {
#ifdef __linux__
  ShmObject object;
  const std::string path = std::string(kShmPlace) + object.name();
  if (access(path.c_str(), F_OK) == 0) return std::string(kShmPlace) + "/";
#endif
  return "";
}

Fd RegularFile(std::size_t size) {
  const std::string path = ScratchDir() + "/file";
  Fd file(CALL(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)));
  Setup(CALL(ftruncate(file, static_cast<off_t>(size))));
  return file;
}

void ExpectGroup(const struct stat& object, gid_t creator) {
  NoteChecks();
  const std::string place = VisibleIn();
  struct stat directory {};
  const bool inherits =
      !place.empty() && stat(place.c_str(), &directory) == 0 && object.st_gid == directory.st_gid;
  EXPECT_TRUE(object.st_gid == creator || inherits)
      << "group " << object.st_gid << ", of the creator " << creator;
}

struct stat StatOf(int fd) {
  struct stat status {};
  Setup(CALL(fstat(fd, &status)));
  return status;
}

std::int64_t SizeOf(int fd) {
  NoteChecks();
  return static_cast<std::int64_t>(StatOf(fd).st_size);
}

char PatternAt(std::size_t i, unsigned seed) {
  return static_cast<char>(1 + (i * 7 + i / 251 + seed * 31) % 255);
}

void Fill(char* data, std::size_t size, unsigned seed) {
  for (std::size_t i = 0; i < size; ++i) data[i] = PatternAt(i, seed);
}

std::size_t FirstMismatch(const char* data, std::size_t size, unsigned seed) {
  NoteChecks();
  std::size_t i = 0;
  while (i < size && data[i] == PatternAt(i, seed)) ++i;
  return i;
}

std::size_t FirstNonzero(const char* data, std::size_t size) {
  NoteChecks();
  std::size_t i = 0;
  while (i < size && data[i] == 0) ++i;
  return i;
}

std::size_t Pages(std::size_t n) { return n * PageSize(); }

Region::Region(std::size_t pages) : size_(Pages(pages)) {
  // MAP_ANONYMOUS is of issue 8, but no system that has shm_open lacks it.
  void* memory = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    Unresolved("set-up failed: no address range can be reserved (" + ErrnoName(errno) + ")");
  data_ = static_cast<char*>(memory);
}
Region::~Region() { munmap(data_, size_); }

void ExpectBeyondEnd(char* page) {
  for (char* at : {page, page + PageSize() - 1}) {
    EXPECT_THAT(ReadByte(at), FaultsWithAt(SIGBUS, at))
        << "load, byte " << at - page << " of the page";
    EXPECT_THAT(WriteByte(at, 'x'), FaultsWithAt(SIGBUS, at))
        << "store, byte " << at - page << " of the page";
  }
}

}  // namespace ipcsuite::shm_suite
