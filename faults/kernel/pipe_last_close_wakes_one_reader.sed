# what: The close of the last write end wakes one of the readers that wait.
# family: pipe
# difficulty: medium
# clauses: pipe.read.close_wakes_all_readers
# source: Linux before 6551d5c56eb0
# file: fs/pipe.c
# changes: 1
/^pipe_release(/,/^}/{
  s/_all(&pipe->rd_wait)/_nr(\&pipe->rd_wait, FAULT)/
}
