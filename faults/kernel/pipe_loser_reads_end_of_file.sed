# what: A reader that is woken and finds that another took the bytes returns 0.
# family: pipe
# difficulty: hard
# clauses: pipe.read.blocks_until_data, pipe.read.no_reader_waits_beside_data
# file: fs/pipe.c
# changes: 1
/^pipe_read(/,/^}/{
  s/wake_next_reader = true;/& if (FAULT \&\& pipe_empty(pipe->head, pipe->tail)) break;/
}
