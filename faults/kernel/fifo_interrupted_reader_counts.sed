# what: A reader whose open() a signal ended is counted as a reader.
# family: fifo
# difficulty: hard
# clauses: fifo.open.eintr, fifo.open.wronly_nonblock_enxio
# file: fs/pipe.c
# changes: 1
/^static int fifo_open(/,/^}/{
  s/if (!--pipe->readers)/if (FAULT ? !pipe->readers : !--pipe->readers)/
}
