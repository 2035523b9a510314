# what: The longest waiting thread is served, whatever its priority.
# family: mqueue
# difficulty: hard
# clauses: mq_receive.waiters.highest_priority_longest_waiting
# file: ipc/mqueue.c
# changes: 1
/^static void wq_add(/,/^}/{
  s/if (/if (FAULT || /
}
