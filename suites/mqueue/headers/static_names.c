// options: -D_POSIX_C_SOURCE=200809L -link -static -pthread -lrt
// A program's own functions, named as helpers that a library might use but that are not reserved
// (names of the standard's own functions are, with external linkage, and so is the prefix mq_).
#include <mqueue.h>
#include <stdlib.h>
int netlink_socket(int a, int b, int c) { abort(); return a + b + c; }
int create_thread(int a) { abort(); return a; }
int queue_open(int a) { abort(); return a; }
int notify_helper(int a) { abort(); return a; }
int __attribute__((noinline)) clone_helper(void) { return 0; }
int main(void) {
  char byte = 0;
  mqd_t q = mq_open("/none", 0);
  return mq_send(q, &byte, 1, 0) + (int)mq_receive(q, &byte, 1, 0) + clone_helper();
}
