// The history file: JSON lines, so that a file that was cut off can be read up to there, and a
// person can read it.
//
// Line 1:  {"ipcsuite_history":1,"model":"queue","max_messages":10,"drained":true,"origin":"..."}
//          and for other models "pipe_buf", "fifo", "short_reads", "readers", "writers", "signals".
// Then one line for each operation, in any order:
//   {"p":2,"call":"mq_send","obj":0,"value":17,"prio":3,"amount":24,"flags":["nonblock"],
//    "result":0,"error":"EAGAIN","invoke":41,"return":44,"t0_ns":1200,"t1_ns":1900,
//    "fate":"killed","early_ns":5,"pieces":[[record,offset,length],...]}
// p, call and invoke are required; what is absent is 0, or "returned". `error` is a name, or a
// number of this machine where the name is not known; `invoke` and `return` are numbers of one
// counter that all processes share, taken before and after the call: only their order counts. A
// line that begins with '#' is a comment.
#pragma once

#include <string>
#include <string_view>

#include "props/history/history.h"

namespace ipcsuite::props {

inline constexpr int kHistoryVersion = 1;

std::string WriteHistory(const History& history);

// Reads what WriteHistory wrote, or what another program recorded in that form. On an error `error`
// gets one line "line 7: ..." and the result is what came before.
History ReadHistory(std::string_view text, std::string& error);

}  // namespace ipcsuite::props
