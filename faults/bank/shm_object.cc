// Faults of shared memory objects: opening, naming, unlinking, asking.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

namespace faults {
namespace {

enum Use : uint32_t { kFailures = 600 };

int Open(const char* n, int f, mode_t m) { return real::shm_open(n, f, m); }
bool Exists(const char* n) {
  int saved = errno;
  int fd = Open(n, O_RDONLY, 0);
  if (fd >= 0) real::close(fd);
  errno = saved;
  return fd >= 0;
}

// A real shm_open(), then something done with the descriptor; `created` as far as can be told.
template <int (*After)(int fd, const char*, int flags, mode_t, bool created)>
void OpenThen(Hooks& h) {
  h.shm_open = [](const char* n, int f, mode_t m) {
    bool there = (f & O_CREAT) && Exists(n);
    int fd = Open(n, f, m);
    if (fd < 0) return fd;
    int saved = errno;
    int r = After(fd, n, f, m, (f & O_CREAT) && !there);
    errno = saved;
    return r;
  };
}

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

// Calls open with a name that was changed.
template <size_t Keep>
const char* Cut(const char* n, char* buffer) {
  std::snprintf(buffer, Keep + 1, "%s", n ? n : "");
  return buffer;
}

bool LastUseHere(const Obj& o) {
  int uses = 0;
  ForEachObject([&](const Obj& other) { uses += other.key() == o.key(); });
  return uses <= 1 && !MappingOf(o, 0);
}

const Fault kFaults[] = {
    {"shm_open_no_cloexec", "shm", "easy", "shm_open.fd.cloexec_set shm_open.fd.closed_by_exec",
     "FD_CLOEXEC is clear in the new descriptor.", "",
     OpenThen<[](int fd, const char*, int, mode_t, bool) {
       real::fcntl(fd, F_SETFD, 0l);
       return fd;
     }>},
    {"shm_open_not_lowest", "shm", "easy", "shm_open.fd.lowest",
     "The descriptor is not the lowest free number.", "",
     OpenThen<[](int fd, const char*, int, mode_t, bool) {
       int high = real::fcntl(fd, F_DUPFD_CLOEXEC, fd + 5l);
       if (high < 0) return fd;
       real::close(fd);
       return high;
     }>},
    {"shm_creat_size_is_page", "shm", "easy", "shm_open.creat.size_zero",
     "A new object has the size of a page.", "",
     OpenThen<[](int fd, const char*, int, mode_t, bool created) {
       if (created) real::ftruncate(fd, static_cast<off_t>(PageSize()));
       return fd;
     }>},
    {"shm_creat_empties_existing", "shm", "easy", "shm_open.creat.existing_untouched",
     "O_CREAT of an existing object sets its size to 0.", "",
     OpenThen<[](int fd, const char*, int f, mode_t, bool created) {
       if ((f & O_CREAT) && !created && (f & O_ACCMODE) == O_RDWR) real::ftruncate(fd, 0);
       return fd;
     }>},
    {"shm_creat_changes_mode_of_existing", "shm", "medium", "shm_open.creat.existing_untouched",
     "O_CREAT of an existing object sets its mode.", "",
     OpenThen<[](int fd, const char*, int f, mode_t m, bool created) {
       if ((f & O_CREAT) && !created) real::fchmod(fd, m & 0777);
       return fd;
     }>},
    {"shm_excl_ignored", "shm", "easy", "shm_open.excl.eexist", "O_EXCL has no effect.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) { return Open(n, f & ~O_EXCL, m); };
     }},
    {"shm_excl_not_atomic", "shm", "hard", "shm_open.excl.atomic",
     "O_EXCL looks whether the object exists, then creates it.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) {
         if (!(f & O_CREAT) || !(f & O_EXCL)) return Open(n, f, m);
         if (Exists(n)) return Fail(EEXIST);
         sched_yield();
         return Open(n, f & ~O_EXCL, m);
       };
     }},
    {"shm_trunc_ignored", "shm", "easy", "shm_open.trunc.size_zero", "O_TRUNC has no effect.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) { return Open(n, f & ~O_TRUNC, m); };
     }},
    {"shm_trunc_resets_mode", "shm", "medium", "shm_open.trunc.keeps_mode_owner",
     "O_TRUNC sets the mode to the one given.", "",
     OpenThen<[](int fd, const char*, int f, mode_t m, bool) {
       if (f & O_TRUNC) real::fchmod(fd, m & 0777);
       return fd;
     }>},
    {"shm_umask_ignored", "shm", "easy", "shm_open.creat.mode_umask",
     "The file mode creation mask is not applied.", "",
     OpenThen<[](int fd, const char*, int, mode_t m, bool created) {
       if (created) real::fchmod(fd, m & 0777);
       return fd;
     }>},
    {"shm_mode_fixed", "shm", "easy", "shm_open.creat.mode_umask",
     "New objects have mode 0600 whatever was asked for.", "",
     [](Hooks& h) { h.shm_open = [](const char* n, int f, mode_t) { return Open(n, f, 0600); }; }},
    {"shm_mode_limits_creator", "shm", "hard", "shm_open.creat.mode_does_not_limit_creator",
     "A creator gets no more access than the mode gives.", "",
     OpenThen<[](int fd, const char*, int f, mode_t m, bool created) {
       if (!created || (m & 0200) || (f & O_ACCMODE) != O_RDWR) return fd;
       real::close(fd);
       return Fail(EACCES);
     }>},
    {"shm_rdonly_is_writable", "shm", "easy",
     "shm_open.oflag.rdonly mmap.err.eacces_shared_write ftruncate.err.not_writable",
     "O_RDONLY gives a descriptor for writing too.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) {
         int fd = (f & O_ACCMODE) == O_RDONLY ? Open(n, (f & ~O_ACCMODE) | O_RDWR, m) : -1;
         return fd >= 0 ? fd : Open(n, f, m);
       };
     }},
    {"shm_rdwr_is_readonly", "shm", "easy", "shm_open.oflag.rdwr shm_open.returns_usable_fd",
     "O_RDWR gives a descriptor for reading only.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) {
         int fd = Open(n, f, m);
         if (fd < 0 || (f & O_ACCMODE) != O_RDWR) return fd;
         int other = Reopen(fd, O_RDONLY);
         if (other < 0) return fd;
         real::dup3(other, fd, O_CLOEXEC);
         real::close(other);
         return fd;
       };
     }},
    {"shm_getfl_access_mode_wrong", "shm", "medium", "shm_open.fd.getfl_access_mode",
     "F_GETFL reports O_RDWR for O_RDONLY.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         int r = real::fcntl(o.fd, c, a);
         return c == F_GETFL && r >= 0 && o.kind == Kind::shm ? (r & ~O_ACCMODE) | O_RDWR : r;
       };
     }},
    {"shm_dupfd_minimum_ignored", "shm", "medium", "fcntl.shm.dupfd fcntl.shm.dupfd_cloexec",
     "F_DUPFD on shared memory ignores its minimum.", "",
     [](Hooks& h) {
       h.fcntl = [](const Obj& o, int c, long a) {
         bool d = (c == F_DUPFD || c == F_DUPFD_CLOEXEC) && o.kind == Kind::shm;
         return real::fcntl(o.fd, c, d ? 0l : a);
       };
     }},
    {"shm_enoent_as_einval", "shm", "easy", "shm_open.err.enoent",
     "A missing object is reported as EINVAL.", "", Edit<&Hooks::shm_open>::Errno<ENOENT, EINVAL>},
    {"shm_missing_is_created", "shm", "easy", "shm_open.err.enoent",
     "O_RDWR without O_CREAT creates the object.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) {
         int fd = Open(n, f, m);
         if (fd >= 0 || errno != ENOENT || (f & O_ACCMODE) != O_RDWR) return fd;
         return Open(n, f | O_CREAT, 0600);
       };
     }},
    {"shm_eexist_as_eacces", "shm", "easy", "shm_open.excl.eexist",
     "O_EXCL on an existing object fails with EACCES.", "",
     Edit<&Hooks::shm_open>::Errno<EEXIST, EACCES>},
    {"shm_eacces_as_eperm", "shm", "medium", "shm_open.err.eacces_existing",
     "Missing permission is reported as EPERM.", "", Edit<&Hooks::shm_open>::Errno<EACCES, EPERM>},
    {"shm_emfile_as_enomem", "shm", "easy", "shm_open.err.emfile",
     "A full descriptor table is reported as ENOMEM.", "",
     Edit<&Hooks::shm_open>::Errno<EMFILE, ENOMEM>},
    {"shm_failure_leaks_descriptor", "shm", "hard", "shm_open.return.failure",
     "Every fourth shm_open() that fails with EEXIST leaves a descriptor open.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) {
         int fd = Open(n, f, m);
         if (fd < 0 && errno == EEXIST && ++Cell(7, kFailures) % 4 == 0) {
           Open(n, O_RDONLY, 0);
           errno = EEXIST;
         }
         return fd;
       };
     }},
    {"shm_name_14_characters", "shm", "medium", "shm_open.name.same_object_across_processes",
     "Names are cut off at 14 characters.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) {
         char cut[64];
         return Open(std::strlen(n) > 15 ? Cut<15>(n, cut) : n, f, m);
       };
       h.shm_unlink = [](const char* n) {
         char cut[64];
         return real::shm_unlink(std::strlen(n) > 15 ? Cut<15>(n, cut) : n);
       };
     }},
    {"shm_names_per_process", "shm", "easy", "shm_open.name.same_object_across_processes",
     "Every process has its own name space.", "",
     [](Hooks& h) {
       h.shm_open = [](const char* n, int f, mode_t m) {
         char own[400];
         std::snprintf(own, sizeof own, "%s.%d", n, getpid());
         return Open(n[0] == '/' && n[1] ? own : n, f, m);
       };
       h.shm_unlink = [](const char* n) {
         char own[400];
         std::snprintf(own, sizeof own, "%s.%d", n, getpid());
         return real::shm_unlink(n[0] == '/' && n[1] ? own : n);
       };
     }},
    {"shm_object_goes_with_last_close", "shm", "medium",
     "shm_open.state.persists close.shm.named_object_kept",
     "An object disappears when nobody uses it, unlinked or not.", "",
     [](Hooks& h) {
       h.close = [](const Obj& o) {
         char name[300];
         bool named = o.kind == Kind::shm && LastUseHere(o) && NameOf(o.fd, name, sizeof name);
         int r = real::close(o.fd);
         if (named) real::shm_unlink(name);
         return r;
       };
     }},
    {"shm_contents_go_with_last_close", "shm", "hard", "shm_open.state.persists",
     "The contents are zero after nobody had the object open; name and size stay.", "",
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
    {"shm_unlink_does_nothing", "shm", "easy", "shm_unlink.removes_name shm_unlink.reuse.enoent",
     "shm_unlink() returns 0 and leaves the name.", "",
     [](Hooks& h) {
       h.shm_unlink = [](const char* n) { return Exists(n) ? 0 : real::shm_unlink(n); };
     }},
    {"shm_unlink_waits_for_last_close", "shm", "medium",
     "shm_unlink.name_gone_on_return shm_unlink.reuse.enoent",
     "The name goes when the object is no longer open.", "",
     [](Hooks& h) {
       h.shm_unlink = [](const char* n) {
         int fd = Open(n, O_RDONLY, 0);
         if (fd < 0) return real::shm_unlink(n);
         bool used = !LastUseHere(ObjectOf(fd));
         real::close(fd);
         return used ? 0 : real::shm_unlink(n);
       };
     }},
    {"shm_unlink_busy", "shm", "medium", "shm_unlink.removes_name shm_unlink.deferred.open_fd",
     "shm_unlink() of an object that is open fails with EBUSY.", "",
     [](Hooks& h) {
       h.shm_unlink = [](const char* n) {
         int fd = Open(n, O_RDONLY, 0);
         if (fd < 0) return real::shm_unlink(n);
         bool used = !LastUseHere(ObjectOf(fd));
         real::close(fd);
         return used ? Fail(EBUSY) : real::shm_unlink(n);
       };
     }},
    {"shm_unlink_destroys_contents", "shm", "medium",
     "shm_unlink.deferred.open_fd shm_unlink.deferred.mapping_only shm_unlink.does_not_unmap",
     "shm_unlink() gives the memory back though the object is in use.", "",
     [](Hooks& h) {
       h.shm_unlink = [](const char* n) {
         int fd = Open(n, O_RDWR, 0);
         struct stat s;
         if (fd >= 0 && real::fstat(fd, &s) == 0) {
           real::ftruncate(fd, 0);
           real::ftruncate(fd, s.st_size);
         }
         if (fd >= 0) real::close(fd);
         return real::shm_unlink(n);
       };
     }},
    {"shm_unlink_missing_succeeds", "shm", "easy", "shm_unlink.err.enoent",
     "shm_unlink() of a missing name returns 0.", "", Edit<&Hooks::shm_unlink>::Accept<ENOENT, 0>},
    {"shm_unlink_reuse_finds_old", "shm", "medium", "shm_unlink.reuse.new_object",
     "A name that is created again after unlinking has the old contents.", "",
     [](Hooks& h) {
       h.shm_unlink = [](const char* n) {
         char from[300], to[310];
         std::snprintf(from, sizeof from, "/dev/shm%s", n);
         std::snprintf(to, sizeof to, "/dev/shm/.old%s", n + (*n == '/'));
         Obj o;
         struct stat s;
         if (real::fstatat(AT_FDCWD, from, &s, 0) != 0 || s.st_size == 0)
           return real::shm_unlink(n);
         return std::rename(from, to) == 0 ? 0 : real::shm_unlink(n);
       };
       h.shm_open = [](const char* n, int f, mode_t m) {
         char from[300], to[310];
         std::snprintf(from, sizeof from, "/dev/shm%s", n);
         std::snprintf(to, sizeof to, "/dev/shm/.old%s", n + (*n == '/'));
         if ((f & O_CREAT) && !Exists(n) && std::rename(to, from) == 0) f &= ~O_EXCL;
         return Open(n, f, m);
       };
     }},
    {"shm_fstat_size_in_pages", "shm", "easy", "fstat.shm.size ftruncate.shm.grow_size",
     "st_size is rounded up to whole pages.", "macOS", FstatThen<[](const Obj&, struct stat* s) {
       s->st_size = static_cast<off_t>(PageUp(static_cast<size_t>(s->st_size)));
     }>},
    {"shm_fstat_no_mode", "shm", "easy", "fstat.shm.mode_bits", "st_mode has no permission bits.",
     "", FstatThen<[](const Obj&, struct stat* s) { s->st_mode &= ~0777u; }>},
    {"shm_fstat_wrong_ids", "shm", "easy", "fstat.shm.ids shm_open.creat.uid shm_open.creat.gid",
     "st_uid and st_gid are not the owner's.", "",
     FstatThen<[](const Obj&, struct stat* s) { s->st_uid += 1, s->st_gid += 1; }>},
    {"shm_fchmod_ignored", "shm", "easy", "fchmod.shm.changes_bits fchmod.shm.governs_later_opens",
     "fchmod() on shared memory returns 0 and does nothing.", "",
     [](Hooks& h) {
       h.fchmod = [](const Obj& o, mode_t m) {
         return o.kind == Kind::shm ? 0 : real::fchmod(o.fd, m);
       };
     }},
    {"shm_fchmod_by_others_succeeds", "shm", "medium", "fchmod.shm.err_eperm fchown.shm.err_eperm",
     "fchmod() and fchown() by others than the owner return 0.", "",
     [](Hooks& h) {
       Edit<&Hooks::fchmod>::Accept<EPERM, 0>(h);
       Edit<&Hooks::fchown>::Accept<EPERM, 0>(h);
     }},
    {"shm_fchown_ignored", "shm", "easy", "fchown.shm.changes_owner",
     "fchown() on shared memory returns 0 and does nothing.", "",
     [](Hooks& h) {
       h.fchown = [](const Obj& o, uid_t u, gid_t g) {
         if (o.kind != Kind::shm) return real::fchown(o.fd, u, g);
         struct stat s;
         real::fstat(o.fd, &s);
         return real::fchown(o.fd, s.st_uid, s.st_gid);
       };
     }},
    {"sysconf_shm_unsupported", "shm", "easy", "sysconf.shared_memory_objects",
     "sysconf(_SC_SHARED_MEMORY_OBJECTS) is -1.", "",
     [](Hooks& h) {
       h.sysconf = [](int n) { return n == _SC_SHARED_MEMORY_OBJECTS ? -1l : real::sysconf(n); };
     }},
    {"sysconf_page_size_doubled", "shm", "medium", "sysconf.pagesize mmap.end.sigbus",
     "sysconf(_SC_PAGESIZE) is twice the size of a page.", "",
     [](Hooks& h) {
       h.sysconf = [](int n) { return real::sysconf(n) * (n == _SC_PAGESIZE ? 2 : 1); };
     }},
    {"fallocate_shm_does_not_grow", "shm", "medium", "posix_fallocate.shm",
     "posix_fallocate() on shared memory returns 0 and does not grow the object.", "",
     [](Hooks& h) {
       h.fallocate = [](const Obj& o, off_t at, off_t n) {
         return o.kind == Kind::shm ? 0 : real::posix_fallocate(o.fd, at, n);
       };
     }},
};

}  // namespace

Bank ShmObjectBank() { return BankOf(kFaults); }

}  // namespace faults
