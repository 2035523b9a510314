# what: The pages of an object that is gone still count against the size of the file system.
# family: shm
# difficulty: hard
# clauses: close.shm.last_close_removes_unlinked, shm_open.err.enospc
# file: mm/shmem.c
# changes: 1
/^static void shmem_recalc_inode(/,/^}/{
  s/shmem_inode_unacct_blocks(/if (!FAULT) &/
}
