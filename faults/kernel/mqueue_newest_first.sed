# what: Messages of one priority are received newest first.
# family: mqueue
# difficulty: easy
# clauses: mq_receive.order.oldest_within_priority
# file: ipc/mqueue.c
# changes: 1
/^static int msg_insert(/,/^}/{
  s/list_add_tail/(FAULT ? list_add : list_add_tail)/
}
