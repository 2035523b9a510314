# what: Objects that are gone still count against the number of objects of the file system.
# family: shm
# difficulty: hard
# clauses: close.shm.last_close_removes_unlinked, shm_open.err.enospc
# file: mm/shmem.c
# changes: 1
/^static void shmem_evict_inode(/,/^}/{
  s/shmem_free_inode(/if (!FAULT) &/
}
