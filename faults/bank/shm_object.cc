// Faults of the life of shared memory objects and of what can be asked about them.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "faults/preload/shm.h"

namespace faults {
namespace {

// fstat() on shared memory with the result changed.
template <void (*Change)(const Obj&, struct stat*)>
void FstatThen(Hooks& h) {
  h.fstat = [](const Obj& o, struct stat* s) {
    int r = real::fstat(o.fd, s);
    if (r == 0 && o.kind == Kind::shm) Change(o, s);
    return r;
  };
}

// The name of an object, with its slash, from the descriptor; empty if it has none (any more).
bool NameOf(int fd, char* name, size_t room) {
  char link[64], path[512];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return false;
  path[n] = 0;
  const char* slash = std::strrchr(path, '/');
  return slash && !std::strstr(path, " (deleted)") &&
         std::snprintf(name, room, "%s", slash) < static_cast<int>(room);
}

bool LastUseHere(const Obj& o) {
  int uses = 0;
  ForEachObject([&](const Obj& other) { uses += other.key() == o.key(); });
  return uses <= 1 && !MappingOf(o, 0);
}

const Row kFaults[] = {
    {.name = "shm_object_goes_with_last_close",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_open.state.persists", "close.shm.named_object_kept"},
     .what = "An object disappears when nobody uses it, unlinked or not.",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) {
             char name[300];
             bool named = o.kind == Kind::shm && LastUseHere(o) && NameOf(o.fd, name, sizeof name);
             int r = real::close(o.fd);
             if (named) real::shm_unlink(name);
             return r;
           };
         }},
    {.name = "shm_contents_go_with_last_close",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"shm_open.state.persists"},
     .what = "The contents are zero after nobody had the object open; name and size stay.",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) {
             struct stat s;
             if (o.kind == Kind::shm && LastUseHere(o) && real::fstat(o.fd, &s) == 0 &&
                 s.st_nlink > 0 && AccessMode(o) == O_RDWR) {
               real::ftruncate(o.fd, 0);
               real::ftruncate(o.fd, s.st_size);
             }
             return real::close(o.fd);
           };
         }},
    {.name = "shm_unlink_does_nothing",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_unlink.removes_name", "shm_unlink.reuse.enoent"},
     .what = "shm_unlink() returns 0 and leaves the name.",
     .arm =
         [](Hooks& h) {
           h.shm_unlink = [](const char* n) { return ShmExists(n) ? 0 : real::shm_unlink(n); };
         }},
    {.name = "shm_unlink_waits_for_last_close",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_unlink.name_gone_on_return", "shm_unlink.reuse.enoent"},
     .what = "The name disappears when the object is no longer open.",
     .arm =
         [](Hooks& h) {
           h.shm_unlink = [](const char* n) {
             int fd = OpenShm(n, O_RDONLY, 0);
             if (fd < 0) return real::shm_unlink(n);
             bool used = !LastUseHere(ObjectOf(fd));
             real::close(fd);
             return used ? 0 : real::shm_unlink(n);
           };
         }},
    {.name = "shm_unlink_busy",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_unlink.removes_name", "shm_unlink.deferred.open_fd"},
     .what = "shm_unlink() of an object that is open fails with EBUSY.",
     .arm =
         [](Hooks& h) {
           h.shm_unlink = [](const char* n) {
             int fd = OpenShm(n, O_RDONLY, 0);
             if (fd < 0) return real::shm_unlink(n);
             bool used = !LastUseHere(ObjectOf(fd));
             real::close(fd);
             return used ? Fail(EBUSY) : real::shm_unlink(n);
           };
         }},
    {.name = "shm_unlink_destroys_contents",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_unlink.deferred.open_fd", "shm_unlink.deferred.mapping_only",
                 "shm_unlink.does_not_unmap"},
     .what = "shm_unlink() gives the memory back though the object is in use.",
     .arm =
         [](Hooks& h) {
           h.shm_unlink = [](const char* n) {
             int fd = OpenShm(n, O_RDWR, 0);
             struct stat s;
             if (fd >= 0 && real::fstat(fd, &s) == 0) {
               real::ftruncate(fd, 0);
               real::ftruncate(fd, s.st_size);
             }
             if (fd >= 0) real::close(fd);
             return real::shm_unlink(n);
           };
         }},
    {.name = "shm_unlink_missing_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_unlink.err.enoent"},
     .what = "shm_unlink() of a missing name returns 0.",
     .arm = Edit<&Hooks::shm_unlink>::Accept<ENOENT, 0>},
    {.name = "shm_unlink_reuse_finds_old",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_unlink.reuse.new_object"},
     .what = "A name that is created again after unlinking has the old contents.",
     .arm =
         [](Hooks& h) {
           h.shm_unlink = [](const char* n) {
             char from[300], to[310];
             std::snprintf(from, sizeof from, "/dev/shm%s", n);
             std::snprintf(to, sizeof to, "/dev/shm/.old%s", n + (*n == '/'));
             struct stat s;
             if (real::fstatat(AT_FDCWD, from, &s, 0) != 0 || s.st_size == 0)
               return real::shm_unlink(n);
             return std::rename(from, to) == 0 ? 0 : real::shm_unlink(n);
           };
           h.shm_open = [](const char* n, int f, mode_t m) {
             char from[300], to[310];
             std::snprintf(from, sizeof from, "/dev/shm%s", n);
             std::snprintf(to, sizeof to, "/dev/shm/.old%s", n + (*n == '/'));
             if ((f & O_CREAT) && !ShmExists(n) && std::rename(to, from) == 0) f &= ~O_EXCL;
             return OpenShm(n, f, m);
           };
         }},
    {.name = "shm_fstat_size_in_pages",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"fstat.shm.size", "ftruncate.shm.grow_size"},
     .what = "st_size is rounded up to whole pages.",
     .source = "macOS",
     .arm = FstatThen<[](const Obj&, struct stat* s) {
       s->st_size = static_cast<off_t>(PageUp(static_cast<size_t>(s->st_size)));
     }>},
    {.name = "shm_fstat_no_mode",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"fstat.shm.mode_bits"},
     .what = "st_mode has no permission bits.",
     .arm = FstatThen<[](const Obj&, struct stat* s) { s->st_mode &= ~0777u; }>},
    {.name = "shm_fstat_wrong_ids",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"fstat.shm.ids", "shm_open.creat.uid", "shm_open.creat.gid"},
     .what = "st_uid and st_gid are not the owner's.",
     .arm = FstatThen<[](const Obj&, struct stat* s) { s->st_uid += 1, s->st_gid += 1; }>},
    {.name = "shm_fchmod_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"fchmod.shm.changes_bits", "fchmod.shm.governs_later_opens"},
     .what = "fchmod() on shared memory returns 0 and does nothing.",
     .arm =
         [](Hooks& h) {
           h.fchmod = [](const Obj& o, mode_t m) {
             return o.kind == Kind::shm ? 0 : real::fchmod(o.fd, m);
           };
         }},
    {.name = "shm_fchmod_by_others_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"fchmod.shm.err_eperm", "fchown.shm.err_eperm"},
     .what = "fchmod() and fchown() by others than the owner return 0.",
     .arm =
         [](Hooks& h) {
           Edit<&Hooks::fchmod>::Accept<EPERM, 0>(h);
           Edit<&Hooks::fchown>::Accept<EPERM, 0>(h);
         }},
    {.name = "shm_fchown_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"fchown.shm.changes_owner"},
     .what = "fchown() on shared memory returns 0 and does nothing.",
     .arm =
         [](Hooks& h) {
           h.fchown = [](const Obj& o, uid_t u, gid_t g) {
             if (o.kind != Kind::shm) return real::fchown(o.fd, u, g);
             struct stat s;
             real::fstat(o.fd, &s);
             return real::fchown(o.fd, s.st_uid, s.st_gid);
           };
         }},
    {.name = "sysconf_shm_unsupported",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"sysconf.shared_memory_objects"},
     .what = "sysconf(_SC_SHARED_MEMORY_OBJECTS) is -1.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int n) {
             return n == _SC_SHARED_MEMORY_OBJECTS ? -1l : real::sysconf(n);
           };
         }},
    {.name = "sysconf_page_size_doubled",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"sysconf.pagesize", "mmap.end.sigbus"},
     .what = "sysconf(_SC_PAGESIZE) is twice the size of a page.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int n) { return real::sysconf(n) * (n == _SC_PAGESIZE ? 2 : 1); };
         }},
    {.name = "fallocate_shm_does_not_grow",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"posix_fallocate.shm"},
     .what = "posix_fallocate() on shared memory returns 0 and does not grow the object.",
     .arm =
         [](Hooks& h) {
           h.fallocate = [](const Obj& o, off_t at, off_t n) {
             return o.kind == Kind::shm ? 0 : real::posix_fallocate(o.fd, at, n);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
