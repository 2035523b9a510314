// The ways to make a FIFO. What holds for mkfifo() holds for all of them where paths are absolute
// or taken from the working directory.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"

namespace ipcsuite::fifo_suite {

struct Maker {
  const char* name;
  int (*make)(const char* path, mode_t mode);
  ClauseRef (*charged)(ClauseRef of_mkfifo);  // the clause to charge when mkfifo's own is violated
};

inline constexpr Maker kMakers[] = {
    {"mkfifo", [](const char* path, mode_t mode) { return mkfifo(path, mode); },
     [](ClauseRef own) { return own; }},
    {"mkfifoat", [](const char* path, mode_t mode) { return mkfifoat(AT_FDCWD, path, mode); },
     [](ClauseRef) { return clause::mkfifoat::relative; }},
    {"mknod", [](const char* path, mode_t mode) { return mknod(path, S_IFIFO | mode, 0); },
     [](ClauseRef) { return clause::mknod::fifo; }},
};

}  // namespace ipcsuite::fifo_suite
