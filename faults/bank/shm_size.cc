// Faults of ftruncate() on shared memory and of what lies at the end of an object.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

namespace faults {
namespace {

enum Use : uint32_t { kSizeHere = 700, kTrueSize };

off_t SizeOf(const Obj& o) {
  struct stat s;
  int saved = errno;
  off_t n = real::fstat(o.fd, &s) == 0 ? s.st_size : -1;
  errno = saved;
  return n;
}

// A second mapping of the object's first bytes, private to the library.
struct View {
  View(const Obj& o, off_t size) : length(PageUp(static_cast<size_t>(size > 0 ? size : 1))) {
    if (size <= 0 || size > (64 << 20)) return;
    void* p = real::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, o.fd, 0);
    if (p != MAP_FAILED) data = static_cast<char*>(p);
  }
  ~View() {
    if (data) real::munmap(data, length);
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  size_t length;
  char* data = nullptr;
};

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

const Fault kFaults[] = {
    {"ftruncate_grow_ignored", "shm", "easy", "ftruncate.shm.grow_size",
     "ftruncate() to a larger size returns 0 and does nothing.", "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) { return n > old ? 0 : Truncate(o, n); })>},
    {"ftruncate_shrink_ignored", "shm", "easy",
     "ftruncate.shm.shrink_size ftruncate.shm.whole_pages_discarded",
     "ftruncate() to a smaller size returns 0 and does nothing.", "",
     TruncateAs<(
         [](const Obj& o, off_t old, off_t n) { return n >= 0 && n < old ? 0 : Truncate(o, n); })>},
    {"ftruncate_shrink_to_zero_ignored", "shm", "medium", "ftruncate.shm.shrink_size",
     "An object cannot be made empty: size 0 becomes a page.", "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       return Truncate(o, n == 0 && old > 0 ? static_cast<off_t>(PageSize()) : n);
     })>},
    {"ftruncate_only_once", "shm", "easy", "ftruncate.shm.shrink_size ftruncate.shm.grow_size",
     "The size can be set once; later calls fail with EINVAL.", "macOS",
     TruncateAs<([](const Obj& o, off_t old, off_t n) { return old > 0 ? Fail(EINVAL) : Truncate(o, n); })>},
    {"ftruncate_same_size_clears", "shm", "medium", "ftruncate.shm.same_size",
     "ftruncate() to the size the object has clears its contents.", "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       if (n == old && n > 0) Truncate(o, 0);
       return Truncate(o, n);
     })>},
    {"ftruncate_grow_clears_last_byte", "shm", "medium", "ftruncate.shm.keeps_prefix",
     "Growing clears the last byte of the old contents.", "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       int r = Truncate(o, n);
       if (r == 0 && old > 0 && n > old) {
         View v(o, old);
         if (v.data) v.data[old - 1] = 0;
       }
       return r;
     })>},
    {"ftruncate_shrink_clears_last_page", "shm", "hard", "ftruncate.shm.keeps_prefix",
     "Shrinking to the middle of a page clears the whole page.", "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       int r = Truncate(o, n);
       off_t page = static_cast<off_t>(PageSize());
       if (r == 0 && n < old && n % page != 0) {
         View v(o, n);
         off_t start = n / page * page;
         if (v.data) std::memset(v.data + start, 0, static_cast<size_t>(n - start));
       }
       return r;
     })>},
    {"ftruncate_grow_not_zero", "shm", "easy", "ftruncate.shm.grow_zero_filled",
     "The bytes added by growing are not zero.", "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       int r = Truncate(o, n);
       if (r == 0 && n > old) {
         View v(o, n);
         if (v.data) v.data[n - 1] = 'x';
       }
       return r;
     })>},
    {"ftruncate_regrow_shows_old_pages", "shm", "medium", "ftruncate.shm.regrow_reads_zero",
     "After shrinking and growing again the old pages are back.",
     "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       off_t page = static_cast<off_t>(PageUp(static_cast<size_t>(n > 0 ? n : 0)));
       if (n >= 0 && page < old) Remember(o, page, old);
       int r = Truncate(o, n);
       if (r == 0 && n > old) BringBack(o, n);
       return r;
     })>},
    {"ftruncate_regrow_shows_old_tail", "shm", "hard", "ftruncate.shm.regrow_partial_page_zero",
     "The part of the last page behind the new end is not cleared by shrinking.",
     "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       off_t page = static_cast<off_t>(PageUp(static_cast<size_t>(n > 0 ? n : 0)));
       if (n > 0 && n < old && n != page) Remember(o, n, old < page ? old : page);
       int r = Truncate(o, n);
       if (r == 0 && n > old) BringBack(o, n);
       return r;
     })>},
    {"ftruncate_rounds_to_pages", "shm", "easy", "ftruncate.shm.grow_size",
     "Sizes are rounded up to whole pages.", "macOS",
     TruncateAs<([](const Obj& o, off_t, off_t n) {
       return Truncate(o, n > 0 && n < (1ll << 40) ? static_cast<off_t>(PageUp(n)) : n);
     })>},
    {"ftruncate_size_is_32_bits", "shm", "hard", "ftruncate.shm.grow_size",
     "Sizes of 4 GiB and more lose their high bits.", "",
     TruncateAs<([](const Obj& o, off_t, off_t n) { return Truncate(o, n > 0 && n < (1ll << 60) ? n & 0xffffffffll : n); })>},
    {"ftruncate_readonly_succeeds", "shm", "easy", "ftruncate.err.not_writable",
     "ftruncate() on an O_RDONLY descriptor returns 0.", "",
     Edit<&Hooks::ftruncate>::Accept<EINVAL, 0>},
    {"ftruncate_readonly_eacces", "shm", "easy", "ftruncate.err.not_writable",
     "ftruncate() on an O_RDONLY descriptor fails with EACCES.", "",
     TruncateAs<([](const Obj& o, off_t, off_t n) {
       return AccessMode(o) == O_RDONLY ? Fail(EACCES) : Truncate(o, n);
     })>},
    {"ftruncate_negative_is_zero", "shm", "medium", "ftruncate.err.negative ftruncate.err.unaffected",
     "A negative size is taken for 0.", "",
     TruncateAs<([](const Obj& o, off_t, off_t n) { return Truncate(o, n < 0 ? 0 : n); })>},
    {"ftruncate_failure_empties", "shm", "medium", "ftruncate.err.unaffected",
     "ftruncate() with an invalid size fails with EINVAL and empties the object.", "",
     TruncateAs<([](const Obj& o, off_t, off_t n) {
       int r = Truncate(o, n);
       if (r == -1) {
         Truncate(o, 0);
         errno = EINVAL;
       }
       return r;
     })>},
    {"ftruncate_no_file_size_limit", "shm", "medium", "ftruncate.err.rlimit_fsize",
     "RLIMIT_FSIZE is not applied to shared memory.", "",
     TruncateAs<([](const Obj& o, off_t, off_t n) {
       rlimit before{}, none{RLIM_INFINITY, RLIM_INFINITY};
       getrlimit(RLIMIT_FSIZE, &before);
       none.rlim_cur = none.rlim_max = before.rlim_max;
       setrlimit(RLIMIT_FSIZE, &none);
       int r = Truncate(o, n);
       setrlimit(RLIMIT_FSIZE, &before);
       return r;
     })>},
    {"ftruncate_no_sigxfsz", "shm", "hard", "ftruncate.err.rlimit_fsize",
     "Exceeding RLIMIT_FSIZE fails with EFBIG and sends no signal.", "",
     TruncateAs<([](const Obj& o, off_t, off_t n) {
       rlimit limit{};
       getrlimit(RLIMIT_FSIZE, &limit);
       bool over = limit.rlim_cur != RLIM_INFINITY && n > static_cast<off_t>(limit.rlim_cur);
       return over ? Fail(EFBIG) : Truncate(o, n);
     })>},
    {"ftruncate_end_stays_accessible", "shm", "medium",
     "ftruncate.shm.whole_pages_discarded ftruncate.shm.discard_in_other_process",
     "After shrinking, pages beyond the end can still be used: no SIGBUS.", "",
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
    {"ftruncate_size_stale_elsewhere", "shm", "medium", "ftruncate.shm.visible_everywhere",
     "Another descriptor goes on reporting the size it saw first.", "",
     [](Hooks& h) {
       h.fstat = [](const Obj& o, struct stat* s) {
         int r = real::fstat(o.fd, s);
         if (r != 0 || o.kind != Kind::shm) return r;
         auto& seen = Cell(o.key() * 131 + static_cast<uint64_t>(getpid()) * 1024 + o.fd, kSizeHere);
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
    {"ftruncate_unlinked_estale", "shm", "medium", "ftruncate.shm.unlinked",
     "ftruncate() of an unlinked object fails with ESTALE.", "",
     [](Hooks& h) {
       h.ftruncate = [](const Obj& o, off_t n) {
         struct stat s;
         bool gone = o.kind == Kind::shm && real::fstat(o.fd, &s) == 0 && s.st_nlink == 0;
         return gone ? Fail(ESTALE) : real::ftruncate(o.fd, n);
       };
     }},
    {"ftruncate_mapped_ebusy", "shm", "medium", "ftruncate.shm.shrink_size ftruncate.shm.visible_everywhere",
     "An object that is mapped cannot be shrunk: EBUSY.", "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       return n < old && MappingOf(o, 0) ? Fail(EBUSY) : Truncate(o, n);
     })>},
    {"ftruncate_private_copies_survive", "shm", "hard", "ftruncate.shm.discard_private_mapping",
     "After shrinking, private mappings beyond the end keep their pages.", "",
     TruncateAs<([](const Obj& o, off_t old, off_t n) {
       int r = Truncate(o, n);
       MappingEntry* m;
       for (int i = 0; r == 0 && n < old && (m = MappingOf(o, i)) != nullptr; ++i) {
         off_t from = static_cast<off_t>(PageUp(static_cast<size_t>(n))) - m->offset;
         if (!(m->flags & MAP_PRIVATE) || from < 0 || from >= static_cast<off_t>(m->length)) continue;
         real::mmap(reinterpret_cast<char*>(m->address) + from, m->length - from, m->prot,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
       }
       return r;
     })>},
    {"mmap_tail_not_zero", "shm", "medium", "mmap.end.partial_page_zero",
     "The last page holds garbage behind the end of the object.", "",
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
    {"mmap_tail_becomes_object", "shm", "medium", "mmap.end.size_unaffected",
     "Mapping more than the object holds makes it larger.", "",
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
    {"mmap_beyond_end_accessible", "shm", "medium",
     "mmap.end.sigbus mmap.end.empty_object",
     "Whole pages behind the end of the object read as zero: no SIGBUS.", "",
     [](Hooks& h) {
       h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
         void* p = real::mmap(a, n, prot, flags, o.fd, at);
         off_t size = static_cast<off_t>(PageUp(static_cast<size_t>(SizeOf(o))));
         off_t from = size > at ? size - at : 0;
         if (p == MAP_FAILED || o.kind != Kind::shm || from >= static_cast<off_t>(PageUp(n))) return p;
         real::mmap(static_cast<char*>(p) + from, PageUp(n) - from, prot,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
         return p;
       };
     }},
    {"mmap_beyond_end_sigsegv", "shm", "hard", "mmap.end.sigbus",
     "An access behind the end of the object raises SIGSEGV.", "",
     [](Hooks& h) {
       h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
         void* p = real::mmap(a, n, prot, flags, o.fd, at);
         off_t size = static_cast<off_t>(PageUp(static_cast<size_t>(SizeOf(o))));
         off_t from = size > at ? size - at : 0;
         if (p == MAP_FAILED || o.kind != Kind::shm || from >= static_cast<off_t>(PageUp(n))) return p;
         real::mprotect(static_cast<char*>(p) + from, PageUp(n) - from, PROT_NONE);
         return p;
       };
     }},
    {"mmap_last_page_inaccessible", "shm", "medium",
     "ftruncate.shm.last_partial_page_accessible mmap.len.partial_page",
     "The page that holds the end of the object cannot be accessed.", "",
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

}  // namespace

Bank ShmSizeBank() { return BankOf(kFaults); }

}  // namespace faults
