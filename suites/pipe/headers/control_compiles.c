// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
int main(void) { return 0; }
