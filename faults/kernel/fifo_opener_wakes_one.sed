# what: An open wakes one of the openers that wait for it.
# family: fifo
# difficulty: medium
# clauses: fifo.open.all_waiters_released
# file: fs/pipe.c
# changes: 2
/^static int wait_for_partner(/,/^}/{
  s/pipe_unlock(pipe);/rdwait.flags |= FAULT ? WQ_FLAG_EXCLUSIVE : 0; &/
}
/^static void wake_up_partner(/,/^}/{
  s/_all(&pipe->rd_wait)/_nr(\&pipe->rd_wait, FAULT)/
}
