# what: The close of the last read end wakes one of the writers that wait.
# family: pipe
# difficulty: medium
# clauses: pipe.write.reader_close_releases_writer
# source: Linux before 6551d5c56eb0
# file: fs/pipe.c
# changes: 1
/^pipe_release(/,/^}/{
  s/_all(&pipe->wr_wait)/_nr(\&pipe->wr_wait, FAULT)/
}
