// Witnesses of bank_queue_open.cc and bank_queue_object.cc.
#include <sched.h>
#include <sys/time.h>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
mqd_t Open(const std::string& name, int flags, mode_t mode = 0600, long maxmsg = 4,
           long msgsize = 16) {
  mq_attr a{};
  a.mq_maxmsg = maxmsg;
  a.mq_msgsize = msgsize;
  return mq_open(name.c_str(), flags, mode, &a);
}
mq_attr Attr(mqd_t q) {
  mq_attr a{};
  mq_getattr(q, &a);
  return a;
}
mode_t ModeOf(mqd_t q) {
  struct stat s {};
  fstat(q, &s);
  return s.st_mode & 0777;
}
void SetFlags(mqd_t q, long flags, long maxmsg = 0) {
  mq_attr a{};
  a.mq_flags = flags;
  a.mq_maxmsg = maxmsg;
  mq_setattr(q, &a, nullptr);
}
// Whether two processes that open the name at the same time make `both` true.
bool Race(int flags, bool (*both)(mqd_t mine, ino_t mine_ino, ino_t other_ino)) {
  static ino_t* shared = static_cast<ino_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (int64_t end = NowNs() + kRaceNs; NowNs() < end;) {
    std::string name = NewName("race");
    auto inode = [](mqd_t q) {
      struct stat s {};
      return q >= 0 && fstat(q, &s) == 0 ? s.st_ino : 0;
    };
    __atomic_store_n(&shared[0], 0, __ATOMIC_SEQ_CST);
    Child c([&] {
      __atomic_store_n(&shared[0], 1, __ATOMIC_SEQ_CST);
      shared[1] = inode(Open(name, flags));
      return 0;
    });
    while (__atomic_load_n(&shared[0], __ATOMIC_SEQ_CST) == 0) sched_yield();
    mqd_t q = Open(name, flags);
    c.Exit();
    bool found = both(q, inode(q), shared[1]);
    mq_close(q);
    mq_unlink(name.c_str());
    if (found) return true;
  }
  return false;
}
}  // namespace

WITNESS(mq_excl_ignored) {
  Queue q;
  return Open(q.name, O_CREAT | O_EXCL | O_RDWR) >= 0;
}
WITNESS(mq_excl_not_atomic) {
  return Race(O_CREAT | O_EXCL | O_RDWR, [](mqd_t, ino_t a, ino_t b) { return a != 0 && b != 0; });
}
WITNESS(mq_creat_race_makes_two) {
  return Race(O_CREAT | O_RDWR, [](mqd_t, ino_t a, ino_t b) { return a != b && a && b; });
}
WITNESS(mq_nonblock_not_recorded) { return Queue(4, 16, O_NONBLOCK).Attr().mq_flags == 0; }
WITNESS(mq_attr_ignored) { return Queue(3, 17).Attr().mq_maxmsg != 3; }
WITNESS(mq_msgsize_rounded_up) { return Queue(3, 17).Attr().mq_msgsize == 32; }
WITNESS(mq_capacity_one_more) {
  Queue q(3, 16, O_NONBLOCK);
  for (int i = 0; i < 3; ++i) q.Send("x");
  return q.Send("x") == 0;
}
WITNESS(mq_capacity_one_less) {
  Queue q(3, 16, O_NONBLOCK);
  q.Send("x"), q.Send("x");
  return q.Send("x") == -1;
}
WITNESS(mq_attr_flags_honoured) {
  std::string name = NewName("flags");
  mq_attr a{};
  a.mq_flags = O_NONBLOCK, a.mq_maxmsg = 2, a.mq_msgsize = 8;
  mqd_t q = mq_open(name.c_str(), O_CREAT | O_RDWR, 0600, &a);
  mq_unlink(name.c_str());
  return Attr(q).mq_flags != 0;
}
WITNESS(mq_attr_curmsgs_checked) {
  std::string name = NewName("curmsgs");
  mq_attr a{};
  a.mq_curmsgs = 5, a.mq_maxmsg = 2, a.mq_msgsize = 8;
  mqd_t q = mq_open(name.c_str(), O_CREAT | O_RDWR, 0600, &a);
  mq_unlink(name.c_str());
  return q < 0;
}
WITNESS(mq_umask_ignored) {
  std::string name = NewName("mask");
  umask(077);
  mqd_t q = Open(name, O_CREAT | O_RDWR, 0666);
  mq_unlink(name.c_str());
  return ModeOf(q) == 0666;
}
WITNESS(mq_mode_world_open) { return ModeOf(Queue().q) == 0666; }
WITNESS(mq_creat_changes_existing_mode) {
  Queue q;
  Open(q.name, O_CREAT | O_RDWR, 0644);
  return ModeOf(q.q) == 0644;
}
WITNESS(mq_existing_attr_checked) {
  Queue q;
  return Open(q.name, O_CREAT | O_RDWR, 0600, 2, 8) < 0;
}
WITNESS(mq_nonpositive_attr_accepted) {
  return Open(NewName("zero"), O_CREAT | O_RDWR, 0600, 0) >= 0;
}
WITNESS(mq_negative_msgsize_accepted) {
  return Open(NewName("neg"), O_CREAT | O_RDWR, 0600, 4, -1) >= 0;
}
WITNESS(mq_enoent_as_einval) { return Fails(Open(NewName("none"), O_RDWR), EINVAL); }
WITNESS(mq_eexist_as_eacces) {
  Queue q;
  return Fails(Open(q.name, O_CREAT | O_EXCL | O_RDWR), EACCES);
}
WITNESS(mq_eacces_as_enoent) {
  Queue q(4, 16, 0, 0000);
  return Unprivileged([&] { return Fails(Open(q.name, O_RDWR), ENOENT); }) == 1;
}
WITNESS(mq_emfile_as_enospc) {
  Queue q;
  return Child([&] {
           LimitDescriptors(0);
           return Fails(Open(q.name, O_RDWR), ENOSPC);
         }).Exit() == 1;
}
WITNESS(mq_open_empties_queue) {
  Queue q;
  q.Send("x");
  Open(q.name, O_WRONLY);
  return q.Attr().mq_curmsgs == 0;
}
WITNESS(mq_readonly_open_empties_queue) {
  Queue q;
  q.Send("x"), q.Send("y");
  Open(q.name, O_RDONLY);
  return q.Attr().mq_curmsgs == 1;
}
WITNESS(mq_open_reuses_description) {
  Queue q;
  mqd_t other = Open(q.name, O_RDWR);
  SetFlags(q.q, O_NONBLOCK);
  return Attr(other).mq_flags != 0;
}
WITNESS(mq_access_mode_not_checked) {
  Queue q;
  return mq_send(Open(q.name, O_RDONLY), "x", 1, 0) == 0;
}
WITNESS(mq_access_modes_swapped) {
  Queue q;
  return mq_send(Open(q.name, O_RDONLY), "x", 1, 0) == 0 &&
         mq_send(Open(q.name, O_WRONLY), "x", 1, 0) < 0;
}
WITNESS(mq_name_14_characters) {
  std::string base = "/ipcwitness-long-name";
  mqd_t a = Open(base + "-a", O_CREAT | O_RDWR), b = Open(base + "-b", O_CREAT | O_RDWR);
  mq_send(a, "x", 1, 0);
  bool same = Attr(b).mq_curmsgs == 1;
  mq_unlink((base + "-a").c_str()), mq_unlink((base + "-b").c_str());
  return same;
}
WITNESS(mq_name_255_refused) {
  std::string name = "/" + std::string(255 - 20, 'n') + std::to_string(getpid() + 100000000);
  name.resize(256, 'x');
  mqd_t q = Open(name, O_CREAT | O_RDWR);
  bool refused = Fails(q, ENAMETOOLONG);
  mq_unlink(name.c_str());
  return refused;
}
WITNESS(mq_seven_descriptors) {
  Queue q;
  for (int i = 0; i < 6; ++i) Open(q.name, O_RDWR);
  return Open(q.name, O_RDWR) < 0;
}
WITNESS(mq_close_destroys_queue) {
  Queue q;
  q.Send("x");
  mq_close(q.q);
  q.q = Open(q.name, O_RDWR);
  return q.Attr().mq_curmsgs == 0;
}
WITNESS(mq_close_bad_descriptor_succeeds) { return mq_close(900) == 0; }
WITNESS(mq_unlink_does_nothing) {
  Queue q;
  return mq_unlink(q.name.c_str()) == 0 && Open(q.name, O_RDWR) >= 0;
}
WITNESS(mq_unlink_busy) {
  Queue q;
  return Fails(mq_unlink(q.name.c_str()), EBUSY);
}
WITNESS(mq_unlink_waits_for_last_close) {
  Queue q;
  return mq_unlink(q.name.c_str()) == 0 && Open(q.name, O_RDWR) >= 0;
}
WITNESS(mq_unlink_empties_queue) {
  Queue q;
  q.Send("x");
  mq_unlink(q.name.c_str());
  return q.Attr().mq_curmsgs == 0;
}
WITNESS(mq_unlink_missing_succeeds) { return mq_unlink(NewName("none").c_str()) == 0; }
WITNESS(mq_unlinked_queue_leaks) {
  return Child([] {
           if (setuid(4711) != 0 && errno != EPERM) return 50;
           rlimit l{20000, 20000};
           setrlimit(RLIMIT_MSGQUEUE, &l);
           for (int i = 0; i < 50; ++i) {
             Queue q(4, 512);
             if (q.q < 0) return i > 0 ? 1 : 50;
             mq_unlink(q.name.c_str());
           }
           return 0;
         }).Exit() == 1;
}
WITNESS(mq_getattr_curmsgs_zero) {
  Queue q;
  q.Send("x");
  return q.Attr().mq_curmsgs == 0;
}
WITNESS(mq_getattr_curmsgs_saturates) {
  Queue q(2);
  q.Send("x"), q.Send("x");
  return q.Attr().mq_curmsgs == 1;
}
WITNESS(mq_getattr_flags_stale) {
  Queue q;
  SetFlags(q.q, O_NONBLOCK);
  return q.Attr().mq_flags == 0;
}
WITNESS(mq_getattr_of_write_only_fails) {
  Queue q;
  mq_attr a;
  return mq_getattr(Open(q.name, O_WRONLY), &a) == -1;
}
WITNESS(mq_setattr_checks_other_members) {
  Queue q;
  mq_attr a{};
  a.mq_maxmsg = 77;
  return Fails(mq_setattr(q.q, &a, nullptr), EINVAL);
}
WITNESS(mq_setattr_ignored) {
  Queue q;
  SetFlags(q.q, O_NONBLOCK);
  return q.Attr().mq_flags == 0;
}
WITNESS(mq_setattr_cannot_clear) {
  Queue q(4, 16, O_NONBLOCK);
  SetFlags(q.q, 0);
  return q.Attr().mq_flags != 0;
}
WITNESS(mq_setattr_reports_new_state) {
  Queue q;
  mq_attr now{}, old{};
  now.mq_flags = O_NONBLOCK;
  mq_setattr(q.q, &now, &old);
  return old.mq_flags != 0;
}
WITNESS(mq_setattr_whole_queue) {
  Queue q;
  mqd_t other = Open(q.name, O_RDWR);
  SetFlags(q.q, O_NONBLOCK);
  return Attr(other).mq_flags != 0;
}
WITNESS(mq_setattr_bad_descriptor_succeeds) {
  mq_attr a{};
  return mq_setattr(900, &a, nullptr) == 0;
}
WITNESS(fork_child_loses_queues) {
  Queue q;
  mq_attr a;
  return Child([&] { return mq_getattr(q.q, &a) < 0; }).Exit() == 1;
}
WITNESS(fork_child_gets_new_queue_descriptions) {
  Queue q;
  Child([&] { return SetFlags(q.q, O_NONBLOCK), 0; }).Exit();
  return q.Attr().mq_flags == 0;
}
WITNESS(fork_child_close_closes_parent) {
  Queue q;
  Child([&] { return mq_close(q.q); }).Exit();
  return q.Send("x") == -1;
}
WITNESS(exec_keeps_queues) {
  Queue q;
  return Child([&] { return ExecSelf("fd-open", q.q); }).Exit(5000) == 1;
}
WITNESS(mq_messages_go_when_unreferenced) {
  Queue q;
  q.Send("x");
  mq_close(q.q);
  q.q = Open(q.name, O_RDWR);
  return q.Attr().mq_curmsgs == 0;
}
WITNESS(sysconf_no_message_passing) { return sysconf(_SC_MESSAGE_PASSING) == -1; }
WITNESS(sysconf_mq_prio_max_too_small) { return sysconf(_SC_MQ_PRIO_MAX) == 16; }
WITNESS(sysconf_mq_open_max_too_small) { return sysconf(_SC_MQ_OPEN_MAX) == 4; }

// Room comes 20 ms after the wait has ended.
WITNESS(mq_send_interrupted_stays_queued) {
  Queue q(1);
  q.Fill();
  Handle(SIGALRM);
  Child receiver([&] {
    Nap(40);
    return q.Receive().empty() ? 1 : 0;
  });
  const itimerval soon{{0, 0}, {0, 20'000}};
  setitimer(ITIMER_REAL, &soon, nullptr);
  if (!Fails(q.Send("late"), EINTR)) return false;
  receiver.Exit();
  return q.Attr().mq_curmsgs == 1;
}
WITNESS(mq_timedsend_timed_out_stays_queued) {
  Queue q(1);
  q.Fill();
  Child receiver([&] {
    Nap(40);
    return q.Receive().empty() ? 1 : 0;
  });
  const timespec deadline = InMs(20);
  if (!Fails(mq_timedsend(q.q, "late", 4, 0, &deadline), ETIMEDOUT)) return false;
  receiver.Exit();
  return q.Attr().mq_curmsgs == 1;
}
