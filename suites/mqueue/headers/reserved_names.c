// options: -D_POSIX_C_SOURCE=200809L
// Names that an application may use for its macros: the header must not stand on them.
#define abstime the application has this
#define attr the application has this
#define buffer the application has this
#define event the application has this
#define len the application has this
#define length the application has this
#define message the application has this
#define mode the application has this
#define mqdes the application has this
#define mqstat the application has this
#define msg the application has this
#define msg_len the application has this
#define msg_prio the application has this
#define msg_ptr the application has this
#define name the application has this
#define notification the application has this
#define oflag the application has this
#define omqstat the application has this
#define prio the application has this
#define priority the application has this
#define queue the application has this
#define timeout the application has this
#include <mqueue.h>
mqd_t q;
