// Records a history while processes race: one lane for each process in memory that they share, so
// that what a process wrote is there after it was killed, whatever it was doing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "props/history/history.h"

namespace ipcsuite::props {

class Recorder {
 public:
  // Room for `lanes` processes with `ops` operations each, and `stream` bytes that each may append.
  // Throws std::system_error when the memory can't be mapped.
  Recorder(int lanes, std::size_t ops, std::size_t stream = 0);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Notes that the lane's process begins `op`; the result is where to put the outcome. Null when
  // the lane is full.
  Op* Begin(int lane, const Op& op);
  // Notes that it returned.
  void End(int lane);

  // Takes the next number of the counter that orders all events.
  std::uint64_t Ticket() { return header_->ticket.fetch_add(1, std::memory_order_acq_rel) + 1; }

  // The operation that the lane has begun and not finished; null when there is none.
  const Op* Open(int lane) const {
    const std::uint32_t returned = Returned(lane);
    return Issued(lane) == returned ? nullptr : OpsOf(lane) + returned;
  }
  std::uint32_t Issued(int lane) const {
    return LaneAt(lane).issued.load(std::memory_order_acquire);
  }
  std::uint32_t Returned(int lane) const {
    return LaneAt(lane).returned.load(std::memory_order_acquire);
  }

  // The bytes that the lane's process appended, and appending.
  unsigned char* StreamEnd(int lane, std::size_t room);  // null when less is left
  void Append(int lane, std::size_t bytes) { LaneAt(lane).stream_used.fetch_add(bytes); }
  const unsigned char* Stream(int lane) const;
  std::size_t StreamBytes(int lane) const { return LaneAt(lane).stream_used.load(); }

  // How the operation that a lane has not finished ended, and until when it may have had its effect
  // (a ticket taken after the process was gone; 0: no end).
  struct LaneEnd {
    Fate fate = Fate::kUnknown;
    std::uint64_t ticket = 0;
  };
  // All that was recorded, in order. `ends` has one entry per lane.
  std::vector<Op> Collect(const std::vector<LaneEnd>& ends) const;

 private:
  struct Header {
    std::atomic<std::uint64_t> ticket;
  };
  struct alignas(64) Lane {
    std::atomic<std::uint32_t> issued;
    std::atomic<std::uint32_t> returned;
    std::atomic<std::size_t> stream_used;
  };
  Lane& LaneAt(int lane) const { return lanes_[static_cast<std::size_t>(lane)]; }
  Op* OpsOf(int lane) const { return ops_ + static_cast<std::size_t>(lane) * ops_per_lane_; }

  int lane_count_;
  std::size_t ops_per_lane_;
  std::size_t stream_per_lane_;
  Header* header_ = nullptr;
  Lane* lanes_ = nullptr;
  Op* ops_ = nullptr;
  unsigned char* streams_ = nullptr;
  std::size_t mapped_ = 0;
};

}  // namespace ipcsuite::props
