# what: A signal that ends a write in the middle gives EINTR, not the number of bytes written.
# family: pipe
# difficulty: medium
# clauses: pipe.write.eintr_partial_count
# file: fs/pipe.c
# changes: 1
/^pipe_write(/,/^}/{
  /signal_pending/,/ERESTARTSYS/s/if (!ret)/if (FAULT || !ret)/
}
