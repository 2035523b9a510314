// Rules that every right history of a queue or pipe keeps and that one sweep over it decides. They
// find most violations, name them, and cost nothing like the search for a linearization.
//
// All are necessary conditions: a history that breaks one is wrong, one that keeps all may still
// be. Values must be unique (no two sends of one value to one object).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "props/history/history.h"

namespace ipcsuite::props {

enum class Rule : std::uint8_t {
  kThinAir,            // a value was received that nobody sent
  kDuplicate,          // a value was received twice
  kLost,               // a value was sent, never received, and is not there after the drain
  kBeforeSent,         // a receive ended before the send of its value began
  kOrder,              // two messages of one priority came out against the order of their sends
  kPriorityInversion,  // a lower priority was received while a higher one was surely there
  kFalseEmpty,         // "empty" was reported while a message was surely there
  kEarlyTimeout,       // a timed call ended before its deadline
  kWrongContent,       // priority, length or bytes differ from what was sent
  kTorn,               // the bytes of an atomic write did not stay together
  kWrongCount,         // a count was reported that was the object's at no moment of the call
  kExclusion,          // two were inside a lock that lets in one
  kOwnerDeath,         // EOWNERDEAD without a death, or a death without it
  kLostWakeup,         // one that waited was owed a wake-up
  kEarlyRelease,       // a barrier let go before all had arrived
  kSerial,             // a round of a barrier did not have one serial thread
  kRefused,            // an outcome that the call can never have
};

std::string_view Name(Rule rule);

struct Violation {
  Rule rule = Rule::kThinAir;
  std::string text;              // one sentence with the operations in it
  std::vector<std::size_t> ops;  // indices into the operations given, the offending one first
};

// The operations of one queue, by invoke ticket; `drained` as HistoryModel::drained.
std::vector<Violation> CheckQueueRules(const std::vector<Op>& ops, bool drained,
                                       std::size_t max_violations = 16);

// The operations of one pipe with one reading process. Records of at most `pipe_buf` bytes stay
// together.
std::vector<Violation> CheckPipeRules(const std::vector<Op>& ops, const std::vector<Piece>& pieces,
                                      std::uint64_t pipe_buf, bool drained,
                                      std::size_t max_violations = 16);

}  // namespace ipcsuite::props
