# what: poll() looks only at the entries that fit on the kernel's stack.
# family: poll
# difficulty: medium
# clauses: poll.return_value, poll.pipe.pollin_with_data
# file: fs/select.c
# changes: 1
/^static int do_poll(/,/^}/{
  s/walk != NULL/& \&\& (!FAULT || walk == list)/
}
