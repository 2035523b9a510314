#include "harness/peers/worker.h"

#include <pthread.h>

#include <utility>

#include "harness/peers/interrupt.h"

namespace ipcsuite {

Worker::Worker(bool process, std::function<CallResult()> step) {
  if (process) {
    call_ = process_.emplace().start(std::move(step));
  } else {
    call_ = thread_.emplace().start(std::move(step));
  }
}

void Worker::Signal(int signal) {
  if (process_) {
    Setup(CALL(process_->Signal(signal)));
  } else {
    Setup(CALL_ERRNO(pthread_kill(thread_->handle(), signal)));
  }
}

CallResult Worker::Interrupt(int signal) {
  return process_ ? ipcsuite::Interrupt(*process_, call_, signal)
                  : ipcsuite::Interrupt(*thread_, call_, signal);
}

std::vector<std::size_t> Returned(const std::vector<Call>& calls, std::size_t count) {
  std::vector<std::size_t> done;
  Backoff backoff;
  for (const Deadline end(5s); !end.passed(); backoff.Pause()) {
    done.clear();
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (calls[i].returned()) done.push_back(i);
    }
    if (done.size() >= count) break;
  }
  return done;
}

}  // namespace ipcsuite
