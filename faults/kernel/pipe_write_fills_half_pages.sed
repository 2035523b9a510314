# what: A write of PIPE_BUF bytes takes two slots, and is cut where one is left.
# family: pipe
# difficulty: medium
# clauses: pipe.write.atomic_le_pipe_buf, pipe.write.nonblock_le_eagain
# file: fs/pipe.c
# changes: 2
/^pipe_write(/,/^}/{
  s/(page, 0, PAGE_SIZE, from)/(page, 0, FAULT ? PAGE_SIZE \/ 2 : PAGE_SIZE, from)/
  s/copied < PAGE_SIZE/copied < (FAULT ? PAGE_SIZE \/ 2 : PAGE_SIZE)/
}
