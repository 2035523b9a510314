// Faults of munmap(), mprotect() and their relatives on shared memory.
#include <fcntl.h>

#include "faults/preload/shm.h"

namespace faults {
namespace {

char* Chars(void* p) { return static_cast<char*>(p); }

const Row kFaults[] = {
    {.name = "munmap_does_nothing",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"munmap.removes"},
     .what = "munmap() returns 0 and leaves the mapping.",
     .arm = Edit<&Hooks::munmap>::Nothing<0>},
    {.name = "munmap_removes_whole_mapping",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"munmap.partial"},
     .what = "munmap() of a part removes the whole mapping.",
     .arm =
         [](Hooks& h) {
           h.munmap = [](void* a, size_t n) {
             MappingEntry* m = MappingAt(At(a), n, 0, false);
             if (!m || At(a) % PageSize() || n == 0) return real::munmap(a, n);
             bool inside = At(a) >= m->address && At(a) + n <= m->address + m->length;
             return inside ? real::munmap(reinterpret_cast<void*>(m->address), m->length)
                           : real::munmap(a, n);
           };
         }},
    {.name = "munmap_tail_too_short",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"munmap.removes", "munmap.partial"},
     .what = "munmap() of a length that is not a multiple of the page size leaves the last page.",
     .arm =
         [](Hooks& h) {
           h.munmap = [](void* a, size_t n) {
             size_t down = n / PageSize() * PageSize();
             return real::munmap(a, down ? down : n);
           };
         }},
    {.name = "munmap_first_mapping_only",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"munmap.several_mappings"},
     .what = "munmap() of a range with several mappings removes the first.",
     .arm =
         [](Hooks& h) {
           h.munmap = [](void* a, size_t n) {
             MappingEntry* m = MappingAt(At(a), n, 0, false);
             MappingEntry* second = MappingAt(At(a), n, 1, false);
             if (!m || !second || At(a) % PageSize()) return real::munmap(a, n);
             if (second->address < m->address) m = second;
             return real::munmap(reinterpret_cast<void*>(m->address), m->length);
           };
         }},
    {.name = "munmap_hole_einval",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"munmap.nothing_mapped"},
     .what = "munmap() of a range where nothing is mapped fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.munmap = [](void* a, size_t n) {
             int saved = errno;
             if (At(a) % PageSize() == 0 && n && real::msync(a, n, MS_ASYNC) == -1 &&
                 errno == ENOMEM) {
               return Fail(EINVAL);
             }
             errno = saved;
             return real::munmap(a, n);
           };
         }},
    {.name = "munmap_length_zero_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"munmap.err.einval_len_zero"},
     .what = "munmap() with length 0 returns 0.",
     .source = "Linux before 2.6.12",
     .arm =
         [](Hooks& h) {
           h.munmap = [](void* a, size_t n) { return n == 0 ? 0 : real::munmap(a, n); };
         }},
    {.name = "munmap_loses_unsynced_data",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"munmap.shared_kept", "mmap.shared.changes_object"},
     .what = "Stores that were not followed by msync() are lost when the mapping is removed.",
     .arm =
         [](Hooks& h) {
           h.munmap = [](void* a, size_t n) {
             MappingEntry* m = MappingAt(At(a), n, 0, false);
             if (m && !(m->flags & MAP_PRIVATE) && (m->prot & PROT_WRITE) && At(a) == m->address &&
                 !MappingOf(m->object, 1)) {
               Chars(a)[0] = 0;
             }
             return real::munmap(a, n);
           };
         }},
    {.name = "mprotect_does_nothing",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mprotect.changes"},
     .what = "mprotect() returns 0 and changes nothing.",
     .arm = Edit<&Hooks::mprotect>::Nothing<0>},
    {.name = "mprotect_whole_mapping",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mprotect.subrange"},
     .what = "mprotect() of a part changes the whole mapping.",
     .arm =
         [](Hooks& h) {
           h.mprotect = [](void* a, size_t n, int prot) {
             MappingEntry* m = MappingAt(At(a), n, 0, false);
             if (!m || At(a) % PageSize()) return real::mprotect(a, n, prot);
             return real::mprotect(reinterpret_cast<void*>(m->address), m->length, prot);
           };
         }},
    {.name = "mprotect_none_is_read",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mprotect.changes", "mprotect.required_values"},
     .what = "mprotect(PROT_NONE) leaves the pages readable.",
     .arm =
         [](Hooks& h) {
           h.mprotect = [](void* a, size_t n, int prot) {
             return real::mprotect(a, n, prot == PROT_NONE ? PROT_READ : prot);
           };
         }},
    {.name = "mprotect_readonly_object_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mprotect.err.eacces_shared_rdonly"},
     .what = "mprotect(PROT_WRITE) on a shared mapping of an O_RDONLY descriptor returns 0.",
     .arm = Edit<&Hooks::mprotect>::Accept<EACCES, 0>},
    {.name = "mprotect_private_readonly_fails",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mprotect.private_rdonly_ok"},
     .what =
         "mprotect(PROT_WRITE) on a private mapping of an O_RDONLY descriptor fails with EACCES.",
     .arm =
         [](Hooks& h) {
           h.mprotect = [](void* a, size_t n, int prot) {
             MappingEntry* m = MappingAt(At(a), n, 0, false);
             bool refuse =
                 m && (m->flags & MAP_PRIVATE) && !(m->prot & PROT_WRITE) && (prot & PROT_WRITE);
             return refuse ? Fail(EACCES) : real::mprotect(a, n, prot);
           };
         }},
    {.name = "mprotect_hole_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mprotect.err.enomem"},
     .what = "mprotect() over a hole returns 0.",
     .arm = Edit<&Hooks::mprotect>::Accept<ENOMEM, 0>},
    {.name = "mprotect_hole_efault",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mprotect.err.enomem"},
     .what = "mprotect() over a hole fails with EFAULT.",
     .arm = Edit<&Hooks::mprotect>::Errno<ENOMEM, EFAULT>},
    {.name = "msync_invalid_flags_accepted",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"msync.err.einval_flags"},
     .what = "msync(MS_SYNC|MS_ASYNC) returns 0.",
     .arm =
         [](Hooks& h) {
           h.msync = [](void* a, size_t n, int f) {
             return real::msync(a, n, (f & MS_SYNC) && (f & MS_ASYNC) ? f & ~MS_ASYNC : f);
           };
         }},
    {.name = "msync_hole_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"msync.err.enomem"},
     .what = "msync() over a hole returns 0.",
     .arm = Edit<&Hooks::msync>::Accept<ENOMEM, 0>},
    {.name = "msync_hole_efault",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"msync.err.enomem"},
     .what = "msync() over a hole fails with EFAULT.",
     .arm = Edit<&Hooks::msync>::Errno<ENOMEM, EFAULT>},
    {.name = "msync_writes_private_pages",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"msync.private_not_written"},
     .what = "msync() writes the pages of a private mapping to the object.",
     .arm =
         [](Hooks& h) {
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
    {.name = "mlock_hole_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mlock.err.enomem_unmapped"},
     .what = "mlock() over a hole returns 0.",
     .arm = Edit<&Hooks::mlock>::Accept<ENOMEM, 0>},
    {.name = "mlock_fails_always",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mlock.shm.success"},
     .what = "mlock() of shared memory fails with EINVAL.",
     .arm = Edit<&Hooks::mlock>::Always<EINVAL>},
    {.name = "posix_madvise_dontneed_drops",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"posix_madvise.shm.no_semantic_effect"},
     .what = "POSIX_MADV_DONTNEED throws private pages away.",
     .source = "the raw Linux madvise() of that name",
     .arm =
         [](Hooks& h) {
           h.posix_madvise = [](void* a, size_t n, int advice) {
             if (advice == POSIX_MADV_DONTNEED) madvise(a, n, MADV_DONTNEED);
             return real::posix_madvise(a, n, advice);
           };
         }},
    {.name = "posix_madvise_sets_errno",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"posix_madvise.err.einval_advice", "posix_madvise.err.enomem"},
     .what = "posix_madvise() returns -1 and sets errno.",
     .arm =
         [](Hooks& h) {
           h.posix_madvise = [](void* a, size_t n, int advice) {
             int r = real::posix_madvise(a, n, advice);
             return r > 0 ? Fail(r) : r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
