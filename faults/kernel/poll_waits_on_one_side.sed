# what: poll() for room does not wait for reads: it is not woken by them.
# family: poll
# difficulty: medium
# clauses: poll.wakes_on_room
# file: fs/pipe.c
# changes: 1
/^pipe_poll(/,/^}/{
  s/poll_wait(filp, &pipe->wr_wait, wait);/if (!FAULT) &/
}
