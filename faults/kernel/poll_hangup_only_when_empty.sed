# what: POLLHUP is reported only after all bytes were read.
# family: poll
# difficulty: medium
# clauses: poll.pipe.hup_with_data, poll.pipe.hup_after_last_writer
# file: fs/pipe.c
# changes: 1
/^pipe_poll(/,/^}/{
  s/if (!pipe->writers/& \&\& (!FAULT || pipe_empty(head, tail))/
}
