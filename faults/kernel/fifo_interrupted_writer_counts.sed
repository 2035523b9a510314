# what: A writer whose open() a signal ended is counted as a writer.
# family: fifo
# difficulty: hard
# clauses: fifo.open.eintr, fifo.io.eof_after_all_writers
# file: fs/pipe.c
# changes: 1
/^static int fifo_open(/,/^}/{
  s/if (!--pipe->writers)/if (FAULT ? !pipe->writers : !--pipe->writers)/
}
