// The states in which an end of a pipe or FIFO can be when it is asked for readiness, as data: how
// each is brought about, and what poll(), select() and then read() or write() must say of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/test/test.h"

namespace ipcsuite::poll_suite {

// What a state is made of. `fd` is the descriptor to ask about, -1 until the state is there.
struct Scene {
  explicit Scene(PipeKind kind_) : kind(kind_) {}
  PipeKind kind;
  int fd = -1;
  Fd rd, wr, rd2, wr2;
  std::optional<FifoNode> node;  // of a FIFO

  // Both ends open, O_NONBLOCK clear on both.
  void OpenBoth();
  // Of a FIFO.
  void MakeNode();
  Fd OpenReader();
  Fd OpenWriter();
  void Write(const char* text);
};

// A bit that must be set (if it was requested, for those that are requested), must be clear, or is
// the system's choice; and the clause that says so.
struct Rule {
  enum What { kOpen, kSet, kClear };
  What what = kOpen;
  ClauseRef clause{};
  int issue = 0;  // of this issue only; 0: of both
  bool Demands(What demanded) const {
    return what == demanded && (issue == 0 || issue == JudgedIssue());
  }
};
inline Rule Set(ClauseRef clause, int issue = 0) { return {Rule::kSet, clause, issue}; }
inline Rule Clear(ClauseRef clause, int issue = 0) { return {Rule::kClear, clause, issue}; }

struct State {
  enum Kinds { kBoth, kFifoOnly, kOnce };  // kOnce: no pipe is asked, the kind does not matter
  const char* name;                        // in test names
  const char* label;                       // in the table of the page
  Kinds kinds;
  ClauseRef about;  // what an observed outcome is recorded for
  void (*make)(Scene& scene);
  Rule in, out, hup, err;     // revents of poll()
  Rule readable, writable;    // sets of select()
  bool reads;                 // what is tried afterwards: read(), else write()
  bool select_ebadf = false;  // select() must fail with EBADF
};

// Every state. States of an open descriptor leave `scene.fd` usable for one read or write.
const std::vector<State>& States();

}  // namespace ipcsuite::poll_suite
