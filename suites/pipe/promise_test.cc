// What the headers must define where <unistd.h> claims an issue of the standard. Tests that need a
// missing name are UNSUPPORTED; that it is missing is judged here, once.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <type_traits>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_poll.h"

// What a call of a function resolves to that no header declares; a declared one fits better.
namespace ipcsuite_absent {
struct Absent {};
Absent pipe2(...);
Absent dup3(...);
Absent ppoll(...);
}  // namespace ipcsuite_absent

namespace ipcsuite::pipe_suite {
namespace {

using namespace ipcsuite_absent;  // NOLINT: beside the functions of the headers, as they are

template <typename Result>
constexpr bool kDeclared = !std::is_same_v<Result, Absent>;
constexpr bool kHasPipe2 = kDeclared<decltype(pipe2(static_cast<int*>(nullptr), 0))>;
constexpr bool kHasDup3 = kDeclared<decltype(dup3(0, 0, 0))>;
constexpr bool kHasPpoll =
    kDeclared<decltype(ppoll(static_cast<pollfd*>(nullptr), nfds_t{}, nullptr, nullptr))>;
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
    {.name = "Pipe2IsDeclared",
     .claims = {clause::pipe2::declared, promise},
     .defined = kHasPipe2,
     .since = 202405L},
    {.name = "Dup3IsDeclared",
     .claims = {clause::dup3::declared, promise},
     .defined = kHasDup3,
     .since = 202405L},
    {.name = "PpollIsDeclared",
     .claims = {clause::ppoll::declared, promise},
     .defined = kHasPpoll,
     .since = 202405L},
};
IPC_TABLE_TEST(PipePromise, PromiseRow, kPromises) {
  constexpr long kClaimed = _POSIX_VERSION;
  if (kClaimed < row.since) {
    Unsupported("_POSIX_VERSION " + std::to_string(kClaimed) + " promises it not yet (" +
                std::to_string(row.since) + " would)");
  }
  NoteChecks();
  EXPECT_TRUE(row.defined) << "the headers do not have it, although _POSIX_VERSION is " << kClaimed;
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
