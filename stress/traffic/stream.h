// The loops of every workload that moves messages from producers to consumers.
//
// One pair of loops for all transports and for all modes: what differs between `raw` and `checked`
// is decided at compile time, so both have the same shape and the same calls. A transport has
//   ssize_t Send(Worker&, const unsigned char*, size_t, unsigned priority)   size, or -1 with errno
//   ssize_t Receive(Worker&, unsigned char*, size_t, unsigned* priority)     0: the end; -1: errno
//   static constexpr StreamClauses kClauses
// and retries EINTR itself (through Worker::Interrupted when kChecked).
#pragma once

#include <time.h>

#include <cerrno>
#include <cstdio>

#include "stress/engine/ticks.h"
#include "stress/engine/worker.h"

namespace ipcsuite::stress {

// The clauses that a violation of each kind breaks.
struct StreamClauses {
  ClauseRef content;   // bytes preserved
  ClauseRef order;     // first in, first out
  ClauseRef priority;  // highest first
  ClauseRef loss;      // neither lost nor doubled
  ClauseRef length;    // what the call returns
  ClauseRef send_error;
  ClauseRef receive_error;
  ClauseRef send_restart;  // SA_RESTART
  ClauseRef receive_restart;
};

// When the i-th message of an open-loop producer is due. Waits until then (far off: in the kernel,
// close: spinning) and returns the intended time, however late it is: latency counts from there.
class Pacer {
 public:
  Pacer(const Worker& w)
      : interval_ns_(w.spec.rate_per_s > 0 ? 1e9 * w.spec.producers / w.spec.rate_per_s : 0),
        start_ns_(w.shared.control->start_ns.load()) {
    // Producers are spread over one interval.
    start_ns_ += static_cast<std::int64_t>(interval_ns_ * w.role_index / w.spec.producers);
  }
  bool open_loop() const { return interval_ns_ > 0; }
  std::int64_t Await(Worker& w) {
    const std::int64_t due = start_ns_ + static_cast<std::int64_t>(interval_ns_ * due_count_++);
    for (;;) {
      const std::int64_t left = due - NowNs();
      if (left <= 0 || !w.Go()) return due;
      if (left > 200'000) {
        const std::int64_t until = due - 100'000;
        timespec t{static_cast<time_t>(until / 1'000'000'000),
                   static_cast<long>(until % 1'000'000'000)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);  // sleep-ok: open-loop pace
      } else {
        Relax();
      }
    }
  }

 private:
  double interval_ns_;
  std::int64_t start_ns_;
  std::uint64_t due_count_ = 0;
};

inline std::atomic<std::int64_t>& TimeSlot(Worker& w, const Stamp& stamp) {
  TimeRing& ring = w.shared.times[stamp.producer];
  return ring.slots[static_cast<std::size_t>(stamp.priority) * ring.per_stream +
                    (stamp.sequence & (ring.per_stream - 1))];
}

template <Mode M, class Transport>
void Produce(Worker& w, Transport& transport) {
  Templates templates(w.spec.size_bytes, w.spec.seed);
  SentBook& book = w.shared.sent[static_cast<std::size_t>(w.role_index)];
  [[maybe_unused]] OrderLog& log = w.shared.sends[static_cast<std::size_t>(w.role_index)];
  Pacer pacer(w);
  [[maybe_unused]] const std::uint64_t sample_mask = w.spec.sample_every - 1;
  const auto producer = static_cast<std::uint32_t>(w.role_index);
  const bool prioritized = w.spec.priorities > 1;
  std::uint64_t done = w.count();
  if (log.on()) log.Begin();
  while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
    Stamp stamp;
    stamp.producer = producer;
    if (prioritized) {
      stamp.priority =
          static_cast<std::uint32_t>(w.random.Below(static_cast<std::uint64_t>(w.spec.priorities)));
    }
    std::int64_t due = 0;
    if (pacer.open_loop()) {
      due = pacer.Await(w);
      if (log.on()) log.Begin();
    }
    const unsigned char* buffer;
    if constexpr (M == Mode::kRaw) {
      buffer = templates.Unstamped(done);
    } else {
      stamp.sequence = book.next[stamp.priority];
      buffer = templates.Stamped(stamp);
      w.Hold(stamp.Pack());
      if constexpr (M == Mode::kTimed) {
        if ((stamp.sequence & sample_mask) == 0) {
          TimeSlot(w, stamp).store(due != 0 ? due : Ticks(), std::memory_order_relaxed);
        }
      }
    }
    const ssize_t sent = transport.template Send<M>(w, buffer, w.spec.size_bytes, stamp.priority);
    if constexpr (M != Mode::kRaw) {
      if (log.on()) log.Returned();
    }
    if (sent != static_cast<ssize_t>(w.spec.size_bytes)) {
      w.Release();
      if (sent < 0 && errno == ECANCELED) break;  // the run ended while waiting
      char text[80];
      std::snprintf(text, sizeof text, "returned %zd for a message of %zu bytes", sent,
                    w.spec.size_bytes);
      w.Report(sent < 0 ? Kind::kWrongErrno : Kind::kPartialWrite,
               sent < 0 ? Transport::kClauses.send_error : Transport::kClauses.length, text,
               stamp.Pack(), 0, sent < 0 ? errno : 0);
      break;
    }
    if constexpr (M != Mode::kRaw) {
      book.next[stamp.priority] = stamp.sequence + 1;
      w.Release();
      if (log.on()) log.Note(stamp.Pack());
    }
    w.Count(++done);
  }
}

// Of a message that holds only the low bytes of its number: the next number from the expected one
// on that has them.
inline std::uint64_t Complete(std::uint64_t low, std::size_t size, const Ledger& ledger) {
  const std::uint64_t expected = ledger.Expected({});
  const std::uint64_t mask = (std::uint64_t{1} << (8 * size)) - 1;
  const std::uint64_t sequence = (expected & ~mask) | low;
  return sequence < expected ? sequence + mask + 1 : sequence;
}

// Out of the hot path: what is wrong with a number.
template <class Transport>
[[gnu::noinline]] void ReportNumber(Worker& w, const Ledger& ledger, Ledger::Answer answer,
                                    const Stamp& stamp) {
  const Kind kind = answer == Ledger::Answer::kThinAir     ? Kind::kThinAir
                    : answer == Ledger::Answer::kReordered ? Kind::kReordered
                                                           : Kind::kDuplicated;
  Stamp expected = stamp;
  if (answer != Ledger::Answer::kThinAir) expected.sequence = ledger.Expected(stamp);
  w.Report(kind, kind == Kind::kReordered ? Transport::kClauses.order : Transport::kClauses.loss,
           ToString(kind), stamp.Pack(), expected.Pack());
}

// A message that arrived, and whether all its checks said that it is what it seems to be.
struct Arrival {
  Stamp stamp;
  bool good;
};

// One message that arrived: every check that is made while running.
template <class Transport>
inline Arrival CheckMessage(Worker& w, Templates& templates, Ledger& ledger,
                            const unsigned char* buffer, std::size_t size, unsigned priority) {
  Stamp stamp = Templates::Peek(buffer, size);
  if (size < kStampSize) [[unlikely]] {
    stamp.sequence = Complete(stamp.sequence, size, ledger);
  }
  bool good = true;
  if (!templates.Matches(buffer, stamp)) [[unlikely]] {
    good = false;
    w.ReportTorn(Transport::kClauses.content, buffer, size,
                 templates.FirstDifference(buffer, stamp), stamp.Pack());
  }
  if (stamp.priority != priority) [[unlikely]] {
    good = false;
    w.Report(Kind::kPriorityInversion, Transport::kClauses.priority,
             "arrived with another priority than it was sent with", stamp.Pack(), priority);
  }
  const Ledger::Answer answer = ledger.Accept(stamp);
  if (answer != Ledger::Answer::kGood) [[unlikely]] {
    good = false;
    ReportNumber<Transport>(w, ledger, answer, stamp);
  }
  return {stamp, good};
}

template <Mode M, class Transport>
void Consume(Worker& w, Transport& transport) {
  Templates templates(w.spec.size_bytes, w.spec.seed);
  Ledger& ledger = w.shared.ledgers[static_cast<std::size_t>(w.role_index)];
  [[maybe_unused]] OrderLog& log = w.shared.receives[static_cast<std::size_t>(w.role_index)];
  [[maybe_unused]] const std::uint64_t sample_mask = w.spec.sample_every - 1;
  [[maybe_unused]] const bool pacer_clock =
      w.spec.rate_per_s > 0;  // intended times are CLOCK_MONOTONIC
  const std::size_t room = transport.BufferBytes(w.spec.size_bytes);
  Bytes buffer(room);
  std::uint64_t done = w.count();
  if (log.on()) log.Begin();
  for (;;) {
    w.Go();
    unsigned priority = 0;
    if constexpr (M != Mode::kRaw) w.Hold(0);
    const ssize_t got = transport.template Receive<M>(w, buffer.data(), room, &priority);
    if constexpr (M != Mode::kRaw) {
      if (log.on()) log.Returned();
    }
    if (got <= 0) {
      w.Release();
      if (got < 0) {
        w.Report(Kind::kWrongErrno, Transport::kClauses.receive_error, "receiving failed", 0, 0,
                 errno);
      }
      break;
    }
    if constexpr (M != Mode::kRaw) {
      if (got != static_cast<ssize_t>(w.spec.size_bytes)) {
        char text[80];
        std::snprintf(text, sizeof text, "%zd bytes arrived of a message of %zu", got,
                      w.spec.size_bytes);
        w.Report(Kind::kWrongLength, Transport::kClauses.length, text);
        break;
      }
      const auto [stamp, good] =
          CheckMessage<Transport>(w, templates, ledger, buffer.data(), w.spec.size_bytes, priority);
      if (log.on() && good) log.Note(stamp.Pack());
      if constexpr (M == Mode::kTimed) {
        if ((stamp.sequence & sample_mask) == 0 &&
            stamp.producer < static_cast<std::uint32_t>(w.spec.producers) &&
            stamp.priority < static_cast<std::uint32_t>(w.spec.priorities)) {
          const std::int64_t from = TimeSlot(w, stamp).load(std::memory_order_relaxed);
          w.Latency(pacer_clock ? NowNs() - from : TicksToNs(Ticks() - from));
        }
      }
      w.Release();
    }
    w.Count(++done);
  }
}

template <class Transport>
void RunStream(Worker& w, Transport& transport) {
  const bool produce = w.role == Role::kProducer;
  switch (w.spec.mode) {
    case Mode::kRaw:
      return produce ? Produce<Mode::kRaw>(w, transport) : Consume<Mode::kRaw>(w, transport);
    case Mode::kChecked:
      return produce ? Produce<Mode::kChecked>(w, transport)
                     : Consume<Mode::kChecked>(w, transport);
    case Mode::kTimed:
      return produce ? Produce<Mode::kTimed>(w, transport) : Consume<Mode::kTimed>(w, transport);
  }
}

}  // namespace ipcsuite::stress
