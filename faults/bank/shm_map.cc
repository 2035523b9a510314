// Faults of mmap(), munmap(), mprotect() and their relatives on shared memory.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

namespace faults {
namespace {

void* Map(const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
  return real::mmap(a, n, prot, flags, o.fd, at);
}
char* Chars(void* p) { return static_cast<char*>(p); }
uintptr_t At(const void* p) { return reinterpret_cast<uintptr_t>(p); }
bool Private(int flags) { return (flags & 3) == MAP_PRIVATE; }

// mmap() of shared memory replaced.
template <void* (*Call)(const Obj&, void*, size_t, int, int, off_t)>
void MapAs(Hooks& h) {
  h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
    return (o.kind == Kind::shm ? Call : Map)(o, a, n, prot, flags, at);
  };
}

// Replaces a mapping by private memory with the same contents and protection.
void MakePrivateCopy(const MappingEntry& m) {
  char* at = reinterpret_cast<char*>(m.address);
  if (!(m.prot & PROT_READ) || (m.flags & MAP_PRIVATE)) return;
  void* copy =
      real::mmap(nullptr, m.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) return;
  std::memcpy(copy, at, m.length);
  real::mmap(at, m.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  std::memcpy(at, copy, m.length);
  if (!(m.prot & PROT_WRITE)) real::mprotect(at, m.length, m.prot);
  real::munmap(copy, m.length);
}

const Fault kFaults[] = {
    {"mmap_shared_is_private", "shm", "easy",
     "mmap.shared.changes_object mmap.shared.visible_unrelated mmap.shared.visible_fork",
     "MAP_SHARED is taken for MAP_PRIVATE.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, (flags & ~3) | MAP_PRIVATE, at);
     })>},
    {"mmap_private_is_shared", "shm", "easy", "mmap.private.isolated",
     "Stores to a private mapping change the object.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       if (!Private(flags)) return Map(o, a, n, prot, flags, at);
       void* p = Map(o, a, n, prot, (flags & ~3) | MAP_SHARED, at);
       return p == MAP_FAILED ? Map(o, a, n, prot, flags, at) : p;
     })>},
    {"mmap_private_starts_empty", "shm", "easy", "mmap.private.initial_contents",
     "A private mapping does not show the object's contents.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       void* p = Map(o, a, n, prot, flags, at);
       if (p == MAP_FAILED || !Private(flags)) return p;
       return real::mmap(p, n, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
     })>},
    {"mmap_private_of_readonly_fails", "shm", "medium", "mmap.private.rdonly_fd_writable",
     "A writable private mapping needs a descriptor open for writing.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) -> void* {
       if (Private(flags) && (prot & PROT_WRITE) && AccessMode(o) == O_RDONLY) {
         errno = EACCES;
         return MAP_FAILED;
       }
       return Map(o, a, n, prot, flags, at);
     })>},
    {"mmap_second_mapping_incoherent", "shm", "medium",
     "mmap.multi.same_process mmap.shared.changes_object",
     "A second mapping in the same process is a copy.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       bool second = MappingOf(o, 0) != nullptr && !Private(flags);
       return Map(o, a, n, prot, second ? (flags & ~3) | MAP_PRIVATE : flags, at);
     })>},
    {"mmap_offset_ignored", "shm", "medium", "mmap.off.page_multiple",
     "Every mapping starts at offset 0.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, flags, at % static_cast<off_t>(PageSize()) == 0 && at > 0 ? 0 : at);
     })>},
    {"mmap_offset_one_page_only", "shm", "hard", "mmap.off.page_multiple",
     "Offsets of more than one page are taken for one page.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       off_t page = static_cast<off_t>(PageSize());
       return Map(o, a, n, prot, flags, at > page && at % page == 0 ? page : at);
     })>},
    {"mmap_offset_beyond_end_fails", "shm", "medium", "mmap.off.beyond_end",
     "An offset behind the end of the object fails with ENXIO.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) -> void* {
       struct stat s;
       if (at > 0 && real::fstat(o.fd, &s) == 0 && at >= s.st_size) {
         errno = ENXIO;
         return MAP_FAILED;
       }
       return Map(o, a, n, prot, flags, at);
     })>},
    {"mmap_prot_none_readable", "shm", "medium", "mmap.prot.none",
     "PROT_NONE gives a readable mapping.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot == PROT_NONE ? PROT_READ : prot, flags, at);
     })>},
    {"mmap_readonly_is_writable", "shm", "easy", "mmap.prot.no_write",
     "PROT_READ gives a writable mapping where the descriptor allows it.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       void* p = Map(o, a, n, prot == PROT_READ ? prot | PROT_WRITE : prot, flags, at);
       return p == MAP_FAILED ? Map(o, a, n, prot, flags, at) : p;
     })>},
    {"mmap_fixed_is_a_hint", "shm", "medium", "mmap.fixed.exact mmap.fixed.replaces",
     "MAP_FIXED is ignored.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, flags & ~MAP_FIXED, at);
     })>},
    {"mmap_fixed_does_not_replace", "shm", "medium", "mmap.fixed.replaces",
     "MAP_FIXED on a range in use fails with EINVAL.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) -> void* {
       if ((flags & MAP_FIXED) && real::msync(a, 1, MS_ASYNC) == 0) {
         errno = EINVAL;
         return MAP_FAILED;
       }
       return Map(o, a, n, prot, flags, at);
     })>},
    {"mmap_hint_is_fixed", "shm", "medium", "mmap.addr.hint_occupied",
     "A hint is obeyed even if something is mapped there.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, a && At(a) % PageSize() == 0 ? flags | MAP_FIXED : flags, at);
     })>},
    {"mmap_failed_fixed_unmaps", "shm", "hard", "mmap.fail.keeps_old_mappings",
     "MAP_FIXED removes what was there before it finds that it has to fail.",
     "",
     [](Hooks& h) {
       h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
         void* p = Map(o, a, n, prot, flags, at);
         int saved = errno;
         if (p == MAP_FAILED && (flags & MAP_FIXED) && MappingAt(At(a), n, 0, false)) {
           real::munmap(a, n);
           errno = saved;
         }
         return p;
       };
     }},
    {"mmap_goes_with_close", "shm", "medium", "mmap.ref.survives_close close.shm.mapped_contents_persist",
     "close() of the descriptor removes its mappings.", "",
     [](Hooks& h) {
       h.close = [](const Obj& o) {
         bool last = true;
         if (o.kind == Kind::shm) {
           ForEachObject([&](const Obj& x) { last &= x.fd == o.fd || x.key() != o.key(); });
           while (MappingEntry* m = last ? MappingOf(o, 0) : nullptr) {
             real::munmap(reinterpret_cast<void*>(m->address), m->length);
             m->live = false;
           }
         }
         return real::close(o.fd);
       };
     }},
    {"fork_makes_shared_private", "shm", "medium", "mmap.fork.type_retained mmap.shared.visible_fork",
     "In the child of fork() shared mappings are private copies.", "",
     [](Hooks& h) {
       h.after_fork_in_child = [] {
         for (int i = 0; MappingEntry* m = AnyMapping(i); ++i) MakePrivateCopy(*m);
       };
     }},
    {"fork_child_loses_shm_descriptors", "shm", "medium", "mmap.fork.fd_inherited",
     "Shared memory descriptors are not open in the child of fork().", "",
     [](Hooks& h) {
       h.after_fork_in_child = [] {
         ForEachObject([](const Obj& o) {
           if (o.kind == Kind::shm) real::close(o.fd);
         });
       };
     }},
    {"exec_keeps_shm_descriptors", "shm", "medium", "shm_open.fd.closed_by_exec",
     "Shared memory descriptors with FD_CLOEXEC stay open over exec.", "", [](Hooks& h) {
       h.before_exec = [] {
         ForEachObject([](const Obj& o) {
           if (o.kind == Kind::shm) real::fcntl(o.fd, F_SETFD, 0l);
         });
       };
     }},
    {"mmap_eacces_as_eperm", "shm", "easy",
     "mmap.err.eacces_shared_write mmap.err.eacces_not_readable",
     "Access that the descriptor does not give is reported as EPERM.", "",
     Edit<&Hooks::mmap>::Errno<EACCES, EPERM>},
    {"mmap_length_zero_succeeds", "shm", "easy", "mmap.err.einval_len_zero",
     "A length of 0 maps a page.", "Linux before 2.6.12",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n ? n : PageSize(), prot, flags, at);
     })>},
    {"mmap_flags_missing_is_private", "shm", "easy", "mmap.err.einval_flags",
     "Without MAP_SHARED and MAP_PRIVATE the mapping is private.", "",
     MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, flags & 3 ? flags : flags | MAP_PRIVATE, at);
     })>},
    {"mmap_no_room_einval", "shm", "medium", "mmap.err.enomem_space mmap.err.enomem_rlimit_as mmap.err.enomem_fixed_range",
     "Lack of address space is reported as EINVAL.", "",
     Edit<&Hooks::mmap>::Errno<ENOMEM, EINVAL>},
    {"munmap_does_nothing", "shm", "easy", "munmap.removes",
     "munmap() returns 0 and leaves the mapping.", "", Edit<&Hooks::munmap>::Nothing<0>},
    {"munmap_removes_whole_mapping", "shm", "medium", "munmap.partial",
     "munmap() of a part removes the whole mapping.", "", [](Hooks& h) {
       h.munmap = [](void* a, size_t n) {
         MappingEntry* m = MappingAt(At(a), n, 0, false);
         if (!m || At(a) % PageSize() || n == 0) return real::munmap(a, n);
         bool inside = At(a) >= m->address && At(a) + n <= m->address + m->length;
         return inside ? real::munmap(reinterpret_cast<void*>(m->address), m->length)
                       : real::munmap(a, n);
       };
     }},
    {"munmap_tail_too_short", "shm", "medium", "munmap.removes munmap.partial",
     "munmap() of a length that is no multiple of the page size leaves the last page.", "",
     [](Hooks& h) {
       h.munmap = [](void* a, size_t n) {
         size_t down = n / PageSize() * PageSize();
         return real::munmap(a, down ? down : n);
       };
     }},
    {"munmap_first_mapping_only", "shm", "medium", "munmap.several_mappings",
     "munmap() of a range with several mappings removes the first.", "", [](Hooks& h) {
       h.munmap = [](void* a, size_t n) {
         MappingEntry* m = MappingAt(At(a), n, 0, false);
         MappingEntry* second = MappingAt(At(a), n, 1, false);
         if (!m || !second || At(a) % PageSize()) return real::munmap(a, n);
         if (second->address < m->address) m = second;
         return real::munmap(reinterpret_cast<void*>(m->address), m->length);
       };
     }},
    {"munmap_hole_einval", "shm", "medium", "munmap.nothing_mapped",
     "munmap() of a range where nothing is mapped fails with EINVAL.", "", [](Hooks& h) {
       h.munmap = [](void* a, size_t n) {
         int saved = errno;
         if (At(a) % PageSize() == 0 && n && real::msync(a, n, MS_ASYNC) == -1 && errno == ENOMEM) {
           return Fail(EINVAL);
         }
         errno = saved;
         return real::munmap(a, n);
       };
     }},
    {"munmap_length_zero_succeeds", "shm", "easy", "munmap.err.einval_len_zero",
     "munmap() with length 0 returns 0.", "Linux before 2.6.12", [](Hooks& h) {
       h.munmap = [](void* a, size_t n) { return n == 0 ? 0 : real::munmap(a, n); };
     }},
    {"munmap_loses_unsynced_data", "shm", "hard", "munmap.shared_kept mmap.shared.changes_object",
     "Stores that were not followed by msync() are lost when the mapping is removed.",
     "", [](Hooks& h) {
       h.munmap = [](void* a, size_t n) {
         MappingEntry* m = MappingAt(At(a), n, 0, false);
         if (m && !(m->flags & MAP_PRIVATE) && (m->prot & PROT_WRITE) && At(a) == m->address &&
             !MappingOf(m->object, 1)) {
           Chars(a)[0] = 0;
         }
         return real::munmap(a, n);
       };
     }},
    {"mprotect_does_nothing", "shm", "easy", "mprotect.changes",
     "mprotect() returns 0 and changes nothing.", "", Edit<&Hooks::mprotect>::Nothing<0>},
    {"mprotect_whole_mapping", "shm", "medium", "mprotect.subrange",
     "mprotect() of a part changes the whole mapping.", "", [](Hooks& h) {
       h.mprotect = [](void* a, size_t n, int prot) {
         MappingEntry* m = MappingAt(At(a), n, 0, false);
         if (!m || At(a) % PageSize()) return real::mprotect(a, n, prot);
         return real::mprotect(reinterpret_cast<void*>(m->address), m->length, prot);
       };
     }},
    {"mprotect_none_is_read", "shm", "medium", "mprotect.changes mprotect.required_values",
     "mprotect(PROT_NONE) leaves the pages readable.", "", [](Hooks& h) {
       h.mprotect = [](void* a, size_t n, int prot) {
         return real::mprotect(a, n, prot == PROT_NONE ? PROT_READ : prot);
       };
     }},
    {"mprotect_readonly_object_succeeds", "shm", "medium", "mprotect.err.eacces_shared_rdonly",
     "mprotect(PROT_WRITE) on a shared mapping of an O_RDONLY descriptor returns 0.", "",
     Edit<&Hooks::mprotect>::Accept<EACCES, 0>},
    {"mprotect_private_readonly_fails", "shm", "medium", "mprotect.private_rdonly_ok",
     "mprotect(PROT_WRITE) on a private mapping of an O_RDONLY descriptor fails with EACCES.", "",
     [](Hooks& h) {
       h.mprotect = [](void* a, size_t n, int prot) {
         MappingEntry* m = MappingAt(At(a), n, 0, false);
         bool refuse = m && (m->flags & MAP_PRIVATE) && !(m->prot & PROT_WRITE) && (prot & PROT_WRITE);
         return refuse ? Fail(EACCES) : real::mprotect(a, n, prot);
       };
     }},
    {"mprotect_hole_succeeds", "shm", "easy", "mprotect.err.enomem",
     "mprotect() over a hole returns 0.", "", Edit<&Hooks::mprotect>::Accept<ENOMEM, 0>},
    {"mprotect_hole_efault", "shm", "easy", "mprotect.err.enomem",
     "mprotect() over a hole fails with EFAULT.", "",
     Edit<&Hooks::mprotect>::Errno<ENOMEM, EFAULT>},
    {"msync_invalid_flags_accepted", "shm", "easy", "msync.err.einval_flags",
     "msync(MS_SYNC|MS_ASYNC) returns 0.", "", [](Hooks& h) {
       h.msync = [](void* a, size_t n, int f) {
         return real::msync(a, n, (f & MS_SYNC) && (f & MS_ASYNC) ? f & ~MS_ASYNC : f);
       };
     }},
    {"msync_hole_succeeds", "shm", "easy", "msync.err.enomem", "msync() over a hole returns 0.", "",
     Edit<&Hooks::msync>::Accept<ENOMEM, 0>},
    {"msync_hole_efault", "shm", "easy", "msync.err.enomem",
     "msync() over a hole fails with EFAULT.", "",
     Edit<&Hooks::msync>::Errno<ENOMEM, EFAULT>},
    {"msync_writes_private_pages", "shm", "hard", "msync.private_not_written",
     "msync() writes the pages of a private mapping to the object.", "", [](Hooks& h) {
       h.msync = [](void* a, size_t n, int f) {
         MappingEntry* m = MappingAt(At(a), n, 0, false);
         int r = real::msync(a, n, f);
         if (r != 0 || !m || !(m->flags & MAP_PRIVATE)) return r;
         ForEachObject([&](const Obj& o) {
           if (o.key() == m->object.key() && AccessMode(o) == O_RDWR) {
             real::pwrite(o.fd, a, n, m->offset + static_cast<off_t>(At(a) - m->address));
           }
         });
         return r;
       };
     }},
    {"mlock_hole_succeeds", "shm", "easy", "mlock.err.enomem_unmapped",
     "mlock() over a hole returns 0.", "", Edit<&Hooks::mlock>::Accept<ENOMEM, 0>},
    {"mlock_fails_always", "shm", "medium", "mlock.shm.success",
     "mlock() of shared memory fails with EINVAL.", "", Edit<&Hooks::mlock>::Always<EINVAL>},
    {"posix_madvise_dontneed_drops", "shm", "medium", "posix_madvise.shm.no_semantic_effect",
     "POSIX_MADV_DONTNEED throws private pages away.", "the raw Linux madvise() of that name",
     [](Hooks& h) {
       h.posix_madvise = [](void* a, size_t n, int advice) {
         if (advice == POSIX_MADV_DONTNEED) madvise(a, n, MADV_DONTNEED);
         return real::posix_madvise(a, n, advice);
       };
     }},
    {"posix_madvise_sets_errno", "shm", "medium",
     "posix_madvise.err.einval_advice posix_madvise.err.enomem",
     "posix_madvise() returns -1 and sets errno.", "", [](Hooks& h) {
       h.posix_madvise = [](void* a, size_t n, int advice) {
         int r = real::posix_madvise(a, n, advice);
         return r > 0 ? Fail(r) : r;
       };
     }},
};

}  // namespace

Bank ShmMapBank() { return BankOf(kFaults); }

}  // namespace faults
