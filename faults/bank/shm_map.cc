// Faults of mmap() on shared memory.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

#include "faults/preload/shm.h"

namespace faults {
namespace {

bool Private(int flags) { return (flags & 3) == MAP_PRIVATE; }

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

const Row kFaults[] = {
    {.name = "mmap_shared_is_private",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.shared.changes_object", "mmap.shared.visible_unrelated",
                 "mmap.shared.visible_fork"},
     .what = "MAP_SHARED is taken for MAP_PRIVATE.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, (flags & ~3) | MAP_PRIVATE, at);
     })>},
    {.name = "mmap_private_is_shared",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.private.isolated"},
     .what = "Stores to a private mapping change the object.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       if (!Private(flags)) return Map(o, a, n, prot, flags, at);
       void* p = Map(o, a, n, prot, (flags & ~3) | MAP_SHARED, at);
       return p == MAP_FAILED ? Map(o, a, n, prot, flags, at) : p;
     })>},
    {.name = "mmap_private_starts_empty",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.private.initial_contents"},
     .what = "A private mapping does not show the object's contents.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       void* p = Map(o, a, n, prot, flags, at);
       if (p == MAP_FAILED || !Private(flags)) return p;
       return real::mmap(p, n, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
     })>},
    {.name = "mmap_private_of_readonly_fails",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.private.rdonly_fd_writable"},
     .what = "A writable private mapping needs a descriptor open for writing.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) -> void* {
       if (Private(flags) && (prot & PROT_WRITE) && AccessMode(o) == O_RDONLY) {
         errno = EACCES;
         return MAP_FAILED;
       }
       return Map(o, a, n, prot, flags, at);
     })>},
    {.name = "mmap_second_mapping_incoherent",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.multi.same_process", "mmap.shared.changes_object"},
     .what = "A second mapping in the same process is a copy.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       bool second = MappingOf(o, 0) != nullptr && !Private(flags);
       return Map(o, a, n, prot, second ? (flags & ~3) | MAP_PRIVATE : flags, at);
     })>},
    {.name = "mmap_offset_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.off.page_multiple"},
     .what = "Every mapping starts at offset 0.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, flags,
                  at % static_cast<off_t>(PageSize()) == 0 && at > 0 ? 0 : at);
     })>},
    {.name = "mmap_offset_one_page_only",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"mmap.off.page_multiple"},
     .what = "Offsets of more than one page are taken for one page.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       off_t page = static_cast<off_t>(PageSize());
       return Map(o, a, n, prot, flags, at > page && at % page == 0 ? page : at);
     })>},
    {.name = "mmap_offset_beyond_end_fails",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.off.beyond_end"},
     .what = "An offset beyond the end of the object fails with ENXIO.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) -> void* {
       struct stat s;
       if (at > 0 && real::fstat(o.fd, &s) == 0 && at >= s.st_size) {
         errno = ENXIO;
         return MAP_FAILED;
       }
       return Map(o, a, n, prot, flags, at);
     })>},
    {.name = "mmap_prot_none_readable",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.prot.none"},
     .what = "PROT_NONE gives a readable mapping.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot == PROT_NONE ? PROT_READ : prot, flags, at);
     })>},
    {.name = "mmap_readonly_is_writable",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.prot.no_write"},
     .what = "PROT_READ gives a writable mapping where the descriptor allows it.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       void* p = Map(o, a, n, prot == PROT_READ ? prot | PROT_WRITE : prot, flags, at);
       return p == MAP_FAILED ? Map(o, a, n, prot, flags, at) : p;
     })>},
    {.name = "mmap_fixed_is_a_hint",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.fixed.exact", "mmap.fixed.replaces"},
     .what = "MAP_FIXED is ignored.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, flags & ~MAP_FIXED, at);
     })>},
    {.name = "mmap_fixed_does_not_replace",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.fixed.replaces"},
     .what = "MAP_FIXED on a range in use fails with EINVAL.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) -> void* {
       if ((flags & MAP_FIXED) && real::msync(a, 1, MS_ASYNC) == 0) {
         errno = EINVAL;
         return MAP_FAILED;
       }
       return Map(o, a, n, prot, flags, at);
     })>},
    {.name = "mmap_hint_is_fixed",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.addr.hint_occupied"},
     .what = "A hint is obeyed even if something is mapped there.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, a && At(a) % PageSize() == 0 ? flags | MAP_FIXED : flags, at);
     })>},
    {.name = "mmap_failed_fixed_unmaps",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"mmap.fail.keeps_old_mappings"},
     .what = "MAP_FIXED removes what was there before it finds that it has to fail.",
     .arm =
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
    {.name = "mmap_goes_with_close",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.ref.survives_close", "close.shm.mapped_contents_persist"},
     .what = "close() of the descriptor removes its mappings.",
     .arm =
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
    {.name = "fork_makes_shared_private",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.fork.type_retained", "mmap.shared.visible_fork"},
     .what = "In the child of fork() shared mappings are private copies.",
     .arm =
         [](Hooks& h) {
           h.after_fork_in_child = [] {
             for (int i = 0; MappingEntry* m = AnyMapping(i); ++i) MakePrivateCopy(*m);
           };
         }},
    {.name = "fork_child_loses_shm_descriptors",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.fork.fd_inherited"},
     .what = "Shared memory descriptors are not open in the child of fork().",
     .arm =
         [](Hooks& h) {
           h.after_fork_in_child = [] {
             ForEachObject([](const Obj& o) {
               if (o.kind == Kind::shm) real::close(o.fd);
             });
           };
         }},
    {.name = "exec_keeps_shm_descriptors",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"shm_open.fd.closed_by_exec"},
     .what = "Shared memory descriptors with FD_CLOEXEC stay open over exec.",
     .arm =
         [](Hooks& h) {
           h.before_exec = [] {
             ForEachObject([](const Obj& o) {
               if (o.kind == Kind::shm) real::fcntl(o.fd, F_SETFD, 0l);
             });
           };
         }},
    {.name = "mmap_eacces_as_eperm",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.err.eacces_shared_write", "mmap.err.eacces_not_readable"},
     .what = "Access that the descriptor does not give is reported as EPERM.",
     .arm = Edit<&Hooks::mmap>::Errno<EACCES, EPERM>},
    {.name = "mmap_length_zero_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.err.einval_len_zero"},
     .what = "A length of 0 maps a page.",
     .source = "Linux before 2.6.12",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n ? n : PageSize(), prot, flags, at);
     })>},
    {.name = "mmap_flags_missing_is_private",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"mmap.err.einval_flags"},
     .what = "Without MAP_SHARED and MAP_PRIVATE the mapping is private.",
     .arm = MapAs<([](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
       return Map(o, a, n, prot, flags & 3 ? flags : flags | MAP_PRIVATE, at);
     })>},
    {.name = "mmap_no_room_einval",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.err.enomem_space", "mmap.err.enomem_rlimit_as",
                 "mmap.err.enomem_fixed_range"},
     .what = "Lack of address space is reported as EINVAL.",
     .arm = Edit<&Hooks::mmap>::Errno<ENOMEM, EINVAL>},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
