# what: A writer that waits in open() is not released by a reader that has closed again.
# family: fifo
# difficulty: hard
# clauses: fifo.open.fleeting_peer
# file: fs/pipe.c
# changes: 1
/^static int fifo_open(/,/^}/{
  s/(pipe, &pipe->r_counter)/(pipe, FAULT ? \&pipe->readers : \&pipe->r_counter)/
}
