// Faults of mq_open().
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "faults/preload/queues.h"

namespace faults {
namespace {

// What stands for attributes that should have been refused: the defaults would take a tenth of the
// room that a user has for queues, and fail where others use it.
constexpr mq_attr SmallAttributes() {
  mq_attr attr{};
  attr.mq_maxmsg = 4;
  attr.mq_msgsize = 16;
  return attr;
}
const mq_attr kSmallAttributes = SmallAttributes();

// A real mq_open(), then something done with the descriptor.
template <mqd_t (*After)(mqd_t, int flags, mode_t, bool created)>
void OpenThen(Hooks& h) {
  h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
    bool there = (f & O_CREAT) && QueueExists(n);
    mqd_t q = OpenQueue(n, f, m, a);
    return q < 0 ? q : After(q, f, m, (f & O_CREAT) && !there);
  };
}

// mq_open() with the attributes of a new queue changed.
template <void (*Change)(mq_attr*)>
void OpenWith(Hooks& h) {
  h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
    mq_attr changed{};
    if (a) {
      changed = *a;
      if (a->mq_maxmsg > 0 && a->mq_msgsize > 0) Change(&changed);
    }
    return OpenQueue(n, f, m, a ? &changed : nullptr);
  };
}

void OneMore(mq_attr* a) {
  if (a->mq_maxmsg > 1 && a->mq_maxmsg < 10) ++a->mq_maxmsg;
}

const Row kFaults[] = {
    {.name = "mq_excl_ignored",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.create.excl_existing_eexist"},
     .what = "O_EXCL has no effect.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             return OpenQueue(n, f & ~O_EXCL, m, a);
           };
         }},
    {.name = "mq_excl_not_atomic",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_open.create.excl_atomic"},
     .what = "O_EXCL looks whether the queue exists, then creates it.",
     .source = "Zephyr POSIX mqueue",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             if (!(f & O_CREAT) || !(f & O_EXCL)) return OpenQueue(n, f, m, a);
             if (QueueExists(n)) return Fail(EEXIST);
             sched_yield();
             return OpenQueue(n, f & ~O_EXCL, m, a);
           };
         }},
    {.name = "mq_creat_race_makes_two",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_open.create.plain_creat_race_one_object"},
     .what = "Processes that create one name at the same time may get queues of their own.",
     .source = "Zephyr POSIX mqueue",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             if (!(f & O_CREAT) || (f & O_EXCL) || QueueExists(n)) return OpenQueue(n, f, m, a);
             sched_yield();
             if (QueueExists(n)) real::mq_unlink(n);
             return OpenQueue(n, f, m, a);
           };
         }},
    {.name = "mq_nonblock_not_recorded",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.oflag.nonblock_recorded", "mq_getattr.flags.follow_open_and_setattr"},
     .what = "O_NONBLOCK in mq_open() has no effect.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             return OpenQueue(n, f & ~O_NONBLOCK, m, a);
           };
         }},
    {.name = "mq_attr_ignored",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.create.attr_values_applied", "mq_getattr.static.as_created"},
     .what = "New queues have default attributes whatever was asked for.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             return OpenQueue(n, f, m, a && a->mq_maxmsg > 0 && a->mq_msgsize > 0 ? nullptr : a);
           };
         }},
    {.name = "mq_msgsize_rounded_up",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.create.attr_values_applied"},
     .what = "mq_msgsize is rounded up to a multiple of 16.",
     .arm = OpenWith<([](mq_attr* a) { a->mq_msgsize = (a->mq_msgsize + 15) / 16 * 16; })>},
    {.name = "mq_capacity_one_more",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.create.capacity_honoured", "mq_open.create.attr_values_applied"},
     .what = "A queue holds one message more than mq_maxmsg.",
     .arm =
         [](Hooks& h) {
           OpenWith<OneMore>(h);
           h.mq_getattr = [](const Obj& o, mq_attr* a) {
             int r = real::mq_getattr(o.fd, a);
             if (r == 0 && a->mq_maxmsg > 2 && a->mq_maxmsg < 10) --a->mq_maxmsg;
             return r;
           };
         }},
    {.name = "mq_capacity_one_less",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.create.capacity_honoured"},
     .what = "A queue holds one message less than mq_maxmsg.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, const timespec* t) {
             mq_attr a = Attributes(o);
             if (a.mq_maxmsg > 1 && a.mq_curmsgs == a.mq_maxmsg - 1 && (a.mq_flags & O_NONBLOCK) &&
                 n <= static_cast<size_t>(a.mq_msgsize)) {
               return Fail(EAGAIN);
             }
             return DefaultHooks().mq_send(o, b, n, p, t);
           };
         }},
    {.name = "mq_attr_flags_honoured",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.create.attr_flags_and_curmsgs_ignored"},
     .what = "mq_flags of the attributes given to mq_open() sets O_NONBLOCK.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             return OpenQueue(n, a && (a->mq_flags & O_NONBLOCK) ? f | O_NONBLOCK : f, m, a);
           };
         }},
    {.name = "mq_attr_curmsgs_checked",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.create.attr_flags_and_curmsgs_ignored"},
     .what = "mq_curmsgs other than 0 in the attributes is EINVAL.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             return a && a->mq_curmsgs != 0 ? Fail(EINVAL) : OpenQueue(n, f, m, a);
           };
         }},
    {.name = "mq_umask_ignored",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.create.mode_filtered_by_umask"},
     .what = "The file mode creation mask is not applied.",
     .source = "Linux before 2.6.14",
     .arm = OpenThen<([](mqd_t q, int, mode_t m, bool created) {
       if (created) real::fchmod(q, m & 0777);
       return q;
     })>},
    {.name = "mq_mode_world_open",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.perm.access_matrix", "mq_open.perm.owner_class_wins"},
     .what = "New queues give everybody access.",
     .arm = OpenThen<([](mqd_t q, int, mode_t, bool created) {
       if (created) real::fchmod(q, 0666);
       return q;
     })>},
    {.name = "mq_creat_changes_existing_mode",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.create.existing_ignores_mode_and_attr"},
     .what = "O_CREAT of an existing queue sets its mode.",
     .arm = OpenThen<([](mqd_t q, int f, mode_t m, bool created) {
       if ((f & O_CREAT) && !created) real::fchmod(q, m & 0777);
       return q;
     })>},
    {.name = "mq_existing_attr_checked",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.create.existing_ignores_mode_and_attr"},
     .what = "O_CREAT of an existing queue with other attributes fails with EINVAL.",
     .source = "FreeBSD, for attributes above its limits",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             bool there = (f & O_CREAT) && !(f & O_EXCL) && a && QueueExists(n);
             mqd_t q = OpenQueue(n, f, m, a);
             if (q < 0 || !there) return q;
             mq_attr is = Attributes(ObjectOf(q));
             if (is.mq_maxmsg == a->mq_maxmsg && is.mq_msgsize == a->mq_msgsize) return q;
             real::mq_close(q);
             return Fail(EINVAL);
           };
         }},
    {.name = "mq_nonpositive_attr_accepted",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.create.nonpositive_attr_einval"},
     .what = "Attributes of 0 or less mean small ones.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             bool bad = a && (f & O_CREAT) && (a->mq_maxmsg <= 0 || a->mq_msgsize <= 0);
             return OpenQueue(n, f, m, bad ? &kSmallAttributes : a);
           };
         }},
    {.name = "mq_negative_msgsize_accepted",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.create.nonpositive_attr_einval"},
     .what = "A negative mq_msgsize is not noticed; other bad values are.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             bool bad = a && (f & O_CREAT) && a->mq_maxmsg > 0 && a->mq_msgsize < 0;
             return OpenQueue(n, f, m, bad ? &kSmallAttributes : a);
           };
         }},
    {.name = "mq_enoent_as_einval",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.nocreat.missing_enoent"},
     .what = "A missing queue is reported as EINVAL.",
     .arm = Edit<&Hooks::mq_open>::Errno<ENOENT, EINVAL>},
    {.name = "mq_eexist_as_eacces",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.create.excl_existing_eexist"},
     .what = "O_EXCL on an existing queue fails with EACCES.",
     .arm = Edit<&Hooks::mq_open>::Errno<EEXIST, EACCES>},
    {.name = "mq_eacces_as_enoent",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.perm.access_matrix", "mq_open.perm.creat_on_existing_still_checked"},
     .what = "Missing permission is reported as ENOENT.",
     .arm = Edit<&Hooks::mq_open>::Errno<EACCES, ENOENT>},
    {.name = "mq_emfile_as_enospc",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.error.emfile"},
     .what = "A full descriptor table is reported as ENOSPC.",
     .arm = Edit<&Hooks::mq_open>::Errno<EMFILE, ENOSPC>},
    {.name = "mq_open_empties_queue",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.open_leaves_messages"},
     .what = "Opening a queue throws its messages away.",
     .arm = OpenThen<([](mqd_t q, int, mode_t, bool) { return DrainQueue(q), q; })>},
    {.name = "mq_readonly_open_empties_queue",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_open.open_leaves_messages"},
     .what = "Opening a queue with O_RDONLY takes its first message.",
     .arm = OpenThen<([](mqd_t q, int f, mode_t, bool) {
       if ((f & O_ACCMODE) == O_RDONLY) {
         RearrangeWith(ObjectOf(q), [](Message* m, int& n) {
           for (int i = 1; i < n; ++i) m[i - 1] = m[i];
           n -= n > 0;
         });
       }
       return q;
     })>},
    {.name = "mq_open_reuses_description",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.basic.separate_descriptions", "mq_setattr.scope.this_description_only"},
     .what = "A second mq_open() in the same process shares flags with the first.",
     .arm = OpenThen<([](mqd_t q, int f, mode_t, bool) {
       Obj mine = ObjectOf(q);
       int found = -1;
       ForEachQueue([&](const Obj& o) {
         if (o.key() == mine.key() && o.fd != q && AccessMode(o) == (f & O_ACCMODE)) found = o.fd;
       });
       if (found >= 0) real::dup3(found, q, O_CLOEXEC);
       return q;
     })>},
    {.name = "mq_access_mode_not_checked",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.error.ebadf", "mq_receive.error.ebadf"},
     .what = "Every descriptor can send and receive.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             mqd_t q =
                 (f & O_ACCMODE) == O_RDWR ? -1 : OpenQueue(n, (f & ~O_ACCMODE) | O_RDWR, m, a);
             return q >= 0 ? q : OpenQueue(n, f, m, a);
           };
         }},
    {.name = "mq_access_modes_swapped",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_open.oflag.access_modes_usable", "mq_send.error.ebadf",
                 "mq_receive.error.ebadf"},
     .what = "O_RDONLY can only send and O_WRONLY only receive.",
     .source = "FreeBSD freebsd32 compatibility calls",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             int mode = f & O_ACCMODE;
             int other = mode == O_RDONLY ? O_WRONLY : mode == O_WRONLY ? O_RDONLY : mode;
             return OpenQueue(n, (f & ~O_ACCMODE) | other, m, a);
           };
         }},
    {.name = "mq_name_14_characters",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.name.leading_slash_same_object"},
     .what = "Names are cut off at 14 characters.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             char cut[16];
             std::snprintf(cut, sizeof cut, "%s", n);
             return OpenQueue(std::strlen(n) < 200 ? cut : n, f, m, a);
           };
           h.mq_unlink = [](const char* n) {
             char cut[16];
             std::snprintf(cut, sizeof cut, "%s", n);
             return real::mq_unlink(std::strlen(n) < 200 ? cut : n);
           };
         }},
    {.name = "mq_name_255_refused",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.name.xsi_minimum_length_accepted"},
     .what = "A name of a slash and 255 letters is too long.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             return std::strlen(n) >= 256 ? Fail(ENAMETOOLONG) : OpenQueue(n, f, m, a);
           };
         }},
    {.name = "mq_seven_descriptors",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_open.limit.eight_descriptors"},
     .what = "A process can have seven queues open.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             int open = 0;
             ForEachQueue([&](const Obj&) { ++open; });
             return open >= 7 ? Fail(EMFILE) : OpenQueue(n, f, m, a);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
