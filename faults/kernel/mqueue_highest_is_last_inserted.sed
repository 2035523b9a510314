# what: A new priority is taken for the highest.
# family: mqueue
# difficulty: medium
# clauses: mq_receive.order.highest_priority_first
# file: ipc/mqueue.c
# changes: 1
/^static int msg_insert(/,/^}/{
  s/rightmost = false;/rightmost = FAULT;/
}
