# what: select() for writing is not woken by room.
# family: poll
# difficulty: medium
# clauses: select.timeouts, select.pipe.write_ready
# file: fs/select.c
# changes: 1
/wait_key_set(/,/^}/{
  s/|= POLLOUT_SET/|= FAULT ? 0 : POLLOUT_SET/
}
