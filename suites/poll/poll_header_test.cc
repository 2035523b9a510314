// <poll.h> alone must declare everything that is used here: nothing may be included before it.
#include <poll.h>

namespace {

template <typename A, typename B>
constexpr bool kSame = false;
template <typename A>
constexpr bool kSame<A, A> = true;

// C++ libraries may add a promise not to throw to a function's type: the conversion drops it.
int (*const poll_pointer)(pollfd*, nfds_t, int) = poll;
static_assert(kSame<decltype(pollfd::fd), int> && kSame<decltype(pollfd::events), short> &&
              kSame<decltype(pollfd::revents), short>);
static_assert(static_cast<nfds_t>(-1) > 0, "nfds_t is unsigned");
constexpr int kBits[] = {POLLIN,   POLLPRI,    POLLOUT,    POLLERR,    POLLHUP,
                         POLLNVAL, POLLRDNORM, POLLRDBAND, POLLWRNORM, POLLWRBAND};

}  // namespace

#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"

namespace ipcsuite::poll_suite {
namespace {

IPC_TEST(PollHeader, DeclaresAll, clause::poll_h::contents) {
  EXPECT_NE(poll_pointer, nullptr);
  for (const int bit : kBits) EXPECT_NE(bit, 0);
  const int returned_only = POLLERR | POLLHUP | POLLNVAL;
  EXPECT_EQ(returned_only & (POLLIN | POLLPRI | POLLOUT), 0);
  EXPECT_EQ(POLLERR & POLLHUP, 0);
  EXPECT_EQ(POLLNVAL & (POLLERR | POLLHUP), 0);
  EXPECT_EQ(POLLIN & POLLOUT, 0);
  EXPECT_EQ(POLLPRI & (POLLIN | POLLOUT), 0);
  NoteChecks();
}

}  // namespace
}  // namespace ipcsuite::poll_suite
