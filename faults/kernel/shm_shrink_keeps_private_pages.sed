# what: Pages that private mappings have copied stay beyond the new end.
# family: shm
# difficulty: hard
# clauses: ftruncate.shm.discard_private_mapping
# file: mm/shmem.c
# changes: 2
/^static int shmem_setattr(/,/^}/{
  s/if (oldsize > holebegin)/if (oldsize > holebegin \&\& !FAULT)/
}
