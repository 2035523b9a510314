# what: A writer that waits when the last reader goes gets EPIPE without SIGPIPE.
# family: pipe
# difficulty: medium
# clauses: pipe.write.reader_close_releases_writer, pipe.write.sigpipe_to_thread
# file: fs/pipe.c
# changes: 1
/^pipe_write(/,/^}/{
  s/^\t\t\tsend_sig(/\t\t\tif (!FAULT) send_sig(/
}
