# what: An open that fails with ENXIO is counted as a writer.
# family: fifo
# difficulty: hard
# clauses: fifo.open.wronly_nonblock_enxio, fifo.io.eof_after_all_writers
# file: fs/pipe.c
# changes: 1
/^static int fifo_open(/,/^}/{
  /ENXIO/,/w_counter++/s/goto err;/{ if (FAULT) pipe->writers++; goto err; }/
}
