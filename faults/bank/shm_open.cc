// Faults of opening and naming shared memory objects.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "faults/preload/shm.h"

namespace faults {
namespace {

enum Use : uint32_t { kFailures };

// A real shm_open(), then something done with the descriptor; `created` as far as can be told.
template <int (*After)(int fd, const char*, int flags, mode_t, bool created)>
void OpenThen(Hooks& h) {
  h.shm_open = [](const char* n, int f, mode_t m) {
    bool there = (f & O_CREAT) && ShmExists(n);
    int fd = OpenShm(n, f, m);
    if (fd < 0) return fd;
    int saved = errno;
    int r = After(fd, n, f, m, (f & O_CREAT) && !there);
    errno = saved;
    return r;
  };
}

// Calls open with a name that was changed.
template <size_t Keep>
const char* Cut(const char* n, char* buffer) {
  std::snprintf(buffer, Keep + 1, "%s", n ? n : "");
  return buffer;
}

const Row kFaults[] = {
    {.name = "shm_open_no_cloexec",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.fd.cloexec_set", "shm_open.fd.closed_by_exec"},
     .what = "FD_CLOEXEC is clear in the new descriptor.",
     .arm = OpenThen<[](int fd, const char*, int, mode_t, bool) {
       real::fcntl(fd, F_SETFD, 0l);
       return fd;
     }>},
    {.name = "shm_open_not_lowest",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.fd.lowest"},
     .what = "The descriptor is not the lowest free number.",
     .arm = OpenThen<[](int fd, const char*, int, mode_t, bool) {
       int high = real::fcntl(fd, F_DUPFD_CLOEXEC, fd + 5l);
       if (high < 0) return fd;
       real::close(fd);
       return high;
     }>},
    {.name = "shm_creat_size_is_page",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.creat.size_zero"},
     .what = "A new object has the size of a page.",
     .arm = OpenThen<[](int fd, const char*, int, mode_t, bool created) {
       if (created) real::ftruncate(fd, static_cast<off_t>(PageSize()));
       return fd;
     }>},
    {.name = "shm_creat_empties_existing",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.creat.existing_untouched"},
     .what = "O_CREAT of an existing object sets its size to 0.",
     .arm = OpenThen<[](int fd, const char*, int f, mode_t, bool created) {
       if ((f & O_CREAT) && !created && (f & O_ACCMODE) == O_RDWR) real::ftruncate(fd, 0);
       return fd;
     }>},
    {.name = "shm_creat_changes_mode_of_existing",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_open.creat.existing_untouched"},
     .what = "O_CREAT of an existing object sets its mode.",
     .arm = OpenThen<[](int fd, const char*, int f, mode_t m, bool created) {
       if ((f & O_CREAT) && !created) real::fchmod(fd, m & 0777);
       return fd;
     }>},
    {.name = "shm_excl_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.excl.eexist"},
     .what = "O_EXCL has no effect.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) { return OpenShm(n, f & ~O_EXCL, m); };
         }},
    {.name = "shm_excl_not_atomic",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"shm_open.excl.atomic"},
     .what = "O_EXCL looks whether the object exists, then creates it.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             if (!(f & O_CREAT) || !(f & O_EXCL)) return OpenShm(n, f, m);
             if (ShmExists(n)) return Fail(EEXIST);
             sched_yield();
             return OpenShm(n, f & ~O_EXCL, m);
           };
         }},
    {.name = "shm_trunc_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.trunc.size_zero"},
     .what = "O_TRUNC has no effect.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) { return OpenShm(n, f & ~O_TRUNC, m); };
         }},
    {.name = "shm_trunc_resets_mode",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_open.trunc.keeps_mode_owner"},
     .what = "O_TRUNC sets the mode to the one given.",
     .arm = OpenThen<[](int fd, const char*, int f, mode_t m, bool) {
       if (f & O_TRUNC) real::fchmod(fd, m & 0777);
       return fd;
     }>},
    {.name = "shm_umask_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.creat.mode_umask"},
     .what = "The file mode creation mask is not applied.",
     .arm = OpenThen<[](int fd, const char*, int, mode_t m, bool created) {
       if (created) real::fchmod(fd, m & 0777);
       return fd;
     }>},
    {.name = "shm_mode_fixed",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.creat.mode_umask"},
     .what = "New objects have mode 0600 whatever was asked for.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t) { return OpenShm(n, f, 0600); };
         }},
    {.name = "shm_mode_limits_creator",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"shm_open.creat.mode_does_not_limit_creator"},
     .what = "A creator gets no more access than the mode gives.",
     .arm = OpenThen<[](int fd, const char*, int f, mode_t m, bool created) {
       if (!created || (m & 0200) || (f & O_ACCMODE) != O_RDWR) return fd;
       real::close(fd);
       return Fail(EACCES);
     }>},
    {.name = "shm_rdonly_is_writable",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.oflag.rdonly", "mmap.err.eacces_shared_write",
                 "ftruncate.err.not_writable"},
     .what = "O_RDONLY gives a descriptor for writing too.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             int fd = (f & O_ACCMODE) == O_RDONLY ? OpenShm(n, (f & ~O_ACCMODE) | O_RDWR, m) : -1;
             return fd >= 0 ? fd : OpenShm(n, f, m);
           };
         }},
    {.name = "shm_rdwr_is_readonly",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.oflag.rdwr", "shm_open.returns_usable_fd"},
     .what = "O_RDWR gives a descriptor for reading only.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             int fd = OpenShm(n, f, m);
             if (fd < 0 || (f & O_ACCMODE) != O_RDWR) return fd;
             int other = Reopen(fd, O_RDONLY);
             if (other < 0) return fd;
             real::dup3(other, fd, O_CLOEXEC);
             real::close(other);
             return fd;
           };
         }},
    {.name = "shm_getfl_access_mode_wrong",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_open.fd.getfl_access_mode"},
     .what = "F_GETFL reports O_RDWR for O_RDONLY.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             return c == F_GETFL && r >= 0 && o.kind == Kind::shm ? (r & ~O_ACCMODE) | O_RDWR : r;
           };
         }},
    {.name = "shm_dupfd_minimum_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"fcntl.shm.dupfd", "fcntl.shm.dupfd_cloexec"},
     .what = "F_DUPFD on shared memory ignores its minimum.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             bool d = (c == F_DUPFD || c == F_DUPFD_CLOEXEC) && o.kind == Kind::shm;
             return real::fcntl(o.fd, c, d ? 0l : a);
           };
         }},
    {.name = "shm_enoent_as_einval",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.err.enoent"},
     .what = "A missing object is reported as EINVAL.",
     .arm = Edit<&Hooks::shm_open>::Errno<ENOENT, EINVAL>},
    {.name = "shm_missing_is_created",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.err.enoent"},
     .what = "O_RDWR without O_CREAT creates the object.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             int fd = OpenShm(n, f, m);
             if (fd >= 0 || errno != ENOENT || (f & O_ACCMODE) != O_RDWR) return fd;
             return OpenShm(n, f | O_CREAT, 0600);
           };
         }},
    {.name = "shm_eexist_as_eacces",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.excl.eexist"},
     .what = "O_EXCL on an existing object fails with EACCES.",
     .arm = Edit<&Hooks::shm_open>::Errno<EEXIST, EACCES>},
    {.name = "shm_eacces_as_eperm",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_open.err.eacces_existing"},
     .what = "Missing permission is reported as EPERM.",
     .arm = Edit<&Hooks::shm_open>::Errno<EACCES, EPERM>},
    {.name = "shm_emfile_as_enomem",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.err.emfile"},
     .what = "A full descriptor table is reported as ENOMEM.",
     .arm = Edit<&Hooks::shm_open>::Errno<EMFILE, ENOMEM>},
    {.name = "shm_failure_leaks_descriptor",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"shm_open.return.failure"},
     .what = "Every fourth shm_open() that fails with EEXIST leaves a descriptor open.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             int fd = OpenShm(n, f, m);
             if (fd < 0 && errno == EEXIST && ++Cell(7, kFailures) % 4 == 0) {
               OpenShm(n, O_RDONLY, 0);
               errno = EEXIST;
             }
             return fd;
           };
         }},
    {.name = "shm_name_14_characters",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_open.name.same_object_across_processes"},
     .what = "Names are cut off at 14 characters.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             char cut[64];
             return OpenShm(std::strlen(n) > 15 ? Cut<15>(n, cut) : n, f, m);
           };
           h.shm_unlink = [](const char* n) {
             char cut[64];
             return real::shm_unlink(std::strlen(n) > 15 ? Cut<15>(n, cut) : n);
           };
         }},
    {.name = "shm_names_per_process",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"shm_open.name.same_object_across_processes"},
     .what = "Every process has its own name space.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             char own[400];
             std::snprintf(own, sizeof own, "%s.%d", n, getpid());
             return OpenShm(n[0] == '/' && n[1] ? own : n, f, m);
           };
           h.shm_unlink = [](const char* n) {
             char own[400];
             std::snprintf(own, sizeof own, "%s.%d", n, getpid());
             return real::shm_unlink(n[0] == '/' && n[1] ? own : n);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
