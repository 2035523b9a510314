// Accounting: every message of a run is in exactly one of: arrived once and whole, in the hand of a
// process that was killed (named, bounded), or a finding.
//
// A stream is (producer, priority); its messages are numbered from 0. While running, a consumer
// checks that numbers of a stream ascend. One that is the only consumer checks that they are
// consecutive: that is exact. Several consumers each mark one bit per message in a bitmap of their
// own; after the run the bitmaps are joined in linear time: a bit set twice is a duplicate, one
// never set is a loss. Beyond the bitmap's capacity a fingerprint (sum of mixed numbers) tells that
// something is wrong, no longer which message.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stress/engine/state.h"
#include "stress/measure/message.h"

namespace ipcsuite::stress {

// What one producer sent. In shared memory; written by the producer, and by the parent while it is
// dead.
struct SentBook {
  std::uint64_t* next = nullptr;  // [priorities]: the number of the next message of each stream
};

// What one consumer got. In shared memory; written by the consumer alone.
class Ledger {
 public:
  Ledger() = default;
  // `exclusive`: no other consumer takes from these streams.
  Ledger(SharedRegion& region, int producers, int priorities, bool exclusive,
         std::uint64_t bits_per_stream);
  static std::size_t Bytes(int producers, int priorities, bool exclusive,
                           std::uint64_t bits_per_stream);

  enum class Answer { kGood, kThinAir, kReordered, kDuplicated };

  // Notes one arrival. A gap is not a finding yet: what a killed producer had in hand may be
  // missing.
  Answer Accept(const Stamp& stamp) {
    if (stamp.producer >= static_cast<std::uint32_t>(producers_) ||
        stamp.priority >= static_cast<std::uint32_t>(priorities_)) {
      return Answer::kThinAir;
    }
    const std::size_t stream =
        stamp.producer * static_cast<std::size_t>(priorities_) + stamp.priority;
    std::uint64_t& next = next_[stream];
    const std::uint64_t sequence = stamp.sequence;
    if (!exclusive_) {
      if (sequence < bits_) {
        std::uint64_t& word = bitmap_[stream * (bits_ / 64) + sequence / 64];
        const std::uint64_t bit = std::uint64_t{1} << (sequence % 64);
        if ((word & bit) != 0) return Answer::kDuplicated;
        word |= bit;
      }
      counts_[stream] += 1;
      fingerprints_[stream] += Mix(sequence);
    }
    if (sequence == next) {
      next = sequence + 1;
      return Answer::kGood;
    }
    if (sequence < next) return AnswerForOld(stream, sequence);
    if (exclusive_) NoteGap(stream, next, sequence);
    next = sequence + 1;
    return Answer::kGood;
  }
  std::uint64_t Expected(const Stamp& stamp) const {
    return next_[stamp.producer * static_cast<std::size_t>(priorities_) + stamp.priority];
  }
  // The ledger's stream rewinds: only for planting violations in tests.
  void ForgeNext(std::size_t stream, std::uint64_t next) { next_[stream] = next; }

 private:
  friend struct AuditAccess;
  Answer AnswerForOld(std::size_t stream, std::uint64_t sequence);
  void NoteGap(std::size_t stream, std::uint64_t from, std::uint64_t to);

  int producers_ = 0, priorities_ = 0;
  bool exclusive_ = true;
  std::uint64_t bits_ = 0;
  std::uint64_t* next_ = nullptr;
  std::uint64_t* gap_count_ = nullptr;
  Gap* gaps_ = nullptr;
  std::uint64_t* counts_ = nullptr;
  std::uint64_t* fingerprints_ = nullptr;
  std::uint64_t* bitmap_ = nullptr;
};

// A message that need not have arrived, because its producer was killed with it in hand.
struct InHand {
  Stamp stamp;
};

struct AuditInput {
  int producers = 0, priorities = 1;
  bool paired = false;                 // consumer i alone takes what producer i sends
  std::vector<SentBook> sent;          // by producer
  std::vector<const Ledger*> ledgers;  // by consumer
  std::vector<InHand> in_hand;         // of killed producers
  std::uint64_t consumer_kills = 0;    // each may have taken one message that nobody accounts for
};

struct AuditFinding {
  Kind kind;
  Stamp stamp;          // first message concerned
  std::uint64_t count;  // messages from there on
  std::string text;
};

struct AuditResult {
  std::uint64_t sent = 0, arrived = 0;
  std::uint64_t excused_producer = 0;  // in hand of a killed producer and not arrived
  std::uint64_t excused_consumer = 0;  // taken by a killed consumer
  std::uint64_t by_fingerprint = 0;    // messages beyond the bitmaps: counted, not identified
  std::uint64_t findings_total = 0;
  std::vector<AuditFinding> findings;  // the first 64
};

// The check after the run; linear in the number of messages.
AuditResult Audit(const AuditInput& input);

}  // namespace ipcsuite::stress
