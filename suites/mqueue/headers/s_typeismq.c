// options: -D_POSIX_C_SOURCE=200809L
#include <sys/stat.h>
int is_queue(struct stat *buffer) { return S_TYPEISMQ(buffer) ? 1 : 0; }
