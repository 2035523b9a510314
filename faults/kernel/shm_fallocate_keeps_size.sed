# what: posix_fallocate() beyond the end leaves the size.
# family: shm
# difficulty: medium
# clauses: posix_fallocate.shm
# file: mm/shmem.c
# changes: 1
/^static long shmem_fallocate(/,/^}/{
  s/i_size_write(/if (!FAULT) &/
}
