// The four functions that wait for readiness, under one signature, so that what holds for all of
// them is one body.
#pragma once

#include <signal.h>
#include <time.h>

#include <string>
#include <vector>

#include "harness/test/test.h"

namespace ipcsuite::poll_suite {

enum class For { kReading, kWriting, kHangUp };  // kHangUp: poll() with no events; not for select()

// What a wait on one descriptor said.
struct Answer {
  CallResult result;
  // poll(): revents. select(): POLLIN and POLLOUT stand for the descriptor's bit in the set.
  int bits = 0;
  bool entry_kept = true;    // of poll() and ppoll(): fd and events are as before
  bool timeout_kept = true;  // of ppoll() and pselect()
};

struct Waiter {
  const char* name;
  bool selects;  // of the select() family
  bool has_mask;
  int first_issue;  // 7, or 8 for a function that came with it
  // What to charge: waiting and time-outs, interruption.
  ClauseRef waits, eintr;
  // Waits on one descriptor. No time-out: null. The mask: null, or for those that have one.
  Answer (*wait)(int fd, For what, const timespec* timeout, const sigset_t* mask);
};

// poll, ppoll, select, pselect, as far as this system has them and the run judges them.
const std::vector<Waiter>& Waiters();

}  // namespace ipcsuite::poll_suite
