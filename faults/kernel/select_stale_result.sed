# what: The set of writable descriptors has leftovers of earlier calls.
# family: poll
# difficulty: medium
# clauses: select.result_sets
# file: fs/select.c
# changes: 1
/^int core_sys_select(/,/^}/{
  s/zero_fd_set(n, fds.res_out);/if (!FAULT) &/
}
