// <sys/select.h> alone must declare everything that is used here: nothing may be included before
// it.
#include <sys/select.h>

namespace {

// C++ libraries may add a promise not to throw to a function's type: the conversion drops it.
int (*const select_pointer)(int, fd_set*, fd_set*, fd_set*, timeval*) = select;
int (*const pselect_pointer)(int, fd_set*, fd_set*, fd_set*, const timespec*,
                             const sigset_t*) = pselect;
const timeval kTime = {time_t{1}, suseconds_t{2}};

// The macros, on numbers up to the largest.
bool MacrosWork() {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(0, &set);
  FD_SET(FD_SETSIZE - 1, &set);
  FD_CLR(0, &set);
  return FD_ISSET(FD_SETSIZE - 1, &set) && !FD_ISSET(0, &set);
}

}  // namespace

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"

namespace ipcsuite::poll_suite {
namespace {

IPC_TEST(SelectHeader, DeclaresAll, clause::sys_select_h::contents) {
  EXPECT_NE(select_pointer, nullptr);
  EXPECT_NE(pselect_pointer, nullptr);
  EXPECT_EQ(kTime.tv_usec, 2);
  EXPECT_TRUE(MacrosWork());
  NoteChecks();
}

}  // namespace
}  // namespace ipcsuite::poll_suite
