// Witnesses of pipe_waiters.cc and fifo_waiters.cc.
#include <sys/time.h>

#include <memory>

#include "faults/witness/witness.h"

using namespace witness;

namespace {

using Children = std::vector<std::unique_ptr<Child>>;
// Children that all wait in this body; each has had time to.
Children Start(int count, const std::function<int()>& body) {
  Children all;
  for (int i = 0; i < count; ++i) {
    all.push_back(std::make_unique<Child>(body));
    Nap(120);
  }
  return all;
}
int Hanging(Children& all) {
  int count = 0;
  for (auto& child : all) count += child->Exit(all.size() > 1 ? 500 : kSoonMs) == -1;
  return count;
}

int ReadOne(Pipe& p) {
  char byte;
  return read(p.r, &byte, 1) == 1 ? 0 : 1;
}
void ReadAll(Pipe& p, size_t piece) {
  std::string buffer(piece, '\0');
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  for (int dry = 0; dry < 100;) {
    if (read(p.r, buffer.data(), piece) > 0) {
      dry = 0;
    } else {
      ++dry, Nap(2);
    }
  }
}
// Whether a writer of `size` bytes that had to wait hangs after reads of `piece` bytes.
bool WriterHangs(size_t size, size_t piece) {
  Pipe p;
  if (size <= 4096) p.Fill();
  Child writer([&] { return write(p.w, std::string(size, 'x').data(), size) < 0; });
  Nap(100);
  ReadAll(p, piece);
  return writer.Exit() == -1;
}
int OpenIn(const Fifo& f, int flags) { return open(f.path.c_str(), flags) < 0 ? errno : 0; }
int Open(const Fifo& f, int flags) { return open(f.path.c_str(), flags | O_CLOEXEC); }
// Signals the opener until it returns; whether it failed with EINTR.
bool Interrupted(Child& opener) { return opener.Pester(SIGUSR1) == EINTR; }

// Three openers of one side wait, a signal ends the first; `meets` opens the other side.
int HangingAfterInterrupt(int flags, int meets) {
  Fifo f(false);
  Handle(SIGUSR1);
  Children openers = Start(3, [&] { return OpenIn(f, flags); });
  if (!Interrupted(*openers.front())) return 0;
  openers.erase(openers.begin());
  Nap(60);
  const int other = Open(f, meets);
  const int hanging = Hanging(openers);
  close(other);
  return hanging;
}
// The same, and how many of the others failed with EINTR too.
bool InterruptEndsOthers(int flags) {
  Fifo f(false);
  Handle(SIGUSR1);
  Children openers = Start(2, [&] { return OpenIn(f, flags); });
  return Interrupted(*openers[0]) && openers[1]->Exit(300) == EINTR;
}
// Two openers of one side wait until the other side comes.
int HangingOpeners(int flags, int meets) {
  Fifo f(false);
  Children openers = Start(2, [&] { return OpenIn(f, flags); });
  const int other = Open(f, meets);
  const int hanging = Hanging(openers);
  close(other);
  return hanging;
}
// Opens in a child that keeps what it has until it is killed: 0 after a signal ended the open.
int StayAfterInterrupt(const Fifo& f, int flags) {
  const itimerval soon{{0, 0}, {0, 50'000}};
  Handle(SIGALRM);
  setitimer(ITIMER_REAL, &soon, nullptr);
  OpenIn(f, flags);
  for (;;) pause();
}
int OpenAndStay(const Fifo& f, int flags) {
  close(Open(f, flags));
  for (;;) pause();
}

}  // namespace

// ---- several on one pipe ----

WITNESS(read_one_reader_for_each_write) {
  Pipe p;
  Children readers = Start(2, [&] { return ReadOne(p); });
  write(p.w, "xy", 2);
  return Hanging(readers) == 1;
}
WITNESS(read_newest_waiter_forgotten) {
  Pipe p;
  Children readers = Start(3, [&] { return ReadOne(p); });
  write(p.w, "xyz", 3);
  return Hanging(readers) == 1;
}
WITNESS(read_loser_sees_end_of_file) {
  Pipe p;
  Children readers = Start(4, [&] { return ReadOne(p); });
  write(p.w, "x", 1);
  Nap(100);
  for (auto& reader : readers) {
    if (reader->Exit(50) == 1) return true;
  }
  return false;
}
WITNESS(read_stops_at_page_border) {
  Pipe p;
  std::string b(5000, 'x');
  write(p.w, b.data(), b.size());
  return read(p.r, b.data(), b.size()) == 4096;
}
WITNESS(read_short_beyond_two_pages) {
  Pipe p;
  std::string b(9000, 'x');
  write(p.w, b.data(), b.size());
  return read(p.r, b.data(), b.size()) == 8999;
}
namespace {
// A reader that is signalled and then gets what it waited for; its result, 99 for a part of it.
int ReadAfterSignal(Pipe& p, size_t size) {
  Handle(SIGUSR1);
  Child reader([&] {
    std::string b(size, '\0');
    const ssize_t r = read(p.r, b.data(), size);
    return r < 0 ? errno : r == static_cast<ssize_t>(size) ? 0 : 99;
  });
  Nap(100);
  const std::string data(size, 'x');
  kill(reader.pid(), SIGUSR1);
  Nap(5);
  write(p.w, data.data(), size);
  return reader.Exit();
}
}  // namespace
WITNESS(read_takes_interrupted_data) {
  for (int i = 0; i < 20; ++i) {
    Pipe p;
    pollfd e{p.r, POLLIN, 0};
    if (ReadAfterSignal(p, 5) == EINTR && poll(&e, 1, 0) == 0) return true;
  }
  return false;
}
WITNESS(read_halves_interrupted_data) {
  for (int i = 0; i < 20; ++i) {
    Pipe p;
    if (ReadAfterSignal(p, 9000) == 99) return true;
  }
  return false;
}
WITNESS(write_eintr_after_writing) {
  std::string all(1 << 20, '\0');
  for (int i = 0; i < 20; ++i) {
    Pipe p;
    p.Fill();
    Handle(SIGUSR1);
    Child writer([&] { return write(p.w, "x", 1) < 0 ? errno : 0; });
    Nap(100);
    kill(writer.pid(), SIGUSR1);
    Nap(5);
    read(p.r, all.data(), all.size());
    pollfd e{p.r, POLLIN, 0};
    if (writer.Exit() == EINTR && poll(&e, 1, 0) == 1) return true;
  }
  return false;
}
namespace {
// What a write of far more than fits says when a signal ends it, against what is in the pipe.
long CountedBeyond() {
  Pipe p;
  Handle(SIGUSR1);
  const std::string large(1 << 20, 'x');
  int said[2];
  pipe(said);
  Child writer([&] {
    const long r = write(p.w, large.data(), large.size());
    return write(said[1], &r, sizeof r) < 0;
  });
  Nap(100);
  writer.Pester(SIGUSR1);
  long r = 0, there = 0;
  read(said[0], &r, sizeof r);
  std::string b(65536, '\0');
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  for (ssize_t n; (n = read(p.r, b.data(), b.size())) > 0;) there += n;
  close(said[0]), close(said[1]);
  return r - there;
}
}  // namespace
WITNESS(write_interrupted_counts_all) { return CountedBeyond() > 1; }
WITNESS(write_interrupted_counts_a_byte_less) { return CountedBeyond() == -1; }
WITNESS(write_one_writer_for_each_read) {
  Pipe p;
  p.Fill();
  Children writers = Start(3, [&] { return write(p.w, "x", 1) != 1; });
  std::string b(1 << 20, '\0');
  read(p.r, b.data(), b.size());
  return Hanging(writers) >= 1;
}
WITNESS(write_newest_waiter_forgotten) {
  Pipe p;
  p.Fill();
  Children writers = Start(3, [&] { return write(p.w, "x", 1) != 1; });
  std::string b(1 << 20, '\0');
  read(p.r, b.data(), b.size());
  return Hanging(writers) == 1;
}
WITNESS(write_not_woken_by_small_reads) { return WriterHangs(1, 2000) && !WriterHangs(1, 8192); }
WITNESS(write_not_woken_by_single_bytes) { return WriterHangs(1, 16) && !WriterHangs(1, 8192); }
WITNESS(write_large_not_woken_beside_another) {
  Pipe p;
  const std::string large(200'000, 'x');
  Children writers = Start(2, [&] { return write(p.w, large.data(), large.size()) < 0; });
  ReadAll(p, 4096);
  return Hanging(writers) >= 1;
}
WITNESS(write_large_lost_for_a_waiting_reader) {
  Pipe p;
  Child reader([&] { return ReadOne(p); });
  Nap(100);
  Child writer([&] { return write(p.w, std::string(200'000, 'x').data(), 200'000) < 0; });
  reader.Exit();
  ReadAll(p, 4096);
  return writer.Exit() == -1;
}
WITNESS(write_epipe_wakes_one_writer) {
  Pipe p;
  p.Fill();
  Children writers = Start(3, [&] {
    signal(SIGPIPE, SIG_IGN);
    close(p.r);
    return write(p.w, "x", 1) == 1;
  });
  close(p.r);
  return Hanging(writers) == 2;
}

// ---- several openers ----

WITNESS(fifo_open_interrupted_reader_stays_counted) {
  Fifo f(false);
  Child reader([&] { return StayAfterInterrupt(f, O_RDONLY); });
  Nap(300);
  return Open(f, O_WRONLY | O_NONBLOCK) >= 0;
}
WITNESS(fifo_open_interrupted_writer_stays_counted) {
  Fifo f(false);
  Child writer([&] { return StayAfterInterrupt(f, O_WRONLY); });
  Nap(300);
  char byte;
  return Fails(read(Open(f, O_RDONLY | O_NONBLOCK), &byte, 1), EAGAIN);
}
WITNESS(fifo_open_waiting_reader_counts_twice) {
  signal(SIGPIPE, SIG_IGN);
  Fifo f(false);
  Child reader([&] { return OpenAndStay(f, O_RDONLY); });
  Nap(100);
  const int w = Open(f, O_WRONLY | O_NONBLOCK);
  Nap(100);
  return w >= 0 && write(w, "x", 1) == 1;
}
WITNESS(fifo_open_waiting_writer_counts_twice) {
  Fifo f(false);
  Child writer([&] { return OpenAndStay(f, O_WRONLY); });
  Nap(100);
  const int r = Open(f, O_RDONLY | O_NONBLOCK);
  Nap(100);
  char byte;
  return Fails(read(r, &byte, 1), EAGAIN);
}
WITNESS(fifo_open_interrupt_loses_readers) {
  return HangingAfterInterrupt(O_RDONLY, O_WRONLY | O_NONBLOCK) > 0;
}
WITNESS(fifo_open_interrupt_loses_writers) {
  return HangingAfterInterrupt(O_WRONLY, O_RDONLY | O_NONBLOCK) > 0;
}
WITNESS(fifo_open_newest_reader_forgotten) {
  return HangingOpeners(O_RDONLY, O_WRONLY | O_NONBLOCK) == 1;
}
WITNESS(fifo_open_newest_writer_forgotten) {
  return HangingOpeners(O_WRONLY, O_RDONLY | O_NONBLOCK) == 1;
}
WITNESS(fifo_open_interrupt_ends_all_readers) { return InterruptEndsOthers(O_RDONLY); }
WITNESS(fifo_open_interrupt_ends_all_writers) { return InterruptEndsOthers(O_WRONLY); }
WITNESS(fifo_open_rdwr_releases_no_reader) {
  return HangingOpeners(O_RDONLY, O_RDWR | O_NONBLOCK) == 2;
}
WITNESS(fifo_open_rdwr_releases_no_writer) {
  return HangingOpeners(O_WRONLY, O_RDWR | O_NONBLOCK) == 2;
}
WITNESS(fifo_open_fourth_meeting_lost) {
  return Hangs([] {
    Fifo f;
    for (int i = 0; i < 4; ++i) Open(f, i % 2 ? O_RDONLY : O_WRONLY);
  });
}
