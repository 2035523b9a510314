# what: POLLHUP and POLLERR are reported only when they were asked for.
# family: poll
# difficulty: easy
# clauses: poll.pipe.hup_after_last_writer, poll.output_bits_ignored_in_events
# file: fs/select.c
# changes: 1
/ do_pollfd(/,/^}/{
  s/EPOLLERR | EPOLLHUP/(FAULT ? 0 : EPOLLERR | EPOLLHUP)/
}
