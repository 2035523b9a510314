# what: select() does not report a pipe at end-of-file as readable.
# family: poll
# difficulty: medium
# clauses: select.pipe.read_ready
# file: fs/select.c
# changes: 1
/define POLLIN_SET/{
  s/EPOLLHUP/(FAULT ? 0 : EPOLLHUP)/
}
