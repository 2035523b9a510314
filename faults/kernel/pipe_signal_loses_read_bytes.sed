# what: A read that a signal meets just when bytes came takes them and fails with EINTR.
# family: pipe
# difficulty: hard
# clauses: pipe.read.eintr, pipe.rw.ignored_and_blocked_signals
# file: fs/pipe.c
# changes: 1
/^pipe_read(/,/^}/{
  s/^\treturn ret;$/\treturn FAULT \&\& ret > 0 \&\& signal_pending(current) ? -EINTR : ret;/
}
