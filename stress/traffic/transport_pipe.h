// Pipes and FIFOs as a transport of stream.h.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "base/pipe_buf.h"
#include "spec/clauses/pipe_io.h"
#include "stress/traffic/stream.h"

namespace ipcsuite::stress {

inline constexpr StreamClauses kPipeClauses = {
    .content = clause::pipe::write_atomic_le_pipe_buf,
    .order = clause::pipe::read_fifo_order,
    .priority = clause::pipe::read_fifo_order,
    .loss = clause::pipe::write_appends,
    .length = clause::pipe::write_blocking_completes,
    .send_error = clause::pipe::write_blocking_completes,
    .receive_error = clause::pipe::read_blocks_until_data,
    .send_restart = clause::pipe::write_sa_restart,
    .receive_restart = clause::pipe::read_sa_restart,
};

struct PipeTransport {
  static constexpr StreamClauses kClauses = kPipeClauses;
  int read_fd, write_fd;

  std::size_t BufferBytes(std::size_t message) const { return message; }

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned) {
    std::size_t done = 0;
    while (done < size) {
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kWrite);
      const ssize_t n = write(write_fd, bytes + done, size - done);
      if constexpr (M != Mode::kRaw) w.Leave();
      if (n < 0) {
        if (errno != EINTR) return -1;
        if constexpr (M != Mode::kRaw) w.Interrupted(kClauses.send_restart);
        continue;
      }
      if (static_cast<std::size_t>(n) == size) return n;
      // A blocking write ends early only when a signal is caught in its middle, and never at
      // PIPE_BUF bytes or fewer.
      if constexpr (M != Mode::kRaw) {
        if (size <= PipeBufOf(write_fd)) return n;
      }
      done += static_cast<std::size_t>(n);
    }
    return static_cast<ssize_t>(done);
  }

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned*) {
    std::size_t done = 0;
    while (done < size) {
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kRead);
      const ssize_t n = read(read_fd, bytes + done, size - done);
      if constexpr (M != Mode::kRaw) w.Leave();
      if (n < 0) {
        if (errno != EINTR) return -1;
        if constexpr (M != Mode::kRaw) w.Interrupted(kClauses.receive_restart);
        continue;
      }
      if (n == 0) return static_cast<ssize_t>(done);  // end of file; in mid-message if done > 0
      done += static_cast<std::size_t>(n);
      if (done == size) break;
    }
    return static_cast<ssize_t>(done);
  }
};

// Records of many writers, all of at most PIPE_BUF bytes, through one pipe. The reader takes as
// much as it gets at once and cuts records out of the stream: a record that is not in one piece is
// torn.
struct ChunkTransport : PipeTransport {
  std::vector<unsigned char> chunk;
  std::size_t have = 0, used = 0;

  ChunkTransport(int reader, int writer)
      : PipeTransport{reader, writer}, chunk(std::size_t{1} << 16) {}

  template <Mode M>
  ssize_t Receive(Worker& w, unsigned char* bytes, std::size_t size, unsigned*) {
    while (have - used < size) {
      MakeRoom();
      const ssize_t n = Fill<M>(w);
      if (n < 0) return -1;
      if (n == 0) return static_cast<ssize_t>(have);  // 0: the end; else a piece of a record
      have += static_cast<std::size_t>(n);
    }
    return Take(bytes, size);
  }

  // What is left of the chunk moves to its start.
  void MakeRoom() {
    std::memmove(chunk.data(), chunk.data() + used, have - used);
    have -= used;
    used = 0;
  }
  ssize_t Take(unsigned char* bytes, std::size_t size) {
    std::memcpy(bytes, chunk.data() + used, size);
    used += size;
    return static_cast<ssize_t>(size);
  }

  // One read into the rest of the chunk.
  template <Mode M>
  ssize_t Fill(Worker& w) {
    for (;;) {
      if constexpr (M != Mode::kRaw) w.Enter(CallId::kRead);
      const ssize_t n = read(read_fd, chunk.data() + have, chunk.size() - have);
      if constexpr (M != Mode::kRaw) w.Leave();
      if (n >= 0 || errno != EINTR) return n;
      if constexpr (M != Mode::kRaw) w.Interrupted(kClauses.receive_restart);
    }
  }
};

}  // namespace ipcsuite::stress
