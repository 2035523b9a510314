# what: poll() that a stop interrupts waits forever after the continuation.
# family: poll
# difficulty: hard
# clauses: poll.stop_and_continue, poll.timeout_finite
# file: fs/select.c
# changes: 1
/SYSCALL_DEFINE3(poll,/,/^}/{
  s/has_timeout = 1/has_timeout = !FAULT/
}
