# what: A reader that had to wait and leaves bytes does not wake the next reader.
# family: pipe
# difficulty: hard
# clauses: pipe.read.no_reader_waits_beside_data
# source: Linux 5.5 (exclusive waits without 0ddad21d3e99's chain)
# file: fs/pipe.c
# changes: 1
/^pipe_read(/,/^}/{
  s/wake_next_reader = true;/& if (FAULT) wake_next_reader = false;/
}
