// How construct.h works: the state of the sweep. Internal to construct*.cc.
//
// The sweep goes over the tickets in order. Takes come as early as they can and puts as late as
// they can, which keeps the queue as empty as it can be; a put whose take waits comes together with
// it. Only where an operation ends that was not placed is something forced: its put, and before it
// those of its class that must leave before it; its take; or the level (empty, full, a count) that
// it reported. Where that is impossible, construct_repair.cc finds what should have been done
// otherwise, notes it in the items, and takes the sweep back.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "props/history/construct.h"
#include "props/history/sweep.h"

namespace ipcsuite::props {

// A set of classes (priorities): insertion, removal and the highest, by a walk over few words.
class ClassSet {
 public:
  explicit ClassSet(std::size_t size) : words_(size / 64 + 1), summary_(words_.size() / 64 + 1) {}
  void Insert(std::size_t at) {
    words_[at / 64] |= std::uint64_t{1} << (at % 64);
    summary_[at / 4096] |= std::uint64_t{1} << (at / 64 % 64);
  }
  void Erase(std::size_t at) {
    words_[at / 64] &= ~(std::uint64_t{1} << (at % 64));
    if (words_[at / 64] == 0) summary_[at / 4096] &= ~(std::uint64_t{1} << (at / 64 % 64));
  }
  // The highest; -1 when there is none.
  std::int32_t Top() const {
    for (std::size_t i = summary_.size(); i-- > 0;) {
      if (summary_[i] == 0) continue;
      const std::size_t word = i * 64 + HighBit(summary_[i]);
      return static_cast<std::int32_t>(word * 64 + HighBit(words_[word]));
    }
    return -1;
  }

 private:
  static std::size_t HighBit(std::uint64_t bits) {
    return 63 - static_cast<std::size_t>(std::countl_zero(bits));
  }
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> summary_;
};

// Doubly linked lists of operations over one array; an operation is in one list at most.
class OpLists {
 public:
  OpLists(std::size_t ops, std::size_t lists) : next_(ops + lists), prev_(ops + lists), ops_(ops) {
    for (std::uint32_t i = 0; i < next_.size(); ++i) next_[i] = prev_[i] = i;
  }
  std::uint32_t End(std::size_t list) const { return static_cast<std::uint32_t>(ops_ + list); }
  std::uint32_t First(std::size_t list) const { return next_[End(list)]; }
  std::uint32_t Next(std::uint32_t op) const { return next_[op]; }
  bool Empty(std::size_t list) const { return First(list) == End(list); }
  bool Contains(std::uint32_t op) const { return next_[op] != op; }
  void Append(std::size_t list, std::uint32_t op) {
    const std::uint32_t end = End(list);
    next_[op] = end;
    prev_[op] = prev_[end];
    next_[prev_[end]] = op;
    prev_[end] = op;
  }
  void Remove(std::uint32_t op) {
    next_[prev_[op]] = next_[op];
    prev_[next_[op]] = prev_[op];
    next_[op] = prev_[op] = op;
  }

 private:
  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> prev_;
  std::size_t ops_;
};

// The least of the values of the classes below one; all are kNeverTicket at first.
class PrefixMin {
 public:
  explicit PrefixMin(std::size_t size) : least_(2 * std::bit_ceil(size + 1), kNeverTicket) {}
  void Set(std::size_t at, std::uint64_t value) {
    at += least_.size() / 2;
    least_[at] = value;
    while (at /= 2) least_[at] = std::min(least_[2 * at], least_[2 * at + 1]);
  }
  std::uint64_t Below(std::size_t end) const {
    std::uint64_t least = kNeverTicket;
    for (end += least_.size() / 2; end > 1; end /= 2) {
      if (end % 2 == 1) least = std::min(least, least_[end - 1]);
    }
    return least;
  }

 private:
  std::vector<std::uint64_t> least_;  // a tree: [1] of all, the second half by class
};

class QueueBuilder {
 public:
  // `matching`: 0 lets killed receivers take what is first when it is in the way; from 1 on
  // MatchKilled() decides, in another way for each number.
  QueueBuilder(const std::vector<Op>& ops, const ConstructOptions& options, unsigned matching);
  Construction Run();

 private:
  enum class Role : std::uint8_t {
    kNothing,    // without effect: shown blocked, or a killed call that changes nothing
    kPut,        // a send whose message was in the queue
    kTake,       // a receive that got a message
    kMaybePut,   // a send whose process was killed; nobody is known to have got its message
    kMaybeTake,  // a receive whose process was killed
    kLevel,      // reports how many messages there were: none, all that fit, or a count
  };
  struct Item {
    Role role = Role::kNothing;
    bool open = false;  // invoked; stays set when it is placed
    bool placed = false;
    // kLevel: reached as soon as it can be, not at its end. kMaybeTake: takes nothing.
    bool eager = false;
    std::uint32_t cls = 0;          // index of the priority, ascending
    std::uint32_t partner = kNone;  // of a put its take, of a take its put
    // kTake: a level that is to be seen first, if nothing forces the take before that.
    std::uint32_t after = kNone;
    std::uint32_t filled_by = kNone;  // kPut: the level for which it came early
    std::uint32_t penalty = 0;        // kPut: it should not come early: it was in the way
    std::uint32_t attempts = 0;       // kLevel: how often it was reached in a way that failed
    std::uint32_t opened = 0;         // kLevel: where in the journal it was invoked
    std::uint32_t peak = kNone;       // kLevel: the event at which it is to be reached
    std::uint32_t rank = 0;           // kTake: in `takes` of its class
    std::uint64_t level = 0;
    // kPut: the ticket by which its message must be taken: the end of its take, or earlier where a
    // dead end has shown that later is too late.
    std::uint64_t deadline = kNeverTicket;
  };
  struct Class {
    std::vector<std::uint32_t> puts;   // in the order in which they were put in
    std::size_t head = 0;              // puts[head, end) are in the queue
    std::vector<std::uint32_t> takes;  // of its messages, by their ends
    std::size_t due = 0;               // in `takes`: none before it is left to be placed
    bool Empty() const { return head == puts.size(); }
    std::size_t Size() const { return puts.size() - head; }
  };
  // What the sweep did, so that it can be taken back. For kEvent `op` is an index into events_.
  enum class Act : std::uint8_t { kEvent, kOpen, kPut, kTake, kMaybeTake, kLevel, kClose };
  struct Entry {
    Act act;
    std::uint32_t op;
  };

  bool Prepare();
  bool SetRole(std::uint32_t i);
  bool MayFail(const Op& op) const;
  bool Event(std::uint32_t event);
  void Invoke(std::uint32_t i);
  bool Force(std::uint32_t i);
  void Close(std::uint32_t i);
  bool ForceTake(std::uint32_t i);
  bool ForceLevel(std::uint64_t level, std::uint32_t by);
  std::vector<std::uint64_t> GoneBy() const;
  void MatchKilled();
  void MatchKilled(std::uint32_t take, std::vector<std::uint32_t>& puts,
                   const std::vector<std::uint64_t>& gone_by);
  void ListTakes();
  void NoteDue(std::size_t cls);
  bool MayStay(std::uint32_t put) const;
  void TryLevels();
  bool GoBackToPeak(std::uint32_t level);
  bool PutInOrder(std::uint32_t i);
  bool MakeRoom();
  bool UnblockHead();
  bool Fill(std::uint64_t level, std::uint32_t by, bool any);
  std::uint32_t BestFill(std::uint32_t by, bool any) const;
  std::uint64_t FillKey(std::uint32_t put, std::uint32_t by) const;
  bool FitsEnd();
  std::uint32_t ReadyPut(std::int32_t pair, std::int32_t top) const;
  bool DrainStep(bool forced);
  void Drain();
  void NoteLevel();
  void Wait(std::uint32_t level, bool begins);
  void Put(std::uint32_t i);
  void Take(std::uint32_t i);
  void MakeReady(std::uint32_t put);
  void MakeUnready(std::uint32_t put);

  // construct_repair.cc. Those that return a size_t say where in the journal to go back to; 0 when
  // they found nothing.
  void Undo(const Entry& entry);
  void UndoOpen(std::uint32_t i);
  void UndoTo(std::size_t length);
  bool Recover(std::uint32_t dead);
  bool Repair(std::uint32_t dead);
  std::size_t RepairTake(std::uint32_t take);
  std::size_t RepairPut(std::uint32_t put);
  std::size_t RepairRoom();
  std::size_t RepairLevel(std::uint32_t dead);
  std::size_t FindHole(std::uint32_t put, std::uint64_t& time) const;
  std::size_t LowerDeadline(std::uint32_t put);
  std::size_t Defer(std::uint32_t level);
  std::size_t Undefer(std::uint32_t put);
  std::size_t UndeferAny();
  void Restart();

  std::uint32_t HeadOf(std::int32_t cls) const {
    const Class& at = classes_[static_cast<std::size_t>(cls)];
    return at.puts[at.head];
  }
  std::uint64_t TakeInvoke(std::uint32_t put) const {
    return items_[put].partner == kNone ? kNeverTicket : ops_[items_[put].partner].invoke;
  }
  // Of an operation that never ended, never.
  std::uint64_t EndOf(std::uint32_t op) const {
    return ops_[op].ret == 0 ? kNeverTicket : ops_[op].ret;
  }
  std::uint64_t TimeOf(std::size_t event) const {
    const Op& op = ops_[events_[event] / 2];
    return events_[event] % 2 == 0 ? op.invoke : op.ret;
  }
  bool Deferred(std::uint32_t take) const {
    return items_[take].after != kNone && !items_[items_[take].after].placed;
  }
  std::uint64_t LevelOf(const Op& op) const { return IsSend(op.call) ? options_.max_messages : 0; }
  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }
  void Log(Act act, std::uint32_t op) { journal_.push_back({act, op}); }

  const std::vector<Op>& ops_;
  const ConstructOptions options_;
  const unsigned matching_;
  const std::vector<std::uint32_t> events_;
  std::vector<Item> items_;
  std::vector<Class> classes_;
  ClassSet filled_{0};   // classes with messages in the queue
  ClassSet pairs_{0};    // classes with a put and its take open, neither placed
  OpLists open_{0, 0};   // the puts that are open, by class; then the three lists below
  OpLists ready_{0, 0};  // by class: those of them whose take is open as well
  PrefixMin due_{0};     // by class: the end of the first take that is to be placed
  bool has_maybe_takes_ = false;
  std::size_t maybe_puts_ = 0;
  std::size_t maybe_takes_ = 0;
  std::size_t levels_ = 0;
  std::uint64_t count_ = 0;  // messages in the queue
  std::uint64_t puts_open_ = 0;
  std::uint64_t levels_open_ = 0;
  std::uint64_t fills_open_ = 0;  // of them those that need messages
  std::vector<Entry> journal_;
  std::size_t at_ = 0;     // in events_
  std::uint64_t now_ = 0;  // its ticket

  std::mt19937_64 random_;       // repairs choose by chance; the seed is always the same
  std::size_t furthest_ = 0;     // the last dead end, in events_
  std::size_t tries_ = 0;        // repairs since it was met first or since the last restart
  std::size_t restarts_ = 0;     // since it was met first
  std::size_t hole_ = 0;         // of the last LowerDeadline(): where in the journal
  std::uint32_t retry_ = kNone;  // a level to be reached in another way
};

}  // namespace ipcsuite::props
