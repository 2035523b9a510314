// Faults of ftruncate() on shared memory.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "faults/preload/shm.h"

namespace faults {
namespace {

enum Use : uint32_t { kSizeHere, kTrueSize };

// ftruncate() on shared memory replaced.
template <int (*Call)(const Obj&, off_t old_size, off_t size)>
void TruncateAs(Hooks& h) {
  h.ftruncate = [](const Obj& o, off_t n) {
    return o.kind == Kind::shm ? Call(o, SizeOf(o), n) : real::ftruncate(o.fd, n);
  };
}

int Truncate(const Obj& o, off_t n) { return real::ftruncate(o.fd, n); }

// What was cut off one object last, for faults that bring it back.
struct {
  uint64_t key;
  off_t from, to;
  char bytes[1 << 16];
} removed;

void Remember(const Obj& o, off_t from, off_t to) {
  View v(o, to);
  if (!v.data) return;
  if (to - from > static_cast<off_t>(sizeof removed.bytes)) to = from + sizeof removed.bytes;
  removed.key = o.key(), removed.from = from, removed.to = to;
  std::memcpy(removed.bytes, v.data + from, static_cast<size_t>(to - from));
}

void BringBack(const Obj& o, off_t upto) {
  if (removed.key != o.key()) return;
  View v(o, upto);
  off_t to = removed.to < upto ? removed.to : upto;
  if (v.data && to > removed.from) {
    std::memcpy(v.data + removed.from, removed.bytes, static_cast<size_t>(to - removed.from));
  }
  removed.key = 0;
}

const Row kFaults[] = {
    {.name = "ftruncate_grow_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"ftruncate.shm.grow_size"},
     .what = "ftruncate() to a larger size returns 0 and does nothing.",
     .arm = TruncateAs<(
         [](const Obj& o, off_t old, off_t n) { return n > old ? 0 : Truncate(o, n); })>},
    {.name = "ftruncate_shrink_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"ftruncate.shm.shrink_size", "ftruncate.shm.whole_pages_discarded"},
     .what = "ftruncate() to a smaller size returns 0 and does nothing.",
     .arm = TruncateAs<(
         [](const Obj& o, off_t old, off_t n) { return n >= 0 && n < old ? 0 : Truncate(o, n); })>},
    {.name = "ftruncate_shrink_to_zero_ignored",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.shrink_size"},
     .what = "An object cannot be made empty: size 0 becomes a page.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       return Truncate(o, n == 0 && old > 0 ? static_cast<off_t>(PageSize()) : n);
     })>},
    {.name = "ftruncate_only_once",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"ftruncate.shm.shrink_size", "ftruncate.shm.grow_size"},
     .what = "The size can be set once; later calls fail with EINVAL.",
     .source = "macOS",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       return old > 0 ? Fail(EINVAL) : Truncate(o, n);
     })>},
    {.name = "ftruncate_same_size_clears",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.same_size"},
     .what = "ftruncate() to the size the object has clears its contents.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       if (n == old && n > 0) Truncate(o, 0);
       return Truncate(o, n);
     })>},
    {.name = "ftruncate_grow_clears_last_byte",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.keeps_prefix"},
     .what = "Growing clears the last byte of the old contents.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       int r = Truncate(o, n);
       if (r == 0 && old > 0 && n > old) {
         View v(o, old);
         if (v.data) v.data[old - 1] = 0;
       }
       return r;
     })>},
    {.name = "ftruncate_shrink_clears_last_page",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"ftruncate.shm.keeps_prefix"},
     .what = "Shrinking to the middle of a page clears the whole page.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       int r = Truncate(o, n);
       off_t page = static_cast<off_t>(PageSize());
       if (r == 0 && n < old && n % page != 0) {
         View v(o, n);
         off_t start = n / page * page;
         if (v.data) std::memset(v.data + start, 0, static_cast<size_t>(n - start));
       }
       return r;
     })>},
    {.name = "ftruncate_grow_not_zero",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"ftruncate.shm.grow_zero_filled"},
     .what = "The bytes added by growing are not zero.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       int r = Truncate(o, n);
       if (r == 0 && n > old) {
         View v(o, n);
         if (v.data) v.data[n - 1] = 'x';
       }
       return r;
     })>},
    {.name = "ftruncate_regrow_shows_old_pages",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.regrow_reads_zero"},
     .what = "After shrinking and growing again the old pages are back.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       off_t page = static_cast<off_t>(PageUp(static_cast<size_t>(n > 0 ? n : 0)));
       if (n >= 0 && page < old) Remember(o, page, old);
       int r = Truncate(o, n);
       if (r == 0 && n > old) BringBack(o, n);
       return r;
     })>},
    {.name = "ftruncate_regrow_shows_old_tail",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"ftruncate.shm.regrow_partial_page_zero"},
     .what = "The part of the last page after the new end is not cleared by shrinking.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       off_t page = static_cast<off_t>(PageUp(static_cast<size_t>(n > 0 ? n : 0)));
       if (n > 0 && n < old && n != page) Remember(o, n, old < page ? old : page);
       int r = Truncate(o, n);
       if (r == 0 && n > old) BringBack(o, n);
       return r;
     })>},
    {.name = "ftruncate_rounds_to_pages",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"ftruncate.shm.grow_size"},
     .what = "Sizes are rounded up to whole pages.",
     .source = "macOS",
     .arm = TruncateAs<([](const Obj& o, off_t, off_t n) {
       return Truncate(o, n > 0 && n < (1ll << 40) ? static_cast<off_t>(PageUp(n)) : n);
     })>},
    {.name = "ftruncate_size_is_32_bits",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"ftruncate.shm.grow_size"},
     .what = "Sizes of 4 GiB and more lose their high bits.",
     .arm = TruncateAs<([](const Obj& o, off_t, off_t n) {
       return Truncate(o, n > 0 && n < (1ll << 60) ? n & 0xffffffffll : n);
     })>},
    {.name = "ftruncate_readonly_succeeds",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"ftruncate.err.not_writable"},
     .what = "ftruncate() on an O_RDONLY descriptor returns 0.",
     .arm = Edit<&Hooks::ftruncate>::Accept<EINVAL, 0>},
    {.name = "ftruncate_readonly_eacces",
     .family = Family::shm,
     .difficulty = Difficulty::easy,
     .clauses = {"ftruncate.err.not_writable"},
     .what = "ftruncate() on an O_RDONLY descriptor fails with EACCES.",
     .arm = TruncateAs<([](const Obj& o, off_t, off_t n) {
       return AccessMode(o) == O_RDONLY ? Fail(EACCES) : Truncate(o, n);
     })>},
    {.name = "ftruncate_negative_is_zero",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.err.negative", "ftruncate.err.unaffected"},
     .what = "A negative size is taken for 0.",
     .arm = TruncateAs<([](const Obj& o, off_t, off_t n) { return Truncate(o, n < 0 ? 0 : n); })>},
    {.name = "ftruncate_failure_empties",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.err.unaffected"},
     .what = "ftruncate() with an invalid size fails with EINVAL and empties the object.",
     .arm = TruncateAs<([](const Obj& o, off_t, off_t n) {
       int r = Truncate(o, n);
       if (r == -1) {
         Truncate(o, 0);
         errno = EINVAL;
       }
       return r;
     })>},
    {.name = "ftruncate_no_file_size_limit",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.err.rlimit_fsize"},
     .what = "RLIMIT_FSIZE is not applied to shared memory.",
     .arm = TruncateAs<([](const Obj& o, off_t, off_t n) {
       rlimit before{}, none{RLIM_INFINITY, RLIM_INFINITY};
       getrlimit(RLIMIT_FSIZE, &before);
       none.rlim_cur = none.rlim_max = before.rlim_max;
       setrlimit(RLIMIT_FSIZE, &none);
       int r = Truncate(o, n);
       setrlimit(RLIMIT_FSIZE, &before);
       return r;
     })>},
    {.name = "ftruncate_no_sigxfsz",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"ftruncate.err.rlimit_fsize"},
     .what = "Exceeding RLIMIT_FSIZE fails with EFBIG and sends no signal.",
     .arm = TruncateAs<([](const Obj& o, off_t, off_t n) {
       rlimit limit{};
       getrlimit(RLIMIT_FSIZE, &limit);
       bool over = limit.rlim_cur != RLIM_INFINITY && n > static_cast<off_t>(limit.rlim_cur);
       return over ? Fail(EFBIG) : Truncate(o, n);
     })>},
    {.name = "ftruncate_end_stays_accessible",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.whole_pages_discarded", "ftruncate.shm.discard_in_other_process"},
     .what = "After shrinking, pages beyond the end can still be used: no SIGBUS.",
     .arm =
         [](Hooks& h) {
           h.ftruncate = [](const Obj& o, off_t n) {
             off_t old = SizeOf(o);
             if (o.kind != Kind::shm || n < 0 || n >= old) return real::ftruncate(o.fd, n);
             Cell(o.key(), kTrueSize) = static_cast<uint64_t>(n) + 1;
             return 0;
           };
           h.fstat = [](const Obj& o, struct stat* s) {
             int r = real::fstat(o.fd, s);
             uint64_t size = o.kind == Kind::shm ? Cell(o.key(), kTrueSize).load() : 0;
             if (r == 0 && size) s->st_size = static_cast<off_t>(size) - 1;
             return r;
           };
         }},
    {.name = "ftruncate_size_stale_elsewhere",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.visible_everywhere"},
     .what = "Another descriptor goes on reporting the size it saw first.",
     .arm =
         [](Hooks& h) {
           h.fstat = [](const Obj& o, struct stat* s) {
             int r = real::fstat(o.fd, s);
             if (r != 0 || o.kind != Kind::shm) return r;
             auto& seen =
                 Cell(o.key() * 131 + static_cast<uint64_t>(getpid()) * 1024 + o.fd, kSizeHere);
             if (seen.load() == 0) seen = static_cast<uint64_t>(s->st_size) + 1;
             s->st_size = static_cast<off_t>(seen.load()) - 1;
             return r;
           };
           h.ftruncate = [](const Obj& o, off_t n) {
             int r = real::ftruncate(o.fd, n);
             Cell(o.key() * 131 + static_cast<uint64_t>(getpid()) * 1024 + o.fd, kSizeHere) = 0;
             return r;
           };
           h.close = [](const Obj& o) {
             Cell(o.key() * 131 + static_cast<uint64_t>(getpid()) * 1024 + o.fd, kSizeHere) = 0;
             return real::close(o.fd);
           };
         }},
    {.name = "ftruncate_unlinked_estale",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.unlinked"},
     .what = "ftruncate() of an unlinked object fails with ESTALE.",
     .arm =
         [](Hooks& h) {
           h.ftruncate = [](const Obj& o, off_t n) {
             struct stat s;
             bool gone = o.kind == Kind::shm && real::fstat(o.fd, &s) == 0 && s.st_nlink == 0;
             return gone ? Fail(ESTALE) : real::ftruncate(o.fd, n);
           };
         }},
    {.name = "ftruncate_mapped_ebusy",
     .family = Family::shm,
     .difficulty = Difficulty::medium,
     .clauses = {"ftruncate.shm.shrink_size", "ftruncate.shm.visible_everywhere"},
     .what = "An object that is mapped cannot be shrunk: EBUSY.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       return n < old && MappingOf(o, 0) ? Fail(EBUSY) : Truncate(o, n);
     })>},
    {.name = "ftruncate_private_copies_survive",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"ftruncate.shm.discard_private_mapping"},
     .what = "After shrinking, private mappings beyond the end keep their pages.",
     .arm = TruncateAs<([](const Obj& o, off_t old, off_t n) {
       int r = Truncate(o, n);
       MappingEntry* m;
       for (int i = 0; r == 0 && n < old && (m = MappingOf(o, i)) != nullptr; ++i) {
         off_t from = static_cast<off_t>(PageUp(static_cast<size_t>(n))) - m->offset;
         if (!(m->flags & MAP_PRIVATE) || from < 0 || from >= static_cast<off_t>(m->length))
           continue;
         real::mmap(reinterpret_cast<char*>(m->address) + from, m->length - from, m->prot,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
       }
       return r;
     })>},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
