// Races: free runs on one queue or pipe, as the properties and the tests of the engine make them.
#pragma once

#include "props/engine/free_run.h"
#include "props/engine/program.h"
#include "props/engine/target.h"

namespace ipcsuite::props {

// A race of `processes` on a queue with room for `max_messages`. `target` must have descriptors for
// one process more, which drains it.
CaseOutcome RaceOnQueue(Target& target, const Program& program, int processes, long max_messages,
                        bool kills);

// How much room the queue of a racing program has.
long RoomOf(const Program& program);

// A race on a pipe: process 0 reads to the end of file, the others write records of at most
// {PIPE_BUF} bytes. `target` gives the ends accordingly.
CaseOutcome RaceOnPipe(Target& target, const Program& program, int processes, bool kills);

}  // namespace ipcsuite::props
