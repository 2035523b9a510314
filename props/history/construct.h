// Builds a linearization of one queue's history in one sweep: log-linear where the sweep meets no
// dead end. Internal to history/.
//
// What it finds is a proof that the history is valid: each step of the order is one that the model
// allows. What it does not find proves nothing (docs/properties.md, "Deciding").
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "props/model/op.h"

namespace ipcsuite::props {

struct Construction {
  bool found = false;
  std::vector<std::uint32_t> order;  // found: indices into the operations, if asked for
  std::size_t repairs = 0;           // dead ends that were avoided by going back
};

struct ConstructOptions {
  std::uint64_t max_messages = 10;
  bool signals = false;  // EINTR is a possible outcome
  bool keep_order = false;
};

// `ops`: the operations of one queue, by invoke ticket, in which CheckQueueRules() found nothing
// wrong. Where there are operations that it does not know (notification) or values that were sent
// twice, it finds nothing.
Construction ConstructQueue(const std::vector<Op>& ops, const ConstructOptions& options);

}  // namespace ipcsuite::props
