// Variants of mapping shared memory.
#include <fcntl.h>

#include "faults/preload/shm.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

bool Aligned(uintptr_t n) { return n % PageSize() == 0; }
uintptr_t Down(uintptr_t n) { return n / PageSize() * PageSize(); }

// A range from its first page on.
struct Pages {
  Pages(void* a, size_t n)
      : at(reinterpret_cast<void*>(Down(At(a)))), length(n + (At(a) - Down(At(a)))) {
    if (!Aligned(At(a))) Differ();
  }
  void* at;
  size_t length;
};

bool BothTypes(int flags) { return (flags & MAP_SHARED) && (flags & MAP_PRIVATE); }
bool LengthZero(const Obj& o, void*, size_t n, int, int, off_t) {
  return n == 0 && o.kind == Kind::shm;
}
bool OfObject(void* a, size_t n, int) { return MappingAt(At(a), n ? n : 1, 0, true) != nullptr; }

void* NoBothTypes(const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
  if (BothTypes(flags)) return ResultOf<void*>(Refuse(EINVAL));
  return Map(o, a, n, prot, flags, at);
}
void* NoHint(const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
  if (a && !(flags & MAP_FIXED)) a = Instead(nullptr);
  return Map(o, a, n, prot, flags, at);
}
void* OffsetInPage(const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
  uintptr_t within = static_cast<uintptr_t>(at) % PageSize();
  if (within == 0 || at < 0 || n == 0 || (flags & MAP_FIXED)) {
    return Map(o, a, n, prot, flags, at);
  }
  void* p = Map(o, a, n + within, prot, flags, at - static_cast<off_t>(within));
  return p == MAP_FAILED ? p : static_cast<char*>(Instead(p)) + within;
}
void* FixedInPage(const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
  if (!(flags & MAP_FIXED) || Aligned(At(a)) || n == 0) return Map(o, a, n, prot, flags, at);
  Pages pages(a, n);
  void* p = Map(o, pages.at, pages.length, prot, flags, at);
  return p == MAP_FAILED ? p : a;
}
// A private mapping that is a copy of the object as it is now.
void* Snapshot(const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
  void* p = Map(o, a, n, prot, flags, at);
  if (p == MAP_FAILED || !(flags & MAP_PRIVATE) || BothTypes(flags) || !(prot & PROT_READ))
    return p;
  off_t left = SizeOf(o) - at;
  size_t pages = left <= 0 ? 0 : PageUp(static_cast<size_t>(left));
  if (pages > PageUp(n)) pages = PageUp(n);
  if (pages == 0 || real::mprotect(p, pages, PROT_READ | PROT_WRITE) != 0) return p;
  for (size_t i = 0; i < pages; i += PageSize()) {
    volatile char* byte = static_cast<char*>(p) + i;
    *byte = *byte;
  }
  real::mprotect(p, pages, prot);
  return Instead(p);
}

const Row kVariants[] = {
    {.name = "mmap_shared_and_private_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.flags.shared_and_private"},
     .observed = "MAP_SHARED|MAP_PRIVATE",
     .what = "MAP_SHARED together with MAP_PRIVATE fails with EINVAL.",
     .source = "FreeBSD, macOS",
     .arm = MapAs<NoBothTypes>},
    {.name = "mmap_hint_ignored",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.addr.hint"},
     .observed = "free page-aligned hint",
     .what = "mmap() chooses the address itself, whatever the hint.",
     .arm = MapAs<NoHint>},
    {.name = "mmap_offset_within_page",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.err.einval_off_unaligned"},
     .observed = "offset 1",
     .what = "mmap() takes any offset and returns the address of that byte.",
     .arm = MapAs<OffsetInPage>},
    {.name = "mmap_fixed_within_page",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.err.einval_fixed_unaligned"},
     .observed = "page address plus one",
     .what = "mmap() with MAP_FIXED takes any address and maps the page around it.",
     .arm = MapAs<FixedInPage>},
    {.name = "mmap_private_is_a_snapshot",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.private.later_object_changes"},
     .observed = "page not yet written",
     .what = "A private mapping shows the object as it was when it was mapped.",
     .arm = MapAs<Snapshot>},
    {.name = "munmap_within_page",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"munmap.err.einval_unaligned"},
     .observed = "page address plus one",
     .what = "munmap() takes any address and removes the pages that the range touches.",
     .arm =
         [](Hooks& h) {
           h.munmap = [](void* a, size_t n) {
             Pages pages(a, n);
             return n == 0 ? real::munmap(a, n) : real::munmap(pages.at, pages.length);
           };
         }},
    {.name = "mprotect_within_page",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mprotect.err.einval_unaligned"},
     .observed = "page address plus one",
     .what = "mprotect() takes any address and changes the pages that the range touches.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.mprotect = [](void* a, size_t n, int prot) {
             Pages pages(a, n);
             return real::mprotect(pages.at, pages.length, prot);
           };
         }},
    {.name = "msync_within_page",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"msync.err.einval_unaligned"},
     .observed = "page address plus one",
     .what = "msync() takes any address.",
     .arm =
         [](Hooks& h) {
           h.msync = [](void* a, size_t n, int flags) {
             Pages pages(a, n);
             return real::msync(pages.at, pages.length, flags);
           };
         }},
    {.name = "msync_of_shm_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"msync.shm.effect"},
     .observed = "MS_SYNC",
     .what = "msync() of shared memory fails with EINVAL: it has no permanent storage.",
     .arm = Vary<&Hooks::msync>::Fails<EINVAL, OfObject>},
    {.name = "mlock_limit_is_eagain",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mlock.err.limit"},
     .observed = "four pages with a limit of 1",
     .what = "mlock() beyond the limit fails with EAGAIN.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.mlock = [](const void* a, size_t n) {
             int r = real::mlock(a, n);
             if (r == -1 && errno == ENOMEM && n > 0) {
               unsigned char seen[64];
               void* page = reinterpret_cast<void*>(Down(At(a)));
               bool mapped = n < 64 * PageSize() && mincore(page, n, seen) == 0;
               errno = ENOMEM;
               if (mapped) Refuse(EAGAIN);
             }
             return r;
           };
         }},
    {.name = "mlock_without_limit",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mlock.err.limit"},
     .observed = "four pages with a limit of 0",
     .what = "mlock() knows no limit for what fits into memory.",
     .arm =
         [](Hooks& h) {
           h.mlock = [](const void* a, size_t n) {
             int r = real::mlock(a, n);
             return r == -1 && errno == EPERM ? Instead(0) : r;
           };
         }},
    {.name = "mmap_of_nothing_checks_access_first",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"general.error_precedence"},
     .what = "mmap() of length 0 for writing through a read-only descriptor fails with EACCES.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             bool denied = LengthZero(o, a, n, prot, flags, at) && (flags & MAP_SHARED) &&
                           (prot & PROT_WRITE) && AccessMode(o) == O_RDONLY;
             return denied ? ResultOf<void*>(Refuse(EACCES)) : Map(o, a, n, prot, flags, at);
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
