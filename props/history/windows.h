// Decides a long history of queues window by window, in memory that depends on the windows, not on
// the length: the windows of several threads are decided concurrently.
//
// A window of a queue ends where none of its operations is unfinished and what it then holds, in
// which order, is known: of each priority the messages that nobody received were sent one after the
// other, and no killed process leaves it open whether a message was put or taken. Every
// linearization of the whole then passes that state, so the history is valid exactly when each
// window is, after sends of what the queue held (docs/properties.md, "Long histories").
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "props/history/check.h"
#include "props/history/history.h"

namespace ipcsuite::props {

struct WindowOptions {
  std::size_t least_ops = 50'000;  // a window may end from here on
  unsigned threads = 0;            // that decide; 0: one for each processor
};

class WindowedCheck {
 public:
  // `model`: "queue".
  WindowedCheck(const HistoryModel& model, const CheckOptions& check,
                const WindowOptions& windows = {});
  ~WindowedCheck();
  WindowedCheck(const WindowedCheck&) = delete;
  WindowedCheck& operator=(const WindowedCheck&) = delete;

  // The operations in the order of their invoke tickets. False: the verdict is known already, or
  // this is not a history; no more of them are needed.
  bool Add(const Op& op);
  // Decides what is left. Of a window that is not valid, the indices are those of failed().
  CheckResult Finish();
  // The first window that was not found valid, with its own tickets.
  const History& failed() const { return failed_; }
  std::size_t largest() const { return largest_; }  // operations of the largest window

 private:
  struct Lane {
    std::vector<Op> ops;  // of the window, after what was carried into it
    std::size_t carried = 0;
    std::uint64_t last_end = 0;  // kNeverTicket: an operation is not known to have ended
    std::size_t try_at = 0;      // how many operations there must be before the next attempt to cut
    bool uncut = false;          // its state is more than its messages
  };

  bool Refuse(std::string why);
  void TryCut(Lane& lane);
  void Submit(Lane& lane, bool last);
  void Work();
  void Decide(History window);

  const HistoryModel model_;
  const CheckOptions check_;
  const WindowOptions windows_;
  std::map<std::uint32_t, Lane> lanes_;      // by object
  std::vector<std::uint64_t> process_ends_;  // of the last operation of each process
  std::uint64_t last_invoke_ = 0;
  std::size_t ops_ = 0, largest_ = 0;

  std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::deque<History> waiting_;
  bool ended_ = false;
  bool refused_ = false;  // this is not a history, which is the verdict
  CheckResult result_;
  History failed_;
  std::vector<std::thread> threads_;
};

}  // namespace ipcsuite::props
