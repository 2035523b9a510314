# what: An mq_open() that fails with EINVAL counts as a queue.
# family: mqueue
# difficulty: hard
# clauses: mq_open.create.nonpositive_attr_einval, mq_open.error.enospc
# file: ipc/mqueue.c
# changes: 1
/^static int mqueue_create_attr(/,/^}/{
  s/ipc_ns->mq_queues_count--;/if (!FAULT) &/
}
