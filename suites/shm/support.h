// What the tests of shared memory objects share: creation as the call under test, patterns, sizes.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "harness/peers/child.h"
#include "harness/test/test.h"

namespace ipcsuite::shm_suite {

// shm_open with O_CREAT as the call under test. A failure that comes from the surroundings (no
// room, an absent or read-only place for objects) ends the test as UNRESOLVED; any other is
// returned.
CallResult Create(const char* name, int oflag = O_RDWR | O_EXCL, mode_t mode = 0600);
// The same for a call that was made elsewhere (a peer, a thread).
const CallResult& CheckSurroundings(const CallResult& created);

// Ends the test as UNRESOLVED where objects can't be created for reasons outside of the interface.
void RequirePlace();

// The directory where objects appear as files, with a slash at its end; empty when none is known or
// the names are not visible.
std::string VisibleIn();

// fstat, as set-up; SizeOf counts as a check.
struct stat StatOf(int fd);
std::int64_t SizeOf(int fd);

// The group of a new object is its creator's or, where names are visible, may be that of their
// directory. Counts as a check.
void ExpectGroup(const struct stat& object, gid_t creator);

// Bytes that depend on their position and on `seed`, never zero.
char PatternAt(std::size_t i, unsigned seed);
void Fill(char* data, std::size_t size, unsigned seed = 1);
// The first position whose byte is not the pattern's (not zero); `size` when there is none. Count
// as checks.
std::size_t FirstMismatch(const char* data, std::size_t size, unsigned seed = 1);
std::size_t FirstNonzero(const char* data, std::size_t size);

// A regular file of the test's own with this size: for what the standard leaves open for shared
// memory objects. Set-up.
Fd RegularFile(std::size_t size);

// posix_fallocate() of the object's first bytes, for a test that counts room: returned for
// judgement. Ends the test as UNSUPPORTED where room can't be reserved for objects.
CallResult Reserve(int object, std::size_t size);

// n pages, in bytes.
std::size_t Pages(std::size_t n);

// An address range of whole pages that nothing uses: reserved, then given back when the object goes
// (what a test maps into it goes too). `at(n)`: its n-th page.
class Region {
 public:
  explicit Region(std::size_t pages);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  char* data() const { return data_; }
  char* at(std::size_t page) const { return data_ + page * PageSize(); }
  std::size_t size() const { return size_; }

 private:
  char* data_;
  std::size_t size_;
};

// Loads from and stores to both ends of this page fault with SIGBUS, at the very address: the page
// lies beyond the end of the object.
void ExpectBeyondEnd(char* page);

}  // namespace ipcsuite::shm_suite
