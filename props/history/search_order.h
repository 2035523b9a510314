// In which order the search for a linearization tries operations. Only its speed depends on it:
// with a good order the first path tried is nearly always right. Internal to history/.
#pragma once

#include <cstdint>
#include <vector>

#include "props/history/linearize.h"
#include "props/model/op.h"

namespace ipcsuite::props {

// The options of a search over the operations of one queue or pipe (by invoke ticket), with
// `pieces` that reads refer to: effects and keys are filled in.
//
// Takes come as soon as the model allows them. Puts come as late as they can: in the order of the
// moments at which they must be there, which is their own end or the end of what takes their value
// out; but not before puts of the same priority whose values came out earlier, and not before what
// took out a lower priority while a higher one would have been there.
LinearizeOptions OrderOfSearch(const std::vector<Op>& ops, const std::vector<Piece>& pieces);

}  // namespace ipcsuite::props
