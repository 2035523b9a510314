#include "stress/engine/account.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>

namespace ipcsuite::stress {

std::size_t Ledger::Bytes(int producers, int priorities, bool exclusive,
                          std::uint64_t bits_per_stream) {
  const std::size_t streams = static_cast<std::size_t>(producers) * priorities;
  const std::size_t slack = 6 * 65536;  // each piece starts on a page
  if (exclusive) return streams * 8 + sizeof(Gap) * kGapsKept + slack;
  return streams * 24 + streams * (bits_per_stream / 8) + sizeof(Gap) * kGapsKept + slack;
}

Ledger::Ledger(SharedRegion& region, int producers, int priorities, bool exclusive,
               std::uint64_t bits_per_stream)
    : producers_(producers),
      priorities_(priorities),
      exclusive_(exclusive),
      bits_(exclusive ? 0 : bits_per_stream / 64 * 64) {
  const std::size_t streams = static_cast<std::size_t>(producers) * priorities;
  next_ = region.Zeroed<std::uint64_t>(streams + 1);
  gap_count_ = next_ + streams;
  gaps_ = region.Zeroed<Gap>(kGapsKept);
  if (!exclusive_) {
    counts_ = region.Zeroed<std::uint64_t>(streams * 2);
    fingerprints_ = counts_ + streams;
    bitmap_ = region.Zeroed<std::uint64_t>(streams * (bits_ / 64));
  }
}

Ledger::Answer Ledger::AnswerForOld(std::size_t stream, std::uint64_t sequence) {
  // A number inside a noted gap is late; any other one was here before.
  if (!exclusive_) return Answer::kReordered;
  const std::uint64_t kept = std::min<std::uint64_t>(*gap_count_, kGapsKept);
  for (std::uint64_t i = 0; i < kept; ++i) {
    if (gaps_[i].stream == stream && sequence >= gaps_[i].from && sequence < gaps_[i].to) {
      return Answer::kReordered;
    }
  }
  return Answer::kDuplicated;
}

void Ledger::NoteGap(std::size_t stream, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t n = (*gap_count_)++;
  if (n < kGapsKept) gaps_[n] = {static_cast<std::uint32_t>(stream), from, to};
}

struct AuditAccess {
  const AuditInput& in;
  AuditResult out;
  std::map<std::size_t, std::set<std::uint64_t>> excusable;  // by stream
  std::uint64_t consumer_budget;

  explicit AuditAccess(const AuditInput& input)
      : in(input), out(), excusable(), consumer_budget(input.consumer_kills) {
    for (const InHand& h : input.in_hand) {
      excusable[Stream(h.stamp.producer, h.stamp.priority)].insert(h.stamp.sequence);
    }
  }
  std::size_t Stream(std::size_t producer, std::size_t priority) const {
    return producer * static_cast<std::size_t>(in.priorities) + priority;
  }

  void Report(Kind kind, std::size_t stream, std::uint64_t sequence, std::uint64_t count,
              const std::string& text) {
    out.findings_total += count;
    if (out.findings.size() >= 64) return;
    const auto priorities = static_cast<std::size_t>(in.priorities);
    out.findings.push_back({kind,
                            {sequence, static_cast<std::uint32_t>(stream / priorities),
                             static_cast<std::uint32_t>(stream % priorities)},
                            count,
                            text});
  }

  // Messages [from, to) of the stream never arrived: excuse what may be excused, report the rest.
  // Ranges may be absurdly long (a damaged stamp): nothing here takes a step for each message.
  void Missing(std::size_t stream, std::uint64_t from, std::uint64_t to) {
    static const std::set<std::uint64_t> kNone;
    const auto known = excusable.find(stream);
    const std::set<std::uint64_t>& excused = known == excusable.end() ? kNone : known->second;
    while (from < to) {
      const auto next = excused.lower_bound(from);
      const std::uint64_t end = next == excused.end() ? to : std::min(to, *next);
      const std::uint64_t taken = std::min(consumer_budget, end - from);
      consumer_budget -= taken;
      out.excused_consumer += taken;
      if (from + taken < end) {
        Report(Kind::kLost, stream, from + taken, end - from - taken, "sent, never received");
      }
      if (end < to) ++out.excused_producer;
      from = end < to ? end + 1 : to;
    }
  }

  void Exclusive(std::size_t stream, std::uint64_t sent) {
    const std::size_t producer = stream / static_cast<std::size_t>(in.priorities);
    const Ledger& ledger = *in.ledgers[in.paired ? producer : 0];
    const std::uint64_t next = ledger.next_[stream];
    std::uint64_t missing = 0;
    const std::uint64_t kept = std::min<std::uint64_t>(*ledger.gap_count_, kGapsKept);
    for (std::uint64_t i = 0; i < kept; ++i) {
      const Gap& gap = ledger.gaps_[i];
      if (gap.stream != stream) continue;
      missing += gap.to - gap.from;
      Missing(stream, gap.from, std::min(gap.to, sent));  // what was not sent is not lost
    }
    if (next < sent) Missing(stream, next, sent);
    if (next > sent)
      Report(Kind::kThinAir, stream, sent, 1, "numbers were received that were never sent");
    out.arrived += next - std::min(next, missing);
  }

  void Shared(std::size_t stream, std::uint64_t sent) {
    const std::uint64_t bits = in.ledgers.front()->bits_;
    const std::uint64_t exact = std::min(sent, bits);
    std::uint64_t missing_from = 0, missing = 0;
    const auto flush = [&] {
      if (missing != 0) Missing(stream, missing_from, missing_from + missing);
      missing = 0;
    };
    for (std::uint64_t w = 0; w * 64 < exact; ++w) {
      std::uint64_t once = 0, twice = 0;
      for (const Ledger* ledger : in.ledgers) {
        const std::uint64_t word = ledger->bitmap_[stream * (bits / 64) + w];
        twice |= once & word;
        once |= word;
      }
      for (; twice != 0; twice &= twice - 1) {
        Report(Kind::kDuplicated, stream, w * 64 + static_cast<unsigned>(std::countr_zero(twice)),
               1, "received by two consumers");
      }
      const std::uint64_t valid =
          exact - w * 64 >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (exact - w * 64)) - 1;
      if ((once & valid) == valid) {
        flush();
        continue;
      }
      for (unsigned b = 0; b < 64 && w * 64 + b < exact; ++b) {
        if ((once >> b & 1) != 0) {
          flush();
        } else {
          if (missing == 0) missing_from = w * 64 + b;
          ++missing;
        }
      }
    }
    flush();
    std::uint64_t count = 0, fingerprint = 0, beyond = sent;
    for (const Ledger* ledger : in.ledgers) {
      count += ledger->counts_[stream];
      fingerprint += ledger->fingerprints_[stream];
      beyond = std::max(beyond, ledger->next_[stream]);
    }
    out.arrived += count;
    if (beyond > sent) {
      Report(Kind::kThinAir, stream, sent, 1, "numbers were received that were never sent");
    }
    if (sent > bits) Beyond(stream, sent, count, fingerprint);
  }

  void Beyond(std::size_t stream, std::uint64_t sent, std::uint64_t count,
              std::uint64_t fingerprint) {
    out.by_fingerprint += sent - in.ledgers.front()->bits_;
    const auto known = excusable.find(stream);
    const std::uint64_t may_miss =
        (known == excusable.end() ? 0 : known->second.size()) + in.consumer_kills;
    if (count > sent) {
      Report(Kind::kDuplicated, stream, 0, count - sent, "more messages received than sent");
    } else if (sent - count > may_miss) {
      Report(Kind::kLost, stream, 0, sent - count - may_miss, "fewer messages received than sent");
    } else if (count == sent) {
      for (std::uint64_t s = 0; s < sent; ++s) fingerprint -= Mix(s);
      if (fingerprint != 0) {
        Report(Kind::kDuplicated, stream, 0, 1, "as many received as sent, but not the same ones");
      }
    }
  }

  AuditResult Run() {
    const Ledger& first = *in.ledgers.front();
    for (int producer = 0; producer < in.producers; ++producer) {
      for (int priority = 0; priority < in.priorities; ++priority) {
        const std::uint64_t sent = in.sent[static_cast<std::size_t>(producer)].next[priority];
        out.sent += sent;
        const std::size_t stream =
            Stream(static_cast<std::size_t>(producer), static_cast<std::size_t>(priority));
        if (first.exclusive_) {
          Exclusive(stream, sent);
        } else {
          Shared(stream, sent);
        }
      }
    }
    for (const Ledger* ledger : in.ledgers) {
      if (!ledger->exclusive_ || *ledger->gap_count_ <= kGapsKept) continue;
      Report(Kind::kLost, 0, 0, *ledger->gap_count_ - kGapsKept, "more gaps than were kept");
    }
    return out;
  }
};

AuditResult Audit(const AuditInput& input) { return AuditAccess(input).Run(); }

}  // namespace ipcsuite::stress
