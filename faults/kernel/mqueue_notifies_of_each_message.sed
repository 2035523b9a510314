# what: A message that arrives at a queue that is not empty notifies too.
# family: mqueue
# difficulty: medium
# clauses: mq_notify.register.no_notification_on_nonempty_arrival
# file: ipc/mqueue.c
# changes: 1
/^static void __do_notify(/,/^}/{
  s/info->attr.mq_curmsgs == 1/(FAULT || &)/
}
