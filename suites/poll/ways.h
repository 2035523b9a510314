// The ways in which a thread can wait for readiness: which function, for which events, on how many
// entries, and until when.
#pragma once

#include <vector>

#include "harness/test/test.h"

namespace ipcsuite::poll_suite {

enum class By { kPoll, kPpoll, kSelect, kPselect };

enum class Limit { kNone, kLargest };

// What is asked for, and how. The sets of select() are POLLIN and POLLOUT in `events`.
struct Way {
  By by;
  int events;
  int entries = 1;  // of the same descriptor; of poll() and ppoll()
  Limit limit = Limit::kNone;
  bool selects() const { return by == By::kSelect || by == By::kPselect; }
};

// What a wait said: its result, and the union of what its entries or sets show.
struct Said {
  CallResult result;
  int bits = 0;
  int ready_entries = 0;
};

const char* NameOf(By by);
// The clause by which it waits as long as nothing is ready.
ClauseRef WaitsClause(By by);
// The functions that are here.
std::vector<By> Functions();
Said Wait(const Way& way, int fd);

// Which sets of events end a wait by what: those with one of `by` in them, and (hang-up, errors)
// all.
enum class Ends { kReading, kWriting, kHangUp, kError };

// The sets of events with which this event must end a wait.
std::vector<Way> WaysFor(By by, Ends ends);
// The bits of which at least one must be there when this way of waiting has been ended so.
int Expected(const Way& way, Ends ends);

}  // namespace ipcsuite::poll_suite
