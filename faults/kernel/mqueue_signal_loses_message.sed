# what: A receive that a signal meets just when a message came fails; the message is lost.
# family: mqueue
# difficulty: hard
# clauses: mq_receive.eintr.nothing_removed
# file: ipc/mqueue.c
# changes: 2
/^static int wq_sleep(/,/^}/{
  s/retval = 0;/retval = FAULT \&\& sr == RECV \&\& signal_pending(current) ? -EINTR : 0;/
}
