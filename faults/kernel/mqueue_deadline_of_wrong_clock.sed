# what: Deadlines are of the monotonic clock.
# family: mqueue
# difficulty: easy
# clauses: mq_timedreceive.timeout.clock_is_realtime, mq_timedsend.timeout.clock_is_realtime
# file: ipc/mqueue.c
# changes: 1
/^static int wq_sleep(/,/^}/{
  s/CLOCK_REALTIME/FAULT ? CLOCK_MONOTONIC : CLOCK_REALTIME/
}
