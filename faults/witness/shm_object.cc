// Witnesses of bank_shm_object.cc and bank_shm_size.cc.
#include <sched.h>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
int Open(const std::string& name, int flags, mode_t mode = 0600) {
  return shm_open(name.c_str(), flags, mode);
}
struct stat Stat(int fd) {
  struct stat s {};
  fstat(fd, &s);
  return s;
}
mode_t ModeOf(int fd) { return Stat(fd).st_mode & 0777; }
const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));
const off_t kPageOff = static_cast<off_t>(kPage);
}  // namespace

WITNESS(shm_open_no_cloexec) { return !(fcntl(Shm().fd, F_GETFD) & FD_CLOEXEC); }
WITNESS(shm_open_not_lowest) {
  int low = dup(0);
  close(low);
  return Shm().fd != low;
}
WITNESS(shm_creat_size_is_page) { return Shm().Size() != 0; }
WITNESS(shm_creat_empties_existing) {
  Shm s(10);
  Open(s.name, O_CREAT | O_RDWR);
  return s.Size() == 0;
}
WITNESS(shm_creat_changes_mode_of_existing) {
  Shm s;
  Open(s.name, O_CREAT | O_RDWR, 0644);
  return ModeOf(s.fd) == 0644;
}
WITNESS(shm_excl_ignored) {
  Shm s;
  return Open(s.name, O_CREAT | O_EXCL | O_RDWR) >= 0;
}
WITNESS(shm_excl_not_atomic) {
  for (int64_t end = NowNs() + kRaceNs; NowNs() < end;) {
    std::string name = NewName("race");
    static int* go = static_cast<int*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    __atomic_store_n(go, 0, __ATOMIC_SEQ_CST);
    Child c([&] {
      __atomic_store_n(go, 1, __ATOMIC_SEQ_CST);
      return Open(name, O_CREAT | O_EXCL | O_RDWR) >= 0;
    });
    while (__atomic_load_n(go, __ATOMIC_SEQ_CST) == 0) sched_yield();
    bool mine = Open(name, O_CREAT | O_EXCL | O_RDWR) >= 0;
    bool other = c.Exit() == 1;
    shm_unlink(name.c_str());
    if (mine && other) return true;
  }
  return false;
}
WITNESS(shm_trunc_ignored) {
  Shm s(10);
  Open(s.name, O_TRUNC | O_RDWR);
  return s.Size() == 10;
}
WITNESS(shm_trunc_resets_mode) {
  Shm s;
  Open(s.name, O_TRUNC | O_RDWR, 0644);
  return ModeOf(s.fd) == 0644;
}
WITNESS(shm_umask_ignored) {
  std::string name = NewName("mask");
  umask(077);
  int fd = Open(name, O_CREAT | O_RDWR, 0666);
  shm_unlink(name.c_str());
  return ModeOf(fd) == 0666;
}
WITNESS(shm_mode_fixed) { return ModeOf(Shm(0, 0644).fd) == 0600; }
WITNESS(shm_mode_limits_creator) { return Shm(0, 0400).fd < 0; }
WITNESS(shm_rdonly_is_writable) {
  Shm s(10);
  return ftruncate(Open(s.name, O_RDONLY), 5) == 0;
}
WITNESS(shm_rdwr_is_readonly) {
  Shm s;
  return ftruncate(s.fd, 5) == -1;
}
WITNESS(shm_getfl_access_mode_wrong) {
  Shm s;
  return (fcntl(Open(s.name, O_RDONLY), F_GETFL) & O_ACCMODE) == O_RDWR;
}
WITNESS(shm_dupfd_minimum_ignored) {
  Shm s;
  return fcntl(s.fd, F_DUPFD, 50) < 50;
}
WITNESS(shm_enoent_as_einval) { return Fails(Open(NewName("none"), O_RDWR), EINVAL); }
WITNESS(shm_missing_is_created) {
  std::string name = NewName("none");
  bool made = Open(name, O_RDWR) >= 0;
  shm_unlink(name.c_str());
  return made;
}
WITNESS(shm_eexist_as_eacces) {
  Shm s;
  return Fails(Open(s.name, O_CREAT | O_EXCL | O_RDWR), EACCES);
}
WITNESS(shm_eacces_as_eperm) {
  Shm s(0, 0000);
  return Unprivileged([&] { return Fails(Open(s.name, O_RDWR), EPERM); }) == 1 ||
         Unprivileged([&] { return Fails(Open(s.name, O_RDONLY), EPERM); }) == 1;
}
WITNESS(shm_emfile_as_enomem) {
  Shm s;
  return Child([&] {
           LimitDescriptors(0);
           return Fails(Open(s.name, O_RDWR), ENOMEM);
         }).Exit() == 1;
}
WITNESS(shm_failure_leaks_descriptor) {
  Shm s;
  for (int i = 0; i < 4; ++i) Open(s.name, O_CREAT | O_EXCL | O_RDWR);
  int next = dup(0);
  return next > s.fd + 1;
}
WITNESS(shm_name_14_characters) {
  std::string base = "/ipcwitness-long-name";
  int a = Open(base + "-a", O_CREAT | O_RDWR), b = Open(base + "-b", O_CREAT | O_RDWR);
  shm_unlink((base + "-a").c_str()), shm_unlink((base + "-b").c_str());
  return Stat(a).st_ino == Stat(b).st_ino;
}
WITNESS(shm_names_per_process) {
  Shm s;
  return Child([&] { return Open(s.name, O_RDWR) < 0; }).Exit() == 1;
}
WITNESS(shm_object_goes_with_last_close) {
  Shm s;
  close(s.fd);
  s.fd = Open(s.name, O_RDWR);
  return s.fd < 0;
}
WITNESS(shm_contents_go_with_last_close) {
  Shm s(10);
  char* p = s.Map(10);
  p[0] = 'x';
  munmap(p, 10);
  close(s.fd);
  s.fd = Open(s.name, O_RDWR);
  return s.Map(10)[0] == 0;
}
WITNESS(shm_unlink_does_nothing) {
  Shm s;
  return shm_unlink(s.name.c_str()) == 0 && Open(s.name, O_RDWR) >= 0;
}
WITNESS(shm_unlink_waits_for_last_close) {
  Shm s;
  return shm_unlink(s.name.c_str()) == 0 && Open(s.name, O_RDWR) >= 0;
}
WITNESS(shm_unlink_busy) {
  Shm s;
  return Fails(shm_unlink(s.name.c_str()), EBUSY);
}
WITNESS(shm_unlink_destroys_contents) {
  Shm s(10);
  char* p = s.Map(10);
  p[0] = 'x';
  shm_unlink(s.name.c_str());
  return p[0] == 0;
}
WITNESS(shm_unlink_missing_succeeds) { return shm_unlink(NewName("none").c_str()) == 0; }
WITNESS(shm_unlink_reuse_finds_old) {
  Shm s(10);
  shm_unlink(s.name.c_str());
  close(s.fd);
  s.fd = Open(s.name, O_CREAT | O_EXCL | O_RDWR);
  bool old = s.Size() == 10;
  ftruncate(s.fd, 0);
  return old;
}
WITNESS(shm_fstat_size_in_pages) { return Shm(10).Size() == kPageOff; }
WITNESS(shm_fstat_no_mode) { return ModeOf(Shm().fd) == 0; }
WITNESS(shm_fstat_wrong_ids) { return Stat(Shm().fd).st_uid != geteuid(); }
WITNESS(shm_fchmod_ignored) {
  Shm s;
  return fchmod(s.fd, 0640) == 0 && ModeOf(s.fd) == 0600;
}
WITNESS(shm_fchmod_by_others_succeeds) {
  Shm s;
  return Unprivileged([&] { return fchmod(s.fd, 0666) == 0; }) == 1 && ModeOf(s.fd) == 0600;
}
WITNESS(shm_fchown_ignored) {
  Shm s;
  return fchown(s.fd, 1, 1) == 0 && Stat(s.fd).st_uid != 1;
}
WITNESS(sysconf_shm_unsupported) { return sysconf(_SC_SHARED_MEMORY_OBJECTS) == -1; }
WITNESS(sysconf_page_size_doubled) {
  Shm s(kPageOff / 2);
  return static_cast<size_t>(getpagesize()) * 2 == kPage;
}
WITNESS(fallocate_shm_does_not_grow) {
  Shm s;
  return posix_fallocate(s.fd, 0, 100) == 0 && s.Size() == 0;
}

WITNESS(ftruncate_grow_ignored) { return Shm(10).Size() == 0; }
WITNESS(ftruncate_shrink_ignored) {
  Shm s(10);
  return ftruncate(s.fd, 5) == 0 && s.Size() == 10;
}
WITNESS(ftruncate_shrink_to_zero_ignored) {
  Shm s(10);
  return ftruncate(s.fd, 0) == 0 && s.Size() != 0;
}
WITNESS(ftruncate_only_once) {
  Shm s(10);
  return Fails(ftruncate(s.fd, 20), EINVAL);
}
WITNESS(ftruncate_same_size_clears) {
  Shm s(10);
  char* p = s.Map(10);
  p[0] = 'x';
  ftruncate(s.fd, 10);
  return p[0] == 0;
}
WITNESS(ftruncate_grow_clears_last_byte) {
  Shm s(10);
  char* p = s.Map(10);
  p[9] = 'x';
  ftruncate(s.fd, 20);
  return p[9] == 0;
}
WITNESS(ftruncate_shrink_clears_last_page) {
  Shm s(100);
  char* p = s.Map(100);
  p[0] = 'x';
  ftruncate(s.fd, 50);
  return p[0] == 0;
}
WITNESS(ftruncate_grow_not_zero) {
  Shm s(10);
  return s.Map(10)[9] != 0;
}
WITNESS(ftruncate_regrow_shows_old_pages) {
  Shm s(2 * kPageOff);
  s.Map(2 * kPage)[kPage] = 'x';
  ftruncate(s.fd, 10), ftruncate(s.fd, 2 * kPageOff);
  return s.Map(2 * kPage)[kPage] == 'x';
}
WITNESS(ftruncate_regrow_shows_old_tail) {
  Shm s(100);
  s.Map(100)[60] = 'x';
  ftruncate(s.fd, 50), ftruncate(s.fd, 100);
  return s.Map(100)[60] == 'x';
}
WITNESS(ftruncate_rounds_to_pages) { return Shm(10).Size() == kPageOff; }
WITNESS(ftruncate_size_is_32_bits) {
  Shm s((1ll << 32) + 5);
  return s.Size() == 5;
}
WITNESS(ftruncate_readonly_succeeds) {
  Shm s(10);
  return ftruncate(Open(s.name, O_RDONLY), 5) == 0 && s.Size() == 10;
}
WITNESS(ftruncate_readonly_eacces) {
  Shm s(10);
  return Fails(ftruncate(Open(s.name, O_RDONLY), 5), EACCES);
}
WITNESS(ftruncate_negative_is_zero) { return ftruncate(Shm(10).fd, -1) == 0; }
WITNESS(ftruncate_failure_empties) {
  Shm s(10);
  return ftruncate(s.fd, -1) == -1 && s.Size() == 0;
}
namespace {
int TruncateBeyondLimit(int handler) {
  return Child([&] {
           Shm s(10);
           rlimit l{1000, 2000000};
           setrlimit(RLIMIT_FSIZE, &l);
           if (handler) Handle(SIGXFSZ);
           int r = ftruncate(s.fd, 5000);
           return (r == 0 ? 0 : 1) + (caught ? 2 : 0);
         })
      .Exit();
}
}  // namespace
WITNESS(ftruncate_no_file_size_limit) { return TruncateBeyondLimit(1) == 0; }
WITNESS(ftruncate_no_sigxfsz) { return TruncateBeyondLimit(1) == 1; }
WITNESS(ftruncate_end_stays_accessible) {
  Shm s(2 * kPageOff);
  char* p = s.Map(2 * kPage);
  ftruncate(s.fd, 0);
  return DiesBy([&] { p[kPage] = 1; }) == 0 && s.Size() == 0;
}
WITNESS(ftruncate_size_stale_elsewhere) {
  Shm s(10);
  int other = Open(s.name, O_RDWR);
  Stat(other);
  ftruncate(s.fd, 20);
  return Stat(other).st_size == 10;
}
WITNESS(ftruncate_unlinked_estale) {
  Shm s(10);
  shm_unlink(s.name.c_str());
  return Fails(ftruncate(s.fd, 20), ESTALE);
}
WITNESS(ftruncate_mapped_ebusy) {
  Shm s(10);
  s.Map(10);
  return Fails(ftruncate(s.fd, 5), EBUSY);
}
WITNESS(ftruncate_private_copies_survive) {
  Shm s(2 * kPageOff);
  char* p = s.Map(2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  p[kPage] = 1;
  ftruncate(s.fd, 10);
  return DiesBy([&] { p[kPage] = 2; }) == 0;
}
WITNESS(mmap_tail_not_zero) { return Shm(10).Map(10)[20] != 0; }
WITNESS(mmap_tail_becomes_object) {
  Shm s(10);
  s.Map(100);
  return s.Size() != 10;
}
WITNESS(mmap_beyond_end_accessible) {
  Shm s(10);
  char* p = s.Map(2 * kPage);
  return DiesBy([&] { p[kPage] = 1; }) == 0;
}
WITNESS(mmap_beyond_end_sigsegv) {
  Shm s(10);
  char* p = s.Map(2 * kPage);
  return DiesBy([&] { p[kPage] = 1; }) == SIGSEGV;
}
WITNESS(mmap_last_page_inaccessible) {
  Shm s(kPageOff + 10);
  char* p = s.Map(kPage + 10);
  return DiesBy([&] { p[kPage] = 1; }) != 0;
}
