# what: A FIFO that never had a writer reports POLLHUP.
# family: poll
# difficulty: medium
# clauses: poll.fifo.no_hup_before_first_writer
# file: fs/pipe.c
# changes: 1
/^pipe_poll(/,/^}/{
  s/filp->f_version != pipe->w_counter/(FAULT || &)/
}
