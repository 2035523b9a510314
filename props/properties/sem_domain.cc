#include "props/properties/sem_domain.h"

namespace ipcsuite::props {

Op DecodeSemaphore(const RawStep& step, bool near) {
  struct Way {
    Call call;
    std::uint16_t flags;
  };
  static constexpr Way kWays[] = {
      {Call::kSemWait, 0},      {Call::kSemWait, 0},
      {Call::kSemWait, 0},      {Call::kSemTryWait, 0},
      {Call::kSemTimedWait, 0}, {Call::kSemTimedWait, kPastDeadline},
      {Call::kSemClockWait, 0}, {Call::kSemClockWait, kPastDeadline},
  };
  Op op;
  const unsigned kind = step.what % 16U;
  if (kind < 7) {
    op.call = Call::kSemPost;
  } else if (kind < 14) {
    const Way& way = kWays[step.b % 8U];
    op.call = way.call;
    op.flags = way.flags;
    const bool timed = op.call == Call::kSemTimedWait || op.call == Call::kSemClockWait;
    if (near && timed && op.flags == 0) {
      op.flags = kNearDeadline;
      op.value = step.a;
    }
  } else {
    op.call = Call::kSemValue;
  }
  return op;
}

}  // namespace ipcsuite::props
