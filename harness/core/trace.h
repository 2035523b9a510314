// The trace of a test: its last calls and its peers' steps, in the order in which they happened.
//
// Every CALL, every other traced call (harness/core/traced.h) and what peers do (start, step, shown
// blocked, signal, end) is an entry of a ring in the slot, with the arguments as words and short
// copies of what they point to. Entries cost a few hundred nanoseconds and are put into words only
// when somebody asks: for a failure, and for a reproducer (repro/).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/traced.h"

namespace ipcsuite {

struct Actor;
struct Slot;

// What a test requires of the outcome of a call.
struct Requirement {
  enum What : std::uint8_t {
    kNone,          // nothing that is seen in the call itself
    kOpen,          // it was recorded: POSIX leaves the outcome open
    kSetup,         // success, or the test has no verdict
    kSucceeds,      // success with any value
    kReturns,       // success with `value`
    kFails,         // one of `errors`
    kMayFail,       // success, or one of `errors`
    kDies,          // its process is killed in the call by signal `value`
    kIsCancelled,   // its thread is cancelled in the call
    kStillBlocked,  // it does not return
  };
  static constexpr int kErrorsMax = 6;
  What what = kNone;
  bool held = false;  // as far as this run
  std::uint8_t error_count = 0;
  std::int32_t errors[kErrorsMax] = {};
  std::int64_t value = 0;
  const char* clause = nullptr;  // id; static storage; null: the first that the test claims
};

struct TraceEntry {
  enum class Kind : std::uint8_t {
    kNone,
    kCall,          // through CALL
    kRaw,           // a traced function outside of CALL
    kFork,          // words: actor started, one-shot
    kThread,        // words: actor started, its pthread_t
    kRelease,       // words: actor whose next step is released
    kStep,          // by the peer: the step begins
    kStepDone,      // by the peer: the step's result is published
    kBlocked,       // words: actor, number of its call; memory: what the probe saw
    kStaysBlocked,  // the same, and it was seen blocked before
    kSignal,        // words: actor, signal
    kFill,          // words: descriptor, bytes that went in
    kDrain,         // words: descriptor, bytes that came out
    kCloseExcept,   // words: descriptors kept, -1 for the rest
    kBecome,        // words: user, group; memory: that it becomes another user
    kFullTable,     // words: numbers left; memory: that it fills its table of descriptors
    kFailedCheck,   // words: lengths of the expected and the observed; memory: both
    kOther,         // memory: what else happens here, which the trace does not hold
    kEnd,           // by the peer: its script is at its end
    kEnded,         // words: actor whose end was seen, wait status
  };
  static constexpr int kWords = 6;
  static constexpr int kMemory = 240;
  static constexpr std::uint16_t kNobody = 0xffff;

  std::atomic<std::uint32_t> number;  // 0: free, or not written completely
  Kind kind;
  Function function;
  std::uint8_t word_count;
  std::uint8_t captures;  // traced functions within one CALL: more than one is a composition
  std::uint16_t actor;    // index in the slot; kNobody: a thread that is not a peer
  bool failed;
  std::uint8_t fate;           // Fate of a call that did not return, once its observer knows
  std::uint32_t outer;         // the entry in which this one began
  std::uint32_t began, ended;  // places in the order of all entries; ended 0: has not returned
  std::int32_t error;
  std::int64_t value;
  const char* text;  // of a CALL: its expression; static storage
  std::uint64_t word[kWords];
  // Word i points to `size[i]` bytes, of which the copy is at memory[at[i]].
  std::uint8_t at[kWords], size[kWords];
  std::uint8_t memory_used;
  std::uint8_t written;  // bit i: word i was filled by the call (a result)
  Requirement requirement;
  char memory[kMemory];
};

// The ring in a slot.
struct Trace {
  static constexpr std::uint32_t kEntries = 512;
  // From then on only words are kept, not what they point to: loops stay fast.
  static constexpr std::uint32_t kCopiesUntil = 2000;
  std::atomic<std::uint32_t> used;   // entries ever made
  std::atomic<std::uint32_t> order;  // places given out
  // The entry of the first check that failed; 0: none. What led to it is kept: everything, if the
  // test had made few entries, else the last kKeptBefore. The later ones go round in the rest.
  std::atomic<std::uint32_t> failed_at;
  static constexpr std::uint32_t kAllKeptUntil = 384, kKeptBefore = 64;
  TraceEntry entries[kEntries];

  // How many entries up to `failed_at` are kept.
  std::uint32_t Kept() const;
  // Where an entry is, or was; numbers count from 1.
  TraceEntry& Place(std::uint32_t number);
  // The entry, or null when it has been overwritten.
  TraceEntry* At(std::uint32_t number);
  const TraceEntry* At(std::uint32_t number) const { return const_cast<Trace*>(this)->At(number); }
  void Reset();
};

// The number of an actor of this slot; kNobody of none.
std::uint16_t ActorNumber(const Slot& slot, const Actor* actor);
// Makes an entry of the running test, by the calling thread. Null outside of a test.
TraceEntry* NoteTrace(TraceEntry::Kind kind, std::initializer_list<std::uint64_t> words = {},
                      std::string_view memory = {});
// A check of the running test failed: "observed 1, expected 0".
void NoteFailedCheck(std::string_view expected, std::string_view observed);
// Of the entry of a call: what its test requires of it. `clause` is the scope's (ForClause).
void NoteRequirement(std::uint32_t number, Requirement requirement);

namespace internal {
// The entry of a CALL; 0 outside of a test.
std::uint32_t BeginTrace(const char* text);
void EndTrace(std::uint32_t number, std::int64_t value, std::int32_t error, bool failed);
}  // namespace internal

// The entries that are still there, ascending.
std::vector<const TraceEntry*> EntriesOf(const Trace& trace);
// "read(fd=3, 5)" with values; empty when the entry does not have them (the expression is not one
// call of a traced function).
std::string DescribeArguments(const TraceEntry& entry);
// What it returned: an address in hexadecimal, everything else in decimal.
std::string DescribeValue(const TraceEntry* entry, std::int64_t value);
// What a returned call stored: "\"hello\"" of read(), "revents=POLLIN"; empty: nothing known.
std::string DescribeResults(const TraceEntry& entry);
// One line for each of the last `count` entries that say something of the test; where the first
// failed check is further back, most of them are those that led to it.
std::vector<std::string> DescribeTrace(const Trace& trace, std::size_t count);

}  // namespace ipcsuite
