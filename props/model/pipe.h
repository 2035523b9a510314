// The model of one pipe or FIFO: a byte stream of records with unknown capacity.
// Source: XSH read, write, pipe, poll; XBD FIFO.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "props/model/concept.h"

namespace ipcsuite::props {

// A blocking write of more than {PIPE_BUF} bytes that has begun. Its bytes enter in order, but
// when, and between whose bytes, is not specified.
struct LargeWrite {
  std::uint16_t process = 0;
  bool returned = false;
  bool killed = false;  // its process died in it: `total` is only the most that entered
  std::uint64_t record = 0;
  std::uint64_t read = 0;   // bytes of it that were read
  std::uint64_t total = 0;  // bytes that it will have written
  friend bool operator==(const LargeWrite&, const LargeWrite&) = default;
};

struct PipeState {
  std::vector<Piece> content;  // the next to be read first
  std::vector<LargeWrite> large;
  std::uint64_t readers = 0;  // bit per process that has the read end open
  std::uint64_t writers = 0;
  bool had_writer = true;  // since the last reader came (FIFO: no end-of-file report before that)
  friend bool operator==(const PipeState&, const PipeState&) = default;
};

// Processes are numbered below 64 (bits of PipeState::readers).
class PipeModel {
 public:
  using State = PipeState;

  struct Config {
    std::size_t pipe_buf = 512;
    bool fifo = false;
    bool signals = false;  // handlers are in play: EINTR and short counts may be seen
    // A read may return fewer bytes than are there: nothing says that a write of at most {PIPE_BUF}
    // bytes, though never mixed with others, becomes readable in one moment. For racing processes.
    bool short_reads = false;
    std::uint64_t readers = 1;  // ends open at the start
    std::uint64_t writers = 1;
    // What Op::piece_begin refers to: the pieces that a read returned (histories), or its first
    // byte in `bytes` (engines; no piece count then), to be compared with record.h.
    const std::vector<Piece>* pieces = nullptr;
    const unsigned char* bytes = nullptr;
  };

  PipeModel() = default;
  explicit PipeModel(const Config& config) : config_(config) {}

  State Initial() const;
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  bool MayBlock(const State& state, const Op& op) const;
  void Begin(State& state, const Op& op) const;
  void Block(State&, const Op&) const {}
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

  const Config& config() const { return config_; }

 private:
  void StepWrite(const State& state, const Op& op, std::vector<State>& out) const;
  void StepRead(const State& state, const Op& op, std::vector<State>& out) const;
  void StepEnds(const State& state, const Op& op, std::vector<State>& out) const;
  void StepPoll(const State& state, const Op& op, std::vector<State>& out) const;
  void EndLargeWrite(const State& state, std::size_t at, const Op& op,
                     std::vector<State>& out) const;
  bool ConsumePieces(State& state, const Op& op) const;
  void ConsumeBytes(const State& state, const unsigned char* bytes, std::size_t length,
                    std::size_t last, std::vector<State>& out) const;

  Config config_;
};

}  // namespace ipcsuite::props
