# what: The close of any process ends the registration for notification.
# family: mqueue
# difficulty: medium
# clauses: mq_close.notify.child_close_keeps_parent_registration
# file: ipc/mqueue.c
# changes: 1
/^static int mqueue_flush_file(/,/^}/{
  s/task_tgid(current) == info->notify_owner/& || (FAULT \&\& info->notify_owner)/
}
