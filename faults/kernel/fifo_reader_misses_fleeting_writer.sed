# what: A reader that waits in open() is not released by a writer that has closed again.
# family: fifo
# difficulty: hard
# clauses: fifo.open.fleeting_peer
# file: fs/pipe.c
# changes: 1
/^static int fifo_open(/,/^}/{
  s/(pipe, &pipe->w_counter)/(pipe, FAULT ? \&pipe->writers : \&pipe->w_counter)/
}
