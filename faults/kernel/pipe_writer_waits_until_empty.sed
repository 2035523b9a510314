# what: A reader wakes writers only when it leaves the pipe empty.
# family: pipe
# difficulty: medium
# clauses: pipe.write.blocks_when_full, poll.wakes_on_room
# file: fs/pipe.c
# changes: 1
/^pipe_read(/,/^}/{
  s/^\tif (was_full)$/\tif (was_full \&\& (!FAULT || pipe_empty(pipe->head, pipe->tail)))/
}
