# what: Of waiting threads of one priority the newest is served first.
# family: mqueue
# difficulty: medium
# clauses: mq_receive.waiters.highest_priority_longest_waiting
# file: ipc/mqueue.c
# changes: 1
/^static void wq_add(/,/^}/{
  s/walk->task->prio <= current->prio/(FAULT ? walk->task->prio < current->prio : &)/
}
