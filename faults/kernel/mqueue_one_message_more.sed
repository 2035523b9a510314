# what: A queue takes one message more than mq_maxmsg.
# family: mqueue
# difficulty: easy
# clauses: mq_send.full.eagain, mq_open.create.capacity_honoured
# file: ipc/mqueue.c
# changes: 1
/^static int do_mq_timedsend(/,/^}/{
  s/mq_curmsgs == info->attr.mq_maxmsg/& + FAULT/
}
