#include "suites/poll/states.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"

namespace ipcsuite::poll_suite {

void Scene::MakeNode() { node.emplace(); }

Fd Scene::OpenReader() {
  Fd opened(CALL(open(node->path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  SetNonblocking(opened, false);
  return opened;
}

// Never waits: where nobody reads, that is a mistake of the state's author.
Fd Scene::OpenWriter() {
  Fd opened(CALL(open(node->path(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)));
  SetNonblocking(opened, false);
  return opened;
}

void Scene::OpenBoth() {
  if (kind == PipeKind::kFifo) {
    MakeNode();
    rd = OpenReader();
    wr = OpenWriter();
    return;
  }
  Pipe pipe(kind);
  rd = std::move(pipe.rd_fd());
  wr = std::move(pipe.wr_fd());
}

void Scene::Write(const char* text) { Setup(CALL(write(wr, text, std::strlen(text)))); }

namespace {

using namespace clause::poll;  // NOLINT: the table below is made of them
namespace sel = clause::select;

constexpr ClauseRef kHealthy = pipe_healthy_no_error_bits;

// Healthy ends: what differs is whether there is something to read, or room to write.
State HealthyReader(const char* name, const char* label, State::Kinds kinds, ClauseRef about,
                    bool data, void (*make)(Scene&)) {
  State state{name, label,           kinds,           about, make, {},
              {},   Clear(kHealthy), Clear(kHealthy), {},    {},   true};
  state.in = data ? Set(pipe_pollin_with_data) : Clear(pipe_no_pollin_when_empty);
  state.readable = data ? Set(sel::pipe_read_ready) : Clear(sel::pipe_read_ready);
  return state;
}

State HealthyWriter(const char* name, const char* label, State::Kinds kinds, ClauseRef about,
                    Rule out, Rule writable, void (*make)(Scene&)) {
  return {name, label,           kinds,           about, make,     {},
          out,  Clear(kHealthy), Clear(kHealthy), {},    writable, false};
}

// A read end whose last writer has gone.
State HungUp(const char* name, const char* label, State::Kinds kinds, ClauseRef about,
             ClauseRef hup, bool data, void (*make)(Scene&)) {
  return {name,  label,
          kinds, about,
          make,  data ? Set(pipe_hup_with_data) : Rule{},
          {},    Set(hup),
          {},    Set(sel::pipe_read_ready),
          {},    true};
}

// A write end whose last reader has gone.
State Broken(const char* name, const char* label, State::Kinds kinds, void (*make)(Scene&)) {
  return {name,
          label,
          kinds,
          pipe_err_without_reader,
          make,
          {},
          {},
          Clear(pipe_no_hup_while_writer),  // whoever asks has it open for writing
          Set(pipe_err_without_reader, 8),
          {},
          Set(sel::pipe_write_ready),
          false};
}

void AddReaders(std::vector<State>& all) {
  all.push_back(HealthyReader("ReaderEmpty", "read end: empty", State::kBoth,
                              pipe_no_pollin_when_empty, false, [](Scene& s) {
                                s.OpenBoth();
                                s.fd = s.rd;
                              }));
  all.push_back(HealthyReader("ReaderOneByte", "read end: one byte", State::kBoth,
                              pipe_pollin_with_data, true, [](Scene& s) {
                                s.OpenBoth();
                                s.Write("x");
                                s.fd = s.rd;
                              }));
  all.push_back(HealthyReader("ReaderPartlyRead", "read end: partly read", State::kBoth,
                              pipe_pollin_with_data, true, [](Scene& s) {
                                s.OpenBoth();
                                s.Write("xyz");
                                char byte;
                                Setup(CALL(read(s.rd, &byte, 1)));
                                s.fd = s.rd;
                              }));
  all.push_back(HealthyReader("ReaderFull", "read end: full", State::kBoth, pipe_pollin_with_data,
                              true, [](Scene& s) {
                                s.OpenBoth();
                                FillPipe(s.wr);
                                s.fd = s.rd;
                              }));
  all.push_back(HealthyReader("ReaderDrained", "read end: drained", State::kBoth,
                              pipe_no_pollin_when_empty, false, [](Scene& s) {
                                s.OpenBoth();
                                FillPipe(s.wr);
                                DrainPipe(s.rd);
                                s.fd = s.rd;
                              }));
  State left = HealthyReader("ReaderOneOfTwoWritersGone", "read end: one of two writers gone",
                             State::kBoth, pipe_no_hup_while_writer, false, [](Scene& s) {
                               s.OpenBoth();
                               s.wr2 =
                                   s.kind == PipeKind::kFifo ? s.OpenWriter() : Fd(CALL(dup(s.wr)));
                               s.wr.reset();
                               s.fd = s.rd;
                             });
  left.hup = Clear(pipe_no_hup_while_writer);
  all.push_back(left);
  all.push_back(HungUp("ReaderHungUpEmpty", "read end: hung up, empty", State::kBoth,
                       pipe_pollin_at_eof, pipe_hup_after_last_writer, false, [](Scene& s) {
                         s.OpenBoth();
                         s.wr.reset();
                         s.fd = s.rd;
                       }));
  all.push_back(HungUp("ReaderHungUpWithData", "read end: hung up, data", State::kBoth,
                       pipe_hup_with_data, pipe_hup_after_last_writer, true, [](Scene& s) {
                         s.OpenBoth();
                         s.Write("x");
                         s.wr.reset();
                         s.fd = s.rd;
                       }));
  all.push_back(HungUp("ReaderHungUpDrained", "read end: hung up, drained", State::kBoth,
                       pipe_pollin_at_eof, pipe_hup_after_last_writer, false, [](Scene& s) {
                         s.OpenBoth();
                         s.Write("x");
                         s.wr.reset();
                         DrainPipe(s.rd);
                         s.fd = s.rd;
                       }));
}

void AddFifoReaders(std::vector<State>& all) {
  all.push_back({"ReaderNeverAWriter",
                 "read end: never a writer",
                 State::kFifoOnly,
                 fifo_no_hup_before_first_writer,
                 [](Scene& s) {
                   s.MakeNode();
                   s.rd = s.OpenReader();
                   s.fd = s.rd;
                 },
                 {},
                 {},
                 Clear(fifo_no_hup_before_first_writer),
                 {},
                 Set(sel::fifo_read_ready_without_writer),
                 {},
                 true});
  State anew = HealthyReader("ReaderNewWriterAfterHangUp", "read end: new writer after hang-up",
                             State::kFifoOnly, fifo_hup_ends_with_new_writer, false, [](Scene& s) {
                               s.OpenBoth();
                               s.wr.reset();
                               s.wr = s.OpenWriter();
                               s.fd = s.rd;
                             });
  anew.hup = Clear(fifo_hup_ends_with_new_writer);
  all.push_back(anew);
  all.push_back(HungUp("ReaderHungUpAgain", "read end: hung up again", State::kFifoOnly,
                       fifo_hup_ends_with_new_writer, fifo_hup_ends_with_new_writer, false,
                       [](Scene& s) {
                         s.OpenBoth();
                         s.wr.reset();
                         s.wr = s.OpenWriter();
                         s.wr.reset();
                         s.fd = s.rd;
                       }));
  all.push_back(HungUp("ReaderOpenedInHangUp", "read end: opened while another is hung up",
                       State::kFifoOnly, fifo_hup_seen_by_later_reader,
                       fifo_hup_seen_by_later_reader, false, [](Scene& s) {
                         s.OpenBoth();
                         s.wr.reset();
                         s.rd2 = s.OpenReader();
                         s.fd = s.rd2;
                       }));
  // By the same rule as a reader that never saw a writer, it reads end-of-file without waiting.
  all.back().readable = Set(sel::fifo_read_ready_without_writer);
  all.push_back({"ReaderAfterAllReadersLeft",
                 "read end: opened after hang-up and last close",
                 State::kFifoOnly,
                 fifo_hup_ends_with_last_reader,
                 [](Scene& s) {
                   s.OpenBoth();
                   s.wr.reset();
                   s.rd.reset();
                   s.rd = s.OpenReader();
                   s.fd = s.rd;
                 },
                 {},
                 {},
                 Clear(fifo_hup_ends_with_last_reader),
                 {},
                 Set(sel::fifo_read_ready_without_writer),
                 {},
                 true});
}

void AddWriters(std::vector<State>& all) {
  const Rule room = Set(pipe_pollout_with_room), ready = Set(sel::pipe_write_ready);
  all.push_back(HealthyWriter("WriterEmpty", "write end: empty", State::kBoth,
                              pipe_pollout_with_room, room, ready, [](Scene& s) {
                                s.OpenBoth();
                                s.fd = s.wr;
                              }));
  all.push_back(HealthyWriter("WriterDrained", "write end: filled and drained", State::kBoth,
                              pipe_pollout_with_room, room, ready, [](Scene& s) {
                                s.OpenBoth();
                                FillPipe(s.wr);
                                DrainPipe(s.rd);
                                s.fd = s.wr;
                              }));
  all.push_back(HealthyWriter("WriterFull", "write end: full", State::kBoth,
                              pipe_no_pollout_when_full, Clear(pipe_no_pollout_when_full),
                              Clear(sel::pipe_write_ready), [](Scene& s) {
                                s.OpenBoth();
                                FillPipe(s.wr);
                                s.fd = s.wr;
                              }));
  all.push_back(HealthyWriter("WriterFilledByBytes", "write end: full, byte by byte", State::kBoth,
                              pipe_no_pollout_when_full, Clear(pipe_no_pollout_when_full),
                              Clear(sel::pipe_write_ready), [](Scene& s) {
                                s.OpenBoth();
                                FillPipe(s.wr, 1);
                                s.fd = s.wr;
                              }));
  all.push_back(HealthyWriter("WriterOneByte", "write end: one byte", State::kBoth,
                              pipe_pollout_threshold, {}, {}, [](Scene& s) {
                                s.OpenBoth();
                                s.Write("x");
                                s.fd = s.wr;
                              }));
  all.push_back(HealthyWriter("WriterOneByteReadOfFull", "write end: one byte read of full",
                              State::kBoth, pipe_pollout_threshold, {}, {}, [](Scene& s) {
                                s.OpenBoth();
                                FillPipe(s.wr);
                                char byte;
                                Setup(CALL(read(s.rd, &byte, 1)));
                                s.fd = s.wr;
                              }));
  all.push_back(HealthyWriter("WriterHalfReadOfFull", "write end: half read of full", State::kBoth,
                              pipe_pollout_threshold, {}, {}, [](Scene& s) {
                                s.OpenBoth();
                                std::string half(FillPipe(s.wr) / 2, '\0');
                                Setup(CALL(read(s.rd, half.data(), half.size())));
                                s.fd = s.wr;
                              }));
  all.push_back(Broken("WriterReaderGone", "write end: reader gone", State::kBoth, [](Scene& s) {
    s.OpenBoth();
    s.rd.reset();
    s.fd = s.wr;
  }));
  all.push_back(
      Broken("WriterReaderGoneFull", "write end: full, reader gone", State::kBoth, [](Scene& s) {
        s.OpenBoth();
        FillPipe(s.wr);
        s.rd.reset();
        s.fd = s.wr;
      }));
  all.push_back(HealthyWriter("WriterNewReader", "write end: new reader after the last had gone",
                              State::kFifoOnly, pipe_healthy_no_error_bits, room, ready,
                              [](Scene& s) {
                                s.OpenBoth();
                                s.rd.reset();
                                s.rd = s.OpenReader();
                                s.fd = s.wr;
                              }));
}

void AddOthers(std::vector<State>& all) {
  all.push_back({"BothEndsInOneEmpty", "O_RDWR: empty", State::kFifoOnly, pipe_hup_excludes_out,
                 [](Scene& s) {
                   s.MakeNode();
                   if (JudgedIssue() < 8) Unsupported("O_RDWR on a FIFO is undefined in Issue 7");
                   const CallResult opened =
                       CALL(open(s.node->path(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
                   if (opened.failed_with(EINVAL))
                     Unsupported("FIFOs can't be opened with O_RDWR here");
                   s.rd = Fd(opened);
                   s.fd = s.rd;
                 },
                 Clear(pipe_no_pollin_when_empty), Set(pipe_pollout_with_room), Clear(kHealthy),
                 Clear(kHealthy), Clear(sel::pipe_read_ready), Set(sel::pipe_write_ready), true});
  all.push_back({"RegularFile",
                 "regular file",
                 State::kOnce,
                 regular_file,
                 [](Scene& s) {
                   const std::string path = ScratchDir() + "/file";
                   s.rd = Fd(CALL(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
                   Setup(CALL(write(s.rd, "x", 1)));
                   Setup(CALL(lseek(s.rd, 0, SEEK_SET)));
                   s.fd = s.rd;
                 },
                 Set(regular_file),
                 Set(regular_file),
                 {},
                 {},
                 Set(sel::regular_file),
                 Set(sel::regular_file),
                 true});
  State closed{"Closed",
               "closed descriptor",
               State::kOnce,
               pollnval,
               [](Scene& s) { s.fd = LowestFreeFd(); },
               {},
               {},
               {},
               {},
               {},
               {},
               true,
               true};
  all.push_back(closed);
}

}  // namespace

const std::vector<State>& States() {
  static const std::vector<State> all = [] {
    std::vector<State> states;
    AddReaders(states);
    AddFifoReaders(states);
    AddWriters(states);
    AddOthers(states);
    return states;
  }();
  return all;
}

}  // namespace ipcsuite::poll_suite
