// The history file: JSON lines, so that a file that was cut off can be read up to there, and a
// person can read it.
//
// ```jsonl history
// {"ipcsuite_history":1,"model":"queue","max_messages":10,"drained":true,"origin":"..."}
// {"p":1,"call":"mq_send","value":17,"prio":3,"invoke":41,"return":44,"t0_ns":1200,"t1_ns":1900}
// {"p":2,"call":"mq_receive","value":17,"prio":3,"invoke":43,"return":45}
// # A comment. What is absent is 0, or "returned".
// {"p":2,"call":"mq_receive","flags":["nonblock"],"error":"EAGAIN","invoke":46,"return":47}
// ```
//
// docs/properties.md explains every field.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "props/history/history.h"

namespace ipcsuite::props {

inline constexpr int kHistoryVersion = 1;

std::string WriteHistory(const History& history);

// Reads what WriteHistory wrote, or what another program recorded in that form. On an error `error`
// gets one line "line 7: ..." and the result is what came before.
History ReadHistory(std::string_view text, std::string& error);

// The same line by line, for files that don't fit into memory: whoever has dealt with the
// operations in history() may take them out.
class HistoryReader {
 public:
  // False at a line that is wrong; error() then says why.
  bool Take(std::string_view line);
  // To be called after the last line: a file without a header is wrong too.
  bool End();
  History& history() { return history_; }
  const std::string& error() const { return error_; }

 private:
  History history_;
  std::string error_;
  std::size_t number_ = 0;
  bool header_seen_ = false;
};

}  // namespace ipcsuite::props
