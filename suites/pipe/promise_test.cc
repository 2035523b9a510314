// What the headers must define where <unistd.h> claims an issue of the standard. Tests that need a
// missing name are UNSUPPORTED; that it is missing is judged here, once.
#include <fcntl.h>
#include <unistd.h>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"

namespace ipcsuite::pipe_suite {
namespace {

#if defined(O_SEARCH)
constexpr bool kHasSearch = true;
#else
constexpr bool kHasSearch = false;
#endif
#if defined(FD_CLOFORK) && defined(O_CLOFORK) && defined(F_DUPFD_CLOFORK)
constexpr bool kHasCloseOnFork = true;
#else
constexpr bool kHasCloseOnFork = false;
#endif

struct PromiseRow {
  const char* name;
  Claims claims;
  bool defined;
  long since;  // the _POSIX_VERSION that promises it
};
const PromiseRow kPromises[] = {
    {.name = "OSearchIsDefined",
     .claims = {clause::fcntl_h::o_search, promise},
     .defined = kHasSearch,
     .since = 200809L},
    {.name = "CloseOnForkIsDefined",
     .claims = {clause::fcntl_h::close_on_fork, promise},
     .defined = kHasCloseOnFork,
     .since = 202405L},
};
IPC_TABLE_TEST(PipePromise, PromiseRow, kPromises) {
  constexpr long kClaimed = _POSIX_VERSION;
  if (kClaimed < row.since) {
    Unsupported("_POSIX_VERSION " + std::to_string(kClaimed) + " promises it not yet (" +
                std::to_string(row.since) + " would)");
  }
  NoteChecks();
  EXPECT_TRUE(row.defined) << "it is missing in <fcntl.h>, although _POSIX_VERSION is " << kClaimed;
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
