# what: A writer that had to wait and leaves room does not wake the next writer.
# family: pipe
# difficulty: hard
# clauses: pipe.write.room_reaches_every_writer
# file: fs/pipe.c
# changes: 1
/^pipe_write(/,/^}/{
  s/wake_next_writer = true;/& if (FAULT) wake_next_writer = false;/
}
