# what: Pages beyond the end of the object can be used.
# family: shm
# difficulty: easy
# clauses: mmap.end.sigbus, mmap.end.empty_object
# file: mm/shmem.c
# changes: 2
/^static int shmem_get_folio_gfp(/,/^}/{
  s/if (sgp <= SGP_CACHE/if ((FAULT ? sgp == SGP_READ : sgp <= SGP_CACHE)/
}
