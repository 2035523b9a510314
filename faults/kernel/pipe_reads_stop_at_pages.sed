# what: A read ends after one page though more is there.
# family: pipe
# difficulty: medium
# clauses: pipe.read.short_when_less_available, pipe.read.no_message_boundaries
# file: fs/pipe.c
# changes: 1
/^pipe_read(/,/^}/{
  s/if (!pipe_empty(head, tail))\t/if (!FAULT \&\& !pipe_empty(head, tail))\t/
}
