#include "props/history/recorder.h"

#include <sys/mman.h>
#include <time.h>

#include <cerrno>
#include <new>
#include <system_error>

#include "base/clock.h"

namespace ipcsuite::props {
namespace {

std::size_t RoundUp(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

Recorder::Recorder(int lanes, std::size_t ops, std::size_t stream)
    : lane_count_(lanes), ops_per_lane_(ops), stream_per_lane_(stream) {
  const auto count = static_cast<std::size_t>(lanes);
  const std::size_t lanes_at = 64;
  const std::size_t ops_at = lanes_at + RoundUp(sizeof(Lane) * count);
  const std::size_t streams_at = ops_at + RoundUp(sizeof(Op) * ops * count);
  mapped_ = streams_at + stream * count;
  void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(),
                            "mapping " + std::to_string(mapped_) + " bytes to record a history");
  }
  auto* bytes = static_cast<unsigned char*>(memory);
  header_ = new (bytes) Header();
  lanes_ = new (bytes + lanes_at) Lane[count]();
  ops_ = reinterpret_cast<Op*>(bytes + ops_at);  // written before they are read
  streams_ = bytes + streams_at;
}

Recorder::~Recorder() { munmap(header_, mapped_); }

Op* Recorder::Begin(int lane, const Op& op) {
  Lane& at = LaneAt(lane);
  const std::uint32_t index = at.issued.load(std::memory_order_relaxed);
  if (index >= ops_per_lane_) return nullptr;
  Op& slot = OpsOf(lane)[index];
  slot = op;
  slot.process = static_cast<std::uint16_t>(lane);
  slot.invoke_ns = NowNs();
  // A process that is killed between these two leaves an operation that was never begun: nobody
  // sees it, and its ticket is not used.
  slot.invoke = Ticket();
  at.issued.store(index + 1, std::memory_order_release);
  return &slot;
}

void Recorder::End(int lane) {
  Lane& at = LaneAt(lane);
  const std::uint32_t index = at.returned.load(std::memory_order_relaxed);
  Op& slot = OpsOf(lane)[index];
  slot.ret = Ticket();
  slot.return_ns = NowNs();
  slot.fate = Fate::kReturned;
  at.returned.store(index + 1, std::memory_order_release);
}

unsigned char* Recorder::StreamEnd(int lane, std::size_t room) {
  const std::size_t used = LaneAt(lane).stream_used.load();
  if (used + room > stream_per_lane_) return nullptr;
  return streams_ + static_cast<std::size_t>(lane) * stream_per_lane_ + used;
}

const unsigned char* Recorder::Stream(int lane) const {
  return streams_ + static_cast<std::size_t>(lane) * stream_per_lane_;
}

std::vector<Op> Recorder::Collect(const std::vector<LaneEnd>& ends) const {
  std::vector<Op> ops;
  for (int lane = 0; lane < lane_count_; ++lane) {
    const std::uint32_t returned = Returned(lane);
    const std::uint32_t issued = Issued(lane);
    const Op* from = OpsOf(lane);
    ops.insert(ops.end(), from, from + returned);
    if (issued == returned) continue;
    Op open = from[returned];
    const LaneEnd& end = ends[static_cast<std::size_t>(lane)];
    open.fate = end.fate;
    open.ret = end.fate == Fate::kBlocked ? 0 : end.ticket;
    open.result = 0;
    open.error = 0;
    open.piece_count = 0;
    ops.push_back(open);
  }
  SortByInvoke(ops);
  return ops;
}

}  // namespace ipcsuite::props
