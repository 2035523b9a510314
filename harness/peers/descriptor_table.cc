#include "harness/peers/descriptor_table.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <vector>

#include "harness/core/call.h"
#include "harness/core/context.h"
#include "harness/peers/peer.h"

namespace ipcsuite {

rlim_t OpenFilesLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

int LowerOpenFilesLimit(std::initializer_list<int> keep) {
  CloseAllExcept(keep);
  const int highest = std::max(2, keep.size() > 0 ? std::max(keep) : 0);
  // A few more than must be, so that there is room for what a test opens.
  const int limit = std::max(_POSIX_OPEN_MAX, highest + 16);
  rlimit lowered{};
  getrlimit(RLIMIT_NOFILE, &lowered);
  if (lowered.rlim_cur != RLIM_INFINITY && lowered.rlim_cur < static_cast<rlim_t>(limit))
    Unresolved("the limit on open files is too low already: raise it (ulimit -n)");
  lowered.rlim_cur = static_cast<rlim_t>(limit);
  if (calls::setrlimit(RLIMIT_NOFILE, &lowered) != 0)
    Unresolved("the limit on open files could not be lowered: " + ErrnoName(errno));
  return limit;
}

int FillDescriptorTable(int free, std::initializer_list<int> keep) {
  LowerOpenFilesLimit(keep);
  int source = open("/dev/null", O_RDONLY);
  if (source < 0) source = open("/", O_RDONLY);
  if (source < 0) Unresolved("nothing could be opened to fill the descriptor table");
  std::vector<int> copies;
  for (int copy; (copy = fcntl(source, F_DUPFD, 0)) >= 0;) copies.push_back(copy);
  if (errno != EMFILE) Unresolved("the descriptor table could not be filled: " + ErrnoName(errno));
  if (copies.size() < static_cast<std::size_t>(free))
    Unresolved("the descriptor table has too few numbers below its limit");
  for (int i = 0; i < free; ++i) {
    const auto middle = copies.begin() + static_cast<std::ptrdiff_t>(copies.size() / 2);
    close(*middle);
    copies.erase(middle);
  }
  NoteTrace(TraceEntry::Kind::kFullTable, {static_cast<std::uint64_t>(free)},
            "fills its table of descriptors");
  return source;
}

int CountFreeDescriptors(int source) {
  int count = 0;
  while (fcntl(source, F_DUPFD, 0) >= 0) ++count;
  return count;
}

}  // namespace ipcsuite
