// Faults of mappings at the end of a shared memory object.
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "faults/preload/shm.h"

namespace faults {
namespace {

const Row kFaults[] = {
    {.name = "mmap_tail_not_zero",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.end.partial_page_zero"},
     .what = "The last page holds garbage after the end of the object.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             void* p = real::mmap(a, n, prot, flags, o.fd, at);
             off_t size = SizeOf(o);
             if (p != MAP_FAILED && o.kind == Kind::shm && size % PageSize() != 0) {
               View v(o, size);
               if (v.data) std::memset(v.data + size, 0x5a, v.length - static_cast<size_t>(size));
             }
             return p;
           };
         }},
    {.name = "mmap_tail_becomes_object",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.end.size_unaffected"},
     .what = "Mapping more than the object holds makes it larger.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             void* p = real::mmap(a, n, prot, flags, o.fd, at);
             off_t end = at + static_cast<off_t>(PageUp(n));
             if (p != MAP_FAILED && o.kind == Kind::shm && SizeOf(o) < end && SizeOf(o) > 0) {
               real::ftruncate(o.fd, end);
             }
             return p;
           };
         }},
    {.name = "mmap_beyond_end_accessible",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"mmap.end.sigbus", "mmap.end.empty_object"},
     .what = "Whole pages beyond the end of the object read as zero: no SIGBUS.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             void* p = real::mmap(a, n, prot, flags, o.fd, at);
             off_t size = static_cast<off_t>(PageUp(static_cast<size_t>(SizeOf(o))));
             off_t from = size > at ? size - at : 0;
             if (p == MAP_FAILED || o.kind != Kind::shm || from >= static_cast<off_t>(PageUp(n)))
               return p;
             real::mmap(static_cast<char*>(p) + from, PageUp(n) - from, prot,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
             return p;
           };
         }},
    {.name = "mmap_beyond_end_sigsegv",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"mmap.end.sigbus"},
     .what = "An access beyond the end of the object raises SIGSEGV.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             void* p = real::mmap(a, n, prot, flags, o.fd, at);
             off_t size = static_cast<off_t>(PageUp(static_cast<size_t>(SizeOf(o))));
             off_t from = size > at ? size - at : 0;
             if (p == MAP_FAILED || o.kind != Kind::shm || from >= static_cast<off_t>(PageUp(n)))
               return p;
             real::mprotect(static_cast<char*>(p) + from, PageUp(n) - from, PROT_NONE);
             return p;
           };
         }},
    {.name = "mmap_last_page_inaccessible",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.last_partial_page_accessible", "mmap.len.partial_page"},
     .what = "The page that holds the end of the object cannot be accessed.",
     .arm =
         [](Hooks& h) {
           h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
             void* p = real::mmap(a, n, prot, flags, o.fd, at);
             size_t part = n % PageSize();
             if (p != MAP_FAILED && o.kind == Kind::shm && part && n > PageSize()) {
               real::mprotect(static_cast<char*>(p) + n - part, PageSize(), PROT_NONE);
             }
             return p;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
