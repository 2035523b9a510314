#include "stress/engine/order.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <span>

namespace ipcsuite::stress {
namespace {

// Calls that a log has room for, times this, is how long a window lasts: sixteen windows fill a log
// at two million calls a second.
constexpr double kWindowNsPerCall = 32;

int WindowShift(std::uint32_t calls_max) {
  const double ticks = kWindowNsPerCall * calls_max / g_tick_clock.ns_per_tick;
  return std::bit_width(static_cast<std::uint64_t>(std::max(1.0, ticks))) - 1;
}

// Sorts by stream, then by number.
std::uint64_t Key(std::uint64_t packed) { return std::rotr(packed, 18); }

// All messages whose receive was logged, by stream and number, each once.
std::vector<LoggedMessage> Join(const std::vector<OrderLog>& sends,
                                const std::vector<OrderLog>& receives) {
  std::vector<LoggedMessage> messages;
  for (std::size_t consumer = 0; consumer < receives.size(); ++consumer) {
    for (const LoggedCall& call : receives[consumer]) {
      messages.push_back({.stamp = Stamp::Unpack(call.packed),
                          .receive = call,
                          .consumer = static_cast<int>(consumer)});
    }
  }
  std::sort(messages.begin(), messages.end(), [](const LoggedMessage& a, const LoggedMessage& b) {
    const std::uint64_t ka = Key(a.receive.packed), kb = Key(b.receive.packed);
    return ka != kb ? ka < kb : a.receive.end < b.receive.end;
  });
  const auto same = [](const LoggedMessage& a, const LoggedMessage& b) {
    return a.receive.packed == b.receive.packed;
  };
  messages.erase(std::unique(messages.begin(), messages.end(), same), messages.end());
  std::vector<LoggedCall> sent;
  for (const OrderLog& log : sends) sent.insert(sent.end(), log.begin(), log.end());
  std::sort(sent.begin(), sent.end(),
            [](const LoggedCall& a, const LoggedCall& b) { return Key(a.packed) < Key(b.packed); });
  auto send = sent.begin();
  for (LoggedMessage& message : messages) {
    const std::uint64_t key = Key(message.receive.packed);
    while (send != sent.end() && Key(send->packed) < key) ++send;
    if (send == sent.end() || send->packed != message.receive.packed) continue;
    message.sent = true;
    message.send = *send;
  }
  return messages;
}

class Decision {
 public:
  explicit Decision(std::vector<LoggedMessage> messages)
      : messages_(std::move(messages)), overtaken_(messages_.size()) {}

  OrderResult Run() {
    out_.received = messages_.size();
    out_.clocks_differ = std::any_of(messages_.begin(), messages_.end(), [](const auto& m) {
      return m.sent && m.receive.end < m.send.invoke;
    });
    if (out_.clocks_differ) return std::move(out_);
    Count();
    for (std::size_t i = 0; i < messages_.size();) {
      std::size_t end = i;
      while (end < messages_.size() && SameStream(messages_[i], messages_[end])) ++end;
      ByNumbers(std::span(messages_).subspan(i, end - i));
      i = end;
    }
    ByIntervals(OrderRule::kQueue);
    ByIntervals(OrderRule::kPriority);
    return std::move(out_);
  }

 private:
  using Message = LoggedMessage;

  static bool SameStream(const Message& a, const Message& b) {
    return a.stamp.producer == b.stamp.producer && a.stamp.priority == b.stamp.priority;
  }

  // How many messages each rule compares with another one.
  void Count() {
    std::array<std::uint64_t, kMaxPriorities> sent{};
    std::uint32_t lowest = kMaxPriorities, highest_sent = 0;
    for (const Message& m : messages_) {
      lowest = std::min(lowest, m.stamp.priority);
      if (!m.sent) continue;
      highest_sent = std::max(highest_sent, m.stamp.priority);
      ++sent[m.stamp.priority];
    }
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      const Message& m = messages_[i];
      const bool by[kOrderRules] = {
          (i > 0 && SameStream(m, messages_[i - 1])) ||
              (i + 1 < messages_.size() && SameStream(m, messages_[i + 1])),
          m.sent && sent[m.stamp.priority] > 1,
          (m.sent && lowest < m.stamp.priority) || m.stamp.priority < highest_sent};
      for (int rule = 0; rule < kOrderRules; ++rule) out_.decided[rule] += by[rule] ? 1 : 0;
      out_.decided_by_any += by[0] || by[1] || by[2] ? 1 : 0;
    }
  }

  // From the last number to the first: which of the later ones was out earliest.
  void ByNumbers(std::span<const Message> stream) {
    const Message* earliest = nullptr;
    for (std::size_t i = stream.size(); i-- > 0;) {
      const Message& m = stream[i];
      if (earliest != nullptr && earliest->receive.end < m.receive.invoke) {
        Found(OrderRule::kProducer, m, *earliest);
      }
      if (earliest == nullptr || m.receive.end < earliest->receive.end) earliest = &m;
    }
  }

  // The second message's send (queue) or receive (priority) began after the first one's send ended.
  static std::int64_t BeginOf(OrderRule rule, const Message& second) {
    return rule == OrderRule::kQueue ? second.send.invoke : second.receive.invoke;
  }

  void ByIntervals(OrderRule rule) {
    std::vector<const Message*> firsts, seconds;
    for (const Message& m : messages_) {
      if (m.sent) firsts.push_back(&m);
      if (m.sent || rule == OrderRule::kPriority) seconds.push_back(&m);
    }
    std::sort(firsts.begin(), firsts.end(),
              [](const Message* a, const Message* b) { return a->send.end > b->send.end; });
    std::sort(seconds.begin(), seconds.end(), [&](const Message* a, const Message* b) {
      return BeginOf(rule, *a) > BeginOf(rule, *b);
    });
    // Of those that began so late: which one of each priority was out earliest.
    std::array<const Message*, kMaxPriorities> earliest{};
    const auto take = [&](const Message* m, const Message*& least) {
      if (m != nullptr && (least == nullptr || m->receive.end < least->receive.end)) least = m;
    };
    auto next = seconds.begin();
    for (const Message* first : firsts) {
      for (; next != seconds.end() && BeginOf(rule, **next) > first->send.end; ++next) {
        take(*next, earliest[(*next)->stamp.priority]);
      }
      const Message* second = nullptr;
      if (rule == OrderRule::kQueue) {
        second = earliest[first->stamp.priority];
      } else {
        for (std::uint32_t p = 0; p < first->stamp.priority; ++p) take(earliest[p], second);
      }
      if (second != nullptr && second->receive.end < first->receive.invoke) {
        Found(rule, *first, *second);
      }
    }
  }

  void Found(OrderRule rule, const Message& first, const Message& second) {
    const auto at = static_cast<std::size_t>(&first - messages_.data());
    // One message out of order within its priority is one finding, whichever rule saw it first.
    if (rule == OrderRule::kQueue && overtaken_[at]) return;
    overtaken_[at] = true;
    ++out_.findings_total;
    if (kept_[static_cast<int>(rule)]++ < kOrderFindingsKept) {
      out_.findings.push_back({rule, first, second});
    }
  }

  std::vector<Message> messages_;
  std::vector<bool> overtaken_;
  std::array<std::size_t, kOrderRules> kept_{};
  OrderResult out_;
};

}  // namespace

std::size_t OrderLog::Bytes(std::uint32_t calls_max) {
  return calls_max * sizeof(LoggedCall) + sizeof(Head) + 2 * std::size_t{65536};
}

OrderLog::OrderLog(SharedRegion& region, std::uint32_t calls_max)
    : head_(region.Zeroed<Head>(1)),
      calls_(region.Zeroed<LoggedCall>(calls_max)),
      calls_max_(calls_max),
      window_shift_(WindowShift(calls_max)) {}

bool OrderLog::Thin(const LoggedCall& call, std::uint32_t* count) {
  // The process may be killed in here: then the log is empty, not half of one thing and half of
  // another.
  const std::uint32_t had = *count;
  head_->count.store(0, std::memory_order_release);
  head_->thinned = head_->thinned * 2 + 1;
  const LoggedCall* const end =
      std::remove_if(calls_, calls_ + had, [&](const LoggedCall& old) { return !Kept(old.end); });
  std::atomic_signal_fence(std::memory_order_seq_cst);
  *count = static_cast<std::uint32_t>(end - calls_);
  head_->count.store(*count, std::memory_order_release);
  return Kept(call.end) && *count < calls_max_;
}

const char* ToString(OrderRule rule) {
  static const char* const kNames[] = {"producer", "queue", "priority"};
  return kNames[static_cast<int>(rule)];
}

OrderResult DecideOrder(const std::vector<OrderLog>& sends, const std::vector<OrderLog>& receives) {
  return Decision(Join(sends, receives)).Run();
}

std::string DrawOrder(const OrderFinding& finding) {
  struct Lane {
    const char* role;
    int process;
    const char* does;
    const LoggedMessage* message;
    const LoggedCall* call;
  };
  std::vector<Lane> lanes;
  for (const LoggedMessage* m : {&finding.first, &finding.second}) {
    if (m->sent) {
      lanes.push_back({"producer", static_cast<int>(m->stamp.producer), "sends", m, &m->send});
    }
  }
  for (const LoggedMessage* m : {&finding.second, &finding.first}) {
    lanes.push_back({"consumer", m->consumer, "receives", m, &m->receive});
  }
  std::vector<std::int64_t> events;
  for (const Lane& lane : lanes) {
    events.insert(events.end(), {lane.call->invoke, lane.call->end});
  }
  std::sort(events.begin(), events.end());
  events.erase(std::unique(events.begin(), events.end()), events.end());
  const auto column = [&](std::int64_t tick) {
    return 3 * static_cast<std::size_t>(std::lower_bound(events.begin(), events.end(), tick) -
                                        events.begin());
  };
  const auto us = [&](std::int64_t tick) {
    return static_cast<double>(TicksToNs(tick - events.front())) / 1e3;
  };
  std::string out;
  for (const Lane& lane : lanes) {
    std::string bar(3 * events.size() - 2, ' ');
    const std::size_t from = column(lane.call->invoke), to = column(lane.call->end);
    std::fill(bar.begin() + static_cast<std::ptrdiff_t>(from),
              bar.begin() + static_cast<std::ptrdiff_t>(to), '=');
    bar[from] = bar[to] = '|';
    char text[200];
    std::snprintf(text, sizeof text, "%s %-3d %-8s %llu of %u at %u  %s %.3f to %.3f us\n",
                  lane.role, lane.process, lane.does,
                  static_cast<unsigned long long>(lane.message->stamp.sequence),
                  lane.message->stamp.producer, lane.message->stamp.priority, bar.c_str(),
                  us(lane.call->invoke), us(lane.call->end));
    out += text;
  }
  return out;
}

std::string HistoryOfOrder(const OrderFinding& finding) {
  if (!finding.first.sent || !finding.second.sent) return "";
  struct Event {
    std::int64_t tick;
    bool end;
    int call;
  };
  struct Call {
    const LoggedCall* logged;
    const LoggedMessage* message;
    bool send;
    int process;
  };
  // Consumers come after producers: which numbers they have says nothing else.
  const int producers =
      static_cast<int>(1 + std::max(finding.first.stamp.producer, finding.second.stamp.producer));
  std::vector<Call> calls;
  for (const LoggedMessage* m : {&finding.first, &finding.second}) {
    calls.push_back({&m->send, m, true, static_cast<int>(m->stamp.producer)});
    calls.push_back({&m->receive, m, false, producers + m->consumer});
  }
  std::vector<Event> events;
  for (int i = 0; i < 4; ++i) {
    const LoggedCall& logged = *calls[static_cast<std::size_t>(i)].logged;
    // Equal times overlap, but for two calls of one process.
    const bool follows = std::any_of(calls.begin(), calls.end(), [&](const Call& other) {
      return other.process == calls[static_cast<std::size_t>(i)].process &&
             other.logged->end == logged.invoke;
    });
    events.push_back({2 * logged.invoke + (follows ? 1 : 0), false, i});
    events.push_back({2 * logged.end, true, i});
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.tick != b.tick ? a.tick < b.tick : a.end < b.end;
  });
  int tickets[4][2] = {};
  for (std::size_t i = 0; i < events.size(); ++i)
    tickets[events[i].call][events[i].end ? 1 : 0] = static_cast<int>(i) + 1;
  std::string out = "{\"ipcsuite_history\":1,\"model\":\"queue\",\"origin\":\"stress\"}\n";
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Call& call = calls[i];
    char line[200];
    std::snprintf(line, sizeof line,
                  "{\"p\":%d,\"call\":\"%s\",\"value\":%d,\"prio\":%u,\"invoke\":%d,"
                  "\"return\":%d}\n",
                  call.process, call.send ? "mq_send" : "mq_receive",
                  call.message == &finding.first ? 1 : 2, call.message->stamp.priority,
                  tickets[i][0], tickets[i][1]);
    out += line;
  }
  return out;
}

}  // namespace ipcsuite::stress
