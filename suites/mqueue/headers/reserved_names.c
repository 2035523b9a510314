// options: -D_POSIX_C_SOURCE=200809L
// Names that an application may use for its macros: the header must not stand on them.
#define abstime application's
#define attr application's
#define buffer application's
#define event application's
#define len application's
#define length application's
#define message application's
#define mode application's
#define mqdes application's
#define mqstat application's
#define msg application's
#define msg_len application's
#define msg_prio application's
#define msg_ptr application's
#define name application's
#define notification application's
#define oflag application's
#define omqstat application's
#define prio application's
#define priority application's
#define queue application's
#define timeout application's
#include <mqueue.h>
mqd_t q;
