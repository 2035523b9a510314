# what: The bytes of a queue that is gone still count against RLIMIT_MSGQUEUE.
# family: mqueue
# difficulty: hard
# clauses: mq_unlink.deferred.destroyed_after_last_close
# file: ipc/mqueue.c
# changes: 1
/^static void mqueue_evict_inode(/,/^}/{
  s/dec_rlimit_ucounts(/if (!FAULT) &/
}
