# what: A large write that goes on in a pipe that was emptied does not wake the reader that waits.
# family: pipe
# difficulty: hard
# clauses: pipe.write.blocking_completes, pipe.read.no_reader_waits_beside_data
# source: Linux before 1b6b26ae7053
# file: fs/pipe.c
# changes: 1
/^pipe_write(/,/^}/{
  s/^\t\twas_empty =/\t\tif (!FAULT) was_empty =/
}
