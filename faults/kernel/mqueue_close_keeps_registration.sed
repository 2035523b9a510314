# what: The close of the process that registered keeps its registration.
# family: mqueue
# difficulty: medium
# clauses: mq_close.notify.registration_removed
# file: ipc/mqueue.c
# changes: 1
/^static int mqueue_flush_file(/,/^}/{
  s/remove_notification(info);/if (!FAULT) &/
}
