# what: ppoll() waits with the signal mask of the caller.
# family: poll
# difficulty: medium
# clauses: ppoll.sigmask
# file: fs/select.c
# changes: 1
/SYSCALL_DEFINE5(ppoll,/,/^}/{
  s/set_user_sigmask(/FAULT ? 0 : &/
}
