#include "props/properties/stream.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "props/model/record.h"

namespace ipcsuite::props {
namespace {

// The pieces of the whole stream, in order. A record whose bytes break off (another's come, or
// none) gives a shorter piece, and the search for the next record's header goes on there.
std::vector<Piece> Parse(const unsigned char* stream, std::size_t length,
                         const std::unordered_map<std::uint64_t, std::uint64_t>& written) {
  std::vector<Piece> pieces;
  struct Broken {
    std::uint64_t record;
    std::uint64_t next, length;
  };
  std::vector<Broken> broken;
  std::size_t at = 0;
  while (at < length) {
    std::uint64_t record = 0;
    std::uint64_t size = 0;
    if (length - at >= kStreamHeader) {
      std::memcpy(&record, stream + at, 8);
      std::memcpy(&size, stream + at + 8, 8);
    }
    const auto known = written.find(record);
    if (known != written.end() && known->second == size) {
      const std::size_t body = std::min<std::uint64_t>(size, length - at) - kStreamHeader;
      const std::size_t match =
          MatchRecord(stream + at + kStreamHeader, record, kStreamHeader, body);
      const std::size_t taken = kStreamHeader + match;
      pieces.push_back({record, 0, static_cast<std::uint32_t>(taken)});
      if (taken < size) broken.push_back({record, taken, size});
      at += taken;
      continue;
    }
    // No header here: the rest of a record that broke off, or bytes that nobody wrote.
    std::size_t best = 0;
    Broken* owner = nullptr;
    for (Broken& candidate : broken) {
      const std::size_t most =
          std::min<std::uint64_t>(candidate.length - candidate.next, length - at);
      const std::size_t match = MatchRecord(stream + at, candidate.record, candidate.next, most);
      if (match > best) best = match, owner = &candidate;
    }
    if (owner != nullptr) {
      pieces.push_back({owner->record, static_cast<std::uint32_t>(owner->next),
                        static_cast<std::uint32_t>(best)});
      owner->next += best;
      at += best;
    } else {
      pieces.push_back({0, 0, 1});
      ++at;
    }
  }
  return pieces;
}

}  // namespace

void CompleteStream(const Recorder& recorder, History& history) {
  std::unordered_map<std::uint64_t, std::uint64_t> written;
  for (const Op& op : history.ops) {
    if (op.call == Call::kWrite) written.emplace(op.value, op.amount);
  }
  const std::vector<Piece> stream = Parse(recorder.Stream(0), recorder.StreamBytes(0), written);
  std::erase_if(history.ops, [](const Op& op) {
    return op.call == Call::kRead && op.Returned() && op.Ok() && op.result == 0;
  });
  // Reads are in the order of the stream: one process made them.
  std::size_t piece = 0;
  std::uint32_t used = 0;  // of that piece
  for (Op& op : history.ops) {
    if (op.call != Call::kRead || !op.Returned() || !op.Ok()) continue;
    op.piece_begin = history.pieces.size();
    for (auto left = static_cast<std::uint64_t>(op.result); left > 0 && piece < stream.size();) {
      const Piece& whole = stream[piece];
      const auto take =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(left, whole.length - used));
      history.pieces.push_back({whole.record, whole.offset + used, take});
      ++op.piece_count;
      left -= take;
      used += take;
      if (used == whole.length) ++piece, used = 0;
    }
  }
}

}  // namespace ipcsuite::props
