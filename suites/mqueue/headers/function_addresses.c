// options: -D_POSIX_C_SOURCE=200809L -link -pthread -lrt
#include <mqueue.h>
#undef mq_close
#undef mq_getattr
#undef mq_notify
#undef mq_open
#undef mq_receive
#undef mq_send
#undef mq_setattr
#undef mq_timedreceive
#undef mq_timedsend
#undef mq_unlink
typedef void (*function)(void);
int main(void) {
  function all[] = {(function)mq_close, (function)mq_getattr, (function)mq_notify, (function)mq_open, (function)mq_receive,
                    (function)mq_send, (function)mq_setattr, (function)mq_timedreceive, (function)mq_timedsend, (function)mq_unlink};
  for (unsigned i = 0; i < sizeof all / sizeof *all; ++i) {
    if (!all[i]) return 1;
  }
  return mq_close((mqd_t)-1) + (mq_unlink)("/none");
}
