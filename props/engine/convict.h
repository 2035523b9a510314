// Which clause a model convicts by rejecting what an operation did: a property claims many, and its
// failure says nothing of the others.
#pragma once

#include <string_view>

#include "props/model/barrier.h"
#include "props/model/monitor.h"
#include "props/model/mutex.h"
#include "props/model/op.h"
#include "props/model/queue.h"
#include "props/model/rwlock.h"

namespace ipcsuite::props {

enum class Wrong {
  kOutcome,  // it returned what no order of the operations explains
  kStuck,    // it stayed blocked, or waited where it may not
};

// The id of the clause; "" where no clause is known for the operation.
std::string_view ConvictedClause(const Op& op, Wrong wrong);

// The same where the model's state tells more, before the operation or, of one that is stuck, after
// all that returned: a message of the right priority that is not the oldest breaks the order within
// a priority; what a dead owner or waiter left has clauses of its own.
template <typename State>
std::string_view ConvictedClause(const State&, const Op& op, Wrong wrong) {
  return ConvictedClause(op, wrong);
}
std::string_view ConvictedClause(const QueueState& before, const Op& op, Wrong wrong);
std::string_view ConvictedClause(const MutexState& state, const Op& op, Wrong wrong);
std::string_view ConvictedClause(const MonitorState& state, const Op& op, Wrong wrong);
std::string_view ConvictedClause(const RwlockState& state, const Op& op, Wrong wrong);
std::string_view ConvictedClause(const BarrierState& state, const Op& op, Wrong wrong);

}  // namespace ipcsuite::props
