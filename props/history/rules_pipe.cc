#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "props/history/rules.h"
#include "props/history/sweep.h"

namespace ipcsuite::props {
namespace {

// What came out of one write.
struct Record {
  std::uint64_t position = kNeverTicket;  // of its first byte in the stream
  std::uint64_t read = 0;                 // bytes of it that came out
  std::uint32_t last_reader = kNone;
};

// One walk over the stream, then one sweep over the operations.
class PipeSweep {
 public:
  PipeSweep(const std::vector<Op>& ops, const std::vector<Piece>& pieces, std::uint64_t pipe_buf,
            bool drained, std::size_t max_violations)
      : ops_(ops),
        pieces_(pieces),
        pipe_buf_(pipe_buf),
        drained_(drained),
        max_(max_violations),
        writes_(ops.size()),
        records_(ops.size()) {}

  std::vector<Violation> Run() {
    std::uint64_t last_end = 0;
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      const Op& op = ops_[i];
      if (op.call == Call::kWrite) writes_.Insert(op.value, i);
      if (op.call != Call::kRead) continue;
      if (op.Optional()) ++killed_reads_;
      // How reads that overlap divide the data is not specified: no rule about their order.
      if (op.invoke < last_end) overlapping_reads_ = true;
      last_end = std::max(last_end, op.Returned() ? op.ret : op.invoke);
    }
    WalkStream();
    CheckLost();
    if (!overlapping_reads_ && killed_reads_ == 0) Sweep();
    return std::move(found_);
  }

 private:
  void Add(Rule rule, std::string text, std::vector<std::size_t> ops) {
    if (found_.size() < max_) found_.push_back({rule, std::move(text), std::move(ops)});
  }

  bool Atomic(const Op& op) const { return op.amount <= pipe_buf_; }

  // The bytes that `write` may have put into the pipe.
  static std::uint64_t Written(const Op& write) {
    if (write.Optional()) return write.amount;
    if (!write.Returned()) return write.amount;  // blocked: part of a large one may be there
    return write.Ok() ? static_cast<std::uint64_t>(write.result) : 0;
  }

  void WalkStream() {
    std::uint64_t position = 0;
    std::uint32_t open = kNone;  // an atomic write of which more bytes must follow
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      const Op& op = ops_[i];
      if (op.call != Call::kRead || !op.Returned() || !op.Ok()) continue;
      for (std::uint64_t p = 0; p < op.piece_count; ++p) {
        const Piece& piece = pieces_[op.piece_begin + p];
        const std::uint32_t write = writes_.At(piece.record);
        if (write == kNone) {
          Add(Rule::kThinAir,
              fmt::format("{}: {} bytes that nobody wrote", Describe(op), piece.length), {i});
        } else {
          if (open != kNone && open != write && !overlapping_reads_) Torn(i, open, write);
          TakePiece(i, write, piece, position);
          const bool more = records_[write].read < ops_[write].amount;
          open = Atomic(ops_[write]) && more ? write : kNone;
        }
        position += piece.length;
      }
    }
    const bool torn_off = open != kNone && drained_ && killed_reads_ == 0 && ops_[open].Optional();
    if (torn_off) Torn(records_[open].last_reader, open, kNone);
  }

  void Torn(std::uint32_t read, std::uint32_t write, std::uint32_t other) {
    std::string text = fmt::format("{}: after {} of {} bytes of an atomic write came ",
                                   Describe(ops_[read]), records_[write].read, ops_[write].amount);
    text += other == kNone ? "nothing more" : "bytes of another: " + Describe(ops_[other]);
    text += "; the write: " + Describe(ops_[write]);
    std::vector<std::size_t> ops = {read, write};
    if (other != kNone) ops.push_back(other);
    Add(Rule::kTorn, std::move(text), std::move(ops));
  }

  void TakePiece(std::uint32_t read, std::uint32_t write, const Piece& piece,
                 std::uint64_t position) {
    const Op& reader = ops_[read];
    const Op& writer = ops_[write];
    Record& record = records_[write];
    if (reader.ret < writer.invoke) {
      Add(Rule::kBeforeSent,
          Describe(reader) + ": ended before the write began: " + Describe(writer), {read, write});
    }
    if (piece.offset < record.read) {
      Add(Rule::kDuplicate,
          fmt::format("{}: byte {} came out twice of {}", Describe(reader), piece.offset,
                      Describe(writer)),
          {read, write});
    } else if (piece.offset > record.read && killed_reads_ == 0 && !overlapping_reads_) {
      Add(Rule::kOrder,
          fmt::format("{}: byte {} came before byte {} of {}", Describe(reader), piece.offset,
                      record.read, Describe(writer)),
          {read, write});
    }
    if (std::uint64_t{piece.offset} + piece.length > Written(writer)) {
      Add(Rule::kThinAir,
          fmt::format("{}: more bytes came out than the write put in: {}", Describe(reader),
                      Describe(writer)),
          {read, write});
    }
    record.position = std::min(record.position, position);
    record.read = std::max(record.read, std::uint64_t{piece.offset} + piece.length);
    record.last_reader = read;
  }

  void CheckLost() {
    if (!drained_ || killed_reads_ > 0) return;
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      const Op& op = ops_[i];
      if (op.call != Call::kWrite || !op.Returned() || !op.Ok()) continue;
      if (records_[i].read >= Written(op)) continue;
      Add(Rule::kLost,
          fmt::format("{}: only {} bytes of it came out", Describe(op), records_[i].read), {i});
    }
  }

  void Sweep() {
    // Of the writes that ended: the one whose first byte came out last, and the one whose last byte
    // was there the longest.
    SuffixMax::Best last_out;
    SuffixMax::Best longest;
    for (const std::uint32_t event : EventsInOrder(ops_)) {
      const std::uint32_t i = event / 2;
      const Op& op = ops_[i];
      const bool begins = event % 2 == 0;
      if (op.call == Call::kWrite && begins) {
        CheckOrder(i, last_out);
      } else if (op.call == Call::kWrite && op.Ok() && op.result > 0) {
        const std::uint64_t position = records_[i].position;
        if (last_out.op == kNone || last_out.ticket < position) last_out = {position, i};
        const bool whole = records_[i].read >= Written(op);
        const std::uint64_t until = whole ? ops_[records_[i].last_reader].invoke : kNeverTicket;
        if (longest.op == kNone || longest.ticket < until) longest = {until, i};
      } else if (op.call == Call::kRead && begins && op.Returned() && op.error == EAGAIN &&
                 longest.op != kNone && longest.ticket > op.ret) {
        Add(Rule::kFalseEmpty,
            fmt::format("{}: bytes were there all the time: {}", Describe(op),
                        Describe(ops_[longest.op])),
            {i, longest.op});
      }
    }
  }

  void CheckOrder(std::uint32_t second, const SuffixMax::Best& first) {
    if (first.op == kNone || first.ticket <= records_[second].position) return;
    Add(Rule::kOrder,
        fmt::format("{}: its bytes came out before those of a write that had ended "
                    "before it began: {}",
                    Describe(ops_[second]), Describe(ops_[first.op])),
        {second, first.op});
  }

  const std::vector<Op>& ops_;
  const std::vector<Piece>& pieces_;
  const std::uint64_t pipe_buf_;
  const bool drained_;
  const std::size_t max_;
  ValueIndex writes_;
  std::vector<Record> records_;  // by index of the write
  std::size_t killed_reads_ = 0;
  bool overlapping_reads_ = false;
  std::vector<Violation> found_;
};

}  // namespace

std::vector<Violation> CheckPipeRules(const std::vector<Op>& ops, const std::vector<Piece>& pieces,
                                      std::uint64_t pipe_buf, bool drained,
                                      std::size_t max_violations) {
  return PipeSweep(ops, pieces, pipe_buf, drained, max_violations).Run();
}

}  // namespace ipcsuite::props
