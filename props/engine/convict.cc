#include "props/engine/convict.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "spec/clause.h"
#include "spec/clauses/fifo.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_attr.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/pipe_poll.h"
#include "spec/clauses/pshared.h"
#include "spec/clauses/sem.h"
#include "spec/clauses/shm.h"

namespace ipcsuite::props {
namespace {

struct Row {
  Call call;
  ClauseRef success;          // it succeeded, or its value is wrong
  ClauseRef error = success;  // it failed
  ClauseRef stuck = error;    // it waited
};

constexpr Row kRows[] = {
    {.call = Call::kMqSend,
     .success = clause::mq_send::prio_placement,
     .error = clause::mq_send::full_eagain,
     .stuck = clause::mq_send::full_blocks_until_space},
    {.call = Call::kMqTimedSend,
     .success = clause::mq_timedsend::basic_like_mq_send,
     .stuck = clause::mq_send::full_blocks_until_space},
    {.call = Call::kMqReceive,
     .success = clause::mq_receive::order_highest_priority_first,
     .error = clause::mq_receive::empty_eagain,
     .stuck = clause::mq_receive::empty_blocks_until_message},
    {.call = Call::kMqTimedReceive,
     .success = clause::mq_timedreceive::basic_like_mq_receive,
     .stuck = clause::mq_receive::empty_blocks_until_message},
    {.call = Call::kMqCount, .success = clause::mq_getattr::curmsgs_exact_count},
    {.call = Call::kMqNotify,
     .success = clause::mq_notify::ebusy_same_process,
     .error = clause::mq_notify::register_returns_zero},
    {.call = Call::kMqUnnotify, .success = clause::mq_notify::unregister_null_removes},
    {.call = Call::kMqSignals, .success = clause::mq_notify::register_notified_on_arrival_at_empty},
    {.call = Call::kWrite,
     .success = clause::pipe::write_le_pipe_buf_never_partial,
     .error = clause::pipe::write_nonblock_le_room,
     .stuck = clause::pipe::write_blocking_completes},
    {.call = Call::kRead,
     .success = clause::pipe::read_fifo_order,
     .error = clause::pipe::read_eagain_empty_with_writer,
     .stuck = clause::pipe::read_blocks_until_data},
    {.call = Call::kCloseRead, .success = clause::close::pipe_frees_number},
    {.call = Call::kCloseWrite, .success = clause::close::pipe_frees_number},
    {.call = Call::kOpenRead, .success = clause::fifo::open_rdonly_nonblock},
    {.call = Call::kOpenWrite, .success = clause::fifo::open_wronly_nonblock_enxio},
    {.call = Call::kPollIn, .success = clause::poll::pipe_pollin_with_data},
    {.call = Call::kPollOut, .success = clause::poll::pipe_pollout_with_room},
    {.call = Call::kShmOpen,
     .success = clause::shm_open::excl_eexist,
     .error = clause::shm_open::returns_usable_fd},
    {.call = Call::kShmUnlink, .success = clause::shm_unlink::removes_name},
    {.call = Call::kFtruncate, .success = clause::ftruncate::shm_grow_size},
    {.call = Call::kFstatSize, .success = clause::fstat::shm_size},
    {.call = Call::kCloseFd, .success = clause::close::shm_dup_reference},
    {.call = Call::kMmap, .success = clause::mmap::shm_supported},
    {.call = Call::kMunmap, .success = clause::munmap::removes},
    {.call = Call::kStore, .success = clause::mmap::shared_changes_object},
    {.call = Call::kLoad, .success = clause::mmap::shared_visible_unrelated},
    {.call = Call::kSemWait,
     .success = clause::sem_wait::takes_token,
     .error = clause::sem_trywait::err_eagain,
     .stuck = clause::sem_post::wakes_waiter},
    {.call = Call::kSemTryWait,
     .success = clause::sem_trywait::takes_token,
     .error = clause::sem_trywait::err_eagain},
    {.call = Call::kSemTimedWait,
     .success = clause::sem_wait::takes_token,
     .error = clause::sem_timedwait::immediate,
     .stuck = clause::sem_post::wakes_waiter},
    {.call = Call::kSemClockWait,
     .success = clause::sem_wait::takes_token,
     .error = clause::sem_clockwait::immediate,
     .stuck = clause::sem_post::wakes_waiter},
    {.call = Call::kSemPost, .success = clause::sem_post::increments},
    {.call = Call::kSemValue, .success = clause::sem_getvalue::value},
    {.call = Call::kMutexLock,
     .success = clause::mutex::pshared_exclusion,
     .error = clause::mutex::pshared_no_eintr,
     .stuck = clause::mutex::pshared_blocks_and_wakes},
    {.call = Call::kMutexTryLock,
     .success = clause::mutex::pshared_exclusion,
     .error = clause::mutex::pshared_trylock_busy},
    {.call = Call::kMutexTimedLock,
     .success = clause::mutex::pshared_exclusion,
     .error = clause::mutex::pshared_timedlock_immediate,
     .stuck = clause::mutex::pshared_blocks_and_wakes},
    {.call = Call::kMutexUnlock,
     .success = clause::mutex::pshared_unlock_not_owner,
     .error = clause::mutex::pshared_blocks_and_wakes},
    {.call = Call::kMutexConsistent,
     .success = clause::robust::consistent_err_not_inconsistent,
     .error = clause::robust::consistent_ok},
    {.call = Call::kCondWait,
     .success = clause::cond::pshared_mutex_owned_on_return,
     .stuck = clause::cond::pshared_signal},
    {.call = Call::kCondTimedWait,
     .success = clause::cond::pshared_mutex_owned_on_return,
     .error = clause::cond::pshared_timedwait_etimedout,
     .stuck = clause::cond::pshared_signal},
    {.call = Call::kCondSignal, .success = clause::cond::pshared_signal},
    {.call = Call::kCondBroadcast, .success = clause::cond::pshared_broadcast},
    {.call = Call::kReadLock,
     .success = clause::rwlock::pshared_writer_excludes,
     .error = clause::rwlock::pshared_no_eintr,
     .stuck = clause::rwlock::pshared_blocked_wakes},
    {.call = Call::kTryReadLock,
     .success = clause::rwlock::pshared_writer_excludes,
     .error = clause::rwlock::pshared_readers_share},
    {.call = Call::kTimedReadLock,
     .success = clause::rwlock::pshared_writer_excludes,
     .error = clause::rwlock::pshared_timed_immediate,
     .stuck = clause::rwlock::pshared_blocked_wakes},
    {.call = Call::kWriteLock,
     .success = clause::rwlock::pshared_writer_excludes,
     .error = clause::rwlock::pshared_no_eintr,
     .stuck = clause::rwlock::pshared_blocked_wakes},
    {.call = Call::kTryWriteLock,
     .success = clause::rwlock::pshared_writer_excludes,
     .error = clause::rwlock::pshared_trywr_ebusy},
    {.call = Call::kTimedWriteLock,
     .success = clause::rwlock::pshared_writer_excludes,
     .error = clause::rwlock::pshared_timed_immediate,
     .stuck = clause::rwlock::pshared_blocked_wakes},
    {.call = Call::kRwlockUnlock, .success = clause::rwlock::pshared_blocked_wakes},
    {.call = Call::kBarrierWait,
     .success = clause::barrier::pshared_one_serial,
     .error = clause::barrier::pshared_signal_handler,
     .stuck = clause::barrier::pshared_reset},
    {.call = Call::kPipe, .success = clause::pipe::create_two_ends},
    {.call = Call::kDup, .success = clause::dup2::pipe_closes_target},
    {.call = Call::kClose, .success = clause::close::pipe_other_duplicates_keep_end_open},
    {.call = Call::kSetNonblock, .success = clause::fcntl::setfl_visible_through_duplicates},
    {.call = Call::kGetNonblock, .success = clause::fcntl::setfl_visible_through_duplicates},
    {.call = Call::kSetCloexec, .success = clause::fcntl::setfd_per_descriptor},
    {.call = Call::kGetCloexec, .success = clause::fcntl::setfd_per_descriptor},
    {.call = Call::kPutByte, .success = clause::pipe::write_epipe},
    {.call = Call::kGetByte,
     .success = clause::pipe::read_eof_no_writer,
     .error = clause::pipe::read_eagain_empty_with_writer,
     .stuck = clause::pipe::read_blocks_until_all_writers_close},
    {.call = Call::kFork, .success = clause::fork::pipe_descriptors_shared},
    {.call = Call::kExecProbe, .success = clause::exec::pipe_cloexec},
};

}  // namespace

std::string_view ConvictedClause(const Op& op, Wrong wrong) {
  const auto* const row = std::ranges::find(kRows, op.call, &Row::call);
  if (row == std::end(kRows)) return "";
  if (wrong == Wrong::kStuck) return row->stuck.id;
  if (op.error == EOWNERDEAD) return clause::robust::not_holding.id;
  // A read that ends without data reports an end of file.
  if (op.call == Call::kRead && op.Ok() && op.result == 0)
    return clause::pipe::read_eof_no_writer.id;
  if (op.call == Call::kPollIn && op.Ok() && op.value == 1)
    return clause::poll::pipe_no_pollin_when_empty.id;
  if (op.call == Call::kPollOut && op.Ok() && op.value == 1)
    return clause::poll::pipe_no_pollout_when_full.id;
  return (op.Ok() ? row->success : row->error).id;
}

std::string_view ConvictedClause(const QueueState& before, const Op& op, Wrong wrong) {
  const std::string_view clause = ConvictedClause(op, wrong);
  const bool right_priority =
      !before.messages.empty() && before.messages.front().priority == op.priority;
  return clause == clause::mq_receive::order_highest_priority_first.id && right_priority
             ? clause::mq_receive::order_oldest_within_priority.id
             : clause;
}

std::string_view ConvictedClause(const MutexState& state, const Op& op, Wrong wrong) {
  const bool stuck = wrong == Wrong::kStuck;
  if (!IsMutexLock(op.call)) return ConvictedClause(op, wrong);
  if (state.unusable) {
    if (stuck) return clause::robust::notrecoverable_blocked_waiters.id;
    return IsTry(op) ? clause::robust::notrecoverable_trylock.id
                     : clause::robust::notrecoverable_lock.id;
  }
  if (state.inconsistent && state.Free())
    return stuck ? clause::robust::waiter_woken.id : clause::robust::kill_eownerdead.id;
  if (!state.OwnedBy(op.process)) return ConvictedClause(op, wrong);
  return op.Ok() ? clause::mutex::pshared_errorcheck.id : clause::mutex::pshared_recursive.id;
}

std::string_view ConvictedClause(const MonitorState& state, const Op& op, Wrong wrong) {
  if (state.killed_waiter) return clause::cond::pshared_killed_waiter.id;
  if (!IsCondWait(op.call)) return ConvictedClause(state.mutex, op, wrong);
  if (state.mutex.unusable) return clause::robust::notrecoverable_cond.id;
  if (state.mutex.inconsistent) return clause::robust::cond_wait.id;
  if (op.Has(kPastDeadline)) return clause::cond::pshared_timedwait_etimedout.id;
  return ConvictedClause(op, wrong);
}

std::string_view ConvictedClause(const RwlockState& state, const Op& op, Wrong wrong) {
  return state.killed_waiter ? clause::rwlock::pshared_killed_waiter.id
                             : ConvictedClause(op, wrong);
}

std::string_view ConvictedClause(const BarrierState& state, const Op& op, Wrong wrong) {
  const bool early = std::ranges::binary_search(state.arrived, op.process);
  return wrong == Wrong::kOutcome && op.Ok() && early
             ? clause::barrier::pshared_blocks_until_count.id
             : ConvictedClause(op, wrong);
}

}  // namespace ipcsuite::props
