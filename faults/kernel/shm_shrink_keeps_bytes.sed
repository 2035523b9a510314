# what: What a shorter size cuts off is there again when the object grows.
# family: shm
# difficulty: medium
# clauses: ftruncate.shm.regrow_reads_zero, ftruncate.shm.whole_pages_discarded
# file: mm/shmem.c
# changes: 1
/^static int shmem_setattr(/,/^}/{
  s/if (info->alloced)/if (info->alloced \&\& !FAULT)/
}
