# what: The rest of the last page keeps its bytes when the object shrinks and grows.
# family: shm
# difficulty: medium
# clauses: ftruncate.shm.regrow_partial_page_zero
# file: mm/shmem.c
# changes: 1
/^static void shmem_undo_range(/,/^}/{
  s/shmem_get_partial_folio(inode, lstart/FAULT ? NULL : &/
}
