// Witnesses of bank_shm_map.cc.
#include "faults/witness/witness.h"

using namespace witness;

namespace {
const size_t kPage = static_cast<size_t>(getpagesize());
const off_t kPageOff = static_cast<off_t>(kPage);
constexpr int kRw = PROT_READ | PROT_WRITE;
int OpenReadonly(const Shm& s) { return shm_open(s.name.c_str(), O_RDONLY, 0); }
bool Mapped(void* p) { return msync(p, 1, MS_ASYNC) == 0; }
char* MapFd(int fd, size_t n, int prot, int flags) {
  return static_cast<char*>(mmap(nullptr, n, prot, flags, fd, 0));
}
// Three pages with a hole in the middle, all of one object.
char* WithHole(Shm& s) {
  char* p = s.Map(3 * kPage);
  munmap(p + kPage, kPage);
  return p;
}
}  // namespace

WITNESS(mmap_shared_is_private) {
  Shm s(10);
  char *a = s.Map(10), *b = s.Map(10);
  (void)b[0];
  a[0] = 'x';
  return b[0] == 0 && Child([&] { return s.Map(10)[0] == 0; }).Exit() == 1;
}
WITNESS(mmap_private_is_shared) {
  Shm s(10);
  s.Map(10, kRw, MAP_PRIVATE)[0] = 'x';
  return s.Map(10)[0] == 'x';
}
WITNESS(mmap_private_starts_empty) {
  Shm s(10);
  s.Map(10)[0] = 'x';
  return s.Map(10, PROT_READ, MAP_PRIVATE)[0] == 0;
}
WITNESS(mmap_private_of_readonly_fails) {
  Shm s(10);
  return MapFd(OpenReadonly(s), 10, kRw, MAP_PRIVATE) == MAP_FAILED;
}
WITNESS(mmap_second_mapping_incoherent) {
  Shm s(10);
  char *a = s.Map(10), *b = s.Map(10);
  b[1] = 'y';
  a[0] = 'x';
  return b[0] == 0;
}
WITNESS(mmap_offset_ignored) {
  Shm s(2 * kPageOff);
  s.Map(kPage)[0] = 'x';
  return s.Map(kPage, kRw, MAP_SHARED, kPageOff)[0] == 'x';
}
WITNESS(mmap_offset_one_page_only) {
  Shm s(3 * kPageOff);
  s.Map(3 * kPage)[kPage] = 'x';
  return s.Map(kPage, kRw, MAP_SHARED, 2 * kPageOff)[0] == 'x';
}
WITNESS(mmap_offset_beyond_end_fails) {
  return Shm(10).Map(kPage, kRw, MAP_SHARED, 2 * kPageOff) == MAP_FAILED;
}
WITNESS(mmap_prot_none_readable) {
  Shm s(10);
  char* p = s.Map(10, PROT_NONE);
  return DiesBy([&] { (void)*static_cast<volatile char*>(p); }) == 0;
}
WITNESS(mmap_readonly_is_writable) {
  Shm s(10);
  char* p = s.Map(10, PROT_READ);
  return DiesBy([&] { p[0] = 1; }) == 0;
}
WITNESS(mmap_fixed_is_a_hint) {
  Shm s(10);
  char* p = s.Map(kPage);
  return mmap(p, kPage, kRw, MAP_SHARED | MAP_FIXED, s.fd, 0) != p;
}
WITNESS(mmap_fixed_does_not_replace) {
  Shm s(10);
  char* p = s.Map(kPage);
  return mmap(p, kPage, kRw, MAP_SHARED | MAP_FIXED, s.fd, 0) == MAP_FAILED;
}
WITNESS(mmap_hint_is_fixed) {
  Shm s(10);
  char* p = s.Map(kPage);
  return mmap(p, kPage, kRw, MAP_PRIVATE, s.fd, 0) == p;
}
WITNESS(mmap_failed_fixed_unmaps) {
  Shm s(10);
  char* p = s.Map(kPage);
  mmap(p, kPage, kRw, MAP_SHARED | MAP_FIXED, OpenReadonly(s), 0);
  return !Mapped(p);
}
WITNESS(mmap_goes_with_close) {
  Shm s(10);
  char* p = s.Map(kPage);
  close(s.fd);
  return !Mapped(p);
}
WITNESS(fork_makes_shared_private) {
  Shm s(10);
  char* p = s.Map(10);
  Child([&] { return p[0] = 'x', 0; }).Exit();
  return p[0] == 0;
}
WITNESS(fork_child_loses_shm_descriptors) {
  Shm s;
  return Child([&] { return fcntl(s.fd, F_GETFD) < 0; }).Exit() == 1;
}
WITNESS(exec_keeps_shm_descriptors) {
  Shm s;
  return Child([&] { return ExecSelf("fd-open", s.fd); }).Exit(5000) == 1;
}
WITNESS(mmap_eacces_as_eperm) {
  Shm s(10);
  return MapFd(OpenReadonly(s), 10, kRw, MAP_SHARED) == MAP_FAILED && errno == EPERM;
}
WITNESS(mmap_length_zero_succeeds) { return Shm(10).Map(0) != MAP_FAILED; }
WITNESS(mmap_flags_missing_is_private) { return Shm(10).Map(10, kRw, 0) != MAP_FAILED; }
WITNESS(mmap_no_room_einval) {
  return Shm(10).Map(static_cast<size_t>(__PTRDIFF_MAX__) / kPage * kPage) == MAP_FAILED &&
         errno == EINVAL;
}
WITNESS(munmap_does_nothing) {
  char* p = Shm(10).Map(10);
  return munmap(p, 10) == 0 && Mapped(p);
}
WITNESS(munmap_removes_whole_mapping) {
  char* p = Shm(2 * kPageOff).Map(2 * kPage);
  munmap(p + kPage, kPage);
  return !Mapped(p);
}
WITNESS(munmap_tail_too_short) {
  char* p = Shm(2 * kPageOff).Map(2 * kPage);
  munmap(p, kPage + 10);
  return Mapped(p + kPage);
}
WITNESS(munmap_first_mapping_only) {
  Shm s(2 * kPageOff);
  char* p = s.Map(2 * kPage);
  mmap(p + kPage, kPage, PROT_READ, MAP_SHARED | MAP_FIXED, s.fd, 0);
  munmap(p, 2 * kPage);
  return Mapped(p + kPage);
}
WITNESS(munmap_hole_einval) {
  Shm s(3 * kPageOff);
  char* p = s.Map(kPage);
  munmap(p, kPage);
  return Fails(munmap(p, kPage), EINVAL);
}
WITNESS(munmap_length_zero_succeeds) { return munmap(Shm(10).Map(10), 0) == 0; }
WITNESS(munmap_loses_unsynced_data) {
  Shm s(10);
  char* p = s.Map(10);
  p[0] = 'x';
  munmap(p, 10);
  return s.Map(10)[0] == 0;
}
WITNESS(mprotect_does_nothing) {
  char* p = Shm(10).Map(10);
  mprotect(p, 10, PROT_READ);
  return DiesBy([&] { p[0] = 1; }) == 0;
}
WITNESS(mprotect_whole_mapping) {
  char* p = Shm(2 * kPageOff).Map(2 * kPage);
  mprotect(p + kPage, kPage, PROT_READ);
  return DiesBy([&] { p[0] = 1; }) != 0;
}
WITNESS(mprotect_none_is_read) {
  char* p = Shm(10).Map(10);
  mprotect(p, 10, PROT_NONE);
  return DiesBy([&] { (void)*static_cast<volatile char*>(p); }) == 0;
}
WITNESS(mprotect_readonly_object_succeeds) {
  Shm s(10);
  char* p = MapFd(OpenReadonly(s), 10, PROT_READ, MAP_SHARED);
  return mprotect(p, 10, kRw) == 0;
}
WITNESS(mprotect_private_readonly_fails) {
  Shm s(10);
  char* p = MapFd(OpenReadonly(s), 10, PROT_READ, MAP_PRIVATE);
  return Fails(mprotect(p, 10, kRw), EACCES);
}
WITNESS(mprotect_hole_succeeds) {
  Shm s(3 * kPageOff);
  return mprotect(WithHole(s), 3 * kPage, PROT_READ) == 0;
}
WITNESS(mprotect_hole_efault) {
  Shm s(3 * kPageOff);
  return Fails(mprotect(WithHole(s), 3 * kPage, PROT_READ), EFAULT);
}
WITNESS(msync_invalid_flags_accepted) {
  return msync(Shm(10).Map(10), 10, MS_SYNC | MS_ASYNC) == 0;
}
WITNESS(msync_hole_succeeds) {
  Shm s(3 * kPageOff);
  return msync(WithHole(s), 3 * kPage, MS_SYNC) == 0;
}
WITNESS(msync_hole_efault) {
  Shm s(3 * kPageOff);
  return Fails(msync(WithHole(s), 3 * kPage, MS_SYNC), EFAULT);
}
WITNESS(msync_writes_private_pages) {
  Shm s(10);
  char* p = s.Map(10, kRw, MAP_PRIVATE);
  p[0] = 'x';
  msync(p, 10, MS_SYNC);
  return s.Map(10)[0] == 'x';
}
WITNESS(mlock_hole_succeeds) {
  Shm s(3 * kPageOff);
  return mlock(WithHole(s), 3 * kPage) == 0;
}
WITNESS(mlock_fails_always) { return Fails(mlock(Shm(10).Map(10), 10), EINVAL); }
WITNESS(posix_madvise_dontneed_drops) {
  Shm s(10);
  char* p = s.Map(10, kRw, MAP_PRIVATE);
  p[0] = 'x';
  posix_madvise(p, kPage, POSIX_MADV_DONTNEED);
  return p[0] == 0;
}
WITNESS(posix_madvise_sets_errno) { return posix_madvise(Shm(10).Map(10), 10, 999) == -1; }
