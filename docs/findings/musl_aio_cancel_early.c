/* When aio_cancel() returns AIO_CANCELED, aio_error() reports ECANCELED. musl returns before it has
 * stored that, so that a request just cancelled can seem to be in progress.
 * XSH aio_cancel(), DESCRIPTION. 0: conforms, 1: deviates (not in every run), 77: cannot tell. */
#define _GNU_SOURCE
#include <aio.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  int p[2], cancelled = 0;
  if (pipe(p) != 0) return perror("pipe"), 77;
  for (int i = 0; i < 2000; ++i) {
    char byte;
    struct aiocb request;
    memset(&request, 0, sizeof request);
    request.aio_fildes = p[0];
    request.aio_buf = &byte;
    request.aio_nbytes = 1;
    if (aio_read(&request) != 0) return perror("aio_read"), 77;
    if (aio_cancel(p[0], &request) != AIO_CANCELED) {
      const struct aiocb* const list[] = {&request};
      if (write(p[1], "x", 1) != 1 || aio_suspend(list, 1, NULL) != 0) return 77;
      continue;
    }
    ++cancelled;
    const int error = aio_error(&request);
    if (error != ECANCELED) {
      printf("aio_error() after AIO_CANCELED, try %d: %s\n", cancelled, strerror(error));
      return 1;
    }
  }
  printf("%d of 2000 requests were cancelled, each with ECANCELED\n", cancelled);
  return cancelled ? 0 : 77;
}
