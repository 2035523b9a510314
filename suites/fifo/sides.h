// The two sides from which a FIFO is opened, so that a rule that holds for both is one body.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"

namespace ipcsuite::fifo_suite {

struct Side {
  int flags;  // O_RDONLY or O_WRONLY
  int other_flags() const { return flags == O_RDONLY ? O_WRONLY : O_RDONLY; }
  ClauseRef waits_clause() const {
    return flags == O_RDONLY ? clause::fifo::open_rdonly_waits_for_writer
                             : clause::fifo::open_wronly_waits_for_reader;
  }
};
inline constexpr Side kReading{O_RDONLY};
inline constexpr Side kWriting{O_WRONLY};

// The result of an open, whose descriptor stays open in `own`.
inline CallResult Kept(const CallResult& opened, Fd& own) {
  if (opened.ok()) own.reset(opened.fd());
  return opened;
}

// Of FD_CLOEXEC and, where there is such a flag, FD_CLOFORK: a system may have more of its own.
inline int DescriptorFlags(int fd) {
#ifdef FD_CLOFORK
  constexpr int kFlags = FD_CLOEXEC | FD_CLOFORK;
#else
  constexpr int kFlags = FD_CLOEXEC;
#endif
  NoteChecks();
  return Setup(CALL(fcntl(fd, F_GETFD))).fd() & kFlags;
}

// Checks that nobody has the FIFO open from this side: without a reader a non-blocking writer gets
// ENXIO; without a writer a non-blocking reader reads end-of-file.
inline void ExpectNobodyThere(const char* path, const Side& side) {
  if (side.flags == O_RDONLY) {
    const CallResult writer = CALL(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    EXPECT_THAT(writer, Fails(ENXIO)) << "a reader was left behind";
    if (writer.ok()) close(writer.fd());
    return;
  }
  const Fd reader(CALL(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  char byte;
  EXPECT_THAT(CALL(read(reader, &byte, 1)), SucceedsWith(0)) << "a writer was left behind";
}

}  // namespace ipcsuite::fifo_suite
