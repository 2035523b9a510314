// Faults that show after hundreds of calls: what fails or times out uses something up.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kFailed, kMade };

constexpr uint64_t kMany = 1000;

// Forgets an open descriptor, each eighth time.
void Leak(uint64_t key) {
  const int saved = errno;
  if (++Cell(key, kFailed) % 8 == 0) real::openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
  errno = saved;
}
bool Refused(ssize_t r, int error) { return r == -1 && errno == error; }

const Row kFaults[] = {
    {.name = "read_eagain_leaks_descriptors",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.eagain_empty_with_writer"},
     .what = "Each eighth read that fails with EAGAIN leaves a descriptor open.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             const ssize_t r = Read(o, b, n);
             if (Refused(r, EAGAIN)) Leak(o.key());
             return r;
           };
         }},
    {.name = "write_eagain_leaks_descriptors",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.nonblock_le_eagain"},
     .what = "Each eighth write that fails with EAGAIN leaves a descriptor open.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             const ssize_t r = Write(o, b, n);
             if (Refused(r, EAGAIN)) Leak(o.key());
             return r;
           };
         }},
    {.name = "write_epipe_leaks_descriptors",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.epipe"},
     .what = "Each eighth write that fails with EPIPE leaves a descriptor open.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             const ssize_t r = Write(o, b, n);
             if (Refused(r, EPIPE)) Leak(o.key());
             return r;
           };
         }},
    {.name = "read_fails_after_1000_failures",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.eagain_empty_with_writer", "pipe.read.nonblock_with_data"},
     .what = "After 1,000 reads that failed with EAGAIN the next one that finds data drops a byte.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (Cell(o.key(), kFailed) >= kMany && Available(o) > 0) {
               Cell(o.key(), kFailed) = 0;
               char byte;
               real::read(o.fd, &byte, 1);
             }
             const ssize_t r = Read(o, b, n);
             if (Refused(r, EAGAIN)) ++Cell(o.key(), kFailed);
             return r;
           };
         }},
    {.name = "write_refused_after_1000_failures",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.nonblock_le_eagain", "pipe.write.nonblock_le_room"},
     .what = "Each write that fails with EAGAIN uses up room: after 1,000 nothing fits any more.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (Cell(o.key(), kFailed) >= kMany) return ssize_t{Fail(EAGAIN)};
             const ssize_t r = Write(o, b, n);
             if (Refused(r, EAGAIN)) ++Cell(o.key(), kFailed);
             return r;
           };
         }},
    {.name = "pipes_run_out",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.create.two_ends"},
     .what = "What a closed pipe used is not given back: after 1,000 pipe() fails with ENFILE.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* ends, int f) {
             return ++Cell(0, kMade) > kMany ? Fail(ENFILE) : real::pipe2(ends, f);
           };
         }},
    {.name = "fifo_open_enxio_leaks_descriptors",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.wronly_nonblock_enxio"},
     .what = "Each eighth open() that fails with ENXIO leaves a descriptor open.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             const int r = real::openat(d, p, f, m);
             if (Refused(r, ENXIO)) Leak(0);
             return r;
           };
         }},
    {.name = "mkfifo_eexist_leaks_descriptors",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"mkfifo.eexist"},
     .what = "Each eighth mkfifo() that fails with EEXIST leaves a descriptor open.",
     .arm =
         [](Hooks& h) {
           h.mkfifoat = [](int d, const char* p, mode_t m) {
             const int r = real::mkfifoat(d, p, m);
             if (Refused(r, EEXIST)) Leak(0);
             return r;
           };
         }},
    {.name = "poll_time_outs_leak_descriptors",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_finite"},
     .what = "Each eighth poll() that times out leaves a descriptor open.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             const int r = real::poll(p, n, ms);
             if (r == 0) Leak(0);
             return r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
