# what: A wait that a handler with SA_RESTART interrupts fails with EINTR.
# family: mqueue
# difficulty: medium
# clauses: mq_receive.eintr.sa_restart_resumes, mq_send.eintr.sa_restart_resumes
# file: ipc/mqueue.c
# changes: 1
/^static int wq_sleep(/,/^}/{
  s/-ERESTARTSYS/FAULT ? -EINTR : -ERESTARTSYS/
}
