// A history: what several processes did to IPC objects, and what came of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "props/model/op.h"

namespace ipcsuite::props {

// Which model decides the history, and its parameters.
struct HistoryModel {
  // "queue", "pipe", "semaphore", "mutex", "rwlock", "barrier", "register", "stack", "coin"
  std::string name = "queue";
  std::uint64_t max_messages = 10;  // queue: mq_maxmsg
  std::uint64_t initial_value = 0;  // semaphore
  std::uint64_t count = 1;          // barrier: how many it waits for
  std::uint64_t pipe_buf = 512;     // pipe: {PIPE_BUF} of the machine that recorded it
  bool fifo = false;                // pipe: a FIFO
  bool signals = false;             // handlers were in play: EINTR is a possible outcome
  bool short_reads = false;         // pipe: a read may return less than is there
  std::uint64_t readers = 1;        // pipe: bit per process with the read end open at the start
  std::uint64_t writers = 1;        // pipe: same for the write end
  // The objects were emptied at the end by operations that are part of the history, and no process
  // used them afterwards: what was sent and never received is lost.
  bool drained = false;
};

struct History {
  HistoryModel model;
  std::string origin;   // the property that recorded it, with its seed; free text
  std::vector<Op> ops;  // by invoke ticket, ascending
  std::vector<Piece> pieces;
};

// Sorts by invoke ticket; operations without tickets keep their place at the end.
void SortByInvoke(std::vector<Op>& ops);

// Checks what every history must hold: tickets are unique and invoke < ret, no process has two
// concurrent operations, a process does nothing after it was killed or blocked, pieces are in
// range. Returns an empty string, or one line that says what is wrong.
std::string FindDefect(const History& history);

// The objects that operations name, ascending.
std::vector<std::uint32_t> Objects(const History& history);

// Indices into `ops` where a window begins: no operation invoked before is unfinished there. The
// first is 0; operations that never returned join the last window.
std::vector<std::size_t> CutAtQuiescence(const std::vector<Op>& ops);

}  // namespace ipcsuite::props
