# what: An O_RDWR open does not release a reader that waits in open().
# family: fifo
# difficulty: medium
# clauses: fifo.open.rdwr_releases
# file: fs/pipe.c
# changes: 1
/^static int fifo_open(/,/^}/{
  /FMODE_READ | FMODE_WRITE:/,/break/s/pipe->w_counter++;/if (!FAULT) &/
}
