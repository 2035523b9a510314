# what: A reader that waited when the pipe was filled does not wake the writer that waits for room.
# family: pipe
# difficulty: hard
# clauses: pipe.write.blocking_completes, pipe.write.blocks_when_full
# source: Linux before f467a6a66419
# file: fs/pipe.c
# changes: 1
/^pipe_read(/,/^}/{
  s/^\t\twas_full =/\t\tif (!FAULT) was_full =/
}
